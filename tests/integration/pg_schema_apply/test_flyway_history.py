"""The history table is Flyway's, to the letter."""

from __future__ import annotations

import typing as t

from flyway_vectors import ONE, PLACEHOLDERS, SCHEMAS, files, vectors

from .conftest import HISTORY, Migrations


def test_rows_equal_those_of_flyway(migrations: Migrations) -> None:
    result = migrations.succeed(files(), schemas=SCHEMAS, placeholders=PLACEHOLDERS)
    assert result["changed"]

    rows = migrations.query(HISTORY.replace("flyway_schema_history", "app.flyway_schema_history"))
    for expected, row in zip(vectors(), rows, strict=True):
        actual = {
            "installed_rank": str(row[0]),
            "version": row[1] or "",
            "description": row[2],
            "type": row[3],
            "script": row[4],
            "checksum": "" if row[5] is None else str(row[5]),
        }
        assert actual == expected
        assert row[6] is True


def test_ddl_is_that_of_flyway(migrations: Migrations) -> None:
    migrations.succeed({"V1__a.sql": ONE})

    columns = migrations.query(
        "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)"
        " FROM pg_attribute a LEFT JOIN pg_attrdef d ON adrelid = attrelid AND adnum = attnum"
        " WHERE attrelid = 'flyway_schema_history'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert columns == [
        ("installed_rank", "integer", True, None),
        ("version", "character varying(50)", False, None),
        ("description", "character varying(200)", True, None),
        ("type", "character varying(20)", True, None),
        ("script", "character varying(1000)", True, None),
        ("checksum", "integer", False, None),
        ("installed_by", "character varying(100)", True, None),
        ("installed_on", "timestamp without time zone", True, "now()"),
        ("execution_time", "integer", True, None),
        ("success", "boolean", True, None),
    ]
    indexes = migrations.query(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'flyway_schema_history' ORDER BY indexname"
    )
    assert [row[0] for row in indexes] == [
        "CREATE UNIQUE INDEX flyway_schema_history_pk ON public.flyway_schema_history USING btree (installed_rank)",
        "CREATE INDEX flyway_schema_history_s_idx ON public.flyway_schema_history USING btree (success)",
    ]


def test_default_privileges_do_not_reach_the_history(migrations: Migrations) -> None:
    migrations.query("CREATE ROLE reader_of_history_test")
    try:
        migrations.query("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO reader_of_history_test, PUBLIC")
        migrations.succeed({"V1__a.sql": "CREATE TABLE a(id int);"})
        query = "SELECT has_table_privilege('reader_of_history_test', '{}', 'INSERT')"
        assert migrations.query(query.format("a")) == [(True,)]
        assert migrations.query(query.format("flyway_schema_history")) == [(False,)]
    finally:
        migrations.query("DROP OWNED BY reader_of_history_test")
        migrations.query("DROP ROLE reader_of_history_test")


def test_second_run_changes_nothing(migrations: Migrations) -> None:
    migrations.succeed(
        {"V1__a.sql": "CREATE TABLE a(id int);", "R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS x;"}
    )
    before = migrations.query("SELECT * FROM flyway_schema_history")
    result = migrations.succeed()
    assert (result["changed"], result["actions"], result["schema_version"]) == (False, [], "1")
    assert migrations.query("SELECT * FROM flyway_schema_history") == before


def test_check_mode_plans_and_writes_nothing(migrations: Migrations) -> None:
    files = {"V1__a.sql": "CREATE TABLE a(id int);", "V2__b.sql": "CREATE TABLE b(id int);"}
    result = migrations.succeed(files, check=True, diff=True)
    assert result["changed"]
    assert [item["version"] for item in result["pending"]] == ["1", "2"]
    assert any("CREATE TABLE b(id int);" in entry["after"] for entry in result["diff"])
    assert migrations.query("SELECT 1 FROM pg_class WHERE relname IN ('a', 'b', 'flyway_schema_history')") == []


def test_a_missing_database_is_planned_as_empty_in_check_mode_only(migrations: Migrations) -> None:
    migrations.write({"V1__a.sql": ONE})
    assert migrations.succeed(check=True, login_db="there_is_none")["changed"]
    assert 'The database "there_is_none" does not exist.' in migrations.fail(login_db="there_is_none")["msg"]


def test_assume_empty_needs_no_server(migrations: Migrations) -> None:
    result = migrations.succeed({"V1__a.sql": ONE}, check=True, assume_empty=True, login_port=1)
    assert [item["version"] for item in result["pending"]] == ["1"]


def test_a_repeatable_runs_again_when_it_changes(migrations: Migrations) -> None:
    migrations.succeed({"V1__a.sql": ONE, "R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS x;"})
    result = migrations.succeed({"R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 2 AS x;"})
    assert [item["description"] for item in result["migrations"]] == ["v"]
    assert migrations.versions() == ["1", "v", "v"]
    assert migrations.query("SELECT x FROM v") == [(2,)]


def test_the_session_is_as_before_for_every_file(migrations: Migrations) -> None:
    migrations.succeed(
        {
            "V1__leaves_a_mess.sql": "CREATE SCHEMA other; SET search_path = other; SET ROLE pg_monitor;",
            "V2__sees_none.sql": "CREATE TABLE in_public(id int);",
        }
    )
    assert migrations.tables() == {"in_public"}


def test_percent_signs_and_copy_data(migrations: Migrations) -> None:
    migrations.succeed(
        {
            "V1__copy.sql": (
                "CREATE TABLE t(a text, b text);\nCOPY t FROM STDIN;\n%s\t100%\n\\N\tline;with ' quote\n\\.\n"
                "INSERT INTO t VALUES ('%(x)s', 'y');\n"
            )
        }
    )
    assert migrations.query("SELECT a, b FROM t ORDER BY b") == [
        ("%s", "100%"),
        (None, "line;with ' quote"),
        ("%(x)s", "y"),
    ]


def test_old_rows_of_every_type_are_read(migrations: Migrations) -> None:
    migrations.succeed({"V9__a.sql": ONE})
    for rank, kind in enumerate(("JDBC", "SCRIPT", "CUSTOM", "SPRING_JDBC", "UNDO_SQL", "UNDO_SCRIPT"), 10):
        migrations.query(
            "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, installed_by,"
            f" execution_time, success) VALUES ({rank}, '0.{rank}', 'old', '{kind}', 'x', 'x', 0, true)"
        )
    result: t.Any = migrations.succeed(
        {"V10__b.sql": "CREATE TABLE b(id int);"}, ignore_migration_patterns=["*:missing", "*:future"]
    )
    assert [item["version"] for item in result["migrations"]] == ["10"]
