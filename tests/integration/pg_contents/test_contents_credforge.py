# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of an application's contents: first run, second run, check mode, drift, kills, secrets."""

from __future__ import annotations

import time
import typing as t

import credforge
import psycopg2
import pytest
from contents_server import remove_everything
from kill_points import SQL_STATEMENTS, KillPoint, every_point
from servers import Postgresql

Run = t.Callable[..., t.Any]
Dump = t.Callable[[], str]


def as_user(server: Postgresql, sql: str) -> list[tuple[t.Any, ...]]:
    return server.query(sql, "cred_forge_db", user="credforge_user", password=credforge.PASSWORD)


def create_as_owner(server: Postgresql, *names: str) -> None:
    for name in names:
        sql = f"SET ROLE cred_forge_owner; CREATE TABLE {name} (id serial PRIMARY KEY, x text)"
        server.query(sql, "cred_forge_db")


def test_the_user_can_do_exactly_what_is_described(server: Postgresql, ok: Run) -> None:
    assert ok(**credforge.contents())["changed"]
    create_as_owner(server, "later")
    assert as_user(server, "INSERT INTO later (x) VALUES ('a') RETURNING id") == [(1,)]
    assert as_user(server, "UPDATE later SET x = 'b' RETURNING x") == [("b",)]
    assert as_user(server, "DELETE FROM later RETURNING x") == [("b",)]
    for forbidden in ("TRUNCATE later", "DROP TABLE later", "CREATE TABLE mine ()", "SELECT setval('later_id_seq', 9)"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            as_user(server, forbidden)


def test_nobody_else_gets_in(server: Postgresql, ok: Run) -> None:
    ok(**credforge.contents())
    server.query("CREATE ROLE stranger LOGIN PASSWORD 'stranger-pw'")
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        server.connect("cred_forge_db", "stranger", "stranger-pw")


def test_a_second_run_changes_nothing(server: Postgresql, ok: Run, catalogues: Dump) -> None:
    ok(**credforge.contents())
    before = catalogues()
    again = ok(**credforge.contents(), diff=True)
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    assert again["server_version"].startswith("16.")
    assert catalogues() == before


def test_check_mode_says_what_a_run_does_and_writes_nothing(server: Postgresql, ok: Run, catalogues: Dump) -> None:
    before = catalogues()
    predicted = ok(**credforge.contents(), check=True, diff=True)
    assert catalogues() == before
    done = ok(**credforge.contents(), diff=True)
    assert predicted["changed"]
    assert predicted["actions"] == done["actions"]
    assert predicted["diff"] == done["diff"]
    assert not ok(**credforge.contents(), check=True)["changed"]


def test_check_mode_is_exact_on_a_modified_template(server: Postgresql, ok: Run) -> None:
    """A site that closed the schema public in template1 gets other steps than a fresh server."""
    server.query("REVOKE USAGE ON SCHEMA public FROM PUBLIC; CREATE TABLE in_template (x int)", "template1")
    try:
        predicted = ok(**credforge.contents(), check=True)["actions"]
        assert 'GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.in_template TO "credforge_user"' in [
            action["statement"] for action in predicted
        ]
        assert ok(**credforge.contents())["actions"] == predicted
        assert not ok(**credforge.contents())["changed"]
    finally:
        server.query("GRANT USAGE ON SCHEMA public TO PUBLIC; DROP TABLE in_template", "template1")


def test_an_empty_server_can_be_assumed(server: Postgresql, ok: Run) -> None:
    nowhere = {"login_port": 1, "assume_empty": True}
    predicted = ok(**{**credforge.contents(), **nowhere}, check=True, diff=True)
    assert predicted["server_version"] is None
    assert predicted["actions"] == ok(**credforge.contents())["actions"]


def test_assuming_an_empty_server_means_nothing_outside_check_mode(server: Postgresql, contents: Run) -> None:
    result = contents(**{**credforge.contents(), "login_port": 1, "assume_empty": True})
    assert result["failed"]
    assert "Cannot connect to PostgreSQL" in result["msg"]


def test_drift_is_repaired_and_nothing_else_touched(server: Postgresql, ok: Run, catalogues: Dump) -> None:
    ok(**credforge.contents())
    create_as_owner(server, "one", "two", "flyway_schema_history")
    ok(**credforge.contents())
    before = catalogues()
    server.query(
        "REVOKE SELECT ON one FROM credforge_user; GRANT TRUNCATE ON two TO credforge_user;"
        "GRANT SELECT ON flyway_schema_history TO credforge_user; GRANT CREATE ON SCHEMA public TO credforge_user;"
        "GRANT ALL ON DATABASE cred_forge_db TO PUBLIC; REVOKE USAGE ON SEQUENCE one_id_seq FROM credforge_user;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE cred_forge_owner IN SCHEMA public "
        "REVOKE INSERT ON TABLES FROM credforge_user;"
        "ALTER ROLE credforge_user PASSWORD 'other' NOLOGIN",
        "cred_forge_db",
    )
    predicted = ok(**credforge.contents(), check=True)["actions"]
    repaired = ok(**credforge.contents())
    assert repaired["actions"] == predicted
    assert len(predicted) == 8
    assert _without_secrets(catalogues()) == _without_secrets(before)
    assert as_user(server, "SELECT 1") == [(1,)]


def _without_secrets(dump: str) -> list[str]:
    # A repaired password has a new salt; the order of ACL entries is that in which they were made.
    return sorted(line for line in dump.splitlines() if "SCRAM-SHA-256" not in line)


@pytest.mark.parametrize("first", range(1, 6))
def test_a_killed_run_is_completed_by_the_next(server: Postgresql, ok: Run, start_module: Run, first: int) -> None:
    """Killed before each statement of an empty server's first run in turn, every fifth of them in one case."""

    def start(point: KillPoint) -> t.Any:
        remove_everything(server)
        return start_module("pg_contents", {**server.login, **credforge.contents()}, kill_point=point)

    for _point in every_point(SQL_STATEMENTS, start, at_least=15, first=first, step=5):
        ok(**credforge.contents())
        assert not ok(**credforge.contents())["changed"]
        create_as_owner(server, "later")
        assert as_user(server, "INSERT INTO later (x) VALUES ('a') RETURNING id") == [(1,)]


STAGES = ["roles", "database", "contents"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_killed_between_two_stages_is_completed(
    server: Postgresql, ok: Run, start_module: Run, stage: str
) -> None:
    """Held at a known place by a lock of another session, killed there, and run again."""
    if stage == "contents":
        ok(roles=credforge.contents()["roles"], databases=[{"name": "cred_forge_db", "owner": "cred_forge_owner"}])
    database, lock = {
        "roles": ("postgres", "LOCK TABLE pg_auth_members, pg_authid IN SHARE ROW EXCLUSIVE MODE"),
        "database": ("postgres", "LOCK TABLE pg_database IN SHARE ROW EXCLUSIVE MODE"),
        "contents": ("cred_forge_db", "LOCK TABLE pg_default_acl IN SHARE ROW EXCLUSIVE MODE"),
    }[stage]
    blocker = server.connect(database)
    watcher = server.connect()
    blocker.autocommit = False
    with blocker.cursor() as cursor:
        cursor.execute(lock)
        process = start_module("pg_contents", {**server.login, **credforge.contents()})
        waiting = (
            "SELECT 1 FROM pg_stat_activity "
            "WHERE application_name = 'groundwork pg_contents' AND wait_event_type = 'Lock'"
        )
        deadline = time.monotonic() + 30
        with watcher.cursor() as watch:
            while True:
                watch.execute(waiting)
                if watch.fetchone():
                    break
                assert time.monotonic() < deadline, process.communicate()
                time.sleep(0.02)
        process.kill()
        process.wait()
    blocker.rollback()
    blocker.close()
    watcher.close()
    ok(**credforge.contents())
    assert not ok(**credforge.contents())["changed"]
    create_as_owner(server, "later")
    assert as_user(server, "INSERT INTO later (x) VALUES ('a') RETURNING id") == [(1,)]


def test_two_runs_at_once_do_not_meet(server: Postgresql, ok: Run, start_module: Run) -> None:
    processes = [start_module("pg_contents", {**server.login, **credforge.contents()}) for _process in range(3)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert sorted('"changed": true' in output for output in outputs) == [False, False, True]
    assert not any('"failed": true' in output for output in outputs)


def test_a_run_does_not_wait_for_ever(server: Postgresql, contents: Run, catalogues: Dump) -> None:
    holder = server.connect()
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7269433015642881)")
        before = catalogues()
        result = contents(**credforge.contents(), lock_timeout=1)
    assert result["error_code"] == "LOCKED"
    assert "has held this server for 1 seconds" in result["msg"]
    assert catalogues() == before
    holder.close()


def test_the_password_is_nowhere(server: Postgresql, contents: Run) -> None:
    """Neither the password nor, for a superuser's session, its secret: not in results, the log or the statistics."""
    server.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()")
    server.query("SET log_statement TO 'none'; SELECT 1")
    outputs = [contents(**credforge.contents(), check=True, diff=True).output]
    outputs += [contents(**credforge.contents(), diff=True).output]
    outputs += [contents(**credforge.contents(f"begin5512{credforge.ODD}end5512"), diff=True).output]
    refused = {**credforge.contents(f"begin8080{credforge.ODD}end8080"), "databases": [{"name": "x" * 64}]}
    outputs += [contents(**refused).output]
    server.query("CREATE ROLE blocked SUPERUSER")
    (secret,) = server.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'credforge_user'")[0]
    stored_key = secret.split("$")[2].split(":")[0]
    statistics = str(server.query("SELECT query FROM pg_stat_statements"))
    assert 'CREATE DATABASE "cred_forge_db"' in statistics, "the statistics would show what they can see"
    log = server.log.read_text(errors="replace")
    assert 'CREATE DATABASE "cred_forge_db"' in log, "the log would show what it can see"
    places = {"output": "".join(outputs), "statistics": statistics, "log": log}
    for place, text in places.items():
        for number in (7391, 5512, 8080):
            assert f"begin{number}" not in text and f"end{number}" not in text, place
        assert stored_key not in text, place
    server.query("DROP EXTENSION pg_stat_statements")
