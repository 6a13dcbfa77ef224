"""While one migrates the other waits, because both take the same lock."""

from __future__ import annotations

import threading
import time
import typing as t

from .conftest import Shared

SLOW = {"V1__slow.sql": "CREATE TABLE a(id int); SELECT pg_sleep(4);"}


def wait_until_locked(shared: Shared) -> None:
    sql = (
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'"
        " AND l.granted AND a.datname = current_database()"
        " AND EXISTS (SELECT FROM pg_stat_activity b WHERE b.datname = a.datname AND b.query LIKE '%pg_sleep(4)%'"
        " AND b.pid <> pg_backend_pid())"
    )
    deadline = time.monotonic() + 20
    while shared.ours.query(sql) != [(1,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_we_wait_for_flyway(shared: Shared) -> None:
    shared.they_succeed(files={"V0__first.sql": "SELECT 1;"})
    results: list[dict[str, t.Any]] = []
    thread = threading.Thread(target=lambda: results.append(shared.theirs(files=SLOW)))
    thread.start()
    wait_until_locked(shared)
    refused = shared.ours.fail(lock_retry_count=1)
    assert (
        "Number of retries exceeded while attempting to acquire PostgreSQL advisory lock. It is held by pid "
        in (refused["msg"])
    )
    (holder,) = refused["lock_holders"]
    assert holder["application"] in ("PostgreSQL JDBC Driver", "Redgate_Flyway")
    assert not shared.ours.succeed()["changed"]
    thread.join()
    assert results[0]["migrations"] == ["1"]
    assert shared.ours.versions() == ["0", "1"]


def test_flyway_waits_for_us(shared: Shared) -> None:
    shared.ours.succeed({"V0__first.sql": "SELECT 1;"})
    shared.ours.write(SLOW)
    process = shared.ours.start()
    wait_until_locked(shared)
    refused = shared.they_fail(lockRetryCount=1)
    assert "Number of retries exceeded while attempting to acquire PostgreSQL advisory lock." in refused["message"]
    assert process.poll() is None
    assert shared.they_succeed()["migrations"] == []
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stdout + stderr
    assert shared.ours.versions() == ["0", "1"]
