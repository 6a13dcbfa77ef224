# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles: passwords that let people in, expiry, memberships, settings, dropping; also without being superuser."""

from __future__ import annotations

import os
import subprocess
import typing as t

import credforge
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram
from servers import Postgresql

Run = t.Callable[..., t.Any]
Dump = t.Callable[[], str]

PASSWORDS = [
    pytest.param("simple", id="ascii"),
    pytest.param('it\'s "quoted" \\ $1 %s {{ x }}', id="quotes"),
    pytest.param("pässwörd", id="latin"),
    pytest.param("a\u00adb\u2168", id="mapped and normalized"),
    pytest.param("\u0627\u0031", id="refused by saslprep"),
    pytest.param("emoji \U0001f600", id="unassigned in Unicode 3.2"),
    pytest.param("no\u00a0break\u200bspace", id="spaces"),
    pytest.param("\u0007bell ä", id="control"),
    pytest.param(" leading and trailing ", id="blanks"),
    pytest.param("x" * 300, id="long"),
]


def psql(server: Postgresql, role: str, password: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
    command = [str(server.bin / "psql"), "-X", "-At", "-h", server.host, "-p", str(server.port), "-U", role]
    environment = {**os.environ, "PGPASSWORD": password, "PGCLIENTENCODING": "UTF8"}
    return subprocess.run(
        [*command, "-d", database, "-c", "SELECT 'in as ' || current_user"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize("password", PASSWORDS)
def test_the_password_works_with_psql_and_is_recognised(server: Postgresql, ok: Run, password: str) -> None:
    (method,) = server.query("SELECT DISTINCT auth_method FROM pg_hba_file_rules WHERE address = '127.0.0.1'")[0]
    assert method == "scram-sha-256"
    role = {"name": "app", "login": True, "password": password}
    ok(roles=[role])
    assert psql(server, "app", password).stdout == "in as app\n"
    assert "password authentication failed" in psql(server, "app", password + "x").stderr
    assert not ok(roles=[role])["changed"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_secret_that_the_server_made_is_recognised(server: Postgresql, ok: Run, password: str) -> None:
    """The server's own SASLprep and hashing are the reference."""
    connection = server.connect()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE app LOGIN PASSWORD %s", (password,))
    connection.close()
    assert not ok(roles=[{"name": "app", "password": password}])["changed"]
    assert ok(roles=[{"name": "app", "password": password + "x"}], check=True)["changed"]


def test_other_iterations_are_read_from_the_secret(server: Postgresql, ok: Run) -> None:
    server.query("SET scram_iterations TO 10000; CREATE ROLE app LOGIN PASSWORD 'right'")
    assert not ok(roles=[{"name": "app", "password": "right"}])["changed"]


def test_md5_is_replaced(server: Postgresql, ok: Run) -> None:
    server.query("SET password_encryption TO md5; CREATE ROLE app LOGIN PASSWORD 'right'")
    assert ok(roles=[{"name": "app", "password": "right"}])["changed"]
    assert psql(server, "app", "right").stdout == "in as app\n"


def test_a_ready_made_secret_is_stored_as_it_is(server: Postgresql, ok: Run) -> None:
    secret = scram.make_secret("right")
    role = {"name": "app", "login": True, "scram_secret": secret}
    result = ok(roles=[role])
    assert secret not in result.output
    assert server.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'") == [(secret,)]
    assert psql(server, "app", "right").stdout == "in as app\n"
    assert not ok(roles=[role])["changed"]


def test_on_create_leaves_a_changed_password_alone(server: Postgresql, ok: Run) -> None:
    ok(roles=[{"name": "app", "login": True, "password": "first"}])
    assert not ok(roles=[{"name": "app", "password": "second"}], update_password="on_create")["changed"]
    assert psql(server, "app", "first").returncode == 0


def test_an_expired_role_is_refused_and_let_in_again(server: Postgresql, ok: Run) -> None:
    role = {"name": "app", "login": True, "password": "right"}
    ok(roles=[{**role, "valid_until": "2020-01-01T00:00:00Z"}])
    assert "password authentication failed" in psql(server, "app", "right").stderr
    assert not ok(roles=[{**role, "valid_until": "2020-01-01T02:00:00+02:00"}])["changed"]
    assert ok(roles=[{**role, "valid_until": "infinity"}])["changed"]
    assert psql(server, "app", "right").returncode == 0
    assert not ok(roles=[{**role, "valid_until": "infinity"}])["changed"]


def test_attributes_memberships_and_settings(server: Postgresql, ok: Run, catalogues: Dump) -> None:
    role = {
        "name": "app",
        "login": True,
        "createdb": True,
        "inherit": False,
        "connection_limit": 3,
        "member_of": ["readers", "pg_monitor"],
        "settings": {
            "search_path": ["$user", "Odd, schema", "public"],
            "statement_timeout": "30s",
            "jit": False,
            "app.user": "it's",
        },
    }
    given = {"roles": [{"name": "readers"}, role]}
    predicted = ok(**given, check=True)["actions"]
    assert ok(**given)["actions"] == predicted
    assert not ok(**given)["changed"]
    before = catalogues()
    less = {"roles": [{"name": "app", "member_of": ["readers"], "settings": {"jit": False, "app.user": None}}]}
    result = ok(**less)
    assert [action["action"] for action in result["actions"]] == ["reset"]
    assert result["unmanaged"]["memberships"] == [{"role": "app", "member_of": "pg_monitor"}]
    assert result["unmanaged"]["role_settings"] == {"app": ["search_path", "statement_timeout"]}
    purged = ok(**less, purge_memberships=True, purge_settings=True)
    assert [action["action"] for action in purged["actions"]] == ["reset", "reset", "revoke"]
    assert not ok(**less, purge_memberships=True, purge_settings=True)["changed"]
    assert ok(**given)["changed"]
    assert sorted(catalogues().splitlines()) == sorted(before.splitlines())


def test_search_path_is_what_a_session_gets(server: Postgresql, ok: Run) -> None:
    ok(roles=[{"name": "app", "login": True, "password": "right", "settings": {"search_path": ["$user", 'we"ird']}}])
    assert server.query("SHOW search_path", user="app", password="right") == [('"$user", "we""ird"',)]


def test_dropping_a_role_hands_over_what_it_owns(server: Postgresql, ok: Run, contents: Run) -> None:
    server.query("CREATE ROLE app; CREATE ROLE heir")
    server.query("CREATE DATABASE shop OWNER app")
    server.query("SET ROLE app; CREATE TABLE stock AS SELECT 7 AS amount", "shop")
    server.query("GRANT SELECT ON pg_authid TO app")
    gone = {"name": "app", "state": "absent"}
    assert contents(roles=[gone])["error_code"] == "ROLE_IN_USE"
    assert server.query("SELECT amount FROM stock", "shop") == [(7,)]
    predicted = ok(roles=[{**gone, "reassign_owned_to": "heir"}], check=True)["actions"]
    assert ok(roles=[{**gone, "reassign_owned_to": "heir"}])["actions"] == predicted
    owners = (
        "SELECT pg_get_userbyid(relowner), pg_get_userbyid(datdba) FROM pg_class, pg_database WHERE relname = 'stock'"
    )
    assert server.query(f"{owners} AND datname = 'shop'", "shop") == [("heir", "heir")]
    assert server.query("SELECT amount FROM stock", "shop") == [(7,)]
    assert not ok(roles=[gone])["changed"]


@pytest.fixture
def managed(server: Postgresql, run_module: Run) -> Run:
    """Like RDS: the login role may create roles and databases, is no superuser and cannot read pg_authid."""
    server.query("CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD 'master-pw'")
    login = {**server.login, "login_user": "master", "login_password": "master-pw"}

    def run(check: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        result = run_module("pg_contents", {**login, **arguments}, check=check)
        assert not result.get("failed"), result["msg"]
        return result

    return run


def test_a_managed_servers_login_does_all_of_it(server: Postgresql, managed: Run) -> None:
    given = credforge.contents()
    given["databases"][0]["extensions"] = [{"name": "pgcrypto"}]
    given["databases"][0]["schemas"] = [{"name": "reports", "owner": "cred_forge_owner"}]
    given["databases"][0]["settings"] = {"work_mem": "8MB"}
    predicted = managed(**given, check=True)["actions"]
    assert [action["name"] for action in predicted if action["kind"] == "membership"] == ["cred_forge_owner to master"]
    assert managed(**given)["actions"] == predicted
    assert not managed(**given)["changed"]
    server.query("SET ROLE cred_forge_owner; CREATE TABLE later (id serial, x text)", "cred_forge_db")
    server.query("REVOKE SELECT ON later FROM credforge_user", "cred_forge_db")
    repaired = managed(**given)["actions"]
    assert [action["statement"] for action in repaired] == ['GRANT SELECT ON TABLE public.later TO "credforge_user"']
    assert psql(server, "credforge_user", credforge.PASSWORD, "cred_forge_db").returncode == 0


def test_where_secrets_cannot_be_read_a_login_compares(server: Postgresql, managed: Run) -> None:
    role = {"name": "app", "login": True, "password": "first"}
    managed(roles=[role])
    before = server.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")
    assert not managed(roles=[role])["changed"]
    assert server.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'") == before
    assert managed(roles=[{**role, "password": "second"}])["changed"]
    assert psql(server, "app", "second").returncode == 0
    assert not managed(roles=[{**role, "password": "second"}])["changed"]


def test_an_expired_password_is_undecided_until_it_is_let_in_again(server: Postgresql, managed: Run) -> None:
    role = {"name": "app", "login": True, "password": "first", "valid_until": "2020-01-01T00:00:00Z"}
    managed(roles=[role])
    result = managed(roles=[{**role, "password": "second"}])
    assert not result["changed"]
    assert "password of app could not be compared" in str(result["warnings"])
    revived = {**role, "password": "second", "valid_until": "infinity"}
    assert managed(roles=[revived])["changed"]
    assert psql(server, "app", "second").returncode == 0
    assert not managed(roles=[revived])["changed"]


def test_a_managed_login_hands_over_and_drops(server: Postgresql, managed: Run) -> None:
    managed(
        roles=[{"name": "app"}, {"name": "heir"}],
        databases=[{"name": "shop", "owner": "app", "schemas": [{"name": "s", "owner": "app"}]}],
    )
    gone = {"roles": [{"name": "app", "state": "absent", "reassign_owned_to": "heir"}]}
    predicted = managed(**gone, check=True)["actions"]
    assert managed(**gone)["actions"] == predicted
    assert not managed(**gone)["changed"]
    assert server.query("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'") == [("heir",)]


def test_a_login_that_only_fails_after_the_password_is_a_match(server: Postgresql, managed: Run) -> None:
    managed(roles=[{"name": "app", "login": False, "password": "right", "connection_limit": 0}])
    assert not managed(roles=[{"name": "app", "password": "right"}])["changed"]
    managed(roles=[{"name": "app", "login": True}])
    assert not managed(roles=[{"name": "app", "password": "right"}])["changed"]


def test_a_foreign_owner_is_refused_before_anything_is_written(
    server: Postgresql, run_module: Run, catalogues: Dump
) -> None:
    server.query("CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD 'master-pw'; CREATE ROLE foreign_owner")
    before = catalogues()
    login = {**server.login, "login_user": "master", "login_password": "master-pw"}
    given = {"roles": [{"name": "new_role"}], "databases": [{"name": "shop", "owner": "foreign_owner"}]}
    result = run_module("pg_contents", {**login, **given})
    assert result["error_code"] == "NOT_A_MEMBER"
    assert 'GRANT "foreign_owner" TO "master"' in result["msg"]
    assert catalogues() == before


def test_the_roles_of_a_server_that_is_not_there_yet_are_those_of_a_new_one(server: Postgresql, contents: Run) -> None:
    (predefined,) = server.query(
        "SELECT array_agg(rolname::text) FROM pg_roles WHERE rolname LIKE 'pg\\_%' AND rolname <> 'pg_database_owner'"
    )
    members = [{"name": "watcher", "member_of": predefined[0]}]
    predicted = contents(check=True, roles=members, assume_empty=True, login_port=1)
    assert not predicted.get("failed"), predicted["msg"]
    assert contents(roles=members)["actions"] == predicted["actions"]
