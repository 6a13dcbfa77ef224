# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Privileges: from what is held to what is wanted, with as few statements as possible."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents import live
from contents_input import OWNER, cluster, database, grant, inside, options, plan, statements, table


def on_tables(*grants: dict[str, t.Any], **policy: t.Any) -> dict[str, t.Any]:
    return options(databases=[database(grants=list(grants))], **policy)


def select(*objects: str, role: str = "app", **given: t.Any) -> dict[str, t.Any]:
    return grant(role, "tables", "SELECT", schema="public", **({"objects": list(objects)} if objects else {}), **given)


A, B = table("a"), table("b")
A_READ, B_READ = table("a", ("app", "SELECT")), table("b", ("app", "SELECT"))
TABLES = [
    ("one statement for all", on_tables(select()), [A, B], ['GRANT SELECT ON TABLE public.a, public.b TO "app"']),
    ("nothing to do", on_tables(select()), [A_READ, B_READ], []),
    ("only the missing one", on_tables(select()), [A_READ, B], ['GRANT SELECT ON TABLE public.b TO "app"']),
    (
        "extra privileges go first",
        on_tables(select()),
        [table("a", ("app", "DELETE"), ("app", "INSERT"))],
        ['REVOKE INSERT, DELETE ON TABLE public.a FROM "app"', 'GRANT SELECT ON TABLE public.a TO "app"'],
    ),
    (
        "named objects only",
        on_tables(select("b")),
        [table("a", ("app", "DELETE")), B],
        ['GRANT SELECT ON TABLE public.b TO "app"'],
    ),
    (
        "an exception holds nothing",
        on_tables(select(**{"except": ["b"]})),
        [A_READ, B_READ],
        ['REVOKE SELECT ON TABLE public.b FROM "app"'],
    ),
    ("an exception that does not exist", on_tables(select(**{"except": ["later"]})), [A_READ], []),
    (
        "an exception may be granted by another entry",
        on_tables(select(**{"except": ["b"]}), grant("app", "tables", "INSERT", schema="public", objects=["b"])),
        [A_READ, table("b", ("app", "INSERT"))],
        [],
    ),
    (
        "entries add up",
        on_tables(select(), grant("app", "tables", "INSERT", schema="public", objects=["b"])),
        [A_READ, B_READ],
        ['GRANT INSERT ON TABLE public.b TO "app"'],
    ),
    (
        "an empty list takes all",
        on_tables(grant("app", "tables", schema="public")),
        [A_READ, B],
        ['REVOKE SELECT ON TABLE public.a FROM "app"'],
    ),
    ("extension objects are left out", on_tables(select()), [dataclasses.replace(A, of_extension=True)], []),
    (
        "unless they are named",
        on_tables(select("a")),
        [dataclasses.replace(A, of_extension=True)],
        ['GRANT SELECT ON TABLE public.a TO "app"'],
    ),
    ("others are left alone", on_tables(select(role="owner")), [A_READ], []),
    (
        "unless purged",
        on_tables(select(role="owner"), purge_grants=True),
        [A_READ],
        ['REVOKE SELECT ON TABLE public.a FROM "app"'],
    ),
    (
        "PUBLIC is not purged",
        on_tables(select(), purge_grants=True),
        [table("a", ("app", "SELECT"), ("public", "SELECT"))],
        [],
    ),
    (
        "PUBLIC can be listed",
        on_tables(grant("PUBLIC", "tables", schema="public")),
        [table("a", ("public", "SELECT"))],
        ["REVOKE SELECT ON TABLE public.a FROM PUBLIC"],
    ),
    ("the owner keeps everything", on_tables(select(role="owner")), [A], []),
    (
        "ALL is what the server's version knows",
        on_tables(grant("app", "tables", "ALL", schema="public")),
        [A],
        ['GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON TABLE public.a TO "app"'],
    ),
    (
        "grant option",
        on_tables(select(grantable=True)),
        [A_READ],
        ['GRANT SELECT ON TABLE public.a TO "app" WITH GRANT OPTION'],
    ),
]


@pytest.mark.parametrize(
    ("given", "tables", "expected"), [case[1:] for case in TABLES], ids=[case[0] for case in TABLES]
)
def test_tables(given: dict[str, t.Any], tables: list[live.Object], expected: list[str]) -> None:
    assert statements(plan(given, within=inside(*tables))) == expected


def test_a_grant_option_that_nobody_wants_goes() -> None:
    acl = (*A.acl, live.AclEntry("app", "owner", "SELECT", True))
    outcome = plan(on_tables(select()), within=inside(dataclasses.replace(A, acl=acl)))
    assert statements(outcome) == ['REVOKE GRANT OPTION FOR SELECT ON TABLE public.a FROM "app"']


def test_what_another_role_granted_is_revoked_as_that_role() -> None:
    acl = (*A.acl, live.AclEntry("middleman", "owner", "SELECT", True), live.AclEntry("app", "middleman", "SELECT"))
    outcome = plan(
        on_tables(grant("app", "tables", schema="public")),
        cluster(live.Role("middleman", {})),
        inside(dataclasses.replace(A, acl=acl)),
    )
    assert statements(outcome) == ['SET LOCAL ROLE "middleman"; REVOKE SELECT ON TABLE public.a FROM "app"; RESET ROLE']


CHAIN = (
    live.AclEntry("app", "owner", "SELECT", True),
    live.AclEntry("middle", "app", "SELECT", True),
    live.AclEntry("last", "middle", "SELECT"),
)


def chained(*grants: dict[str, t.Any], **policy: t.Any) -> list[str]:
    """The steps when app passed SELECT to middle, and middle to last."""
    of = cluster(live.Role("middle", {}), live.Role("last", {}))
    return statements(plan(on_tables(*grants, **policy), of, inside(dataclasses.replace(A, acl=(*A.acl, *CHAIN)))))


def none(role: str) -> dict[str, t.Any]:
    return grant(role, "tables", schema="public")


def test_what_hangs_on_a_revoked_grant_goes_first() -> None:
    assert chained(none("app"), none("middle"), none("last")) == [
        'SET LOCAL ROLE "middle"; REVOKE SELECT ON TABLE public.a FROM "last"; RESET ROLE',
        'SET LOCAL ROLE "app"; REVOKE SELECT ON TABLE public.a FROM "middle"; RESET ROLE',
        'REVOKE SELECT ON TABLE public.a FROM "app"',
    ]


def test_what_shall_stay_is_given_again_by_the_owner() -> None:
    assert chained(select(), select(role="middle"), select(role="last")) == [
        'SET LOCAL ROLE "middle"; REVOKE SELECT ON TABLE public.a FROM "last"; RESET ROLE',
        'SET LOCAL ROLE "app"; REVOKE SELECT ON TABLE public.a FROM "middle"; RESET ROLE',
        'REVOKE GRANT OPTION FOR SELECT ON TABLE public.a FROM "app"',
        'GRANT SELECT ON TABLE public.a TO "middle"',
        'GRANT SELECT ON TABLE public.a TO "last"',
    ]


def test_a_chain_that_is_wanted_stands() -> None:
    assert chained(select(grantable=True), select(role="last")) == []


def test_an_unlisted_role_at_the_end_of_a_chain_is_refused_or_purged() -> None:
    with pytest.raises(GroundworkError, match="2 problems in the description") as caught:
        chained(none("app"))
    assert caught.value.code == "GRANTED_ONWARD"
    assert "last has SELECT on tables a from middle" in caught.value.what
    assert len(chained(none("app"), purge_grants=True)) == 3


def test_functions_by_name_and_by_signature() -> None:
    def function(name: str, arguments: str) -> live.Object:
        identity = f"{name}({arguments})"
        return live.Object(name, identity, f"public.{identity}", "owner", ())

    functions = (function("f", "integer"), function("f", "text"), function("g", ""))
    within = dataclasses.replace(live.virgin_inside(), objects={("functions", "public"): functions})

    def run(*objects: str) -> list[str]:
        wanted = grant("app", "functions", "EXECUTE", schema="public", objects=list(objects))
        return statements(plan(options(databases=[database(grants=[wanted])]), within=within))

    assert run("f") == ['GRANT EXECUTE ON ROUTINE public.f(integer), public.f(text) TO "app"']
    assert run("f(text)") == ['GRANT EXECUTE ON ROUTINE public.f(text) TO "app"']
    assert run("g()") == ['GRANT EXECUTE ON ROUTINE public.g() TO "app"']


def test_missing_objects_can_be_reported() -> None:
    outcome = plan(on_tables(select("later", "a"), missing_objects="report"), within=inside(A))
    assert statements(outcome) == ['GRANT SELECT ON TABLE public.a TO "app"']
    assert outcome.unmanaged["in_databases"]["db"]["missing_objects"] == ["db: tables public.later"]


def test_unlisted_holders_are_reported_once_per_kind() -> None:
    outcome = plan(on_tables(select(role="owner")), within=inside(A_READ, B_READ))
    assert outcome.unmanaged["in_databases"]["db"]["grants"] == [
        {"on": "tables", "schema": "public", "role": "app", "objects": ["a", "b"], "privileges": ["SELECT"]}
    ]


def test_the_privileges_of_an_old_owner_move_to_the_new_one() -> None:
    """ALTER DATABASE ... OWNER passes them on: nothing is left to revoke from the old owner."""
    given = options(databases=[database(owner="app", grants=[grant("owner", "database", "CONNECT")])])
    assert statements(plan(given)) == [
        'ALTER DATABASE "db" OWNER TO "app"',
        'GRANT CONNECT ON DATABASE "db" TO "owner"',
    ]


DEFAULT = {"creator": "owner", "schema": "public", "type": "tables", "role": "app", "privileges": ["SELECT"]}
SCOPE = ("owner", "public", "tables")
DEFAULTS = [
    ("granted", [DEFAULT], {}, ['FOR ROLE "owner" IN SCHEMA "public" GRANT SELECT ON TABLES TO "app"']),
    ("there", [DEFAULT], {SCOPE: (live.AclEntry("app", "owner", "SELECT"),)}, []),
    (
        "extra revoked",
        [DEFAULT],
        {SCOPE: (live.AclEntry("app", "owner", "SELECT"), live.AclEntry("app", "owner", "DELETE"))},
        ['FOR ROLE "owner" IN SCHEMA "public" REVOKE DELETE ON TABLES FROM "app"'],
    ),
    (
        "another creator's do not count",
        [DEFAULT],
        {("postgres", "public", "tables"): (live.AclEntry("app", "postgres", "SELECT"),)},
        ['FOR ROLE "owner" IN SCHEMA "public" GRANT SELECT ON TABLES TO "app"'],
    ),
    ("everywhere", [{**DEFAULT, "schema": None}], {}, ['FOR ROLE "owner" GRANT SELECT ON TABLES TO "app"']),
    (
        "functions closed to PUBLIC",
        [{"creator": "owner", "type": "functions", "role": "PUBLIC", "privileges": []}],
        {},
        ['FOR ROLE "owner" REVOKE EXECUTE ON ROUTINES FROM PUBLIC'],
    ),
    (
        "functions already closed to PUBLIC",
        [{"creator": "owner", "type": "functions", "role": "PUBLIC", "privileges": []}],
        {("owner", "", "functions"): (live.AclEntry("owner", "owner", "EXECUTE"),)},
        [],
    ),
]


@pytest.mark.parametrize(
    ("listed", "held", "expected"), [case[1:] for case in DEFAULTS], ids=[case[0] for case in DEFAULTS]
)
def test_default_privileges(listed: list[dict[str, t.Any]], held: dict[t.Any, t.Any], expected: list[str]) -> None:
    outcome = plan(options(databases=[database(default_privileges=listed)]), within=inside(defaults=held))
    assert statements(outcome) == [f"ALTER DEFAULT PRIVILEGES {text}" for text in expected]


def test_unlisted_default_privileges_are_reported_or_purged() -> None:
    held = {SCOPE: (live.AclEntry("app", "owner", "SELECT"), live.AclEntry("other", "owner", "SELECT"))}
    of, within = cluster(live.Role("other", {})), inside(defaults=held)
    reported = plan(options(databases=[database(default_privileges=[DEFAULT])]), of, within)
    assert statements(reported) == []
    assert [each["role"] for each in reported.unmanaged["in_databases"]["db"]["default_privileges"]] == ["other"]
    purged = plan(
        options(databases=[database(default_privileges=[DEFAULT])], purge_default_privileges=True), of, within
    )
    assert statements(purged) == [
        'ALTER DEFAULT PRIVILEGES FOR ROLE "owner" IN SCHEMA "public" REVOKE SELECT ON TABLES FROM "other"'
    ]


def test_a_role_that_owns_the_schema_needs_no_grant_on_it() -> None:
    given = options(
        databases=[
            database(schemas=[{"name": "s", "owner": "owner"}], grants=[grant("owner", "schema", "USAGE", schema="s")])
        ]
    )
    assert statements(plan(given, cluster(OWNER))) == ['CREATE SCHEMA "s" AUTHORIZATION "owner"']
