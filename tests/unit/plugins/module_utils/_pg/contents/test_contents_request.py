# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused without a server, and that all problems are told at once."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram
from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents import declared
from contents_input import database, grant, options, role

GOOD_SECRET = scram.make_secret("right", iterations=1)


def default(**given: t.Any) -> dict[str, t.Any]:
    return {"creator": "o", "role": "r", "type": "tables", "privileges": ["SELECT"], **given}


BAD = [
    ({"roles": [role("a"), role("a")]}, "roles: 'a' is listed 2 times"),
    ({"roles": [role("")]}, "the name is empty"),
    ({"roles": [role("ä" * 32)]}, "longer than PostgreSQL's 63 bytes"),
    ({"roles": [role("pg_mine")]}, "reserved by PostgreSQL"),
    ({"roles": [role("public")]}, "reserved by PostgreSQL"),
    ({"roles": [role("a", password="")]}, "password is empty"),
    ({"roles": [role("a", scram_secret="md5abc")]}, "scram_secret is not a secret of the form"),
    ({"roles": [role("a", password="wrong", scram_secret=GOOD_SECRET)]}, "scram_secret does not belong to password"),
    ({"roles": [role("a", valid_until="2027-01-31 00:00:00")]}, "has no time zone"),
    ({"roles": [role("a", valid_until="soon")]}, "valid_until 'soon' is neither"),
    ({"roles": [role("a", connection_limit=-2)]}, "connection_limit -2"),
    ({"roles": [role("a", member_of=["a"])]}, "cannot be a member of itself"),
    ({"roles": [role("a", member_of=["b", "b"])]}, "'b' is listed 2 times"),
    ({"roles": [role("a", settings={"x; DROP": 1})]}, "'x; DROP' is not the name of a setting"),
    ({"roles": [role("a", settings={"x": {"y": 1}})]}, "setting x is a mapping"),
    ({"roles": [role("a", reassign_owned_to="b")]}, "reassign_owned_to only goes with state=absent"),
    ({"roles": [role("a", member_of=["b"]), {"name": "b", "state": "absent"}]}, "listed with state=absent"),
    ({"roles": [role("a", settings={"TimeZone": "UTC", "timezone": "CET"})]}, "'timezone' is listed 2 times"),
    ({"databases": [database("d"), database("d")]}, "databases: 'd' is listed 2 times"),
    ({"databases": [{"name": "d", "state": "absent"}]}, "confirm with confirm_drop: d"),
    ({"databases": [{"name": "d", "state": "absent", "confirm_drop": "e"}]}, "confirm with confirm_drop: d"),
    ({"databases": [{"name": "template1", "state": "absent", "confirm_drop": "template1"}]}, "server itself needs"),
    ({"databases": [database(locale="C", lc_ctype="de_DE")]}, "give either locale or lc_ctype"),
    ({"databases": [database(icu_locale="de", locale_provider="libc")]}, "icu_locale only goes with"),
    ({"databases": [database(public_privileges=["SELECT"])]}, "unknown privilege 'SELECT'; known for database: CREATE"),
    ({"databases": [database(grants=[grant("r", "tables", "SELCT", schema="s")])]}, "unknown privilege 'SELCT'"),
    ({"databases": [database(grants=[grant("r", "tables", "SELECT")])]}, "schema is missing"),
    ({"databases": [database(grants=[grant("r", "database", "CONNECT", schema="s")])]}, "has no schema"),
    (
        {"databases": [database(grants=[grant("r", "schema", "USAGE", schema="s", objects=["x"])])]},
        "objects and except only",
    ),
    (
        {"databases": [database(grants=[grant("r", "tables", schema="s", objects=["x"], **{"except": ["y"]})])]},
        "except only goes with objects: all",
    ),
    (
        {"databases": [database(grants=[grant("PUBLIC", "schema", "USAGE", schema="s", grantable=True)])]},
        "grant option",
    ),
    ({"databases": [database(default_privileges=[default(privileges=["USAGE"])])]}, "unknown privilege 'USAGE'"),
    (
        {"databases": [database(default_privileges=[default(type="schemas", schema="s", privileges=[])])]},
        "leave schema out",
    ),
    ({"databases": [database(schemas=[{"name": "s"}, {"name": "s"}])]}, "'s' is listed 2 times"),
    ({"databases": [database(schemas=[{"name": "pg_x"}])]}, "reserved by PostgreSQL"),
    (
        {"databases": [database(owner="b")], "roles": [{"name": "b", "state": "absent"}]},
        "owner names b, which is listed",
    ),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=[message for _given, message in BAD])
def test_refused(given: dict[str, t.Any], message: str) -> None:
    with pytest.raises(GroundworkError) as caught:
        declared.parse(options(**given))
    assert message in caught.value.message
    assert caught.value.code == "INVALID_INPUT"
    assert "no session was opened" in (caught.value.untouched or "")


def test_all_problems_are_told_at_once_and_no_secret_with_them() -> None:
    given = options(roles=[role("a", password="canary-1", scram_secret=GOOD_SECRET), role("a"), role("pg_b")])
    with pytest.raises(GroundworkError) as caught:
        declared.parse(given)
    assert len(caught.value.details["problems"]) == 3
    assert "canary-1" not in str(caught.value.result())
    assert GOOD_SECRET not in str(caught.value.result())


INSTANTS = [
    ("2027-01-31T00:00:00Z", 1801353600.0),
    ("2027-01-31T01:00:00+01:00", 1801353600.0),
    ("2027-01-31 01:00:00+01", 1801353600.0),
    ("infinity", float("inf")),
]


@pytest.mark.parametrize(("text", "instant"), INSTANTS)
def test_instants(text: str, instant: float) -> None:
    contents = declared.parse(options(roles=[role("a", valid_until=text)]))
    assert contents.roles[0].valid_until == instant


def test_privileges_in_any_case_and_all() -> None:
    grants = [grant("r", "tables", "select", "Insert", schema="s"), grant("r", "sequences", "ALL", schema="s")]
    contents = declared.parse(options(databases=[database(grants=[*grants, grant("r", "database", "temp")])]))
    assert [sorted(each.privileges) for each in contents.databases[0].grants] == [
        ["INSERT", "SELECT"],
        ["SELECT", "UPDATE", "USAGE"],
        ["TEMPORARY"],
    ]


def test_a_password_does_not_show_in_a_repr() -> None:
    contents = declared.parse(options(roles=[role("a", password="canary-2")]))
    assert "canary-2" not in repr(contents)


def test_an_encoding_asks_for_template0_and_nothing_else_does() -> None:
    contents = declared.parse(
        options(databases=[database("a", encoding="UTF8"), database("b", tablespace="t"), database("c")])
    )
    assert [each.effective_template for each in contents.databases] == ["template0", "template1", "template1"]
