"""A script that gives the run's lock away is refused or rolled back, and no second run executes it meanwhile."""

from __future__ import annotations

import json

import pytest

from .conftest import Migrations
from .test_faults import GATE, gate, module_waits, wait_for

#: Releases the lock without a word that could be found in the script.
FUNCTION = (
    "CREATE FUNCTION let_go() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN EXECUTE 'SELECT pg_advisory_'"
    " || 'unlock_all()'; END $f$;"
)
A = {"V1__a.sql": f"CREATE TABLE a();\n{FUNCTION}"}


def lock_is_free(migrations: Migrations) -> bool:
    return migrations.query(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE "
        "datname = current_database())"
    ) == [(0,)]


@pytest.mark.parametrize("settings", ["", "executeInTransaction=false"], ids=["transaction", "step by step"])
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("statement", ["SELECT pg_advisory_unlock_all();", "DISCARD ALL;"])
def test_what_can_be_seen_is_refused_before_anything_runs(
    migrations: Migrations, statement: str, check: bool, settings: str
) -> None:
    script = f"CREATE TABLE b();\n{statement}"
    result = migrations.fail({**A, "V2__b.sql": script, "V2__b.sql.conf": settings}, check=check, mixed=True)
    assert result["error_code"] == "RUN_LOCK_RELEASED"
    assert "would release the lock that keeps another run from executing the same scripts" in result["msg"]
    assert f"where: {migrations.folder}/V2__b.sql:2" in result["msg"]
    assert migrations.query("SELECT to_regclass('flyway_schema_history'), to_regclass('a')") == [(None, None)]


@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
def test_a_function_that_lets_go_is_rolled_back(migrations: Migrations, group: bool) -> None:
    migrations.succeed(A)
    result = migrations.fail(
        {"V2__b.sql": "CREATE TABLE b(); SELECT let_go();", "V3__c.sql": "CREATE TABLE c();"}, group=group
    )
    assert result["error_code"] == "RUN_LOCK_RELEASED"
    assert "It released the lock that keeps another run" in result["msg"]
    assert f"where: {migrations.folder}/V2__b.sql" in result["msg"]
    assert "the script was rolled back as a whole" in result["msg"]
    assert migrations.tables() == {"a"}
    assert migrations.versions() == ["1"]
    assert lock_is_free(migrations)
    migrations.succeed({"V2__b.sql": "CREATE TABLE b();"})
    assert migrations.versions() == ["1", "2", "3"]


def test_a_second_run_does_not_start_meanwhile(migrations: Migrations) -> None:
    migrations.succeed(A)
    migrations.write({"V2__b.sql": f"SELECT let_go(); CREATE TABLE b(); {GATE}"})
    with gate(migrations):
        process = migrations.start()
        wait_for(lambda: module_waits(migrations))
        result = migrations.fail(lock_retry_count=1)
        assert result["error_code"] == "LOCKED"
    output = process.communicate(timeout=60)[0]
    assert json.loads(output.splitlines()[-1])["error_code"] == "RUN_LOCK_RELEASED"
    assert migrations.tables() == {"a"}
    assert migrations.versions() == ["1"]


def test_step_by_step_it_is_noticed_at_the_statement(migrations: Migrations) -> None:
    migrations.succeed(A)
    script = "CREATE TABLE b();\nSELECT let_go();\nCREATE TABLE c();"
    result = migrations.fail({"V2__b.sql": script, "V2__b.sql.conf": "executeInTransaction=false"})
    assert "It released the lock that keeps another run" in result["msg"]
    assert f"where: {migrations.folder}/V2__b.sql:2" in result["msg"]
    assert "1 statements of the script are done and noted" in result["msg"]
    assert migrations.tables() == {"a", "b"}
    assert migrations.history() == [("1", "SQL", True), ("2", "SQL", False)]
    migrations.succeed({"V2__b.sql": "CREATE TABLE b();\nSELECT 1;\nCREATE TABLE c();"})
    assert migrations.tables() == {"a", "b", "c"}


def test_a_procedure_that_commits_and_lets_go(migrations: Migrations) -> None:
    migrations.succeed(
        {
            "V1__a.sql": f"CREATE TABLE a(n int); {FUNCTION} CREATE PROCEDURE p() LANGUAGE plpgsql AS $p$ BEGIN INSERT "
            "INTO a VALUES (1); COMMIT; PERFORM let_go(); END $p$;"
        }
    )
    result = migrations.fail({"V2__b.sql": "CALL p();\nCREATE TABLE c();"}, mixed=True)
    assert result["error_code"] == "RUN_LOCK_RELEASED"
    assert "statement 1 has taken effect and is noted" in result["msg"]
    assert migrations.query("SELECT * FROM a") == [(1,)]
    migrations.succeed(mixed=True)
    assert migrations.query("SELECT * FROM a") == [(1,)]
    assert migrations.tables() == {"a", "c"}


@pytest.mark.parametrize("event", ["beforeMigrate", "beforeEachMigrate", "afterEachMigrate"])
def test_a_callback_that_lets_go(migrations: Migrations, event: str) -> None:
    migrations.succeed(A)
    result = migrations.fail({f"{event}.sql": "SELECT let_go();", "V2__b.sql": "CREATE TABLE b();"})
    assert result["error_code"] == "RUN_LOCK_RELEASED"
    assert f"callback {event}.sql failed at its end" in result["msg"]
    assert migrations.tables() == {"a"}
    assert migrations.versions() == ["1"]


def test_a_preview_finds_it(migrations: Migrations) -> None:
    migrations.succeed(A)
    result = migrations.fail({"V2__b.sql": "SELECT let_go();"}, check=True, preview="rollback")
    assert result["error_code"] == "RUN_LOCK_RELEASED"
    assert "this was a preview, and it was rolled back" in result["msg"]


def test_an_attempt_that_lets_go_is_not_repeated(migrations: Migrations) -> None:
    migrations.succeed(A)
    busy = "DO $do$ BEGIN RAISE EXCEPTION 'busy' USING ERRCODE = '55P03'; END $do$;"
    result = migrations.fail({"V2__b.sql": f"CREATE TABLE b(); SELECT let_go(); {busy}"}, attempts=3)
    assert result["error_code"] == "RUN_LOCK_RELEASED"
    assert migrations.tables() == {"a"}
