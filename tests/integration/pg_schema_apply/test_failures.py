"""Wrong input: one readable error, and the database as before."""

from __future__ import annotations

import pytest

from .conftest import Migrations

A = "CREATE TABLE a(id int PRIMARY KEY);\n"


def test_an_error_names_file_line_and_column_and_rolls_the_file_back(migrations: Migrations) -> None:
    result = migrations.fail(
        {"V1__a.sql": A, "V2__b.sql": "CREATE TABLE b(id int);\n\nSELECT *\n  FROM  nosuch;\n", "V3__c.sql": A}
    )
    assert 'relation "nosuch" does not exist (SQLSTATE 42P01)' in result["msg"]
    assert f"where: {migrations.folder}/V2__b.sql:4:9" in result["msg"]
    assert "  4 |   FROM  nosuch\n    |         ^" in result["msg"]
    assert "1 earlier scripts of this run are done and recorded" in result["msg"]
    assert (result["changed"], result["error_code"], result["sqlstate"]) == (True, "FAILED_MIGRATION", "42P01")
    assert [item["version"] for item in result["migrations"]] == ["1"]
    assert (result["initial_schema_version"], result["schema_version"]) == (None, "1")
    assert migrations.history() == [("1", "SQL", True)]
    assert migrations.tables() == {"a"}

    migrations.succeed({"V2__b.sql": "CREATE TABLE b(id int);", "V3__c.sql": "CREATE TABLE c(id int);"})
    assert migrations.tables() == {"a", "b", "c"}


def test_a_wrong_line_of_copy_data_is_named(migrations: Migrations) -> None:
    result = migrations.fail({"V1__a.sql": A + "\nCOPY a FROM STDIN;\n1\n2\nthree\n\\.\n"})
    assert f"where: {migrations.folder}/V1__a.sql:6\n" in result["msg"]
    assert migrations.tables() == set()


def test_a_deferred_constraint_fails_at_the_end(migrations: Migrations) -> None:
    result = migrations.fail(
        {
            "V1__a.sql": A + "CREATE TABLE b(a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\n",
            "V2__bad.sql": "INSERT INTO b VALUES (7);",
        }
    )
    assert "failed at its end" in result["msg"]
    assert "23503" in result["msg"]
    assert migrations.versions() == ["1"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"V1__open.sql": "SELECT 'never closed;\n"}, ["a string is never closed", "V1__open.sql:1:8"]),
        ({"V1__meta.sql": "SELECT 1;\n\\i other.sql\n"}, ["meta-command \\i", "V1__meta.sql:2:1"]),
        ({"V1__copy.sql": "COPY a FROM STDIN;\n1\n"}, ["the data of COPY FROM STDIN has no end", "V1__copy.sql:1:1"]),
        ({"V1__x.sql": "SELECT ${nope};"}, ["No value provided for placeholder: ${nope}.", "V1__x.sql:1:8"]),
        ({"V1__x.sql": "SELECT 1; COMMIT; SELECT 2;"}, ["opens or ends transactions by itself (COMMIT)", ":1:11"]),
        ({"V1__x.sql": b"SELECT '\xff';"}, ["The script is not valid utf-8"]),
        ({"V1__x.sql": "", "V1__x.sql.conf": "bogus=1"}, ["Unknown configuration property: bogus", "V1__x.sql.conf:1"]),
        ({"R__x.sql": "", "sub/R__x.sql": ""}, ["Found more than one repeatable migration with description x"]),
        (
            {"V1__x.sql": "CREATE TABLE b();\nCREATE INDEX CONCURRENTLY i ON a(id);"},
            ["even though mixed is false", "line 2: CREATE INDEX CONCURRENTLY i ON a(id) [non-transactional]"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_everything_is_read_before_anything_runs(
    migrations: Migrations, files: dict[str, str | bytes], words: list[str]
) -> None:
    result = migrations.fail({"V0__first.sql": A, **files})
    for word in words:
        assert word in result["msg"]
    assert migrations.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


def test_the_same_version_twice(migrations: Migrations) -> None:
    result = migrations.fail({"V1__a.sql": A, "sub/V1_0_0__b.sql": A})
    first, second = f"{migrations.folder}/V1__a.sql", f"{migrations.folder}/sub/V1_0_0__b.sql"
    assert (
        result["msg"].startswith(
            f"Found more than one migration with version 1.0.0\nOffenders:\n-> {first} (SQL)\n-> {second} (SQL)"
        )
        or "Found more than one migration with version 1" in result["msg"]
    )
    assert result["error_code"] == "DUPLICATE_VERSIONED_MIGRATION"


def test_an_edited_file(migrations: Migrations) -> None:
    migrations.succeed({"V1__a.sql": "create table a1(id int);\n"})
    result = migrations.fail({"V1__a.sql": "create table a2(id int);\n", "V2__b.sql": A})
    assert (
        "Migration checksum mismatch for migration version 1\n-> Applied to database : 49237341\n"
        "-> Resolved locally    : -371657122\n"
        "Either revert the changes to the migration, or run repair to update the schema history."
    ) in result["msg"]
    assert result["error_code"] == "CHECKSUM_MISMATCH"
    assert migrations.versions() == ["1"]


def test_a_file_that_arrived_late(migrations: Migrations) -> None:
    migrations.succeed({"V1__a.sql": A, "V3__c.sql": "CREATE TABLE c();"})
    late = {"V2__b.sql": "CREATE TABLE b();"}
    result = migrations.fail(late)
    assert "Detected resolved migration not applied to database: 2.\nTo ignore this migration" in result["msg"]
    assert result["error_code"] == "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED"
    assert migrations.tables() == {"a", "c"}
    migrations.succeed(late, out_of_order=True)
    assert migrations.versions() == ["1", "3", "2"]


def test_a_schema_without_history(migrations: Migrations) -> None:
    migrations.query("CREATE TABLE legacy(id int)")
    files = {"V1__a.sql": A, "V2__b.sql": "CREATE TABLE b();"}
    result = migrations.fail(files)
    assert 'Found non-empty schema(s) "public" but no schema history table.' in result["msg"]
    assert result["error_code"] == "NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE"
    result = migrations.succeed(files, baseline_on_migrate=True)
    assert any("V1__a.sql" in str(warning) for warning in result["warnings"]), result["warnings"]
    assert migrations.history() == [("1", "BASELINE", True), ("2", "SQL", True)]
    assert migrations.tables() == {"legacy", "b"}


def test_a_schema_that_holds_a_materialized_view_only_is_not_empty(migrations: Migrations) -> None:
    migrations.query("CREATE MATERIALIZED VIEW m AS SELECT 1")
    assert "Found non-empty schema(s)" in migrations.fail({"V1__a.sql": A})["msg"]


def test_a_missing_folder(migrations: Migrations) -> None:
    result = migrations.fail(locations=[str(migrations.folder / "nosuch")])
    assert "nosuch does not exist." in result["msg"]


def test_a_wrong_password_is_not_repeated(migrations: Migrations) -> None:
    result = migrations.fail({"V1__a.sql": A}, login_password="wrong-secret")
    assert "password authentication failed" in result["msg"]
    assert "wrong-secret" not in result.output


def test_a_secret_placeholder_stays_secret(migrations: Migrations) -> None:
    files = {"V1__a.sql": "CREATE ROLE placeholder_role PASSWORD '${pw}' NOSUCHOPTION;"}
    result = migrations.fail(files, secret_placeholders={"pw": "very-secret-value"}, diff=True)
    assert "NOSUCHOPTION" in result["msg"].upper()
    assert "very-secret-value" not in result.output


@pytest.mark.parametrize("before", ["", "SELECT 1;", "-- " + "x" * 60 + "\n", "SELECT '" + "y" * 1960 + "', "])
def test_no_part_of_a_secret_placeholder_is_told(migrations: Migrations, before: str) -> None:
    """The quotation mark ends the literal, so the server quotes what follows; a long statement is cut anywhere."""
    secret = "begin4410\\ ' middle4410 \" \t \u00a0 \u200b %s {{ no }} \" ä ' end4410"
    files = {"V1__a.sql": f"{before}CREATE ROLE placeholder_role PASSWORD '${{pw}}' VALID UNTIL 'tomorrow';"}
    result = migrations.fail(files, secret_placeholders={"pw": secret}, diff=True)
    assert "(SQLSTATE 42601)" in result["msg"] and "V1__a.sql" in result["msg"]
    for part in ("begin4410", "middle4410", "end4410"):
        assert part not in result.output
    assert not migrations.query("SELECT 1 FROM pg_roles WHERE rolname = 'placeholder_role'")


def test_an_error_without_a_position_names_its_statement_too(migrations: Migrations) -> None:
    text = f"{A}INSERT INTO a VALUES (1);\nINSERT INTO a -- twice\n  VALUES (1);\nSELECT nextval('no');\n"
    result = migrations.fail({"V1__a.sql": text})
    assert f"where: {migrations.folder}/V1__a.sql:3:1" in result["msg"]
    assert "  3 | INSERT INTO a -- twice" in result["msg"]
    assert "Key (id)=(1) already exists." in result["msg"]
    assert migrations.tables() == set()


def test_a_setting_that_changes_how_strings_are_read(migrations: Migrations) -> None:
    text = "CREATE TABLE s(t text);\nSET standard_conforming_strings = off;\nINSERT INTO s VALUES ('a\\'; b');\n"
    migrations.succeed({"V1__s.sql": text})
    assert migrations.query("SELECT t FROM s") == [("a'; b",)]


def test_a_callback_that_never_runs_is_named(migrations: Migrations) -> None:
    result = migrations.succeed(
        {"V1__a.sql": A, "beforeConnect__role.sql": "SELECT 1;", "afterMigrate.sql": "SELECT 1;"}
    )
    assert "The callback beforeConnect__role.sql never runs" in str(result["warnings"])
    assert "afterMigrate.sql" not in str(result["warnings"])
    assert result["callbacks"] == ["afterMigrate.sql"]
