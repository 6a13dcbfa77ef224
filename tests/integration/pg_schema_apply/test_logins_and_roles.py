# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins with settings of their own, and scripts that become other roles: what the run does between their statements
does not stop them.
"""

from __future__ import annotations

import typing as t
import uuid

import pytest

from .conftest import Migrations

PASSWORD = "of the test only"


@pytest.fixture
def login(migrations: Migrations) -> t.Iterator[str]:
    """The owner of the database, who is no superuser."""
    name = f"deployer_{uuid.uuid4().hex[:8]}"
    migrations.query(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    migrations.query(f"ALTER DATABASE {migrations.database} OWNER TO {name}")
    yield name
    migrations.query(f"REASSIGN OWNED BY {name} TO postgres; DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


@pytest.fixture
def owner(migrations: Migrations, login: str) -> t.Iterator[str]:
    """A role that the login is a member of, and that owns a schema."""
    name = f"owner_{uuid.uuid4().hex[:8]}"
    migrations.query(f"CREATE ROLE {name}; GRANT {name} TO {login}; CREATE SCHEMA shop AUTHORIZATION {name}")
    yield name
    migrations.query(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def as_login(login: str) -> dict[str, str]:
    return {"login_user": login, "login_password": PASSWORD}


def test_a_script_that_became_another_role_runs_statements_outside_a_transaction(
    migrations: Migrations, login: str, owner: str
) -> None:
    """Their notes belong to the run, whose tables the role of the script cannot write."""
    files = {
        "V1__t.sql": f"SET ROLE {owner};\nCREATE TABLE shop.t (x int);",
        "V2__index.sql": f"SET ROLE {owner};\nCREATE INDEX CONCURRENTLY i ON shop.t (x);\nVACUUM shop.t;",
    }
    migrations.succeed({**files, "V2__index.sql.conf": "executeInTransaction=false"}, **as_login(login))
    assert migrations.query("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'i'") == [(owner,)]
    assert not migrations.succeed(**as_login(login))["changed"]


def test_a_login_without_a_search_path_migrates(migrations: Migrations, login: str) -> None:
    migrations.query(f"ALTER ROLE {login} SET search_path = ''")
    migrations.succeed({"V1__t.sql": "CREATE TABLE t (x int);"}, default_schema="public", **as_login(login))
    assert migrations.query("SELECT to_regclass('public.t')::text") == [("t",)]


def test_a_login_with_a_role_of_its_own_may_carry_secrets(migrations: Migrations, login: str, owner: str) -> None:
    """It may change what the server logs, its role may not."""
    migrations.query(f"GRANT SET ON PARAMETER log_statement, log_min_error_statement TO {login}")
    migrations.query(f"ALTER ROLE {login} SET role = {owner}")
    migrations.query(f"GRANT CREATE, USAGE ON SCHEMA public TO {owner}")
    files = {"V1__t.sql": "CREATE TABLE t (x text);\nINSERT INTO t VALUES ($q$${pw}$q$);"}
    migrations.succeed(files, secret_placeholders={"pw": "canary"}, **as_login(login))
    assert migrations.query("SELECT x FROM t") == [("canary",)]


def test_deferred_work_is_done_before_the_session_is_restored_for_a_callback(migrations: Migrations) -> None:
    files = {
        "V1__log.sql": """
            CREATE SCHEMA s; SET search_path = s;
            CREATE TABLE log (x int); CREATE TABLE t (x int);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
              $f$ BEGIN INSERT INTO log VALUES (NEW.x); RETURN NULL; END $f$;
            CREATE CONSTRAINT TRIGGER note AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
              FOR EACH ROW EXECUTE FUNCTION note();
            INSERT INTO t VALUES (1);
        """,
        "V2__temporary.sql": """
            CREATE TEMP TABLE a (id int PRIMARY KEY);
            CREATE TEMP TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
            INSERT INTO b VALUES (1); INSERT INTO a VALUES (1);
        """,
        "afterEachMigrate.sql": "SELECT 1;",
    }
    migrations.succeed(files)
    assert migrations.query("SELECT x FROM s.log") == [(1,)]


def test_a_procedure_of_the_same_run_may_commit(migrations: Migrations) -> None:
    files = {
        "V1__p.sql": "CREATE TABLE t (x int);\nCREATE PROCEDURE p() LANGUAGE plpgsql AS "
        "$p$ BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); END $p$;",
        "V2__call.sql": "CALL p();",
    }
    migrations.succeed(files)
    assert migrations.query("SELECT x FROM t ORDER BY 1") == [(1,), (2,)]


def test_deferred_triggers_run_as_the_role_of_the_script(migrations: Migrations, login: str, owner: str) -> None:
    files = {
        "V1__t.sql": f"""
            SET ROLE {owner};
            CREATE TABLE shop.log (who text); CREATE TABLE shop.t (x int);
            CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql AS
              $f$ BEGIN INSERT INTO shop.log VALUES (current_user); RETURN NULL; END $f$;
            CREATE CONSTRAINT TRIGGER note AFTER INSERT ON shop.t DEFERRABLE INITIALLY DEFERRED
              FOR EACH ROW EXECUTE FUNCTION shop.note();
        """,
        "V2__insert.sql": f"BEGIN;\nSET ROLE {owner};\nINSERT INTO shop.t VALUES (1);\nCOMMIT;\nVACUUM shop.t;",
        "V2__insert.sql.conf": "executeInTransaction=false",
    }
    migrations.succeed(files, mixed=True, **as_login(login))
    assert migrations.query("SELECT who FROM shop.log") == [(owner,)]
