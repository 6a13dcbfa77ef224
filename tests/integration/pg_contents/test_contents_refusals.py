# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong input and refused statements: a clear message, and the catalogues as before."""

from __future__ import annotations

import typing as t

import credforge
import pytest
from servers import Postgresql

Run = t.Callable[..., t.Any]
Dump = t.Callable[[], str]


def database(**options: t.Any) -> dict[str, t.Any]:
    return {"databases": [{"name": "shop", **options}]}


def grant(**options: t.Any) -> dict[str, t.Any]:
    return database(grants=[{"role": "app", "privileges": ["SELECT"], **options}])


REFUSED: list[tuple[str, dict[str, t.Any], str]] = [
    ("unknown privilege", grant(on="tables", schema="public", privileges=["SELECTT"]), "unknown privilege 'SELECTT'"),
    ("unknown role in a grant", grant(role="ap", on="database", privileges=["CONNECT"]), "The role ap does not exist"),
    ("duplicate role", {"roles": [{"name": "twice"}, {"name": "twice"}]}, "'twice' is listed 2 times"),
    ("unknown owner", database(owner="nobody"), "The role nobody does not exist and is not listed (owner)"),
    ("unknown schema", grant(on="tables", schema="nowhere"), "The schema nowhere does not exist"),
    ("unknown table", grant(on="tables", schema="public", objects=["nothing"]), "public.nothing does not exist"),
    ("unknown kind of object", grant(on="table", schema="public"), "value of type must be one of"),
    ("unknown extension", database(extensions=[{"name": "no_such"}]), "no files for this extension"),
    ("other encoding", database(encoding="LATIN1"), "encoding is UTF8, not LATIN1"),
    ("other locale", database(locale="POSIX"), "lc_collate is"),
    ("drop without confirmation", database(state="absent"), "confirm with confirm_drop: shop"),
    ("time without zone", {"roles": [{"name": "app", "valid_until": "2030-01-01"}]}, "has no time zone"),
    (
        "role in use",
        {"roles": [{"name": "app", "state": "absent"}]},
        "still owns objects or holds grants (shop: owns 1",
    ),
    ("wrong password", {"login_password": "wrong", **credforge.contents()}, "password authentication failed"),
    (
        "wrong maintenance database",
        {"login_db": "nothing", **credforge.contents()},
        'database "nothing" does not exist',
    ),
    ("wrong port", {"login_port": 1, **credforge.contents()}, "Cannot connect to PostgreSQL as postgres"),
    ("unknown option", database(ownr="app"), "Unsupported parameters"),
]


@pytest.fixture
def shop(server: Postgresql) -> Postgresql:
    server.query("CREATE ROLE app LOGIN PASSWORD 'app-password'")
    server.create_database("shop")
    server.query("CREATE TABLE stock (id int); ALTER TABLE stock OWNER TO app", "shop")
    return server


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("arguments", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(
    shop: Postgresql, contents: Run, catalogues: Dump, check: bool, arguments: dict[str, t.Any], message: str
) -> None:
    before = catalogues()
    result = contents(check=check, **arguments)
    assert result["failed"]
    assert message in result["msg"]
    assert "Traceback" not in result.output
    assert catalogues() == before


def test_a_refusal_comes_before_anything_else_is_written(shop: Postgresql, contents: Run, catalogues: Dump) -> None:
    before = catalogues()
    given = credforge.contents()
    given["databases"].append({"name": "shop", "encoding": "LATIN1"})
    result = contents(**given)
    assert result["error_code"] == "IMMUTABLE"
    assert "pg_dump" in result["msg"]
    assert catalogues() == before


def test_what_only_the_server_refuses_rolls_its_part_back(shop: Postgresql, contents: Run) -> None:
    """Roles come first and are kept; the database's own part is undone as a whole, and the rerun completes it."""
    given: dict[str, t.Any] = {
        "roles": [{"name": "new_role"}],
        "databases": [
            {
                "name": "shop",
                "schemas": [{"name": "reports"}],
                "extensions": [{"name": "pgcrypto", "version": "0.1"}],
            }
        ],
    }
    result = contents(**given)
    assert result["failed"]
    assert result["error_code"] == "STATEMENT_FAILED"
    assert 'CREATE EXTENSION "pgcrypto" VERSION "0.1"' in result["msg"]
    assert "1 earlier changes are kept" in result["msg"]
    assert [each["name"] for each in result["applied"]] == ["new_role"]
    assert shop.query("SELECT 1 FROM pg_namespace WHERE nspname = 'reports'", "shop") == []
    given["databases"][0]["extensions"] = [{"name": "pgcrypto"}]
    assert contents(**given)["changed"]
    assert not contents(**given)["changed"]


def test_a_setting_that_the_server_does_not_know(shop: Postgresql, contents: Run, catalogues: Dump) -> None:
    before = catalogues()
    result = contents(roles=[{"name": "app", "password": "canary-4410", "settings": {"no_such_thing": "1"}}])
    assert "no_such_thing" in result["msg"]
    assert "SQLSTATE 42704" in result["msg"]
    assert "canary-4410" not in result.output
    assert catalogues() == before


def test_a_database_in_use_is_not_dropped(shop: Postgresql, contents: Run) -> None:
    session = shop.connect("shop")
    drop = {"name": "shop", "state": "absent", "confirm_drop": "shop"}
    result = contents(databases=[drop])
    assert "is being accessed by other users" in result["msg"]
    assert shop.query("SELECT count(*) FROM stock", "shop") == [(0,)]
    assert contents(databases=[{**drop, "terminate_sessions": True}])["changed"]
    assert not contents(databases=[drop])["changed"]
    session.close()
