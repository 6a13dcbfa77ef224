"""What has to happen to each process: nothing, RELOAD, a restart, a start or a stop. Pure functions.

Whether a setting needs a restart is what the running version says in ``SHOW CONFIG``, column ``changeable``.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..console import Row
from ..known_settings import Version, text_of
from .declared import CONSOLE
from .dry_run import COMPARED_AS_TEXT, NOT_COMPARED, Trial

NOTHING, RELOAD, RESTART, START, STOP = "none", "reload", "restart", "start", "stop"
_DATABASE_COLUMNS = (
    "host", "port", "database", "force_user", "pool_size", "min_pool_size", "reserve_pool", "reserve_pool_size",
    "server_lifetime", "pool_mode", "load_balance_hosts", "max_connections", "max_client_connections",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Running:
    """One process as it is.

    :param config: ``SHOW CONFIG`` by setting.
    :param stamp: the fingerprint of what it was last told to read; ``None`` when nobody noted one.
    :param started_at: time stamp of its start; ``None`` when it cannot be told.
    """

    version: Version | None
    config: dict[str, Row]
    databases: list[Row]
    stamp: str | None = None
    started_at: float | None = None


@dataclasses.dataclass(frozen=True)
class Expected:
    """One process as it shall be.

    :param own: settings that the trial had otherwise, as text.
    :param digest: the fingerprint of what it reads.
    :param changed_at: when the last of its files got its contents; infinite when one is about to be written.
    :param unit_changed_at: the same for the unit file it is started from.
    """

    version: Version
    trial: Trial
    own: dict[str, str]
    digest: str
    changed_at: float
    unit_changed_at: float = 0.0


@dataclasses.dataclass(frozen=True)
class Decision:
    process: int
    action: str
    reasons: tuple[str, ...] = ()
    reload_reasons: tuple[str, ...] = ()

    def without_restart(self) -> Decision:
        """The part of this that can be done to a process which must not, or cannot, be started here."""
        if self.reload_reasons:
            return Decision(self.process, RELOAD, self.reload_reasons)
        return Decision(self.process, NOTHING)

    @property
    def needs_a_start(self) -> bool:
        return self.action in (RESTART, START, STOP)

    def summary(self) -> dict[str, t.Any]:
        return {"process": self.process, "action": self.action, "reasons": list(self.reasons)}


def decide(process: int, expected: Expected, running: Running | None) -> Decision:
    """The mildest thing that brings one process to what is expected."""
    if running is None:
        return Decision(process, START, ("it does not run",))
    restart: list[str] = []
    reload: list[str] = []
    if running.version != expected.version:
        found = text_of(running.version) if running.version else "an unknown version"
        restart.append(f"runs {found}, installed is {text_of(expected.version)}")
    if running.started_at is not None and expected.unit_changed_at > running.started_at:
        restart.append("its unit changed after it was started")
    for name, before, after, changeable in different_settings(expected, running):
        (reload if changeable else restart).append(f"{name}: {before!r} -> {after!r}")
    reload += [f"database {name}" for name in different_databases(expected.trial.databases, running.databases)]
    if not reload and not _has_read(expected, running):
        reload.append("its files changed after it read them")
    if restart:
        return Decision(process, RESTART, tuple(restart + reload), tuple(reload))
    return Decision(process, RELOAD if reload else NOTHING, tuple(reload))


def different_settings(expected: Expected, running: Running) -> list[tuple[str, str, str, bool]]:
    """Settings with another value than expected: name, running value, expected value, whether RELOAD changes it."""
    found = []
    for name, row in running.config.items():
        if name in NOT_COMPARED:
            continue
        if name in COMPARED_AS_TEXT:
            after = expected.own.get(name, _text(row.get("default")) if name == "syslog" else None)
        elif name in expected.trial.config:
            after = _text(expected.trial.config[name]["value"])
        else:
            continue
        before = _text(row["value"])
        if after is not None and before != after:
            found.append((name, before, after, row.get("changeable") == "yes"))
    return found


def different_databases(expected: list[Row], running: list[Row]) -> list[str]:
    """Names of databases that are missing or different. What the fallback ``*`` made is nobody's business."""
    live = {row["name"]: row for row in running}
    found = []
    for row in expected:
        if row["name"] == CONSOLE:
            continue
        other = live.get(row["name"])
        if other is None or any(_text(row[key]) != _text(other.get(key)) for key in _DATABASE_COLUMNS if key in row):
            found.append(row["name"])
    return found


def _has_read(expected: Expected, running: Running) -> bool:
    if running.stamp is not None:
        return running.stamp == expected.digest
    return running.started_at is not None and running.started_at > expected.changed_at


def _text(value: t.Any) -> str:
    return "" if value is None else str(value)
