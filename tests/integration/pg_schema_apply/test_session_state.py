"""What a script leaves in its session: nothing of it is there for the next script, nor for its row of the history."""

from __future__ import annotations

import random
import typing as t

import pytest

from .conftest import Migrations

#: Everything that a session can be asked about itself, as rows of kind and value. What concerns the snapshot's own
#: transaction, and of libraries that are loaded when they are needed first, is left out.
SNAPSHOT = r"""
CREATE TABLE seen(script text, kind text, value text);
CREATE FUNCTION public.see(p_script text) RETURNS void LANGUAGE sql AS $see$
INSERT INTO public.seen
SELECT p_script, 'setting', name || ' = ' || setting FROM pg_catalog.pg_settings
  WHERE name NOT LIKE 'transaction\_%' AND name NOT LIKE '%.%'
UNION ALL SELECT p_script, 'user', session_user || ' as ' || current_user
UNION ALL SELECT p_script, 'role', pg_catalog.current_setting('role')
UNION ALL SELECT p_script, 'prepared', name FROM pg_catalog.pg_prepared_statements
UNION ALL SELECT p_script, 'cursor', name FROM pg_catalog.pg_cursors WHERE name <> ''
UNION ALL SELECT p_script, 'listens', pg_catalog.pg_listening_channels()
UNION ALL SELECT p_script, 'lock', classid || ' ' || objid || ' ' || objsubid || ' ' || mode
  FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()
UNION ALL SELECT p_script, 'temporary', relname FROM pg_catalog.pg_class
  WHERE relnamespace = pg_catalog.pg_my_temp_schema()
UNION ALL SELECT p_script, 'temporary', proname FROM pg_catalog.pg_proc
  WHERE pronamespace = pg_catalog.pg_my_temp_schema()
UNION ALL SELECT p_script, 'isolation', pg_catalog.current_setting('transaction_isolation')
UNION ALL SELECT p_script, 'read only', pg_catalog.current_setting('transaction_read_only')
UNION ALL SELECT p_script, 'custom', coalesce(pg_catalog.current_setting('my.own', true), '')
$see$;
CREATE FUNCTION public.has_lastval() RETURNS boolean LANGUAGE plpgsql AS $last$
BEGIN PERFORM pg_catalog.lastval(); RETURN true;
EXCEPTION WHEN object_not_in_prerequisite_state THEN RETURN false; END $last$;
CREATE SEQUENCE public.numbers;
CREATE ROLE {role} SUPERUSER;
GRANT ALL ON SCHEMA public TO {role};
"""

DIRT = {
    "search path": "SET search_path = pg_catalog;",
    "empty search path of a dump": "SELECT pg_catalog.set_config('search_path', '', false);",
    "role": "SET ROLE {role};",
    "session authorization": "SET SESSION AUTHORIZATION {role};",
    "role of a session authorization": "SET SESSION AUTHORIZATION {role}; SET ROLE pg_monitor;",
    "session characteristics": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY;",
    "default_transaction_read_only": "SET default_transaction_read_only = on;",
    "timeouts": "SET lock_timeout = 7; SET statement_timeout = '77s'; SET idle_in_transaction_session_timeout = '9s';",
    "strings": "SET standard_conforming_strings = off; SET escape_string_warning = off; SET backslash_quote = on;",
    "replication role": "SET session_replication_role = replica;",
    "superuser's settings": "SET log_statement = 'all'; SET lc_messages = 'C'; SET client_min_messages = error;",
    "formats": "SET DateStyle = 'German'; SET IntervalStyle = iso_8601; SET TimeZone = 'Asia/Tokyo'; SET bytea_output ="
    " escape; SET extra_float_digits = 0;",
    "names": "SET application_name = 'a script'; SET my.own = 'value';",
    "constraints": "SET CONSTRAINTS ALL DEFERRED;",
    "encoding": "SET client_encoding = 'LATIN1';",
    "encoding in a function": "DO $do$ BEGIN PERFORM set_config('client_encoding', 'WIN1252', false); END $do$;",
    "prepared statement": "PREPARE left_over AS SELECT 1;",
    "cursor": "DECLARE left_over CURSOR WITH HOLD FOR SELECT 1;",
    "cursor on a temporary table": "CREATE TEMP TABLE t_cursor(n int); DECLARE on_temp CURSOR WITH HOLD FOR TABLE "
    "t_cursor;",
    "listen": 'LISTEN left_over; LISTEN "Other One";',
    "advisory locks": "SELECT pg_advisory_lock(5); SELECT pg_advisory_lock_shared(6, 7); SELECT pg_advisory_lock(5);",
    "temporary objects": "CREATE TEMP TABLE seen(x int); CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS "
    "'SELECT 1'; CREATE TEMP VIEW v AS SELECT 1; CREATE TEMP SEQUENCE s;",
    "deferred check of a temporary table": "CREATE TEMP TABLE p(n int PRIMARY KEY); CREATE TEMP TABLE c(n int "
    "REFERENCES p DEFERRABLE INITIALLY DEFERRED); INSERT INTO c VALUES (1); INSERT INTO p VALUES (1);",
    "sequences": "SELECT nextval('public.numbers');",
}
#: In a group the next script is in the same transaction; these are refused there, see ``test_group_refuses``.
NOT_IN_A_GROUP = ("constraints", "deferred check of a temporary table")


def role_of(migrations: Migrations) -> str:
    return f"{migrations.database}_role"


@pytest.fixture(autouse=True)
def role(migrations: Migrations) -> t.Iterator[None]:
    """Drop the role that the scripts made."""
    yield
    name = role_of(migrations)
    if migrations.query(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):
        migrations.query(f"DROP OWNED BY {name}")
        migrations.query(f"DROP ROLE {name}")


def files(migrations: Migrations, dirt: str) -> dict[str, str]:
    """A snapshot, a script that leaves something, and a snapshot by the next one."""
    names = {"role": role_of(migrations)}
    return {
        "V1__before.sql": SNAPSHOT.replace("{role}", names["role"]),
        "V2__see.sql": "SELECT public.see('before');",
        "V3__dirt_é.sql": dirt.replace("{role}", names["role"]),
        "V4__see.sql": "SELECT public.see('after');\nINSERT INTO public.seen SELECT 'after', 'lastval', 'yes' WHERE "
        "public.has_lastval();",
    }


def assert_as_before(migrations: Migrations, after: str = "after") -> None:
    """The snapshot after a script is the one before it."""

    def snapshot(script: str) -> list[tuple[t.Any, ...]]:
        return migrations.query(f"SELECT kind, value FROM seen WHERE script = '{script}' ORDER BY 1, 2")

    before = snapshot("before")
    assert len(before) > 300, "the snapshot is empty"
    assert any(kind == "lock" for kind, _value in before), "the run's lock is not seen"
    assert snapshot(after) == before


def assert_history(migrations: Migrations) -> None:
    user = migrations.server.superuser
    assert migrations.query(
        "SELECT version, encode(convert_to(description, 'UTF8'), 'hex'), installed_by, success FROM"
        " flyway_schema_history WHERE version::int > 1 ORDER BY installed_rank"
    ) == [(version, text.encode().hex(), user, True) for version, text in (("2", "see"), ("3", "dirt é"), ("4", "see"))]


@pytest.mark.parametrize("dirt", DIRT.values(), ids=DIRT)
def test_a_script_in_its_transaction(migrations: Migrations, dirt: str) -> None:
    migrations.succeed(files(migrations, dirt))
    assert_as_before(migrations)
    assert_history(migrations)
    assert migrations.succeed()["changed"] is False


@pytest.mark.parametrize("dirt", DIRT.values(), ids=DIRT)
def test_a_script_that_runs_step_by_step(migrations: Migrations, dirt: str) -> None:
    written = {**files(migrations, dirt), "V3__dirt_é.sql.conf": "executeInTransaction=false"}
    if "INITIALLY DEFERRED" in dirt:
        written["V3__dirt_é.sql"] = f"BEGIN; {written['V3__dirt_é.sql']} COMMIT;"
    migrations.succeed(written)
    assert_as_before(migrations)
    assert_history(migrations)
    assert migrations.succeed()["changed"] is False


@pytest.mark.parametrize("name", [name for name in DIRT if name not in NOT_IN_A_GROUP])
def test_scripts_of_a_group(migrations: Migrations, name: str) -> None:
    migrations.succeed(files(migrations, DIRT[name]), group=True)
    assert_as_before(migrations)
    assert_history(migrations)


#: What would keep the rest from running comes last.
LAST = ("default_transaction_read_only", "session characteristics", "session authorization")
EVERYTHING = "\n".join(
    DIRT[name]
    for name in (
        *(name for name in DIRT if name not in (*NOT_IN_A_GROUP, *LAST, "role", "role of a session authorization")),
        *LAST,
    )
    if "CURSOR WITH HOLD FOR TABLE" not in DIRT[name]
)


@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
@pytest.mark.parametrize(
    "event", ["beforeMigrate", "beforeEachMigrate", "afterEachMigrate", "afterVersioned", "afterMigrate"]
)
def test_callbacks(migrations: Migrations, event: str, group: bool) -> None:
    setup = files(migrations, "")
    migrations.succeed({"V1__before.sql": setup["V1__before.sql"], "V2__see.sql": setup["V2__see.sql"]})
    dirt = EVERYTHING.replace("{role}", role_of(migrations))
    migrations.succeed(
        {
            f"{event}__1.sql": dirt,
            f"{event}__2.sql": "INSERT INTO public.seen SELECT 'lastval', '', '' WHERE public.has_lastval();",
            "V3__dirt_é.sql": "SELECT public.see('after');",
            "R__again.sql": "SELECT public.see('later');",
        },
        group=group,
    )
    assert_as_before(migrations)
    assert_as_before(migrations, "later")
    assert migrations.query("SELECT 1 FROM seen WHERE script = 'lastval'") == []


def test_a_callback_outside_a_transaction(migrations: Migrations) -> None:
    setup = files(migrations, "")
    migrations.succeed({"V1__before.sql": setup["V1__before.sql"], "V2__see.sql": setup["V2__see.sql"]})
    dirt = EVERYTHING.replace("{role}", role_of(migrations))
    migrations.succeed(
        {
            "beforeMigrate.sql": f"VACUUM public.seen; {dirt}",
            "V3__dirt_é.sql": "SELECT public.see('after');",
        }
    )
    assert_as_before(migrations)


def test_callbacks_between_statements_leave_the_scripts_settings(migrations: Migrations) -> None:
    name = role_of(migrations)
    migrations.succeed(
        {
            "V1__a.sql": f"CREATE ROLE {name} SUPERUSER; CREATE SCHEMA s; CREATE TABLE seen(n int, path text, role "
            "text, memory text, zone text);",
        }
    )
    see = (
        "INSERT INTO public.seen SELECT {}, current_setting('search_path'), current_user, current_setting('work_mem'),"
        " current_setting('TimeZone');"
    )
    migrations.succeed(
        {
            "beforeEachMigrateStatement.sql": "SET search_path = pg_catalog; RESET ROLE; SET work_mem = '9MB'; SET "
            "TimeZone = 'Asia/Tokyo';",
            "V2__b.sql": f"SET search_path = s; SET ROLE {name}; SET work_mem = '5MB'; {see.format(1)} {see.format(2)}",
        }
    )
    zone = migrations.query("SHOW TimeZone")[0][0]
    assert migrations.query("SELECT * FROM seen") == [(1, "s", name, "5MB", zone), (2, "s", name, "5MB", zone)]


def test_undo_scripts(migrations: Migrations) -> None:
    written = files(migrations, "SELECT 1;")
    written["U4__see.sql"] = EVERYTHING.replace("{role}", role_of(migrations))
    written["U3__dirt.sql"] = "SELECT public.see('undone');"
    migrations.succeed(written)
    migrations.succeed(state="undone", target="3")
    assert_as_before(migrations, "undone")
    assert migrations.history()[-2:] == [("4", "DELETE", True), ("3", "DELETE", True)]


def test_targets(migrations: Migrations) -> None:
    migrations.query("CREATE SCHEMA one; CREATE SCHEMA two")
    dirt = "SET client_encoding = 'LATIN1'; SET search_path = pg_catalog; PREPARE left_over AS SELECT 1;"
    migrations.succeed(
        {"V1__dirt_é.sql": dirt, "V2__clean.sql": "CREATE TABLE t(n int); PREPARE left_over AS SELECT 1;"},
        targets=[{"schema": "one"}, {"schema": "two"}],
    )
    for schema in ("one", "two"):
        assert migrations.query(
            f"SELECT encode(convert_to(description, 'UTF8'), 'hex') FROM {schema}.flyway_schema_history"
            " WHERE version IS NOT NULL ORDER BY installed_rank"
        ) == [("dirt é".encode().hex(),), (b"clean".hex(),)]
        assert migrations.query(f"SELECT count(*) FROM {schema}.t") == [(0,)]


def test_a_session_role_is_back(migrations: Migrations) -> None:
    name = role_of(migrations)
    migrations.query(f"CREATE ROLE {name}")
    migrations.query(f"GRANT ALL ON SCHEMA public TO {name}")
    migrations.succeed(
        {
            "V1__a.sql": "RESET ROLE; CREATE TABLE of_login();",
            "V2__b.sql": "CREATE TABLE of_role(); SET SESSION AUTHORIZATION DEFAULT;",
            "V3__c.sql": "CREATE TABLE of_role_too();",
        },
        session_role=name,
    )
    owners = dict(migrations.query("SELECT tablename::text, tableowner::text FROM pg_tables WHERE tablename ~ '^of_'"))
    assert owners == {"of_login": "postgres", "of_role": name, "of_role_too": name}
    assert migrations.query("SELECT DISTINCT installed_by FROM flyway_schema_history") == [(name,)]


def test_settings_of_login_role_and_database_survive(migrations: Migrations) -> None:
    migrations.query(f"ALTER DATABASE {migrations.database} SET work_mem = '11MB'")
    migrations.query(f"ALTER DATABASE {migrations.database} SET search_path = other, public")
    migrations.succeed(
        {
            "V1__a.sql": "CREATE TABLE seen(m text, p text); SET work_mem = '5MB'; SET search_path = pg_catalog;",
            "V2__b.sql": "INSERT INTO public.seen SELECT current_setting('work_mem'), current_setting('search_path');",
        }
    )
    assert migrations.query("SELECT * FROM seen") == [("11MB", "public, other, public")]


UNSAFE_TO_SET = {
    "session_authorization", "role", "transaction_isolation", "transaction_read_only", "transaction_deferrable",
    "client_encoding", "idle_session_timeout", "idle_in_transaction_session_timeout", "statement_timeout",
    "debug_discard_caches", "is_superuser", "seed", "allow_system_table_mods", "ignore_system_indexes", "jit_provider",
    "zero_damaged_pages", "ignore_checksum_failure", "exit_on_error", "local_preload_libraries", "lock_timeout",
    "session_preload_libraries", "dynamic_library_path", "tcp_user_timeout", "default_tablespace", "temp_tablespaces",
    "default_table_access_method", "lc_messages", "lc_monetary", "lc_numeric", "lc_time", "createrole_self_grant",
    "default_text_search_config", "log_min_messages", "wal_consistency_checking", "backtrace_functions",
    "restrict_nonsystem_relation_kind", "wal_compression", "default_toast_compression", "search_path", "TimeZone",
    "log_statement_stats", "timezone_abbreviations", "DateStyle", "application_name", "debug_parallel_query",
    "in_hot_standby",
}  # fmt: skip


@pytest.mark.parametrize("step_by_step", [False, True], ids=["transaction", "step by step"])
@pytest.mark.parametrize("seed", range(3))
def test_every_setting(migrations: Migrations, seed: int, step_by_step: bool) -> None:
    """A random value for every setting that a session can change, however it is changed."""
    chosen = random.Random(seed)
    rows = migrations.query(
        "SELECT name, vartype, setting, min_val::float, max_val::float, enumvals FROM pg_settings"
        " WHERE context IN ('user', 'superuser') ORDER BY name"
    )
    statements = []
    for name, kind, setting, low, high, values in rows:
        if name in UNSAFE_TO_SET:
            continue
        if kind == "bool":
            value = "off" if setting == "on" else "on"
        elif kind == "enum":
            value = chosen.choice([value for value in values if value != setting] or values)
        elif kind == "integer":
            value = str(min(int(high), max(int(low), int(setting) + chosen.randint(1, 9))))
        elif kind == "real":
            value = str(min(high, max(low, float(setting) + 0.5)))
        else:
            continue
        how = chosen.choice(["SET {} = '{}';", "SET SESSION {} TO '{}';", "SELECT set_config('{}', '{}', false);"])
        statements.append(how.format(name, value))
    assert len(statements) > 100
    chosen.shuffle(statements)
    written = files(migrations, "\n".join(statements))
    if step_by_step:
        written["V3__dirt_é.sql.conf"] = "executeInTransaction=false"
    migrations.succeed(written, lock_timeout="0")
    assert_as_before(migrations)
    assert_history(migrations)


def test_what_a_failed_attempt_left_is_gone_for_the_next_one(migrations: Migrations) -> None:
    """A prepared statement and an advisory lock outlive the rollback of a deadlock or lock timeout."""
    migrations.succeed({"V1__a.sql": "CREATE TABLE counted(n int); CREATE SEQUENCE attempts;"})
    fail = (
        "DO $do$ BEGIN IF nextval('attempts') < 3 THEN RAISE EXCEPTION 'try again' USING ERRCODE = '55P03'; END IF; "
        "END $do$;"
    )
    result = migrations.succeed(
        {
            "V2__b.sql": "PREPARE left_over AS SELECT 1; SELECT pg_advisory_lock(5);\nINSERT INTO counted SELECT "
            f"count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 5; {fail}"
        }
    )
    assert len(result["retries"]) >= 1
    assert migrations.query("SELECT n FROM counted") == [(1,)]
    assert migrations.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 5") == [(0,)]
