"""The first half of a concurrent detach: the partition is left pending detach, with the proof of what it is for.

Completed by the server, the detach would leave a table that nothing tells from one that a person detached. So a second
session holds a lock that keeps the server from completing it, writes the proof as soon as the detach is pending, and
cancels the rest. That is one message to the server, which is carried out even when this process is killed.
"""

from __future__ import annotations

import contextlib
import threading
import time

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..quoting import identifier, literal
from ..session import Session, SqlError
from . import proof
from .live import Partition, Table

QUERY_CANCELED = "57014"
# Held by the second session while it watches.
WATCHING_LOCK = 7_230_811_604_403
_IS_WATCHING = "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND pid = %s)"
_IS_PROVEN = f"""
SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
WHERE i.inhrelid = %s AND i.inhparent = %s AND {proof.PROVEN})
"""  # noqa: S608 - a constant
# The detach has ended when its session is gone or idle, with the detach as its last statement. Looked at before the
# pending detach, so that one which became pending in between is still seen.
_WATCH = """
DECLARE
  is_ended boolean;
  expected text;
BEGIN
  PERFORM pg_advisory_xact_lock({lock});
  LOOP
    PERFORM pg_stat_clear_snapshot();
    is_ended := NOT EXISTS (SELECT FROM pg_stat_activity
      WHERE pid = {pid} AND NOT (state <> 'active' AND strpos(query, 'DETACH PARTITION') > 0));
    SELECT {expected} INTO expected FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhrelid = {partition} AND i.inhparent = {parent} AND i.inhdetachpending;
    EXIT WHEN expected IS NOT NULL;
    IF is_ended THEN RETURN; END IF;
    PERFORM pg_sleep(0.001);
  END LOOP;
  LOOP
    PERFORM pg_cancel_backend({pid});
    PERFORM pg_sleep(0.001);
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND state = 'active');
  END LOOP;
  SET LOCAL ROLE {owner};
  EXECUTE (SELECT format('COMMENT ON TYPE %s IS %L', c.reltype::regtype,
      concat_ws(E'\\n', expected, obj_description(c.reltype, 'pg_type')))
    FROM pg_class c WHERE c.oid = {partition});
END
"""
# The server ends the watch by itself; this is for one that does not show what its sessions do (track_activities).
_PATIENCE_SECONDS = 10.0


class _Watcher(threading.Thread):
    """The second session's message, on its way while the first session waits for the detach."""

    def __init__(self, second: Session, message: str) -> None:
        super().__init__(daemon=True)
        self._second = second
        self._message = message
        self.refusal: SqlError | None = None

    def run(self) -> None:
        try:
            self._second.run(self._message)
        except SqlError as error:
            self.refusal = error

    def finish(self) -> None:
        """Wait for its end, and make an end of it when it does not come."""
        self.join(_PATIENCE_SECONDS)
        if self.is_alive():
            self._second.cancel()
            self.join()


def begin(
    session: Session, second: Session, table: Table, partition: Partition, statement: str, lock_timeout: int
) -> None:
    """Detach so far that new queries do not see the partition, and leave the proof.

    :param session: acts as the owner of the table, and waits at most ``lock_timeout`` milliseconds for a lock.
    :param second: another session of the same login.
    :param statement: the concurrent detach.
    :raises SqlError: it was not detached, or it is pending without a proof and will be kept.
    :raises GroundworkError: the server completed the detach nevertheless.
    """
    try:
        second.run(
            # It watches what another session commits, which a login's own default isolation could keep from it.
            f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {lock_timeout};"
            " SET LOCAL search_path = pg_catalog;"
            f" SET LOCAL ROLE {identifier(table.owner)}; LOCK TABLE ONLY {table.sql} IN ACCESS SHARE MODE;"
            " SET LOCAL ROLE NONE"
        )
        watcher = _Watcher(second, f"DO {literal(_watch(session, table, partition))}; COMMIT")
        watcher.start()
        while watcher.is_alive() and not session.value(_IS_WATCHING, second.pid):
            time.sleep(0.002)
        if watcher.refusal:
            raise watcher.refusal
        refusal = _detach(session, statement)
        watcher.finish()
    finally:
        with contextlib.suppress(SqlError):
            second.rollback()
    if refusal is None:
        raise _completed(partition, watcher.refusal)
    if refusal.lost or not session.value(_IS_PROVEN, partition.oid, table.oid):
        raise refusal if watcher.refusal is None or refusal.sqlstate != QUERY_CANCELED else watcher.refusal


def _watch(session: Session, table: Table, partition: Partition) -> str:
    return _WATCH.format(
        lock=WATCHING_LOCK,
        pid=session.pid,
        expected=proof.EXPECTED,
        partition=partition.oid,
        parent=table.oid,
        owner=identifier(table.owner),
    )


def _detach(session: Session, statement: str) -> SqlError | None:
    """How it ended; it should end by being cancelled."""
    try:
        session.run(statement)
    except SqlError as error:
        return error
    return None


def _completed(partition: Partition, refusal: SqlError | None) -> GroundworkError:
    words = f": {refusal.text}" if refusal else ""
    return GroundworkError(
        f"The session that watches the detach of {partition.full_name} came to an end{words}.",
        where=partition.full_name,
        untouched=f"its rows: {partition.full_name} is a table of its own now, and was not dropped",
        hint="Drop it by hand, or attach it again and run again.",
        code=ErrorCode.DETACHED_NOT_DROPPED,
    )
