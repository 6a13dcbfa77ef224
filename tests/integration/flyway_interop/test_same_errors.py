"""What one refuses the other refuses too, with the same codes and the same words."""

from __future__ import annotations

import typing as t

import pytest

from .conftest import Shared

BASE: dict[str, t.Any] = {
    "V1_0__a.sql": "CREATE TABLE a(id int);",
    "V2__b.sql": "CREATE TABLE b(id int);",
    "V3__c.sql": "CREATE TABLE c(id int);",
    "R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS x;",
    "R__w.sql": "CREATE OR REPLACE VIEW w AS SELECT 1 AS x;",
}
FAILED = "UPDATE flyway_schema_history SET success = false WHERE script = '{}'"
#: What happens to files and history after a first run, and the codes that it leads to.
PROBLEMS: dict[str, tuple[dict[str, t.Any], str, list[str]]] = {
    "a changed script": ({"V1_0__a.sql": "CREATE TABLE a(id bigint);"}, "", ["CHECKSUM_MISMATCH"]),
    "a renamed script": ({"V2__b.sql": None, "V2__bb.sql": BASE["V2__b.sql"]}, "", ["DESCRIPTION_MISMATCH"]),
    "a script that is gone": ({"V2__b.sql": None}, "", ["APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED"]),
    "a repeatable that is gone": ({"R__v.sql": None}, "", ["APPLIED_REPEATABLE_MIGRATION_NOT_RESOLVED"]),
    "a newer history": ({"V3__c.sql": None}, "", []),
    "a late script": ({"V1_5__late.sql": "SELECT 1;"}, "", ["RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED"]),
    "a new script": ({"V4__new.sql": "SELECT 1;"}, "", ["RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED"]),
    "a new repeatable": ({"R__x.sql": "SELECT 1;"}, "", ["RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED"]),
    "a changed repeatable": (
        {"R__v.sql": "SELECT 1;"},
        "",
        ["OUTDATED_REPEATABLE_MIGRATION", "RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED"],
    ),
    "a failed script": ({}, FAILED.format("V2__b.sql"), ["FAILED_VERSIONED_MIGRATION"]),
    "a failed repeatable": ({}, FAILED.format("R__v.sql"), ["FAILED_REPEATABLE_MIGRATION"]),
    "a row of another type": (
        {},
        "UPDATE flyway_schema_history SET type = 'JDBC' WHERE version = '2'",
        ["APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED", "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED"],
    ),
    "several at once": (
        {"V1_0__a.sql": "x", "V2__b.sql": None, "V2_5__late.sql": "SELECT 1;", "R__w.sql": None, "V9__new.sql": ""},
        "",
        [
            "CHECKSUM_MISMATCH",
            "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED",
            "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED",
            "APPLIED_REPEATABLE_MIGRATION_NOT_RESOLVED",
            "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED",
        ],
    ),
}


def told_by_us(shared: Shared, **options: t.Any) -> list[dict[str, str]]:
    found = shared.ours.apply(**options).get("invalid_migrations", [])
    names = ("error_code", "error_message")
    return [
        {
            "version": item["version"],
            "description": item["description"],
            **{name: item["error_details"][name] for name in names},
        }
        for item in found
    ]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_validation(shared: Shared, problem: str) -> None:
    files, sql, codes = PROBLEMS[problem]
    shared.they_succeed(files=BASE)
    if sql:
        shared.ours.query(sql)
    shared.ours.write(files)
    before = shared.rows()

    theirs = shared.theirs("validate")
    assert sorted(item["error_code"] for item in theirs["invalid"]) == sorted(codes)
    assert told_by_us(shared, state="validated") == theirs["invalid"]
    shared.both_tell_the_same()

    # What a migration refuses: pending work is no error then.
    mine = told_by_us(shared)
    if mine:
        message = shared.they_fail()["message"]
        assert all(item["error_message"] in message for item in mine)
        assert message.count("Detected ") + message.count("mismatch for migration") == len(mine)
        assert shared.rows() == before
    else:
        assert shared.they_succeed()["migrations"] == []


@pytest.mark.parametrize(
    "patterns", [["*:missing"], ["*:Ignored", "*:pending"], ["versioned:missing", "repeatable:pending"]]
)
def test_ignore_patterns(shared: Shared, patterns: list[str]) -> None:
    shared.they_succeed(files=BASE)
    shared.ours.write({"V2__b.sql": None, "V2_5__late.sql": "SELECT 1;", "R__w.sql": None, "R__x.sql": "SELECT 2;"})
    mine = told_by_us(shared, state="validated", ignore_migration_patterns=patterns)
    if shared.flyway.release == "flyway-9" and "versioned:missing" in patterns:
        # Only the paid edition told the types apart then.
        assert sorted(item["version"] for item in mine) == ["", "2.5"]
        return
    assert mine == shared.they_succeed("validate", ignoreMigrationPatterns=",".join(patterns))["invalid"]


@pytest.mark.parametrize(
    ("files", "options", "text"),
    [
        pytest.param(
            {"V1__a.sql": "SELECT 1;"},
            {},
            'Found non-empty schema(s) "public" but no schema history table. Use baseline() or set baselineOnMigrate to'
            " true to initialize the schema history table.",
            id="a filled schema",
        ),
        pytest.param(
            {"V1__a.sql": "", "x/V1__b.sql": ""},
            {},
            # Which of them comes first is chance in Flyway.
            "Found more than one migration with version 1\nOffenders:\n-> {}/",
            id="two of one version",
        ),
        pytest.param(
            {"R__v.sql": "", "x/R__v.sql": ""},
            {},
            "Found more than one repeatable migration with description v\nOffenders:\n-> {}/",
            id="two of one description",
        ),
        pytest.param(
            {"V1__a.sql": "SELECT '${nope}';"},
            {},
            "No value provided for placeholder: ${nope}.  Check your configuration!",
            id="a placeholder without value",
        ),
        pytest.param(
            {"R__a.sql": "SELECT '${flyway:nope}';"},
            {},
            "Failed to populate value for default placeholder: ${flyway:nope}",
            id="a default placeholder without value",
        ),
        pytest.param(
            {"V1__a.sql": "SELECT 1;", "V1__a.sql.conf": "bogus=1\n"},
            {},
            "Unknown configuration property: bogus",
            id="an unknown setting",
        ),
        pytest.param(
            {"V1__a.sql": "SELECT 1;"},
            {"target": "7"},
            "No migration with a target version 7 could be found. Ensure target is specified correctly and the"
            " migration exists.",
            id="a target that is not there",
        ),
        pytest.param(
            {"V1__a.sql": "CREATE TABLE a(id int);\nVACUUM;"},
            {},
            "Detected both transactional and non-transactional statements within the same migration (even though mixed"
            " is false). Offending statement found at line 2: VACUUM [non-transactional]",
            id="statements in and outside transactions",
        ),
    ],
)
def test_refusals(shared: Shared, files: dict[str, t.Any], options: dict[str, t.Any], text: str) -> None:
    if text.startswith("Found non-empty"):
        shared.ours.query("CREATE TABLE there(id int)")
    mine = shared.ours.fail(files, **options)["msg"]
    assert shared.ours.query("SELECT to_regclass('a'), to_regclass('flyway_schema_history')") == [(None, None)]
    theirs = shared.they_fail(**options)["message"]
    expected = text.replace("{}/", f"{shared.ours.folder}/")
    assert expected in theirs
    assert expected in mine


def test_a_statement_that_fails(shared: Shared, twin: Shared) -> None:
    files = {"V1__a.sql": "CREATE TABLE a(id int);", "V2__b.sql": "CREATE TABLE b(id int);\n\nINSERT INTO b\nSELECT x;"}
    theirs = shared.they_fail(files=files)["message"]
    mine = twin.ours.fail()["msg"]
    for told in ('ERROR: column "x" does not exist', "42703", "V2__b.sql"):
        assert told.removeprefix("ERROR: ") in mine
        assert told in theirs
    for each in (shared, twin):
        assert each.ours.history() == [("1", "SQL", True)]
        assert each.ours.tables() == {"a"}
