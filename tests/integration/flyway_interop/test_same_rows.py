"""From the same start, both write the same rows, read the same checksums, and leave the same things behind."""

from __future__ import annotations

import random
import typing as t
from pathlib import Path

import pytest
from flyway_vectors import PLACEHOLDERS, SCHEMAS, vectors
from flyway_vectors import files as vector_files

from .conftest import Shared

CHECKOUT = Path(__file__).resolve().parents[3]
TEXTS = ["SELECT 1;", "-- café €", "\t", " ", "'${x}'", "\ufeff", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028"]
TEXTS += ["\u2029", "\U0001f600", "\r\n", "\n", "\r", "\n\r", ""]


def facts(shared: Shared, table: str = "flyway_schema_history") -> list[tuple[t.Any, ...]]:
    """All of a history but when and how long."""
    return shared.ours.query(
        "SELECT installed_rank, version, description, type, script, checksum, installed_by, success"
        f" FROM {table} ORDER BY installed_rank"
    )


def test_every_kind_of_name_and_content(shared: Shared, twin: Shared) -> None:
    """The published vectors, recorded by this very release as well."""
    shared.they_succeed(files=vector_files(), schemas=",".join(SCHEMAS), placeholders_who=PLACEHOLDERS["who"])
    twin.ours.succeed(schemas=SCHEMAS, placeholders=PLACEHOLDERS)

    table = "app.flyway_schema_history"
    assert facts(shared, table) == facts(twin, table)
    assert [str(row[5]) if row[5] is not None else "" for row in facts(shared, table)] == [
        row["checksum"] for row in vectors()
    ]


def test_checksums_of_many_files(shared: Shared) -> None:
    """The repository's own scripts, and text that no human writes."""
    found = sorted((CHECKOUT / "tests" / "unit").rglob("*.sql")) + sorted((CHECKOUT / "applications").rglob("*.sql"))
    chance = random.Random(1)
    contents = [path.read_bytes() for path in found]
    contents += ["".join(chance.choices(TEXTS, k=chance.randrange(12))).encode() for _number in range(400)]
    scripts: dict[str, str | bytes] = {}
    for number, content in enumerate(contents, 1):
        try:
            content.decode()
        except UnicodeDecodeError:
            continue
        scripts[f"V{number}__x.sql"] = content
    assert len(scripts) > 400

    shared.ours.write(scripts)
    entries = shared.both_tell_the_same()
    assert len(entries) == len(scripts)


def test_repeatables_with_placeholders(shared: Shared, twin: Shared) -> None:
    files = {
        "R__who.sql": "CREATE OR REPLACE VIEW who AS SELECT '${WHO}'::text AS x; -- ${who}\n",
        "V2__raw.sql": "CREATE VIEW raw AS SELECT '${nobody}'::text AS x;",
        "V2__raw.sql.conf": "placeholderReplacement=false\n",
        "V1__own.sql": (
            "CREATE TABLE own AS SELECT '${flyway:defaultSchema} ${flyway:user} ${flyway:table} ${flyway:filename}'"
            "::text AS x, '${flyway:database}'::text AS name;"
        ),
    }
    shared.they_succeed(files=files, placeholders_who="bob")
    twin.ours.succeed(placeholders={"who": "bob"})
    assert facts(shared) == facts(twin)
    for query in ("SELECT x FROM who", "SELECT x FROM raw", "SELECT x FROM own"):
        assert shared.ours.query(query) == twin.ours.query(query)
    assert shared.ours.query("SELECT name FROM own") == [(shared.ours.database,)]
    assert twin.ours.query("SELECT name FROM own") == [(twin.ours.database,)]

    assert shared.they_succeed(placeholders_who="eve")["migrations"] == ["who"]
    assert [item["description"] for item in twin.ours.succeed(placeholders={"who": "eve"})["migrations"]] == ["who"]
    assert facts(shared) == facts(twin)
    assert not shared.ours.succeed(placeholders={"who": "eve"}, check=True)["changed"]
    assert twin.they_succeed(placeholders_who="eve")["migrations"] == []


@pytest.mark.parametrize("in_group", [False, True])
def test_callbacks_run_in_the_same_order(shared: Shared, twin: Shared, in_group: bool) -> None:
    files = {
        "V1__a.sql": "CREATE TABLE a(id int);",
        "V2__b.sql": "CREATE TABLE b(id int);",
        "R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS x;",
        "beforeMigrate.sql": "CREATE TABLE IF NOT EXISTS calls(n serial, event text);",
    }
    for event in ("beforeMigrate__z", "beforeEachMigrate", "afterEachMigrate", "afterMigrate", "afterMigrateApplied"):
        files[f"{event}{'' if '__' in event else '__note'}.sql"] = f"INSERT INTO calls(event) VALUES ('{event}');"
    for event in ("beforeRepeatables", "afterVersioned", "beforeValidate", "afterValidate"):
        files[f"{event}.sql"] = (
            "DO $$ BEGIN IF to_regclass('calls') IS NOT NULL THEN"
            f" INSERT INTO calls(event) VALUES ('{event}'); END IF; END $$;"
        )
    shared.they_succeed(files=files, group=in_group)
    twin.ours.succeed(group=in_group)
    query = "SELECT event FROM calls ORDER BY n"
    assert twin.ours.query(query) == shared.ours.query(query)
    assert facts(twin) == facts(shared)


def test_a_table_of_another_name_in_another_schema(shared: Shared, twin: Shared) -> None:
    options = {"table": "Migrations Done", "sqlMigrationPrefix": "", "sqlMigrationSeparator": "--"}
    shared.they_succeed(files={"1--a.sql": "CREATE TABLE a(id int);"}, defaultSchema="Own", **options)
    twin.ours.succeed(
        default_schema="Own", table="Migrations Done", sql_migration_prefix="", sql_migration_separator="--"
    )
    table = '"Own"."Migrations Done"'
    assert facts(shared, table) == facts(twin, table)
    assert shared.ours.query("SELECT schemaname::text FROM pg_tables WHERE tablename = 'a'") == [("Own",)]
    assert twin.ours.query("SELECT schemaname::text FROM pg_tables WHERE tablename = 'a'") == [("Own",)]


@pytest.mark.parametrize("target", ["2", "2.5?", "next", "current", "latest"])
def test_targets(shared: Shared, twin: Shared, target: str) -> None:
    files = {f"V{number}__x.sql": f"CREATE TABLE t{number}(id int);" for number in (1, 2, 3)}
    files["R__v.sql"] = "CREATE OR REPLACE VIEW v AS SELECT 1 AS x;"
    twin.ours.succeed(files, target=target)
    if target == "2.5?" and shared.flyway.release == "flyway-9":
        # Only the paid edition knew the question mark then.
        target = "2"
    shared.they_succeed(target=target)
    assert facts(shared) == facts(twin)
    shared.both_tell_the_same(target=target)


def test_baselines_are_the_same(shared: Shared, twin: Shared) -> None:
    shared.ours.write({"V1__a.sql": "CREATE TABLE a(id int);", "V2__b.sql": "CREATE TABLE b(id int);"})
    for each in (shared, twin):
        each.ours.query("CREATE TABLE a(id int)")
    shared.they_succeed(baselineOnMigrate=True, baselineDescription="what was there")
    twin.ours.succeed(baseline_on_migrate=True, baseline_description="what was there")
    assert facts(shared) == facts(twin)
    shared.both_tell_the_same()
    twin.both_agree()


def test_repairs_are_the_same(shared: Shared, twin: Shared) -> None:
    files = {
        "V1__a.sql": "SELECT 1;",
        "V2__b.sql": "SELECT 2;",
        "V3__c.sql": "SELECT 3;",
        "V4__d.sql": "SELECT 4;",
        "R__v.sql": "SELECT 5;",
        "R__w.sql": "SELECT 6;",
    }
    shared.they_succeed(files=files)
    twin.they_succeed()
    changed: t.Any = {"V1__a.sql": "SELECT 10;", "V2__b.sql": None, "V2__renamed.sql": "SELECT 2;"}
    changed |= {"V3__c.sql": None, "R__v.sql": None, "R__w.sql": "SELECT 60;"}
    shared.ours.write(changed)
    shared.they_succeed("repair")
    assert twin.ours.succeed(state="repaired")["changed"]
    assert facts(shared) == facts(twin)
    assert not twin.ours.succeed(state="repaired")["changed"]
    assert shared.both_tell_the_same() == twin.both_tell_the_same()
    assert shared.they_succeed()["migrations"] == [item["description"] for item in twin.ours.succeed()["migrations"]]
    assert facts(shared) == facts(twin)


def test_baseline_scripts(shared: Shared, twin: Shared) -> None:
    files = {f"V{number}__x.sql": f"CREATE TABLE t{number}(id int);" for number in (1, 2, 3)}
    files["B2__both.sql"] = "CREATE TABLE t1(id int); CREATE TABLE t2(id int);"
    shared.they_succeed(files=files)
    twin.ours.succeed()
    assert facts(shared) == facts(twin)
    assert shared.ours.tables() == twin.ours.tables() == {"t1", "t2", "t3"}
    shared.both_agree()
    twin.both_agree()
