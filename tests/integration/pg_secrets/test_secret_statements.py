"""No password and no SCRAM secret in the server's log, statistics or activity, on a server that keeps all it can."""

from __future__ import annotations

import contextlib
import shutil
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram, secret_statement
from ansible_collections.groundwork.databases.plugins.module_utils._pg.session import Session
from servers import Postgresql

CANARY = "canary-7391"
PASSWORD = f"it's a \"back\\slash\" 100% %s\u00a0{CANARY}"
KEEPS_ALL = {
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "log_statement": "all",
    "log_duration": "on",
    "log_min_duration_statement": "0",
    "log_min_duration_sample": "0",
    "log_transaction_sample_rate": "1",
    "log_min_error_statement": "debug5",
    "log_min_messages": "debug1",
    "log_error_verbosity": "verbose",
    "debug_print_parse": "on",
    "debug_print_rewritten": "on",
    "debug_print_plan": "on",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "pg_stat_statements.track": "all",
}


@pytest.fixture(scope="module")
def server() -> t.Iterator[Postgresql]:
    made = Postgresql(KEEPS_ALL)
    made.start()
    assert made.password not in made.log.read_text(errors="replace"), "initdb sets the superuser's password"
    made.query("CREATE EXTENSION pg_stat_statements")
    yield made
    made.stop()
    shutil.rmtree(made.server.layout.servers)


class Kept:
    """What the server keeps from now on."""

    def __init__(self, server: Postgresql) -> None:
        self.server = server
        server.query("SELECT pg_stat_statements_reset()")
        self._start = server.log.stat().st_size

    def log(self) -> str:
        with self.server.log.open("rb") as log:
            log.seek(self._start)
            return log.read().decode(errors="replace")

    def statements(self) -> str:
        return "\n".join(query for (query,) in self.server.query("SELECT query FROM pg_stat_statements"))

    def expect(self, *present: str, absent: tuple[str, ...] = (CANARY, "SCRAM-SHA-256$")) -> None:
        """Both places have the ordinary statements, and neither has a secret."""
        for place, text in (("log", self.log()), ("statistics", self.statements())):
            for word in absent:
                assert word not in text, (place, text[max(0, text.index(word) - 300) : text.index(word) + 100])
            for word in present:
                assert word in text, place


@pytest.fixture
def kept(server: Postgresql) -> Kept:
    return Kept(server)


@pytest.fixture
def dropped(server: Postgresql) -> t.Iterator[list[str]]:
    """Names of roles to drop in the end."""
    names: list[str] = []
    yield names
    for name in names:
        if server.query(f"SELECT 1 FROM pg_roles WHERE rolname = '{name}'"):
            server.query(f'DROP OWNED BY "{name}" CASCADE; DROP ROLE "{name}"')


def secret_of(server: Postgresql, role: str) -> str:
    return str(server.query(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'")[0][0])


# -- contents


def test_roles_made_changed_and_refused(server, kept, dropped, run_module):
    dropped += ["app", "given"]

    def run(*roles: dict[str, t.Any], **options: t.Any) -> t.Any:
        return run_module("pg_contents", {**server.login, "roles": list(roles), **options}, diff=True)

    given = scram.make_secret(PASSWORD + "given")
    made = run({"name": "app", "password": PASSWORD}, {"name": "given", "scram_secret": given})
    assert not made.get("failed"), made["msg"]
    assert scram.matches(PASSWORD, secret_of(server, "app")) and secret_of(server, "given") == given
    before = secret_of(server, "app")

    refused = run({"name": "app", "password": PASSWORD + "2", "connection_limit": 1 << 31})
    assert refused["failed"] and "syntax error" in refused["msg"] and refused["error_code"] == "STATEMENT_FAILED"
    assert "SCRAM-SHA-256$" not in refused.output and secret_of(server, "app") == before

    changed = run({"name": "app", "password": PASSWORD + "3"})
    assert changed["changed"] and not changed.get("warnings"), changed
    assert scram.matches(PASSWORD + "3", secret_of(server, "app"))
    assert run({"name": "app", "connection_limit": 3})["changed"]
    kept.expect('ALTER ROLE "app" CONNECTION LIMIT 3')


# -- replication


def replication(server: Postgresql, password: str) -> dict[str, t.Any]:
    return {
        "data_directory": str(server.data),
        "bin_directory": str(server.bin),
        "port": server.port,
        "login_host": server.host,
        "login_password": server.password,
        "account": server.account.name,
        "name": "one",
        "members": ["one"],
        "user": "replicator",
        "password": password,
    }


def test_the_role_of_replication(server, kept, dropped, run_module):
    dropped.append("replicator")
    made = run_module("pg_replication", replication(server, PASSWORD))
    assert not made.get("failed"), made["msg"]
    changed = run_module("pg_replication", replication(server, PASSWORD + "2"))
    assert [step["kind"] for step in changed["actions"]] == ["password of role"] and not changed.get("warnings")
    before = secret_of(server, "replicator")
    assert scram.matches(PASSWORD + "2", before)

    server.query("ALTER ROLE postgres SET default_transaction_read_only = on")
    try:
        refused = run_module("pg_replication", replication(server, PASSWORD + "3"))
    finally:
        server.query("BEGIN READ WRITE; ALTER ROLE postgres RESET default_transaction_read_only; COMMIT")
    assert refused["failed"] and refused["error_code"] == "STATEMENT_FAILED", refused
    assert "cannot execute ALTER ROLE in a read-only transaction" in refused["msg"]
    assert "SCRAM-SHA-256$" not in refused.output and secret_of(server, "replicator") == before
    kept.expect("GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir")


# -- migrations


SCRIPTS = {
    "V1__open.sql": "CREATE TABLE open_table (id int, note text);",
    "V2__role.sql": "CREATE ROLE migrated LOGIN PASSWORD $q$${pw}$q$;\nINSERT INTO open_table VALUES (2, $q$${pw}$q$);",
    "V3__alone.sql": "CREATE INDEX CONCURRENTLY ON open_table (id);\nDO $do$ BEGIN PERFORM $q$${PW}$q$; END $do$;",
    "V4__open.sql": "CREATE TABLE another_open_table (id int);",
    "afterMigrate__note.sql": "INSERT INTO open_table VALUES (5, $q$${pw}$q$);",
}
REFUSED = {
    "V5__value.sql": ("SELECT 1, $q$${pw}$q$::int;", "invalid input syntax"),
    "V6__option.sql": ("CREATE ROLE refused PASSWORD $q$${pw}$q$ NOSUCHOPTION;", "unrecognized role option"),
    "V7__context.sql": (
        "DO $do$ BEGIN EXECUTE 'SELECT 1/0, ' || quote_literal($q$${pw}$q$); END $do$;",
        "division by zero",
    ),
    "V8__row.sql": (
        "CREATE TABLE checked (t text CHECK (t = ''));\nINSERT INTO checked VALUES ($q$${pw}$q$);",
        "violates check",
    ),
}


@pytest.fixture
def migrate(server, run_module, tmp_path, dropped) -> t.Iterator[t.Callable[..., t.Any]]:
    server.create_database("migrated")
    dropped.append("migrated")

    def run(files: dict[str, str], check: bool = False, **options: t.Any) -> t.Any:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        arguments = {
            **server.login,
            "login_db": "migrated",
            "locations": [str(tmp_path)],
            "remote_src": True,
            "mixed": True,
            "secret_placeholders": {"pw": PASSWORD},
            "lint": {"level": "off"},
            **options,
        }
        return run_module("pg_schema_apply", arguments, check=check)

    yield run
    server.drop_database("migrated")


def test_scripts_with_a_secret(server, kept, migrate, tmp_path):
    preview = migrate({"V0__p.sql": "CREATE ROLE previewed PASSWORD $q$${pw}$q$;"}, check=True, preview="rollback")
    assert not preview.get("failed") and preview["preview"]["possible"], preview
    (tmp_path / "V0__p.sql").unlink()

    applied = migrate(SCRIPTS)
    assert not applied.get("failed") and not applied.get("warnings"), applied
    notes = server.query("SELECT id, note FROM open_table ORDER BY id", "migrated")
    assert notes == [(2, PASSWORD), (5, PASSWORD)]
    assert scram.matches(PASSWORD, secret_of(server, "migrated"))
    kept.expect("CREATE TABLE open_table", "CREATE TABLE another_open_table")


BETWEEN_OTHERS = {
    "V1__settings.sql": "SET log_statement = 'all';\nCREATE TABLE open_table (id int, note text);",
    "V2__role.sql": "CREATE ROLE migrated NOLOGIN PASSWORD $q$${pw}$q$;\nGRANT ALL ON open_table TO migrated;",
    "V3__as_the_role.sql": "SET ROLE migrated;\nINSERT INTO open_table VALUES (3, $q$${pw}$q$);",
    "beforeEachMigrate__note.sql": "SELECT $q$${pw}$q$;",
    "afterEachMigrateStatement__note.sql": "SELECT $q$${pw}$q$;",
}


@pytest.mark.parametrize("group", [True, False])
def test_a_session_that_is_restored_between_scripts_stays_silent(server, kept, migrate, group):
    """Every script ends with the session as it was before, in which the server would keep all text."""
    applied = migrate(BETWEEN_OTHERS, group=group)
    assert not applied.get("failed"), applied
    assert server.query("SELECT id, note FROM open_table", "migrated") == [(3, PASSWORD)]
    kept.expect("flyway_schema_history")


@pytest.mark.parametrize("name", REFUSED)
def test_a_script_with_a_secret_that_fails(server, kept, migrate, name):
    text, message = REFUSED[name]
    refused = migrate({name: text, "V9__after.sql": "SELECT 1;"})
    assert refused["failed"] and message in refused["msg"], refused
    assert server.query("SELECT to_regclass('checked'), to_regrole('refused')", "migrated") == [(None, None)]
    kept.expect("flyway_schema_history")


# -- the login, and the block itself


@pytest.fixture
def maker(server, dropped) -> dict[str, t.Any]:
    """Connection options of a login that makes roles and is no superuser."""
    dropped += ["app", "maker"]
    server.query("CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'of the maker'")
    return {**server.login, "login_user": "maker", "login_password": "of the maker"}


@pytest.mark.parametrize("check", [True, False])
def test_a_login_that_may_not_is_warned(server, maker, run_module, check):
    roles = [{"name": "app", "password": PASSWORD}]
    made = run_module("pg_contents", {**maker, "roles": roles}, check=check)
    assert not made.get("failed"), made["msg"]
    (warning,) = [str(each) for each in made["warnings"]]
    assert "log_statement = all" in warning and "log_min_duration_statement = 0" in warning
    assert "pg_stat_statements.track = all" in warning and "holds the SCRAM secrets of app" in warning
    assert "debug_print" not in warning and "log_min_error_statement" not in warning
    if not check:
        assert not run_module("pg_contents", {**maker, "roles": roles}).get("warnings")


def test_what_a_login_was_granted_is_enough(server, kept, maker, run_module):
    names = ", ".join(name for name in secret_statement.SETTINGS if "pgaudit" not in name)
    server.query(f"GRANT SET ON PARAMETER {names} TO maker")
    try:
        made = run_module("pg_contents", {**maker, "roles": [{"name": "app", "password": PASSWORD}]})
        assert made["changed"] and "warnings" not in made, made
        assert secret_of(server, "app").startswith("SCRAM-SHA-256$")
        kept.expect()
    finally:
        server.query(f"REVOKE SET ON PARAMETER {names} FROM maker")


def test_a_server_that_keeps_nothing_warns_of_nothing(postgresql_server, run_module):
    """With the settings of a new server, where pg_stat_statements does not keep utility statements."""
    server = postgresql_server
    server.query("CREATE ROLE quiet_maker LOGIN CREATEROLE PASSWORD 'of the maker'")
    server.query("ALTER ROLE quiet_maker SET log_min_duration_statement = 1000")
    server.query("ALTER ROLE quiet_maker SET pg_stat_statements.track_utility = off")
    try:
        login = {**server.login, "login_user": "quiet_maker", "login_password": "of the maker"}
        made = run_module("pg_contents", {**login, "roles": [{"name": "quiet_app", "password": PASSWORD}]})
        assert made["changed"] and "warnings" not in made, made
    finally:
        server.query("DROP ROLE IF EXISTS quiet_app; DROP ROLE quiet_maker")


def test_the_block_ends_as_it_began(server, kept, dropped):
    dropped.append("acting")
    server.query("CREATE ROLE acting")
    names = "SELECT name, setting FROM pg_settings WHERE context IN ('user', 'superuser') ORDER BY name"
    options = {**server.login, "ssl_mode": "prefer", "connect_timeout": 10}
    options |= {"login_unix_socket": "", "ca_cert": None, "ssl_cert": None, "ssl_key": None}
    with contextlib.closing(Session.open(options, "postgres", "secrets")) as session:
        session.run("SET log_min_duration_statement = '7ms'; SET work_mem = '5MB'; SET ROLE acting")
        before = session.rows(names)
        with secret_statement.unwritten(session):
            assert session.value("SELECT current_user") == "acting"
            assert session.value(f"SELECT '{CANARY}'") == CANARY
            seen = server.query(f"SELECT query FROM pg_stat_activity WHERE pid = {session.pid}")
            assert seen == [("",)] or seen == [(None,)]
        assert session.rows(names) == before and session.value("SELECT current_user") == "acting"
        with pytest.raises(ZeroDivisionError), secret_statement.unwritten(session):
            session.run(f"BEGIN; SELECT '{CANARY}'")
            raise ZeroDivisionError
        assert session.rows(names) == before and not session.in_transaction
        session.run("SELECT 'written again'")
    kept.expect()
    assert "written again" in kept.log()


def test_settings_of_libraries_that_are_not_there_are_not_made(postgresql_server):
    server = postgresql_server
    options = {**server.login, "ssl_mode": "prefer", "connect_timeout": 10}
    options |= {"login_unix_socket": "", "ca_cert": None, "ssl_cert": None, "ssl_key": None}
    with contextlib.closing(Session.open(options, "postgres", "secrets")) as session:
        with secret_statement.unwritten(session):
            made = session.rows(
                "SELECT name, pg_catalog.current_setting(name, true) FROM unnest(%s::text[]) AS name",
                ["auto_explain.log_min_duration", "pgaudit.log_statement", "pgaudit.log_parameter"],
            )
        assert {value for _name, value in made} == {None}
