"""The lock that keeps two runs apart: Flyway's own advisory lock, taken for the session."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._migration.java_text import string_hash
from ...session import Session, SqlError
from ..history.table import Table

#: Flyway's ``PostgreSQLAdvisoryLockTemplate`` adds the hash of the quoted table name to this number.
_FLYWAY_BASE = 77431708279161
_POLL_SECONDS = 1.0

_HOLDERS = """
SELECT a.pid, a.application_name, a.usename, a.state, a.query, EXTRACT(EPOCH FROM now() - a.backend_start)::bigint
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = %s
"""


#: What a run sends in front of a script's first statements, see ``Surroundings.begin``: it tells nobody anything.
_OPENING = re.compile(r"\ABEGIN; [^\n]*;\n")


@dataclasses.dataclass(frozen=True)
class Holder:
    """Another session that is in the way."""

    pid: int
    application: str
    user: str
    state: str
    query: str
    seconds: int

    def __str__(self) -> str:
        query = " ".join(_OPENING.sub("", self.query or "").split())
        name = self.application or "no application name"
        shown = f", {self.state}: {query[:120]}" if query else ""
        return f"pid {self.pid} ({name}, user {self.user}, for {self.seconds} s{shown})"

    def facts(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


def key(table: Table) -> int:
    """The lock's number, the same as Flyway's for this table."""
    return _FLYWAY_BASE + string_hash(table.qualified)


def holders(session: Session, table: Table) -> list[Holder]:
    """The sessions that hold the lock now: at most one."""
    return [Holder(*row) for row in session.rows(_HOLDERS, key(table))]


class RunLock:
    """Held from before the history is read until everything is written.

    Tries and sleeps instead of waiting inside the server: a waiting statement holds a snapshot, and two waiting runs
    with a ``CREATE INDEX CONCURRENTLY`` then wait for each other for ever.
    """

    def __init__(self, session: Session, table: Table, retries: int, deadline: float | None) -> None:
        self._session = session
        self._key = key(table)
        self._table = table
        self._retries = retries
        self._deadline = deadline

    def __enter__(self) -> RunLock:
        started = time.monotonic()
        attempt = 0
        while not self._session.value("SELECT pg_catalog.pg_try_advisory_lock(%s)", self._key):
            attempt += 1
            late = self._deadline is not None and time.monotonic() + _POLL_SECONDS > self._deadline
            if late or 0 <= self._retries <= attempt:
                raise self._refused(time.monotonic() - started)
            time.sleep(_POLL_SECONDS)
        if not self._held():
            raise pooled_session()
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._session.is_lost:
            return
        # When the session breaks here the server lets go of the lock itself.
        with contextlib.suppress(SqlError):
            self._session.rollback()
            self._session.value("SELECT pg_catalog.pg_advisory_unlock(%s)", self._key)

    def _held(self) -> bool:
        """Whether the server process that answers now is the one that holds the lock."""
        own = self._session.value("SELECT pg_catalog.pg_backend_pid()")
        return any(holder.pid == own for holder in holders(self._session, self._table))

    def _refused(self, waited: float) -> GroundworkError:
        found = holders(self._session, self._table)
        who = "; ".join(str(holder) for holder in found) or "a session that has just ended"
        return GroundworkError(
            "Number of retries exceeded while attempting to acquire PostgreSQL advisory lock. "
            f"It is held by {who}; waited {waited:.0f} s.",
            where=self._table.qualified,
            untouched="the database",
            code=ErrorCode.LOCKED,
            hint="Another run (of this module or of Flyway) migrates this schema. Wait for it, or raise "
            "lock_retry_count.",
            details={"lock_holders": [holder.facts() for holder in found]},
        )


def refuse_transaction_pooling(session: Session, reopen: t.Callable[[], Session]) -> None:
    """Refuse a pooler that gives every transaction another server process: a session's lock would stay behind in the
    pool.

    A pooler invents the process number that libpq is told, so a number that differs from the server's own betrays one.
    It pools by transaction when a second client, while the first is still connected, is served by the first one's
    process.

    :raises GroundworkError: it does.
    """
    own = session.value("SELECT pg_catalog.pg_backend_pid()")
    if own == session.pid:
        return
    other = reopen()
    try:
        for _attempt in range(3):
            if other.value("SELECT pg_catalog.pg_backend_pid()") == own:
                raise pooled_session()
    finally:
        other.close()
    if session.value("SELECT pg_catalog.pg_backend_pid()") != own:
        raise pooled_session()


def pooled_session() -> GroundworkError:
    return GroundworkError(
        "The connection goes through a pooler in transaction mode (such as PgBouncer with "
        "pool_mode=transaction), where a "
        "session's lock, role and settings do not stay with the session.",
        untouched="the database",
        code=ErrorCode.POOLED_CONNECTION,
        hint="Connect to the server itself, or to a pool with pool_mode=session.",
    )
