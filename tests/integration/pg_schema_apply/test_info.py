"""pg_schema_info tells states, pending files and drift."""

from __future__ import annotations

from .conftest import Migrations

FILES = {
    "V1__a.sql": "CREATE TABLE a(id int);",
    "V2__b.sql": "CREATE TABLE b(id int);",
    "U2__b.sql": "DROP TABLE b;",
    "R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS x;",
}


def test_states_of_an_empty_and_a_migrated_database(migrations: Migrations) -> None:
    migrations.write(FILES)
    before = migrations.info()
    facts = ("history_table_exists", "all_schemas_empty", "schema_version")
    assert tuple(before[name] for name in facts) == (False, True, None)
    assert [item["description"] for item in before["pending"]] == ["a", "b", "v"]

    migrations.succeed(target="1")
    info = migrations.info()
    assert [(item["version"], item["state"], item["undoable"]) for item in info["migrations"]] == [
        ("1", "Success", "No"),
        ("", "Success", "No"),
        ("2", "Pending", "Yes"),
    ]
    assert info["schema_version"] == "1"
    assert info["migrations"][0]["installed_on_utc"].endswith("Z")
    assert info["drift"]["known"] is True
    assert info["drift"]["drifted"] is False


def test_changes_by_hand_are_drift(migrations: Migrations) -> None:
    migrations.succeed(FILES)
    migrations.query("CREATE INDEX by_hand ON a(id); ALTER TABLE b ALTER id TYPE bigint; DROP VIEW v")
    drift = migrations.info()["drift"]
    assert drift["drifted"] is True
    assert drift["created"] == ["index public.by_hand"]
    assert drift["changed"] == ["column public.b.id"]
    assert drift["dropped"] == ["column public.v.x", "view public.v"]


def test_a_run_by_somebody_else_makes_the_fingerprint_old(migrations: Migrations) -> None:
    migrations.succeed(FILES)
    migrations.query(
        "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, installed_by, "
        "execution_time,"
        " success) VALUES (9, '9', 'x', 'SQL', 'V9__x.sql', 'x', 0, true)"
    )
    assert migrations.info()["drift"]["known"] is False


def test_what_does_not_validate_is_told_without_failing(migrations: Migrations) -> None:
    migrations.succeed(FILES)
    migrations.write({"V1__a.sql": "edited"})
    info = migrations.info()
    assert info["validation_successful"] is False
    assert info["invalid_migrations"][0]["error_details"]["error_code"] == "CHECKSUM_MISMATCH"
