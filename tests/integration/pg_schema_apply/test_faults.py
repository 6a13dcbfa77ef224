"""Kills, broken connections, locks and rivals: a rerun converges, and the history says what really happened."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import pytest

from .conftest import Migrations

GATE = "SELECT pg_advisory_lock(4711); SELECT pg_advisory_unlock(4711);"
STATEMENTS = ["CREATE TABLE one(id int);", "INSERT INTO one VALUES (1);", "CREATE TABLE two(id int);"]
CONCURRENT = [
    "CREATE INDEX CONCURRENTLY big_a ON big(a);",
    "INSERT INTO big SELECT 5000, 5000;",
    "CREATE INDEX CONCURRENTLY big_b ON big(b);",
    "VACUUM big;",
]


@contextlib.contextmanager
def gate(migrations: Migrations) -> t.Iterator[t.Any]:
    """Hold the advisory lock that the scripts wait for."""
    connection = migrations.server.connect(migrations.database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(4711)")
        yield connection
    finally:
        connection.close()


def wait_for(condition: t.Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what the test waits for did not happen"
        time.sleep(0.02)


def module_waits(migrations: Migrations, event: str = "%") -> bool:
    """Whether the module's session waits for a lock, of the kind ``event`` when that is given."""
    return bool(
        migrations.query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pg_schema_apply' AND wait_event_type = 'Lock'"
            f" AND wait_event LIKE '{event}' AND datname = '{migrations.database}'"
        )
    )


def waiting_since(migrations: Migrations) -> list[tuple[t.Any, ...]]:
    """When the module's session began with the statement that waits for a lock: each try is another one."""
    return migrations.query(
        "SELECT query_start FROM pg_stat_activity WHERE application_name = 'pg_schema_apply'"
        f" AND wait_event_type = 'Lock' AND datname = '{migrations.database}'"
    )


def kill(process: t.Any) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("position", range(len(STATEMENTS) + 1))
def test_kill_between_two_statements_of_a_transaction(migrations: Migrations, position: int) -> None:
    text = [*STATEMENTS[:position], GATE, *STATEMENTS[position:]]
    migrations.write({"V1__first.sql": "CREATE TABLE zero();", "V2__killed.sql": "\n".join(text)})
    with gate(migrations):
        process = migrations.start()
        wait_for(lambda: module_waits(migrations))
        kill(process)
    assert migrations.history() == [("1", "SQL", True)]
    assert migrations.tables() == {"zero"}

    assert migrations.succeed()["migrations_executed"] == 1
    assert migrations.history() == [("1", "SQL", True), ("2", "SQL", True)]
    assert migrations.query("SELECT count(*) FROM one") == [(1,)]


def big_table(migrations: Migrations) -> None:
    migrations.query("CREATE TABLE big AS SELECT n AS a, n AS b FROM generate_series(1, 2000) n")
    migrations.succeed({"V1__first.sql": "SELECT 1;"}, baseline_on_migrate=True, baseline_version="0")


@pytest.mark.parametrize("position", range(len(CONCURRENT) + 1))
def test_kill_between_two_statements_outside_a_transaction(migrations: Migrations, position: int) -> None:
    big_table(migrations)
    text = [*CONCURRENT[:position], GATE, *CONCURRENT[position:]]
    migrations.write({"V2__killed.sql": "\n".join(text)})
    with gate(migrations):
        process = migrations.start(mixed=True)
        wait_for(lambda: module_waits(migrations))
        assert migrations.history()[2:] == [("2", "SQL", False)]
        kill(process)

    migrations.succeed(mixed=True)
    assert_all_of_concurrent(migrations)


def assert_all_of_concurrent(migrations: Migrations) -> None:
    assert migrations.history()[2:] == [("2", "SQL", True)]
    assert migrations.query("SELECT count(*) FROM big WHERE a = 5000") == [(1,)]
    assert migrations.query(
        "SELECT c.relname::text, indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
        " WHERE indrelid = 'big'::regclass ORDER BY 1"
    ) == [("big_a", True), ("big_b", True)]
    assert migrations.query("SELECT count(*) FROM pg_schema_apply_progress") == [(0,)]


def test_kill_in_the_middle_of_a_concurrent_build(migrations: Migrations) -> None:
    """The build waits for an older transaction; killed there, it leaves an invalid index."""
    big_table(migrations)
    migrations.write({"V2__killed.sql": "\n".join(CONCURRENT)})
    with contextlib.closing(migrations.server.connect(migrations.database)) as other, other.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM big")
        process = migrations.start(mixed=True)
        wait_for(lambda: module_waits(migrations))
        kill(process)
        wait_for(lambda: not module_waits(migrations))
        assert migrations.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(1,)]
        cursor.execute("ROLLBACK")
    migrations.succeed(mixed=True)
    assert_all_of_concurrent(migrations)


def test_finished_statements_must_not_be_edited(migrations: Migrations) -> None:
    big_table(migrations)
    broken = [*CONCURRENT[:2], "SELECT 1/0;", *CONCURRENT[2:]]
    result = migrations.fail({"V2__x.sql": "\n".join(broken)}, mixed=True)
    assert "division by zero" in result["msg"]
    assert "goes on at statement 3" in result["msg"]
    assert migrations.history()[2:] == [("2", "SQL", False)]

    edited = [CONCURRENT[0].replace("big_a", "big_z"), *CONCURRENT[1:]]
    result = migrations.fail({"V2__x.sql": "\n".join(edited)}, mixed=True)
    assert result["error_code"] == "FINISHED_STATEMENT_EDITED"
    assert f"{migrations.folder}/V2__x.sql:1" in result["msg"]
    assert migrations.query("SELECT 1 FROM pg_class WHERE relname = 'big_z'") == []

    migrations.succeed({"V2__x.sql": "\n".join(CONCURRENT)}, mixed=True)
    assert_all_of_concurrent(migrations)


def test_a_failed_concurrent_build_is_cleared_away(migrations: Migrations) -> None:
    big_table(migrations)
    migrations.query("INSERT INTO big VALUES (1, 1)")
    result = migrations.fail({"V2__u.sql": "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON big(a);"})
    assert "could not create unique index" in result["msg"]
    assert migrations.query("SELECT 1 FROM pg_index WHERE NOT indisvalid") == []
    migrations.query("DELETE FROM big WHERE ctid IN (SELECT max(ctid) FROM big WHERE a = 1)")
    migrations.succeed()
    assert migrations.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass") == [(True,)]


def test_an_invalid_index_of_somebody_else_does_not_pass_for_a_good_one(migrations: Migrations) -> None:
    big_table(migrations)
    migrations.query("INSERT INTO big VALUES (1, 1)")
    with contextlib.suppress(Exception):
        migrations.query("CREATE UNIQUE INDEX CONCURRENTLY u ON big(a)")
    assert migrations.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass") == [(False,)]
    migrations.succeed({"V2__u.sql": "CREATE INDEX CONCURRENTLY IF NOT EXISTS u ON big(a);"})
    assert migrations.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass") == [(True,)]


def test_settings_of_finished_statements_are_made_again(migrations: Migrations) -> None:
    migrations.write(
        {
            "V1__s.sql": "CREATE SCHEMA s; SET search_path = s; CREATE TABLE in_s(); SELECT 1/0; CREATE TABLE "
            "also_in_s();"
        }
    )
    migrations.write({"V1__s.sql.conf": "executeInTransaction=false"})
    migrations.fail()
    migrations.succeed(
        {"V1__s.sql": "CREATE SCHEMA s; SET search_path = s; CREATE TABLE in_s(); SELECT 1; CREATE TABLE also_in_s();"}
    )
    assert migrations.query("SELECT count(*) FROM pg_tables WHERE schemaname = 's'") == [(2,)]


def test_a_cut_connection(migrations: Migrations) -> None:
    migrations.write({"V1__a.sql": "CREATE TABLE a();", "V2__b.sql": f"CREATE TABLE b(); {GATE}"})
    with gate(migrations):
        process = migrations.start()
        wait_for(lambda: module_waits(migrations))
        migrations.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_schema_apply'"
        )
        output = process.communicate(timeout=60)[0]
    assert "The connection broke." in output
    assert "Run again: it goes on after the last recorded script." in output
    assert migrations.history() == [("1", "SQL", True)]
    assert migrations.succeed()["migrations_executed"] == 1


def test_the_server_is_killed_in_the_middle_of_a_file(migrations: Migrations) -> None:
    migrations.write({"V1__a.sql": "CREATE TABLE a();", "V2__b.sql": f"CREATE TABLE b(); {GATE}"})
    with gate(migrations):
        process = migrations.start()
        wait_for(lambda: module_waits(migrations))
        migrations.server.kill()
        output = process.communicate(timeout=60)[0]
    assert '"failed": true' in output
    migrations.server.start()
    # A crash of the server may take the last commits along, but then changes and records together.
    recorded = migrations.query("SELECT to_regclass('flyway_schema_history')") != [(None,)] and migrations.versions()
    assert migrations.tables() == ({"a"} if recorded else set())
    migrations.succeed()
    assert migrations.history() == [("1", "SQL", True), ("2", "SQL", True)]
    assert migrations.tables() == {"a", "b"}


@pytest.mark.parametrize("repeat", range(10))
def test_two_runners_at_once(migrations: Migrations, repeat: int) -> None:
    migrations.write({f"V{n}__t.sql": f"CREATE TABLE t{n}(id int);" for n in range(1, 8)})
    processes = [migrations.start() for _process in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert not any('"failed": true' in output for output in outputs), outputs
    assert migrations.versions() == [str(n) for n in range(1, 8)]


def test_the_holder_of_the_run_lock_is_named(migrations: Migrations) -> None:
    migrations.write({"V1__a.sql": GATE})
    with gate(migrations):
        process = migrations.start()
        wait_for(lambda: module_waits(migrations))
        result = migrations.fail(lock_retry_count=2)
        assert "Number of retries exceeded while attempting to acquire PostgreSQL advisory lock." in result["msg"]
        assert "(pg_schema_apply, user postgres" in result["msg"]
        assert "SELECT pg_advisory_lock(4711)" in result["msg"]
    process.communicate(timeout=60)
    assert migrations.versions() == ["1"]


def test_a_lock_held_by_another_session_is_waited_for_in_short_tries(migrations: Migrations) -> None:
    migrations.succeed({"V1__a.sql": "CREATE TABLE a(id int);"})
    migrations.write({"V2__b.sql": "ALTER TABLE a ADD b int;"})
    with contextlib.closing(migrations.server.connect(migrations.database)) as other, other.cursor() as cursor:
        cursor.execute("BEGIN; SELECT * FROM a")
        result = migrations.fail(lock_timeout="3s", attempts=2)
        assert "canceling statement due to lock timeout (SQLSTATE 55P03)" in result["msg"]
        assert "Tried 2 times. It waited for pid " in result["msg"]
        assert "(groundwork tests, user postgres" in result["msg"]
        assert "SELECT * FROM a" in result["msg"]
        assert result["retries"][0]["blocked_by"][0]["application"] == "groundwork tests"
        assert migrations.versions() == ["1"]

        process = migrations.start(lock_timeout="300ms", attempts=100)
        tries: list[t.Any] = []
        wait_for(lambda: len(set(tries)) > 2 or tries.extend(waiting_since(migrations)))
        cursor.execute("ROLLBACK")
        result = json.loads(process.communicate(timeout=60)[0].splitlines()[-1])
        assert result["retries"]
    assert migrations.versions() == ["1", "2"]


def test_a_deadlock_is_tried_again(migrations: Migrations) -> None:
    migrations.succeed({"V1__a.sql": "CREATE TABLE a(id int); CREATE TABLE b(id int);"})
    migrations.write({"V2__dead.sql": f"ALTER TABLE a ADD n int; {GATE} ALTER TABLE b ADD n int;"})
    with contextlib.closing(migrations.server.connect(migrations.database)) as other, other.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '1min'")
        cursor.execute("BEGIN; LOCK TABLE b IN ACCESS EXCLUSIVE MODE")
        with gate(migrations) as holder:
            process = migrations.start(lock_timeout="30s")
            wait_for(lambda: module_waits(migrations, "advisory"))
            blocked = threading.Thread(target=lambda: cursor.execute("LOCK TABLE a IN ACCESS EXCLUSIVE MODE; COMMIT"))
            blocked.start()
            wait_for(lambda: len(migrations.query("SELECT 1 FROM pg_locks WHERE NOT granted")) == 2)
            holder.cursor().execute("SELECT pg_advisory_unlock(4711)")
            blocked.join(30)
        output = process.communicate(timeout=60)[0]
    assert '"sqlstate": "40P01"' in output
    assert '"failed": true' not in output
    assert migrations.versions() == ["1", "2"]


def test_a_statement_timeout_and_a_deadline(migrations: Migrations) -> None:
    result = migrations.fail(
        {"V1__a.sql": "CREATE TABLE a();", "V2__slow.sql": "SELECT pg_sleep(60);"}, statement_timeout="500ms"
    )
    assert "canceling statement due to statement timeout" in result["msg"]
    result = migrations.fail(deadline=8)
    assert "The deadline of 8 s for the whole run ended it." in result["msg"]
    assert migrations.versions() == ["1"]


@pytest.fixture
def small_disk(migrations: Migrations) -> t.Iterator[Path]:
    """The folder of a tablespace named small_for_tests, with room for four megabytes."""
    folder = Path(tempfile.mkdtemp(prefix="groundwork-small-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"a small file system needs root and mount: {mounted.stderr.strip()}")
    try:
        folder.chmod(0o700)
        migrations.server.account.own(folder)
        migrations.query(f"CREATE TABLESPACE small_for_tests LOCATION '{folder}'")
        yield folder
        migrations.server.drop_database(migrations.database)
        migrations.server.query("DROP TABLESPACE small_for_tests")
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def test_a_full_disk(migrations: Migrations, small_disk: Path) -> None:
    migrations.succeed({"V1__a.sql": "CREATE TABLE a(t text) TABLESPACE small_for_tests;"})
    fill = "INSERT INTO a SELECT repeat(md5(n::text), 30) FROM generate_series(1, {}) n;"
    result = migrations.fail(
        {"V2__fill.sql": f"CREATE TABLE b(); {fill.format(20000)}", "V3__c.sql": "CREATE TABLE c();"}
    )
    assert "No space left on device (SQLSTATE 53100)" in result["msg"]
    assert "make room" in result["msg"]
    assert migrations.tables() == {"a"}
    assert migrations.versions() == ["1"]
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    migrations.succeed({"V2__fill.sql": f"CREATE TABLE b(); {fill.format(20)}"})
    assert migrations.history() == [("1", "SQL", True), ("2", "SQL", True), ("3", "SQL", True)]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP INDEX CONCURRENTLY nowhere;", 'index "nowhere" does not exist'),
        ("CREATE INDEX CONCURRENTLY taken ON t(b);", 'relation "taken" already exists'),
        ("CREATE DATABASE postgres;", 'database "postgres" already exists'),
    ],
)
def test_what_the_server_refused_is_not_taken_for_done_by_the_next_run(
    migrations: Migrations, statement: str, words: str
) -> None:
    """The refusal is the same that a statement gets which took effect before its run was killed."""
    migrations.succeed({"V1__t.sql": "CREATE TABLE t (a int, b int);\nCREATE INDEX taken ON t(a);"})
    for _run in range(2):
        assert words in migrations.fail({"V2__x.sql": statement})["msg"]
        assert migrations.history()[-1] == ("2", "SQL", False)
    assert "(a)" in migrations.query("SELECT indexdef FROM pg_indexes WHERE indexname = 'taken'")[0][0]


def test_another_statement_at_the_place_of_a_refused_one_has_not_happened(migrations: Migrations) -> None:
    migrations.succeed({"V1__t.sql": "CREATE TABLE t (a int PRIMARY KEY);"})
    refused = migrations.fail({"V2__x.sql": "DROP INDEX CONCURRENTLY t_pkey;"})
    assert "cannot drop index t_pkey because" in refused["msg"]
    refused = migrations.fail({"V2__x.sql": "DROP INDEX CONCURRENTLY t_typing_error;"})
    assert 'index "t_typing_error" does not exist' in refused["msg"]
    assert migrations.history()[-1] == ("2", "SQL", False)
