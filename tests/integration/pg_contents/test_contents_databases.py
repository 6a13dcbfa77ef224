# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases and what is in them: names that need quoting, every kind of object, extensions, settings, purging."""

from __future__ import annotations

import typing as t

import pytest
from servers import Postgresql

Run = t.Callable[..., t.Any]
Dump = t.Callable[[], str]

ODD_NAMES = [
    'we"ird',
    "with space",
    "UPPER",
    "ünïcödé ✓",
    "semi;colon--",
    "it's",
    "per%cent %s",
    "back\\slash",
    "select",
]


def all_of_it(name: str) -> dict[str, t.Any]:
    """Every kind of statement with the same odd name everywhere."""
    user = f"{name} user"
    everything = {"role": user, "schema": name}
    return {
        "roles": [
            {"name": name, "login": False, "settings": {"search_path": [name]}},
            {"name": user, "login": True, "password": name, "member_of": [name]},
        ],
        "databases": [
            {
                "name": name,
                "owner": name,
                "settings": {"app.name": name},
                "role_settings": [{"role": user, "settings": {"work_mem": "1MB"}}],
                "schemas": [{"name": name, "owner": name, "public_privileges": []}],
                "extensions": [{"name": "uuid-ossp", "schema": name}],
                "grants": [
                    {"role": user, "on": "database", "privileges": ["CONNECT"]},
                    {**everything, "on": "schema", "privileges": ["USAGE"]},
                    {**everything, "on": "tables", "privileges": ["SELECT"]},
                    {**everything, "on": "sequences", "privileges": ["USAGE"]},
                    {**everything, "on": "functions", "privileges": ["EXECUTE"]},
                    {**everything, "on": "types", "privileges": ["USAGE"]},
                ],
                "default_privileges": [{**everything, "creator": name, "on": "tables", "privileges": ["SELECT"]}],
            }
        ],
    }


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_that_need_quoting(server: Postgresql, ok: Run, name: str) -> None:
    given = all_of_it(name)
    predicted = ok(**given, check=True)["actions"]
    assert ok(**given)["actions"] == predicted
    assert not ok(**given)["changed"]
    quoted = '"' + name.replace('"', '""') + '"'
    server.query(
        f"SET ROLE {quoted}; SET search_path TO {quoted}; CREATE TABLE {quoted} (x int); "
        f"CREATE SEQUENCE {quoted[:-1]}s\"; CREATE TYPE {quoted[:-1]}t\" AS ENUM ('a');"
        f"CREATE FUNCTION {quoted}(a int, {quoted} text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        name,
    )
    granted = ok(**given)["actions"]
    assert [action["kind"] for action in granted] == ["privilege"] * 3
    assert not ok(**given)["changed"]
    assert server.query("SELECT 1", name, user=f"{name} user", password=name) == [(1,)]


@pytest.fixture
def shop(server: Postgresql) -> Postgresql:
    server.query("CREATE ROLE app LOGIN; CREATE ROLE other")
    server.create_database("shop")
    return server


def test_functions_and_types(shop: Postgresql, ok: Run) -> None:
    shop.query(
        "CREATE FUNCTION pay(amount int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION pay(amount text, OUT x int) LANGUAGE sql AS 'SELECT 1';"
        "CREATE PROCEDURE book() LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);"
        "CREATE TYPE colour AS ENUM ('red'); CREATE DOMAIN positive AS int; CREATE TYPE pair AS (a int, b int);"
        "CREATE TABLE row_type (x colour[])",
        "shop",
    )
    everything = {"schema": "public", "objects": ["all"]}
    given = {
        "databases": [
            {
                "name": "shop",
                "grants": [
                    {**everything, "role": "PUBLIC", "on": "functions", "privileges": []},
                    {**everything, "role": "PUBLIC", "on": "types", "privileges": []},
                    {"schema": "public", "role": "app", "on": "functions", "objects": ["pay(integer)", "book"],
                     "privileges": ["EXECUTE"]},
                    {"schema": "public", "role": "app", "on": "types", "objects": ["colour", "pair"],
                     "privileges": ["ALL"]},
                ],
            }
        ]
    }  # fmt: skip
    predicted = ok(**given, check=True)["actions"]
    assert ok(**given)["actions"] == predicted
    assert len(predicted) == 4
    assert not ok(**given)["changed"]
    allowed = shop.query(
        "SELECT p.oid::regprocedure::text, has_function_privilege('app', p.oid, 'EXECUTE') FROM pg_proc p "
        "WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        "shop",
    )
    assert allowed == [("book()", True), ("pay(integer)", True), ("pay(text)", False), ("total(integer)", False)]
    types = "SELECT has_type_privilege('app', 'colour', 'USAGE'), has_type_privilege('app', 'positive', 'USAGE')"
    assert shop.query(types, "shop") == [(True, False)]


def test_every_kind_of_relation_and_grant_options(shop: Postgresql, ok: Run) -> None:
    shop.query(
        "CREATE TABLE plain (x int); CREATE VIEW seen AS SELECT 1 AS x; CREATE MATERIALIZED VIEW kept AS SELECT 1 AS x;"
        "CREATE TABLE parts (x int) PARTITION BY RANGE (x);"
        "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (9)",
        "shop",
    )
    grant = {"role": "app", "on": "tables", "schema": "public", "privileges": ["SELECT"]}
    given: dict[str, t.Any] = {"databases": [{"name": "shop", "grants": [{**grant, "grantable": True}]}]}
    (action,) = ok(**given)["actions"]
    assert action["statement"] == (
        'GRANT SELECT ON TABLE public.plain, public.seen, public.kept, public.parts, public.part '
        'TO "app" WITH GRANT OPTION'
    )
    assert not ok(**given)["changed"]
    given["databases"][0]["grants"] = [grant]
    (action,) = ok(**given)["actions"]
    assert action["statement"].startswith("REVOKE GRANT OPTION FOR SELECT ON TABLE public.plain")
    assert not ok(**given)["changed"]


def test_what_another_role_granted_is_revoked_too(shop: Postgresql, ok: Run) -> None:
    shop.query(
        "CREATE TABLE plain (x int); GRANT SELECT ON plain TO other WITH GRANT OPTION; SET ROLE other;"
        "GRANT SELECT ON plain TO app",
        "shop",
    )
    given = {
        "databases": [
            {"name": "shop", "grants": [{"role": "app", "on": "tables", "schema": "public", "privileges": []}]}
        ]
    }
    assert ok(**given)["changed"]
    assert not ok(**given)["changed"]
    assert shop.query("SELECT has_table_privilege('app', 'plain', 'SELECT')", "shop") == [(False,)]


def test_purging_grants_and_default_privileges(shop: Postgresql, ok: Run) -> None:
    shop.query(
        "CREATE TABLE plain (x int); GRANT ALL ON plain TO other; GRANT CREATE ON DATABASE shop TO other;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES TO other",
        "shop",
    )
    everything = {"role": "app", "schema": "public", "privileges": ["SELECT"], "on": "tables"}
    on_database = {"role": "app", "on": "database", "privileges": ["CONNECT"]}
    defaults = [{**everything, "creator": "postgres"}]
    given = {"databases": [{"name": "shop", "grants": [everything, on_database], "default_privileges": defaults}]}
    found = ok(**given)["unmanaged"]["in_databases"]["shop"]
    assert [(each["on"], each["role"]) for each in found["grants"]] == [("tables", "other"), ("database", "other")]
    assert [each["role"] for each in found["default_privileges"]] == ["other"]
    assert shop.query("SELECT has_table_privilege('other', 'plain', 'INSERT')", "shop") == [(True,)]
    purge = {"purge_grants": True, "purge_default_privileges": True}
    assert len(ok(**given, **purge)["actions"]) == 3
    result = ok(**given, **purge)
    assert not result["changed"]
    assert "shop" not in result["unmanaged"].get("in_databases", {})
    assert shop.query("SELECT has_table_privilege('other', 'plain', 'INSERT')", "shop") == [(False,)]


def test_extensions_come_go_and_move(server: Postgresql, ok: Run) -> None:
    def run(**extension: t.Any) -> list[str]:
        database = {"name": "shop", "schemas": [{"name": "tools"}], "extensions": [{"name": "hstore", **extension}]}
        result = ok(databases=[database])
        assert not ok(databases=[database])["changed"]
        return [action["statement"] for action in result["actions"]]

    assert run(version="1.7")[-1] == 'CREATE EXTENSION "hstore" VERSION "1.7"'
    assert run() == []
    assert run(version="latest") == ['ALTER EXTENSION "hstore" UPDATE TO "1.8"']
    assert run(schema="tools") == ['ALTER EXTENSION "hstore" SET SCHEMA "tools"']
    assert run(state="absent") == ['DROP EXTENSION "hstore"']


def test_an_extension_that_is_needed_is_not_dropped(server: Postgresql, ok: Run, contents: Run) -> None:
    ok(databases=[{"name": "shop", "extensions": [{"name": "hstore"}]}])
    server.query("CREATE TABLE things (attributes hstore)", "shop")
    result = contents(databases=[{"name": "shop", "extensions": [{"name": "hstore", "state": "absent"}]}])
    assert "other objects depend on it" in result["msg"]
    assert server.query("SELECT count(*) FROM things", "shop") == [(0,)]


def test_objects_of_extensions_are_theirs(server: Postgresql, ok: Run) -> None:
    grant = {"role": "PUBLIC", "on": "functions", "schema": "public", "privileges": []}
    given = {"databases": [{"name": "shop", "extensions": [{"name": "pgcrypto"}], "grants": [grant]}]}
    ok(**given)
    assert not ok(**given)["changed"]
    assert server.query("SELECT has_function_privilege('public', 'gen_salt(text)', 'EXECUTE')", "shop") == [(True,)]


def test_creation_options_and_their_second_run(server: Postgresql, ok: Run) -> None:
    latin = {"name": "latin", "encoding": "LATIN1", "locale": "C", "connection_limit": 4}
    copy = {"name": "copy", "template": "latin"}
    # A template has to exist when the plan is made.
    ok(databases=[latin])
    ok(databases=[latin, copy])
    assert not ok(databases=[latin, copy])["changed"]
    rows = server.query(
        "SELECT datname, pg_encoding_to_char(encoding), datcollate, datconnlimit FROM pg_database "
        "WHERE datname IN ('latin', 'copy') ORDER BY 1"
    )
    assert rows == [("copy", "LATIN1", "C", -1), ("latin", "LATIN1", "C", 4)]


def test_icu(server: Postgresql, ok: Run, contents: Run, catalogues: Dump) -> None:
    given = {"name": "icu", "icu_locale": "de-DE", "encoding": "utf8", "locale": "C"}
    before = catalogues()
    result = contents(databases=[given])
    if result.get("failed"):
        assert "ICU is not supported in this build" in result["msg"]
        assert catalogues() == before
        pytest.skip("this build of PostgreSQL has no ICU; its refusal was tested instead")
    assert not ok(databases=[given])["changed"]
    rows = server.query("SELECT datlocprovider, daticulocale FROM pg_database WHERE datname = 'icu'")
    assert rows == [("i", "de-DE")]
    assert contents(databases=[{**given, "icu_locale": "fr-FR"}])["error_code"] == "IMMUTABLE"


def test_owners_move_and_settings_are_purged(server: Postgresql, ok: Run) -> None:
    roles = [{"name": "first"}, {"name": "second"}]
    one = {"name": "shop", "owner": "first", "settings": {"work_mem": "1MB", "jit": True},
           "schemas": [{"name": "s", "owner": "first"}], "connection_limit": 5}  # fmt: skip
    ok(roles=roles, databases=[one])
    two = {**one, "owner": "second", "settings": {"jit": True}, "schemas": [{"name": "s", "owner": "second"}],
           "grants": [{"role": "first", "on": "schema", "schema": "s", "privileges": []}]}  # fmt: skip
    result = ok(databases=[two])
    assert [action["statement"] for action in result["actions"]] == [
        'ALTER DATABASE "shop" OWNER TO "second"', 'ALTER SCHEMA "s" OWNER TO "second"'
    ]  # fmt: skip
    assert result["unmanaged"]["in_databases"]["shop"]["settings"] == ["work_mem"]
    (action,) = ok(databases=[two], purge_settings=True)["actions"]
    assert action["statement"] == 'ALTER DATABASE "shop" RESET "work_mem"'
    assert not ok(databases=[two], purge_settings=True)["changed"]


def test_many_tables_need_one_statement(shop: Postgresql, ok: Run) -> None:
    shop.query(
        "DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format('CREATE TABLE t%s (x int)', i); END LOOP; END $$", "shop"
    )
    grant = {"role": "app", "on": "tables", "schema": "public", "privileges": ["SELECT"]}
    given = {"databases": [{"name": "shop", "grants": [grant]}]}
    assert len(ok(**given)["actions"]) == 1
    assert not ok(**given)["changed"]


def test_a_dropped_database_and_its_role(shop: Postgresql, ok: Run) -> None:
    shop.query("CREATE TABLE plain (x int); ALTER TABLE plain OWNER TO app", "shop")
    given = {
        "roles": [{"name": "app", "state": "absent"}],
        "databases": [{"name": "shop", "state": "absent", "confirm_drop": "shop"}],
    }
    predicted = ok(**given, check=True)["actions"]
    assert shop.query("SELECT count(*) FROM plain", "shop") == [(0,)]
    assert ok(**given)["actions"] == predicted
    assert not ok(**given)["changed"]
    assert shop.query("SELECT 1 FROM pg_database WHERE datname = 'shop'") == []
