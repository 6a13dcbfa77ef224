"""The lookup function on a real server, called by a real pooler: who is let in, who is not, and how it is upgraded."""

from __future__ import annotations

import contextlib
import typing as t

import psycopg2
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram
from poolers import Poolers
from servers import Postgresql

ODD = "\\ ' \" \t \u00a0 \u200b %s %41 {{ no }} $1 ä"
PASSWORD = f"lookup-password{ODD}"
AUTH_PASSWORD = f"asker-password{ODD}"
ROLES = {
    "lookup_app": "LOGIN",
    "lookup_expired": "LOGIN VALID UNTIL '2020-01-01'",
    "lookup_nologin": "NOLOGIN",
    "lookup_super": "LOGIN SUPERUSER",
    "lookup_replica": "LOGIN REPLICATION",
    "lookup_excluded": "LOGIN",
    "lookup asker": "LOGIN",
}
Lookup = t.Callable[..., t.Any]


@pytest.fixture
def roles(postgresql_server: Postgresql) -> t.Iterator[None]:
    for role, attributes in ROLES.items():
        secret = scram.make_secret(AUTH_PASSWORD if role == "lookup asker" else PASSWORD)
        postgresql_server.query(f"CREATE ROLE \"{role}\" {attributes} PASSWORD '{secret}'")
    yield
    for role in ROLES:
        postgresql_server.query(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


@pytest.fixture
def lookup(postgresql_server: Postgresql, database: str, roles: None, run_module: t.Any) -> t.Iterator[Lookup]:
    def run(check: bool = False, diff: bool = False, **options: t.Any) -> t.Any:
        arguments = {
            **postgresql_server.login,
            "databases": [database],
            "auth_user": "lookup asker",
            "excluded_roles": ["lookup_excluded"],
            **options,
        }
        return run_module("pgbouncer_auth_query", arguments, check=check, diff=diff)

    yield run
    postgresql_server.drop_database(database)


def test_created_once_and_predicted(lookup: Lookup, postgresql_server: Postgresql, database: str) -> None:
    predicted = lookup(check=True)
    assert not predicted.get("failed"), predicted["msg"]
    assert postgresql_server.query("SELECT 1 FROM pg_proc WHERE proname = 'user_lookup'", database) == []
    result = lookup()
    assert result["actions"] == predicted["actions"]
    assert [step["kind"] for step in result["actions"]] == ["schema", "schema", "function"]
    assert not lookup()["changed"]
    assert result["auth_query"] == 'SELECT uname, phash FROM "pgbouncer"."user_lookup"($1)'


def test_who_is_answered(lookup: Lookup, postgresql_server: Postgresql, database: str) -> None:
    lookup()
    login = {"user": "lookup asker", "password": AUTH_PASSWORD}
    answers = {}
    for role in ROLES:
        rows = postgresql_server.query(f"SELECT * FROM pgbouncer.user_lookup('{role}')", database, **login)
        answers[role] = [row[1] and row[1][:13] for row in rows]
    assert answers == {
        "lookup_app": ["SCRAM-SHA-256"],
        "lookup_expired": [None],
        "lookup_nologin": [],
        "lookup_super": [],
        "lookup_replica": [],
        "lookup_excluded": [],
        "lookup asker": [],
    }
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        postgresql_server.query(
            "SELECT pgbouncer.user_lookup('lookup_app')", database, user="lookup_app", password=PASSWORD
        )


@pytest.mark.parametrize(
    "damage",
    [
        "COMMENT ON FUNCTION pgbouncer.user_lookup(text) IS 'groundwork.databases: version 0'",
        "ALTER FUNCTION pgbouncer.user_lookup(text) RESET search_path",
        "ALTER FUNCTION pgbouncer.user_lookup(text) SECURITY INVOKER",
        "GRANT EXECUTE ON FUNCTION pgbouncer.user_lookup(text) TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION pgbouncer.user_lookup(text) TO lookup_app",
        "GRANT CREATE ON SCHEMA pgbouncer TO PUBLIC",
        "REVOKE USAGE ON SCHEMA pgbouncer FROM \"lookup asker\"",
        "DROP FUNCTION pgbouncer.user_lookup(text); CREATE FUNCTION pgbouncer.user_lookup(t text) RETURNS text"
        " LANGUAGE sql AS 'SELECT 1::text'",
    ],
)  # fmt: skip
def test_damage_is_mended(lookup: Lookup, postgresql_server: Postgresql, database: str, damage: str) -> None:
    lookup()
    postgresql_server.query(damage, database)
    predicted = lookup(check=True)
    assert predicted["changed"]
    assert lookup()["actions"] == predicted["actions"]
    assert not lookup()["changed"]
    test_who_is_answered(lookup, postgresql_server, database)


def test_refusals(lookup: Lookup) -> None:
    assert lookup(auth_user="nobody_here")["error_code"] == "NO_AUTH_USER"
    assert "is a superuser" in lookup(auth_user="lookup_super")["msg"]
    result = lookup(login_user="lookup_app", login_password=PASSWORD)
    assert result["error_code"] == "NO_SECRETS_TO_READ"
    assert "scram_sha_256" in result["msg"]


def test_pooler_lets_in_whom_it_should(lookup: Lookup, poolers: Poolers, database: str) -> None:
    answer = lookup()
    result = poolers.succeed(
        databases=[poolers.database(dbname=database, max_db_connections=10)],
        users=[{"name": "lookup asker", "password": AUTH_PASSWORD}],
        settings={"auth_user": "lookup asker", "auth_query": answer["auth_query"], "pool_mode": "transaction"},
        servers=[{"host": poolers.server.host, "port": poolers.server.port, "max_connections": 100}],
    )
    assert result["capacity"][0]["most_connections"] == 10
    poolers.start()
    with contextlib.closing(poolers.connect("lookup_app", PASSWORD)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0] == "lookup_app"
    for role in ("lookup_expired", "lookup_nologin", "lookup_super", "lookup_replica", "lookup_excluded"):
        with pytest.raises(psycopg2.OperationalError):
            poolers.connect(role, PASSWORD)
    with pytest.raises(psycopg2.OperationalError):
        poolers.connect("lookup_app", "wrong")
    with pytest.raises(psycopg2.OperationalError):
        poolers.connect("lookup_app", PASSWORD, "pgbouncer")
