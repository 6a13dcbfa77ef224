"""What each version knows, and which holes it has."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer import known_settings


@pytest.mark.parametrize(
    ("name", "version", "problem"),
    [
        ("max_client_conn", (1, 16, 1), None),
        ("max_clients_conn", (1, 25, 2), "did you mean 'max_client_conn'"),
        ("peer_id", (1, 18, 0), "needs PgBouncer 1.19.0, this is 1.18.0"),
        ("peer_id", (1, 19, 0), None),
        ("transaction_timeout", (1, 24, 1), "needs PgBouncer 1.25.0"),
        ("suspend_timeout", (1, 25, 2), None),
        ("suspend_timeout", (1, 26, 0), "was removed in PgBouncer 1.26.0"),
    ],
)
def test_settings(name: str, version: known_settings.Version, problem: str | None) -> None:
    found = known_settings.why_unknown(name, known_settings.SETTINGS, version)
    assert (found is None) if problem is None else (problem in (found or ""))


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        ((1, 16, 1), "CVE-2025-2291", "CVE-2026-107350"),
        ((1, 18, 0), "CVE-2026-107350", "CVE-2026-107349"),
        ((1, 24, 1), "CVE-2025-12819", "CVE-2025-2291"),
        ((1, 25, 2), "CVE-2026-107350", "CVE-2026-6664"),
        ((1, 25, 2), "pgbouncer#1504", "CVE-2026-6665"),
        ((1, 25, 0), "CVE-2026-107350", "pgbouncer#1504"),
        ((1, 26, 0), "CVE-2026-107349", "CVE-2026-19888"),
    ],
)
def test_holes(version: known_settings.Version, has: str, has_not: str) -> None:
    names = [hole.split()[0] for hole in known_settings.known_holes(version)]
    assert has in names
    assert has_not not in names


def test_newest_has_none() -> None:
    assert known_settings.known_holes((1, 26, 1)) == []


@pytest.mark.parametrize(
    ("text", "version"),
    [("PgBouncer 1.25.2\nlibevent 2.1.12", (1, 25, 2)), ("1.16", (1, 16, 0)), ("none", None)],
)
def test_versions(text: str, version: known_settings.Version | None) -> None:
    assert known_settings.parse_version(text) == version
