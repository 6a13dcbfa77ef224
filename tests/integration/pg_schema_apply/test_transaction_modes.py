"""A script that says how its transaction is to be: as it says, or refused."""

from __future__ import annotations

import pytest

from .conftest import Migrations

SEE = "INSERT INTO seen SELECT current_setting('transaction_isolation'), current_setting('transaction_deferrable');"


@pytest.mark.parametrize(
    ("begin", "isolation", "deferrable"),
    [
        ("BEGIN ISOLATION LEVEL SERIALIZABLE;", "serializable", "off"),
        ("begin work isolation level repeatable read, read write;", "repeatable read", "off"),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE, DEFERRABLE;", "serializable", "on"),
        ("BEGIN TRANSACTION READ WRITE;", "read committed", "off"),
        ("BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;", "repeatable read", "off"),
        ("BEGIN; SET LOCAL transaction_isolation = 'serializable';", "serializable", "off"),
    ],
)
@pytest.mark.parametrize("settings", ["", "executeInTransaction=false"], ids=["transaction", "step by step"])
def test_modes_hold(migrations: Migrations, begin: str, isolation: str, deferrable: str, settings: str) -> None:
    migrations.succeed(
        {
            "V1__a.sql": "CREATE TABLE seen(isolation text, defers text);",
            "V2__b.sql": f"{begin} {SEE} COMMIT;",
            "V2__b.sql.conf": settings,
            "V3__c.sql": SEE,
        }
    )
    assert migrations.query("SELECT * FROM seen") == [(isolation, deferrable), ("read committed", "off")]
    assert migrations.versions() == ["1", "2", "3"]


def test_set_transaction_without_begin(migrations: Migrations) -> None:
    migrations.succeed(
        {
            "V1__a.sql": "CREATE TABLE seen(isolation text, defers text);",
            "V2__b.sql": f"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n{SEE}",
        }
    )
    assert migrations.query("SELECT * FROM seen") == [("serializable", "off")]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(
    "text",
    [
        "BEGIN READ ONLY; SELECT 1; COMMIT;",
        "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE; SELECT 1; COMMIT;",
        "SELECT 1; SET TRANSACTION READ ONLY;",
        "SET transaction_read_only = on;",
    ],
)
def test_read_only_is_refused(migrations: Migrations, text: str, check: bool) -> None:
    result = migrations.fail({"V1__a.sql": "CREATE TABLE a();", "V2__b.sql": f"-- reads\n{text}"}, check=check)
    assert result["error_code"] == "TRANSACTION_CONTROL"
    assert "The script's transaction is READ ONLY" in result["msg"]
    assert f"where: {migrations.folder}/V2__b.sql:2" in result["msg"]
    assert migrations.query("SELECT to_regclass('a')") == [(None,)]


def test_read_only_in_a_function_gets_the_right_hint(migrations: Migrations) -> None:
    result = migrations.fail(
        {"V1__a.sql": "DO $do$ BEGIN PERFORM set_config('transaction_read_only', 'on', true); END $do$;"}
    )
    assert "25006" in result["msg"]
    assert "leave READ ONLY out" in result["msg"]
    assert "constraints" not in result["msg"].lower()
    assert migrations.versions() == []


def test_read_only_step_by_step(migrations: Migrations) -> None:
    migrations.succeed(
        {
            "V1__a.sql": "CREATE TABLE a(n int);",
            "V2__b.sql": "BEGIN READ ONLY; SELECT * FROM a; COMMIT;\nSET default_transaction_read_only = on;\n"
            "SELECT 1;\nSET default_transaction_read_only = off;\nINSERT INTO a VALUES (1);",
            "V2__b.sql.conf": "executeInTransaction=false",
        }
    )
    assert migrations.query("SELECT * FROM a") == [(1,)]
    assert migrations.history() == [("1", "SQL", True), ("2", "SQL", True)]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(
    "text",
    [
        "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
        "SELECT 1; SET CONSTRAINTS ALL DEFERRED;",
    ],
)
def test_a_group_refuses_what_would_hold_for_others(migrations: Migrations, text: str, check: bool) -> None:
    files = {"V1__a.sql": text, "V2__b.sql": "CREATE TABLE b();"}
    result = migrations.fail(files, group=True, check=check)
    assert result["error_code"] == "TRANSACTION_CONTROL"
    assert "would hold for the other scripts too" in result["msg"]
    assert "Set group to false" in result["msg"]
    assert migrations.tables() == set()
    migrations.succeed(files)
    assert migrations.versions() == ["1", "2"]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_callback_inside_a_transaction_cannot_have_its_own(migrations: Migrations, check: bool) -> None:
    result = migrations.fail(
        {
            "V1__a.sql": "CREATE TABLE a();",
            "beforeEachMigrate.sql": "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;",
        },
        check=check,
    )
    assert result["error_code"] == "TRANSACTION_CONTROL"
    assert "cannot be had in a callback that runs in the transaction of a script" in result["msg"]
    assert migrations.tables() == set()


def test_a_preview_says_that_it_cannot(migrations: Migrations) -> None:
    result = migrations.succeed(
        {"V1__a.sql": "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT;"}, check=True, preview="rollback"
    )
    assert result["preview"]["possible"] is False
    assert "V1__a.sql sets the mode of its transaction" in result["preview"]["reason"]


def test_a_deferred_constraint_still_gets_its_hint(migrations: Migrations) -> None:
    migrations.succeed(
        {
            "V1__a.sql": "CREATE TABLE a(n int PRIMARY KEY); CREATE TABLE b(n int REFERENCES a DEFERRABLE INITIALLY "
            "DEFERRED);"
        }
    )
    result = migrations.fail({"V2__b.sql": "INSERT INTO b VALUES (7);"})
    assert "Deferred constraints are checked at the end of the transaction." in result["msg"]
    assert migrations.query("SELECT * FROM b") == []
