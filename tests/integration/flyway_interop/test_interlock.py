"""While one migrates the other waits, because both take the same lock."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from .conftest import Shared

FIRST = {"V0__first.sql": "CREATE TABLE gate();"}
SLOW = {"V1__slow.sql": "CREATE TABLE a(id int); SELECT count(*) FROM gate;"}


@contextlib.contextmanager
def gate_closed(shared: Shared) -> t.Iterator[None]:
    """Whoever runs the slow script stays in it, and so keeps the lock, until the gate opens."""
    with contextlib.closing(shared.ours.server.connect(shared.ours.database)) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE gate IN ACCESS EXCLUSIVE MODE")
        yield


def wait_until_at_the_gate(shared: Shared) -> None:
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND wait_event = 'relation'"
    )
    deadline = time.monotonic() + 120
    while shared.ours.query(sql) != [(1,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_we_wait_for_flyway(shared: Shared) -> None:
    shared.they_succeed(files=FIRST)
    results: list[dict[str, t.Any]] = []
    thread = threading.Thread(target=lambda: results.append(shared.theirs(files=SLOW)))
    with gate_closed(shared):
        thread.start()
        wait_until_at_the_gate(shared)
        refused = shared.ours.fail(lock_retry_count=1)
        assert (
            "Number of retries exceeded while attempting to acquire PostgreSQL advisory lock. It is held by pid "
            in (refused["msg"])
        )
        (holder,) = refused["lock_holders"]
        assert holder["application"] in ("PostgreSQL JDBC Driver", "Redgate_Flyway")
        waiting = shared.ours.start()
    stdout, stderr = waiting.communicate(timeout=120)
    assert '"changed": false' in stdout, stdout + stderr
    thread.join()
    assert results[0]["migrations"] == ["1"]
    assert shared.ours.versions() == ["0", "1"]


def test_flyway_waits_for_us(shared: Shared) -> None:
    shared.ours.succeed(FIRST)
    shared.ours.write(SLOW)
    results: list[dict[str, t.Any]] = []
    thread = threading.Thread(target=lambda: results.append(shared.they_succeed()))
    with gate_closed(shared):
        process = shared.ours.start(lock_timeout="10min")
        wait_until_at_the_gate(shared)
        refused = shared.they_fail(lockRetryCount=1)
        assert "Number of retries exceeded while attempting to acquire PostgreSQL advisory lock." in refused["message"]
        assert process.poll() is None
        thread.start()
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stdout + stderr
    thread.join()
    assert results[0]["migrations"] == []
    assert shared.ours.versions() == ["0", "1"]
