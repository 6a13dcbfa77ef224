# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: lists of identifiers, what counts as the same value, and the statements."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents import settings
from ansible_collections.groundwork.databases.plugins.module_utils._pg.quoting import identifier
from hypothesis import given
from hypothesis import strategies as st

LISTS = [
    ("public", ["public"]),
    ('"$user", public', ["$user", "public"]),
    ('app,"Mixed Case" , Public', ["app", "Mixed Case", "public"]),
    ('"we""ird", "with,comma"', ['we"ird', "with,comma"]),
    ('""', [""]),
    ("", []),
]


@pytest.mark.parametrize(("text", "members"), LISTS)
def test_items_of_a_list(text: str, members: list[str]) -> None:
    assert settings.items(text) == members


@given(
    st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12), max_size=5)
)
def test_quoted_members_come_back(members: list[str]) -> None:
    assert settings.items(", ".join(identifier(member) for member in members)) == members


SAME = [
    ("work_mem", "64MB", "64MB", True),
    ("work_mem", "64MB", "65536kB", False),
    ("jit", "off", False, True),
    ("jit", "false", False, True),
    ("jit", "on", False, False),
    ("statement_timeout", "30", 30, True),
    ("search_path", '"$user", public', ["$user", "public"], True),
    ("search_path", '"$user", public', '"$user",public', True),
    ("search_path", "public, app", ["app", "public"], False),
    ("search_path", None, ["public"], False),
    ("app.tenant", "Ünïcode'x", "Ünïcode'x", True),
    ("DateStyle", "ISO, DMY", ["ISO", "DMY"], True),
]


@pytest.mark.parametrize(("name", "stored", "value", "same"), SAME)
def test_same(name: str, stored: str | None, value: t.Any, same: bool) -> None:
    assert settings.same(name, stored, settings.wanted_text(name, value)) is same


STATEMENTS: list[tuple[dict[str, t.Any], dict[str, str], bool, list[str]]] = [
    ({"work_mem": "64MB"}, {}, False, ["""ALTER ROLE "x" SET "work_mem" TO '64MB'"""]),
    ({"work_mem": "64MB"}, {"work_mem": "64MB"}, False, []),
    ({"search_path": ["$user", "a'b"]}, {}, False, ["""ALTER ROLE "x" SET "search_path" TO '$user', 'a''b'"""]),
    ({"search_path": []}, {}, False, ["""ALTER ROLE "x" SET "search_path" TO ''"""]),
    ({"search_path": []}, {"search_path": '""'}, False, []),
    ({"work_mem": None}, {"work_mem": "1MB"}, False, ["""ALTER ROLE "x" RESET "work_mem\""""]),
    ({"work_mem": None}, {}, False, []),
    ({"app.user": 1}, {}, False, ["""ALTER ROLE "x" SET "app"."user" TO '1'"""]),
    ({"TimeZone": "UTC"}, {"timezone": "UTC"}, False, []),
    ({"jit": True}, {"jit": "on", "work_mem": "1MB"}, False, []),
    ({"jit": True}, {"jit": "on", "work_mem": "1MB"}, True, ["""ALTER ROLE "x" RESET "work_mem\""""]),
]


@pytest.mark.parametrize(("wanted", "stored", "purge", "statements"), STATEMENTS)
def test_statements(wanted: dict[str, t.Any], stored: dict[str, str], purge: bool, statements: list[str]) -> None:
    steps = settings.steps('ALTER ROLE "x"', "role setting", "x", wanted, stored, purge)
    assert [step.sql for step in steps] == statements


def test_unset_settings_are_untouched_even_when_purging() -> None:
    assert settings.steps('ALTER ROLE "x"', "role setting", "x", None, {"jit": "on"}, True) == []
