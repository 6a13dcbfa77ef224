"""Either goes on where the other stopped, and neither touches the other's rows."""

from __future__ import annotations

from .conftest import Shared

VIEW = "CREATE OR REPLACE VIEW v AS SELECT {} AS x;\n"


def test_a_history_of_flyway_is_accepted_and_continued(shared: Shared) -> None:
    files = {
        "V1_0_0__initial_schema.sql": "CREATE TABLE a(id int);\r\n",
        "deep/er/V1_1__more.sql": "\ufeffCREATE TABLE b(id int);",
        "R__v.sql": VIEW.format(1),
    }
    assert shared.they_succeed(files=files)["migrations"] == ["1.0.0", "1.1", "v"]
    before = shared.rows()
    shared.both_agree()
    assert not shared.ours.succeed()["changed"]
    assert shared.rows() == before

    result = shared.ours.succeed({"V2__two.sql": "CREATE TABLE c(id int);"})
    assert (result["initial_schema_version"], result["target_schema_version"]) == ("1.1", "2")
    assert shared.rows()[: len(before)] == before
    shared.both_agree()


def test_our_history_is_accepted_and_continued(shared: Shared) -> None:
    shared.ours.succeed({"V1__a.sql": "CREATE TABLE a(id int);", "R__v.sql": VIEW.format(1)})
    before = shared.rows()
    shared.both_agree()
    assert shared.they_succeed()["migrations"] == []
    assert shared.rows() == before

    result = shared.they_succeed(files={"V2__two.sql": "CREATE TABLE b(id int);", "R__v.sql": VIEW.format(2)})
    assert result == {"migrations": ["2", "v"], "initial_schema_version": "1", "target_schema_version": "2"}
    assert shared.rows()[: len(before)] == before
    shared.both_agree()


def test_turn_by_turn(shared: Shared) -> None:
    for number in range(1, 9):
        files = {f"V1_{number}__x.sql": f"CREATE TABLE t{number}(id int);", "R__v.sql": VIEW.format(number)}
        if number % 2:
            assert shared.they_succeed(files=files)["migrations"] == [f"1.{number}", "v"]
        else:
            result = shared.ours.succeed(files)
            assert [item["version"] or item["description"] for item in result["migrations"]] == [f"1.{number}", "v"]
        shared.both_agree()
    assert shared.ours.query("SELECT x FROM v") == [(8,)]
    assert [row[0] for row in shared.rows()] == list(range(1, 17))


def test_schemas_created_by_either(shared: Shared) -> None:
    shared.they_succeed(files={"V1__a.sql": "CREATE TABLE app.a(id int);"}, schemas="app,aux")
    assert not shared.ours.succeed(schemas=["app", "aux"])["changed"]
    shared.ours.succeed({"V2__b.sql": "CREATE TABLE more.b(id int);"}, schemas=["app", "aux", "more"])
    assert shared.they_succeed(schemas="app,aux,more")["migrations"] == []
    assert shared.they_succeed("validate", schemas="app,aux,more")["valid"]
    assert [(row[0], row[3], row[4]) for row in shared.rows("app.flyway_schema_history")] == [
        (0, "SCHEMA", '"app","aux"'),
        (1, "SQL", "V1__a.sql"),
        (2, "SCHEMA", '"more"'),
        (3, "SQL", "V2__b.sql"),
    ]


def test_baseline_by_flyway_and_migrations_by_us(shared: Shared) -> None:
    shared.ours.query("CREATE TABLE a(id int)")
    shared.ours.write({"V1__a.sql": "CREATE TABLE a(id int);", "V2__b.sql": "CREATE TABLE b(id int);"})
    shared.they_succeed("baseline", baselineVersion="1.5")
    assert [item["version"] for item in shared.ours.succeed()["migrations"]] == ["2"]
    assert not shared.ours.succeed(state="baselined", baseline_version="1.5")["changed"]
    shared.both_agree()


def test_baseline_by_us_and_migrations_by_flyway(shared: Shared) -> None:
    shared.ours.query("CREATE TABLE a(id int)")
    shared.ours.write({"V1__a.sql": "CREATE TABLE a(id int);", "V2__b.sql": "CREATE TABLE b(id int);"})
    assert shared.ours.succeed(state="baselined", baseline_version="1.5")["changed"]
    assert shared.they_succeed("baseline", baselineVersion="1.5") == {}
    assert shared.they_succeed()["migrations"] == ["2"]
    shared.both_agree()


def test_what_we_undo_flyway_applies_again(shared: Shared) -> None:
    shared.ours.write({"V1__a.sql": "CREATE TABLE a(id int);", "V2__b.sql": "CREATE TABLE b(id int);"})
    shared.ours.write({"U1__a.sql": "DROP TABLE a;", "U2__b.sql": "DROP TABLE b;"})
    shared.they_succeed()
    for _round in range(2):
        assert shared.ours.succeed(state="undone", target="2")["changed"]
        assert shared.ours.tables() == {"a"}
        shared.both_tell_the_same()
        assert shared.they_succeed("validate", ignoreMigrationPatterns="*:pending")["valid"]
        assert shared.they_succeed()["migrations"] == ["2"]
        shared.both_agree()
    shared.ours.succeed(state="undone", target="1")
    assert shared.ours.tables() == set()
    assert [item["version"] for item in shared.ours.succeed()["migrations"]] == ["1", "2"]
    shared.both_agree()
    assert [row[3] for row in shared.rows()] == ["SQL", "SQL", *["DELETE", "SQL"] * 2, "DELETE", "DELETE", "SQL", "SQL"]


def test_a_migration_that_flyway_marked_as_deleted(shared: Shared) -> None:
    shared.they_succeed(files={"V1__a.sql": "CREATE TABLE a(id int);", "V2__b.sql": "CREATE TABLE b(id int);"})
    shared.ours.write({"V2__b.sql": None, "V3__c.sql": "CREATE TABLE c(id int);"})  # type: ignore[dict-item]
    shared.they_succeed("repair")
    assert [item["version"] for item in shared.ours.succeed()["migrations"]] == ["3"]
    shared.both_agree()
    result = shared.ours.succeed({"V2__b.sql": "CREATE TABLE IF NOT EXISTS b(id int);"}, out_of_order=True)
    assert [item["version"] for item in result["migrations"]] == ["2"]
    assert shared.they_succeed("validate", outOfOrder=True)["valid"]
    shared.both_tell_the_same(out_of_order=True)


def test_out_of_order(shared: Shared) -> None:
    shared.they_succeed(files={"V2__b.sql": "CREATE TABLE b(id int);"})
    shared.ours.succeed({"V1__a.sql": "CREATE TABLE a(id int);"}, out_of_order=True)
    assert shared.they_succeed("validate")["valid"]
    assert ("1", "a", "Out of Order") in shared.both_tell_the_same()
    shared.they_succeed(files={"V1_5__c.sql": "CREATE TABLE c(id int);"}, outOfOrder=True)
    assert ("1.5", "c", "Out of Order") in shared.both_tell_the_same()
    shared.both_agree()


def test_a_script_outside_transactions_that_failed_for_flyway(shared: Shared) -> None:
    shared.they_succeed(files={"V1__a.sql": "CREATE TABLE a(id int);"})
    # With its lock in a transaction, Flyway rolls its own note of the failure back.
    failed = shared.they_fail(files={"V2__b.sql": "VACUUM a;\nVACUUM none;"}, postgresql_transactional_lock=False)
    assert 'relation "none" does not exist' in failed["message"]
    assert shared.ours.history()[-1] == ("2", "SQL", False)
    shared.both_tell_the_same()
    before = shared.rows()
    mine = shared.ours.fail({"V2__b.sql": "VACUUM a;\n"})
    assert mine["error_code"] == "FAILED_VERSIONED_MIGRATION"
    assert shared.rows() == before

    assert shared.ours.succeed(state="repaired")["changed"]
    assert shared.they_succeed()["migrations"] == ["2"]
    shared.both_agree()


def test_a_script_outside_transactions_that_failed_for_us(shared: Shared) -> None:
    shared.ours.succeed({"V1__a.sql": "CREATE TABLE a(id int);"})
    shared.ours.fail({"V2__b.sql": "VACUUM a;\nVACUUM none;"})
    assert shared.ours.history()[-1] == ("2", "SQL", False)
    failed = shared.they_fail(files={"V2__b.sql": "VACUUM a;\nVACUUM a;"})
    assert "Detected failed migration to version 2 (b)." in failed["message"]

    shared.they_succeed("repair")
    result = shared.ours.succeed({"V2__b.sql": "VACUUM (ANALYZE) a;\nVACUUM a;\nVACUUM a;"})
    assert [item["version"] for item in result["migrations"]] == ["2"]
    shared.both_agree()


def test_an_interrupted_script_that_we_finish(shared: Shared) -> None:
    shared.ours.succeed({"V1__a.sql": "CREATE TABLE a(id int); INSERT INTO a VALUES (1), (1);"})
    shared.ours.fail({"V2__i.sql": "CREATE UNIQUE INDEX CONCURRENTLY i ON a(id);"})
    assert "failed migration to version 2" in shared.they_fail()["message"]
    shared.ours.query("DELETE FROM a")
    shared.ours.succeed()
    shared.both_agree()
    assert shared.ours.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") == [(True,)]
