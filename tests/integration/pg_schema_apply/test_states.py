"""Undo, repair, baseline, clean, validate, targets and the rest of Flyway's commands."""

from __future__ import annotations

from .conftest import Migrations

THREE = {
    "V1__a.sql": "CREATE TABLE a(id int);",
    "V2__b.sql": "CREATE TABLE b(id int);",
    "V3__c.sql": "CREATE TABLE c(id int);",
}
UNDO = {"U2__b.sql": "DROP TABLE b;", "U3__c.sql": "DROP TABLE c;"}


def test_target_limits_and_next_takes_one(migrations: Migrations) -> None:
    assert migrations.succeed(THREE, target="2")["schema_version"] == "2"
    assert migrations.versions() == ["1", "2"]
    assert migrations.succeed(target="next")["schema_version"] == "3"
    assert "No migration with a target version 9" in migrations.fail(target="9")["msg"]
    assert not migrations.succeed(target="9?")["changed"]


def test_undo_takes_back_in_reverse_and_applies_again(migrations: Migrations) -> None:
    migrations.succeed({**THREE, **UNDO})
    check = migrations.succeed(state="undone", target="2", check=True)
    assert [action["name"].split()[1] for action in check["actions"]] == ["3", "2"]
    assert migrations.tables() == {"a", "b", "c"}

    result = migrations.succeed(state="undone", target="2")
    assert (result["changed"], result["schema_version"], result["migrations_executed"]) == (True, "1", 2)
    assert migrations.tables() == {"a"}
    assert migrations.history()[3:] == [("3", "DELETE", True), ("2", "DELETE", True)]
    assert not migrations.succeed(state="undone", target="2")["changed"]

    assert migrations.succeed()["migrations_executed"] == 2
    assert migrations.tables() == {"a", "b", "c"}
    migrations.succeed(state="undone", target="3")
    assert migrations.tables() == {"a", "b"}


def test_undo_needs_every_script_before_it_starts(migrations: Migrations) -> None:
    migrations.succeed({**THREE, "U3__c.sql": "DROP TABLE c;"})
    result = migrations.fail(state="undone", target="2")
    assert result["error_code"] == "UNDO_SCRIPT_MISSING"
    assert migrations.tables() == {"a", "b", "c"}


def test_an_edited_undo_script_is_refused(migrations: Migrations) -> None:
    migrations.succeed({**THREE, **UNDO})
    edited = {"U3__c.sql": "DROP TABLE c CASCADE;"}
    result = migrations.fail(edited, state="undone", target="3")
    assert result["error_code"] == "UNDO_CHECKSUM_MISMATCH"
    assert migrations.tables() == {"a", "b", "c"}
    migrations.succeed(state="undone", target="3", accept_changed_undo=True)
    assert migrations.tables() == {"a", "b"}


def test_a_failing_undo_leaves_its_migration(migrations: Migrations) -> None:
    migrations.succeed({**THREE, "U3__c.sql": "DROP TABLE c; SELECT 1/0;"})
    assert "division by zero" in migrations.fail(state="undone", target="3")["msg"]
    assert migrations.tables() == {"a", "b", "c"}
    assert migrations.versions() == ["1", "2", "3"]


def test_repair_aligns_and_marks_missing(migrations: Migrations) -> None:
    migrations.succeed(THREE)
    migrations.write({"V1__a.sql": "CREATE TABLE a(id int); -- edited", "V2__b.sql": None})
    assert migrations.fail()["error_code"] == "VALIDATE_ERROR"
    check = migrations.succeed(state="repaired", check=True)
    assert [action["action"] for action in check["actions"]] == ["mark as deleted", "align"]
    result = migrations.succeed(state="repaired")
    assert result["changed"]
    assert migrations.history() == [("1", "SQL", True), ("2", "SQL", True), ("3", "SQL", True), ("2", "DELETE", True)]
    assert not migrations.succeed(state="repaired")["changed"]
    assert not migrations.succeed()["changed"]


def test_repair_removes_failed_rows(migrations: Migrations) -> None:
    migrations.succeed(THREE)
    migrations.query("UPDATE flyway_schema_history SET success = false WHERE version = '3'")
    assert "Detected failed migration to version 3 (c).\nPlease remove" in migrations.fail()["msg"]
    migrations.succeed(state="repaired")
    migrations.query("DROP TABLE c")
    assert migrations.succeed()["migrations_executed"] == 1


def test_baseline(migrations: Migrations) -> None:
    migrations.query("CREATE TABLE legacy(id int)")
    migrations.write(THREE)
    result = migrations.succeed(state="baselined", baseline_version="2", baseline_description="as found")
    assert (result["changed"], result["schema_version"]) == (True, "2")
    again = migrations.succeed(state="baselined", baseline_version="2", baseline_description="as found")
    assert not again["changed"]
    assert "has already been baselined with (2,as found)" in migrations.fail(state="baselined")["msg"]
    migrations.succeed()
    assert migrations.history() == [("2", "BASELINE", True), ("3", "SQL", True)]
    assert migrations.tables() == {"legacy", "c"}


def test_a_baseline_script_starts_an_empty_database_only(migrations: Migrations) -> None:
    migrations.succeed({**THREE, "B2__ab.sql": "CREATE TABLE a(); CREATE TABLE b();"})
    assert migrations.history() == [("2", "SQL_BASELINE", True), ("3", "SQL", True)]
    assert not migrations.succeed()["changed"]


def test_clean_asks_twice(migrations: Migrations) -> None:
    migrations.succeed(THREE)
    refused = migrations.fail(state="cleaned", clean_confirmation=migrations.database)
    assert refused["error_code"] == "CLEAN_DISABLED"
    assert migrations.fail(state="cleaned", clean_disabled=False)["error_code"] == "CLEAN_NOT_CONFIRMED"
    wrong = migrations.fail(state="cleaned", clean_disabled=False, clean_confirmation="other")
    assert wrong["error_code"] == "CLEAN_NOT_CONFIRMED"
    assert migrations.tables() == {"a", "b", "c"}
    sure = {"state": "cleaned", "clean_disabled": False, "clean_confirmation": migrations.database}
    migrations.query("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('ok')")
    assert migrations.succeed(check=True, **sure)["changed"]
    assert migrations.tables() == {"a", "b", "c"}
    assert migrations.succeed(**sure)["changed"]
    assert migrations.query("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
    assert not migrations.succeed(**sure)["changed"]
    assert migrations.succeed()["schema_version"] == "3"


def test_validated_tells_what_is_pending(migrations: Migrations) -> None:
    migrations.succeed(THREE, target="2")
    result = migrations.fail(state="validated")
    assert (
        "Detected resolved migration not applied to database: 3.\nTo fix this error, either run migrate"
        in result["msg"]
    )
    migrations.succeed()
    assert not migrations.succeed(state="validated")["changed"]


def test_group_is_all_or_nothing(migrations: Migrations) -> None:
    files = {**THREE, "V4__bad.sql": "SELECT 1/0;"}
    assert "division by zero" in migrations.fail(files, group=True)["msg"]
    assert migrations.tables() == set()
    migrations.succeed({"V4__bad.sql": "SELECT 1;"}, group=True)
    assert migrations.versions() == ["1", "2", "3", "4"]


def test_skip_executing_records_only(migrations: Migrations) -> None:
    migrations.succeed(THREE, skip_executing_migrations=True)
    assert migrations.versions() == ["1", "2", "3"]
    assert migrations.tables() == set()


def test_callbacks_run_at_their_events(migrations: Migrations) -> None:
    events = [
        "beforeMigrate",
        "beforeEachMigrate",
        "afterEachMigrate",
        "afterVersioned",
        "beforeRepeatables",
        "afterMigrateApplied",
        "afterMigrate",
        "beforeEachMigrateStatement",
    ]
    files = {f"{event}.sql": f"INSERT INTO seen(what) VALUES ('{event}');" for event in events}
    files["afterMigrate__b.sql"] = "INSERT INTO seen(what) VALUES ('afterMigrate b');"
    migrations.query("CREATE SCHEMA log; CREATE TABLE log.seen(id serial, what text)")
    files = {name: text.replace("seen", "log.seen") for name, text in files.items()}
    migrations.succeed({**files, "V1__a.sql": "CREATE TABLE a();", "R__r.sql": "SELECT 1;"})
    assert [row[0] for row in migrations.query("SELECT what FROM log.seen ORDER BY id")] == [
        "beforeMigrate",
        "beforeEachMigrate",
        "beforeEachMigrateStatement",
        "afterEachMigrate",
        "afterVersioned",
        "beforeRepeatables",
        "beforeEachMigrate",
        "beforeEachMigrateStatement",
        "afterEachMigrate",
        "afterMigrateApplied",
        "afterMigrate",
        "afterMigrate b",
    ]
    migrations.query("TRUNCATE log.seen")
    result = migrations.succeed()
    assert not result["changed"]
    assert [row[0] for row in migrations.query("SELECT what FROM log.seen ORDER BY id")] == [
        "beforeMigrate",
        "afterVersioned",
        "afterMigrate",
        "afterMigrate b",
    ]
    migrations.query("TRUNCATE log.seen")
    migrations.succeed(callbacks="when_pending")
    assert migrations.query("SELECT what FROM log.seen") == []


def test_preview_runs_and_rolls_back(migrations: Migrations) -> None:
    migrations.succeed(THREE)
    files = {"V4__d.sql": "ALTER TABLE a ADD n text DEFAULT 'x'; DROP TABLE b; CREATE INDEX c_id ON c(id);"}
    result = migrations.succeed(files, check=True, diff=True, preview="rollback")
    assert result["preview"] == {
        "possible": True,
        "created": ["column public.a.n", "index public.c_id"],
        "changed": [],
        "dropped": ["column public.b.id", "table public.b"],
    }
    assert "column public.a.n: text default 'x'::text" in result["diff"][-1]["after"]
    assert migrations.versions() == ["1", "2", "3"]
    assert migrations.tables() == {"a", "b", "c"}

    failed = migrations.fail({"V5__bad.sql": "ALTER TABLE a ADD n int;"}, check=True, preview="rollback")
    assert 'column "n" of relation "a" already exists' in failed["msg"]
    result = migrations.succeed(
        {"V5__bad.sql": "CREATE INDEX CONCURRENTLY x ON a(id);"}, check=True, preview="rollback"
    )
    assert result["preview"]["possible"] is False
    assert "V5__bad.sql cannot run in a transaction" in result["preview"]["reason"]


def test_preview_runs_the_callbacks_too(migrations: Migrations) -> None:
    """Each notes itself in a sequence of its own: of what a preview does, only drawn sequence values remain."""
    events = ["beforeMigrate", "afterVersioned", "beforeRepeatables", "afterMigrateApplied", "afterMigrate"]
    every = [*events, "beforeEachMigrate"]
    migrations.query("CREATE SCHEMA log;" + "".join(f"CREATE SEQUENCE log.{event};" for event in every))
    files = {f"{event}.sql": f"SELECT nextval('log.{event}'); CREATE TABLE by_{event}();" for event in events}
    files["beforeEachMigrate.sql"] = "SELECT nextval('log.beforeEachMigrate');"
    files["V1__a.sql"] = "CREATE TABLE a(); SET search_path = log;"
    files["R__r.sql"] = "SELECT * FROM by_afterVersioned;"
    result = migrations.succeed(files, check=True, preview="rollback")
    assert [name for name in result["preview"]["created"] if name.startswith("table")] == [
        "table public.a",
        *sorted(f"table public.by_{event.lower()}" for event in events),
    ]
    drawn = {event: migrations.query(f"SELECT last_value FROM log.{event} WHERE is_called") for event in every}
    assert drawn == {**{event: [(1,)] for event in events}, "beforeEachMigrate": [(2,)]}
    assert migrations.tables() == set()

    result = migrations.succeed({"afterMigrate.sql": "VACUUM;"}, check=True, preview="rollback")
    assert result["preview"]["possible"] is False
    assert "afterMigrate.sql cannot run in a transaction" in result["preview"]["reason"]


def test_many_databases_each_with_its_outcome(migrations: Migrations) -> None:
    names = [f"{migrations.database}_{number}" for number in range(4)]
    for name in names:
        migrations.server.create_database(name)
    try:
        migrations.server.query("CREATE TABLE in_the_way()", names[1])
        targets = [{"database": name} for name in names]
        result = migrations.fail(THREE, targets=targets, on_failure="continue", login_db=None)
        assert [item["status"] for item in result["targets"]] == ["changed", "failed", "changed", "changed"]
        assert "1 of 4 targets failed" in result["msg"]
        assert "changed: 3" in result["summary"]
        stopped = migrations.fail(targets=[targets[1], targets[0]], parallel=1, login_db=None)
        assert [item["status"] for item in stopped["targets"]] == ["failed", "skipped"]
        again = migrations.succeed(targets=[targets[0], targets[2]], login_db=None)
        assert not again["changed"]
    finally:
        for name in names:
            migrations.server.drop_database(name)


def test_many_schemas_of_one_database(migrations: Migrations) -> None:
    targets = [{"schema": f"tenant_{number}"} for number in range(20)]
    result = migrations.succeed(THREE, targets=targets, parallel=5)
    assert result["summary"] == ["changed: 20", "schema versions: 3 (20)"]
    assert migrations.query("SELECT count(*) FROM pg_tables WHERE tablename = 'c'") == [(20,)]
    assert not migrations.succeed(targets=targets, parallel=5)["changed"]


def test_should_execute_leaves_a_file_out_here(migrations: Migrations) -> None:
    files = {**THREE, "V2__b.sql.conf": "shouldExecute=${environment}==production\n"}
    migrations.succeed(files, placeholders={"environment": "test"})
    assert migrations.versions() == ["1", "3"]
    assert not migrations.succeed(placeholders={"environment": "test"}, out_of_order=True)["changed"]
    migrations.succeed(placeholders={"environment": "production"}, out_of_order=True)
    assert migrations.versions() == ["1", "3", "2"]


def test_lint_warns_or_refuses(migrations: Migrations) -> None:
    migrations.succeed(
        {"V1__a.sql": "CREATE TABLE big AS SELECT n AS id FROM generate_series(1, 20000) n; ANALYZE big;"}
    )
    migrations.write({"V2__index.sql": "CREATE INDEX big_id ON big(id);"})
    result = migrations.fail(lint={"level": "error", "large_rows": 10000})
    assert result["error_code"] == "LINT"
    assert f"{migrations.folder}/V2__index.sql:1: error:" in result["msg"]
    assert "CREATE INDEX CONCURRENTLY" in result["msg"]
    assert migrations.versions() == ["1"]
    assert "there is no lint rule" in migrations.fail(lint={"rules": {"nonsense": "off"}})["msg"]
    checked = migrations.succeed(check=True)
    assert [finding["line"] for finding in checked["lint"]] == [1]
    assert "CREATE INDEX CONCURRENTLY" in str(checked["warnings"])
    rule = checked["lint"][0]["rule"]
    assert migrations.succeed(lint={"level": "error", "rules": {rule: "off"}})["lint"] == []
