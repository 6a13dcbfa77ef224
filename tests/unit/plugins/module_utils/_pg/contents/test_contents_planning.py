# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a pure function: roles, databases, schemas, extensions, drops, and what the session has to be allowed."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram
from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents import declared, live
from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents import plan as planning
from contents_input import APP, cluster, database, grant, inside, options, plan, role, statements

SECRET = scram.make_secret("right", iterations=1)


def one(**given: t.Any) -> dict[str, t.Any]:
    return options(roles=[role("app", **given)])


ROLES = [
    ("nothing said", one(), cluster(), []),
    ("new role", options(roles=[role("new")]), cluster(), ['CREATE ROLE "new"']),
    ("new role, odd name", options(roles=[role('we"ird Ü')]), cluster(), ['CREATE ROLE "we""ird Ü"']),
    ("same flag", one(login=True), cluster(), []),
    ("other flags", one(login=False, createdb=True), cluster(), ['ALTER ROLE "app" NOLOGIN CREATEDB']),
    ("limit", one(connection_limit=5), cluster(), ['ALTER ROLE "app" CONNECTION LIMIT 5']),
    (
        "same instant in another zone",
        one(valid_until="2027-01-31T01:00:00+01:00"),
        cluster(dataclasses.replace(APP, valid_until=1801353600.0)),
        [],
    ),
    (
        "other instant",
        one(valid_until="2027-01-31T00:00:00Z"),
        cluster(),
        ["""ALTER ROLE "app" VALID UNTIL '2027-01-31 00:00:00+00:00'"""],
    ),
    ("never expiring is infinity", one(valid_until="infinity"), cluster(), []),
    ("right password", one(password="right"), cluster(verifiers={"app": SECRET}), []),
    ("same secret", one(scram_secret=SECRET), cluster(verifiers={"app": SECRET}), []),
    (
        "other secret of the same password",
        one(scram_secret=SECRET),
        cluster(verifiers={"app": scram.make_secret("right", iterations=1)}),
        [f"""ALTER ROLE "app" PASSWORD '{SECRET}'"""],
    ),
    (
        "wrong password, on_create",
        {**one(password="wrong"), "update_password": "on_create"},
        cluster(verifiers={"app": SECRET}),
        [],
    ),
    ("login worked", one(password="right"), cluster(verifiers=None, probes={"app": True}), []),
    ("login could not tell", one(password="right"), cluster(verifiers=None, probes={"app": None}), []),
    (
        "login failed",
        one(password="right", scram_secret=SECRET),
        cluster(verifiers=None, probes={"app": False}),
        [f"""ALTER ROLE "app" PASSWORD '{SECRET}'"""],
    ),
    ("new membership", one(member_of=["owner"]), cluster(), ['GRANT "owner" TO "app"']),
    (
        "old membership",
        one(member_of=["owner"]),
        cluster(memberships=(live.Membership("owner", "app", "postgres"),)),
        [],
    ),
    (
        "unlisted membership stays",
        one(member_of=[]),
        cluster(memberships=(live.Membership("owner", "app", "postgres"),)),
        [],
    ),
    (
        "unlisted membership purged",
        {**one(member_of=[]), "purge_memberships": True},
        cluster(memberships=(live.Membership("owner", "app", "postgres"),)),
        ['REVOKE "owner" FROM "app" GRANTED BY "postgres"'],
    ),
    (
        "unlisted membership, memberships unset",
        {**one(), "purge_memberships": True},
        cluster(memberships=(live.Membership("owner", "app", "postgres"),)),
        [],
    ),
    ("absent and gone", options(roles=[{"name": "gone", "state": "absent"}]), cluster(), []),
    ("absent and unused", options(roles=[{"name": "app", "state": "absent"}]), cluster(), ['DROP ROLE "app"']),
    (
        "absent, reassigned",
        options(roles=[{"name": "app", "state": "absent", "reassign_owned_to": "owner"}]),
        cluster(dependencies=(live.Dependency("app", "db", 2, 1),)),
        ['REASSIGN OWNED BY "app" TO "owner"; DROP OWNED BY "app"', 'DROP ROLE "app"'],
    ),
]


@pytest.mark.parametrize(("given", "of", "expected"), [case[1:] for case in ROLES], ids=[case[0] for case in ROLES])
def test_roles(given: dict[str, t.Any], of: live.Cluster, expected: list[str]) -> None:
    assert statements(plan(given, of)) == expected


def test_an_expired_password_is_written_when_it_is_let_in_again() -> None:
    """Without pg_authid nothing can tell whether it is right until then; the next run would find it wrong."""
    of = cluster(dataclasses.replace(APP, valid_until=1.0, expired=True), verifiers=None, probes={"app": None})
    assert statements(plan(one(password="right", valid_until="1970-01-01T00:00:01Z"), of)) == []
    (step,) = plan(one(password="right", valid_until="2099-01-01T00:00:00Z"), of).steps
    assert step.statement == """ALTER ROLE "app" VALID UNTIL '2099-01-01 00:00:00+00:00' PASSWORD '***'"""


@pytest.mark.parametrize("stored", [None, "md5" + "0" * 32, scram.make_secret("left", iterations=1)])
def test_a_password_that_differs_is_sent_as_a_secret_and_shown_as_stars(stored: str | None) -> None:
    outcome = plan(one(password="right"), cluster(verifiers={"app": stored}))
    (step,) = outcome.steps
    assert step.statement == """ALTER ROLE "app" PASSWORD '***'"""
    assert step.secret is not None
    assert scram.matches("right", step.secret)
    shown = str(outcome.plan.actions()) + str(outcome.plan.diff()) + repr(outcome)
    assert step.secret not in shown
    assert "right" not in shown


def test_an_undecided_password_is_warned_about() -> None:
    contents = declared.parse(one(password="right"))

    def undecided(of: live.Cluster) -> list[str]:
        return planning.undecided_passwords(contents, of, planning.plan(contents, of, {}, "postgres"))

    (warning,) = undecided(cluster(verifiers=None, probes={"app": None}))
    assert "password of app could not be compared" in warning
    assert undecided(cluster(verifiers=None, probes={"app": True})) == []
    assert undecided(cluster()) == []


def db(**given: t.Any) -> dict[str, t.Any]:
    return options(databases=[database(**given)])


def ext(name: str, **given: t.Any) -> dict[str, t.Any]:
    return {"name": name, "state": "present", **given}


DATABASES = [
    ("nothing said", db(), []),
    ("new", db(name="new"), ['CREATE DATABASE "new"']),
    ("new with owner", db(name="new", owner="owner"), ['CREATE DATABASE "new" OWNER "owner"']),
    (
        "new with all",
        db(name="new", encoding="UTF8", locale="C", connection_limit=3, tablespace="pg_default"),
        [
            """CREATE DATABASE "new" TEMPLATE "template0" ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' """
            'TABLESPACE "pg_default" CONNECTION LIMIT 3'
        ],
    ),
    (
        "new with icu",
        db(name="new", icu_locale="de-DE"),
        ["""CREATE DATABASE "new" TEMPLATE "template0" LOCALE_PROVIDER "icu" ICU_LOCALE 'de-DE'"""],
    ),
    ("same fixed options in other spellings", db(encoding="utf-8", lc_collate="en_US.UTF-8"), []),
    ("other owner", db(owner="app"), ['ALTER DATABASE "db" OWNER TO "app"']),
    ("limit", db(connection_limit=7), ['ALTER DATABASE "db" CONNECTION LIMIT 7']),
    ("setting", db(settings={"work_mem": "1MB"}), ["""ALTER DATABASE "db" SET "work_mem" TO '1MB'"""]),
    (
        "setting of a role in it",
        db(role_settings=[{"role": "app", "settings": {"work_mem": "1MB"}}]),
        ["""ALTER ROLE "app" IN DATABASE "db" SET "work_mem" TO '1MB'"""],
    ),
    ("absent", options(databases=[{"name": "db", "state": "absent", "confirm_drop": "db"}]), ['DROP DATABASE "db"']),
    ("absent and gone", options(databases=[{"name": "x", "state": "absent", "confirm_drop": "x"}]), []),
    (
        "absent with force",
        options(databases=[{"name": "db", "state": "absent", "confirm_drop": "db", "terminate_sessions": True}]),
        ['DROP DATABASE "db" WITH (FORCE)'],
    ),
    ("new schema", db(schemas=[{"name": "s", "owner": "app"}]), ['CREATE SCHEMA "s" AUTHORIZATION "app"']),
    ("schema's owner", db(schemas=[{"name": "public", "owner": "app"}]), ['ALTER SCHEMA "public" OWNER TO "app"']),
    ("schema untouched", db(schemas=[{"name": "public"}]), []),
    (
        "schema closed to PUBLIC",
        db(schemas=[{"name": "public", "public_privileges": []}]),
        ['REVOKE USAGE ON SCHEMA "public" FROM PUBLIC'],
    ),
    (
        "privileges on a new schema",
        db(schemas=[{"name": "s"}], grants=[grant("app", "schema", "USAGE", schema="s")]),
        ['CREATE SCHEMA "s"', 'GRANT USAGE ON SCHEMA "s" TO "app"'],
    ),
    ("extension", db(extensions=[ext("pgcrypto")]), ['CREATE EXTENSION "pgcrypto"']),
    (
        "extension with schema and version",
        db(schemas=[{"name": "s"}], extensions=[ext("pgcrypto", schema="s", version="1.2")]),
        ['CREATE SCHEMA "s"', 'CREATE EXTENSION "pgcrypto" SCHEMA "s" VERSION "1.2"'],
    ),
    ("extension there", db(extensions=[ext("plpgsql")]), []),
    (
        "extension to update",
        db(extensions=[ext("plpgsql", version="latest")]),
        ['ALTER EXTENSION "plpgsql" UPDATE TO "1.1"'],
    ),
    (
        "extension to drop",
        db(extensions=[{"name": "plpgsql", "state": "absent"}, {"name": "gone", "state": "absent"}]),
        ['DROP EXTENSION "plpgsql"'],
    ),
]
EXTENSIONS = {"pgcrypto": "1.3", "plpgsql": "1.1"}


@pytest.mark.parametrize(("given", "expected"), [case[1:] for case in DATABASES], ids=[case[0] for case in DATABASES])
def test_databases(given: dict[str, t.Any], expected: list[str]) -> None:
    assert statements(plan(given, cluster(extensions=EXTENSIONS))) == expected


def test_an_icu_locale_is_the_same_in_either_spelling() -> None:
    there = cluster()
    fixed = {**there.databases["db"].fixed, "locale_provider": "icu", "icu_locale": "de-DE"}
    there.databases["db"] = dataclasses.replace(there.databases["db"], fixed=fixed)
    assert statements(plan(db(icu_locale="de_DE"), there)) == []


REFUSED = [
    ("IMMUTABLE", db(encoding="LATIN1"), "encoding is UTF8, not LATIN1"),
    ("IMMUTABLE", db(lc_collate="C"), "lc_collate is en_US.utf8, not C"),
    ("IMMUTABLE", db(tablespace="fast"), "tablespace is pg_default, not fast"),
    ("UNKNOWN_ROLE", db(owner="nobody"), "The role nobody does not exist and is not listed (owner)"),
    ("UNKNOWN_ROLE", db(grants=[grant("nobody", "database", "CONNECT")]), "(grant on database)"),
    ("UNKNOWN_ROLE", one(member_of=["nobody"]), "(member_of)"),
    ("UNKNOWN_SCHEMA", db(grants=[grant("app", "schema", "USAGE", schema="nowhere")]), "schema nowhere does not exist"),
    (
        "UNKNOWN_OBJECT",
        db(grants=[grant("app", "tables", "SELECT", schema="public", objects=["nothing"])]),
        "public.nothing does not exist",
    ),
    ("UNKNOWN_EXTENSION", db(extensions=[ext("postgis")]), "no files for this extension"),
    ("UNKNOWN_SCHEMA", db(extensions=[ext("pgcrypto", schema="nowhere")]), "schema nowhere does not exist"),
    ("UNKNOWN_TEMPLATE", db(name="new", template="nothing"), "The template nothing does not exist"),
    ("OWN_ROLE", options(roles=[{"name": "postgres", "state": "absent"}]), "logged in as"),
]


@pytest.mark.parametrize(("code", "given", "message"), REFUSED, ids=[f"{c}: {m}" for c, _g, m in REFUSED])
def test_refused(code: str, given: dict[str, t.Any], message: str) -> None:
    with pytest.raises(GroundworkError) as caught:
        plan(given, cluster(extensions=EXTENSIONS))
    assert message in caught.value.what
    assert caught.value.code == code
    assert "nothing was written" in (caught.value.untouched or "")


def test_all_reasons_are_told_at_once() -> None:
    with pytest.raises(GroundworkError, match="3 problems in the description") as caught:
        plan(db(encoding="LATIN1", lc_collate="C", grants=[grant("app", "tables", schema="public", objects=["x"])]))
    assert len(caught.value.details["problems"]) == 3


def test_a_role_in_use_is_not_dropped() -> None:
    of = cluster(dependencies=(live.Dependency("app", "db", 2, 1), live.Dependency("app", "", 0, 1)))
    with pytest.raises(GroundworkError, match="db: owns 2, 1 grants or policies; the server: owns 0") as caught:
        plan(options(roles=[{"name": "app", "state": "absent"}]), of)
    assert caught.value.code == "ROLE_IN_USE"


def test_a_role_goes_after_the_database_that_used_it() -> None:
    given = options(
        roles=[{"name": "app", "state": "absent"}], databases=[{"name": "db", "state": "absent", "confirm_drop": "db"}]
    )
    of = cluster(dependencies=(live.Dependency("app", "db", 2, 1),))
    assert statements(plan(given, of)) == ['DROP DATABASE "db"', 'DROP ROLE "app"']


def test_the_database_of_the_session_is_not_dropped() -> None:
    given = options(databases=[{"name": "db", "state": "absent", "confirm_drop": "db"}])
    contents = declared.parse(given)
    with pytest.raises(GroundworkError, match="maintenance database of this very session"):
        planning.plan(contents, cluster(), {}, "db")


def test_a_standby_is_only_refused_when_there_is_something_to_write() -> None:
    standby = cluster(in_recovery=True)
    assert not plan(one(login=True), standby).plan
    with pytest.raises(GroundworkError, match="standby"):
        plan(one(login=False), standby)


def managed(*roles: live.Role, version: int = 160000) -> live.Cluster:
    """A server like RDS: the session may create roles and databases but is no superuser."""
    mine = live.Role("postgres", {})
    of = cluster(mine, *roles, version=version)
    return dataclasses.replace(of, session=live.Session("postgres", superuser=False, createrole=True))


def test_the_session_joins_the_owner_that_it_creates() -> None:
    given = options(roles=[role("new_owner")], databases=[database("new", owner="new_owner")])
    assert statements(plan(given, managed())) == [
        'CREATE ROLE "new_owner"',
        'GRANT "new_owner" TO "postgres" WITH INHERIT TRUE, SET TRUE',
        'CREATE DATABASE "new" OWNER "new_owner"',
    ]


def test_before_16_membership_has_no_options() -> None:
    given = options(roles=[role("new_owner")], databases=[database("new", owner="new_owner")])
    assert 'GRANT "new_owner" TO "postgres"' in statements(plan(given, managed(version=150000)))


def test_a_membership_that_the_session_may_not_grant_itself_is_refused_with_the_statement_to_run() -> None:
    foreign = live.Role("owner", {}, usable=False, settable=False, administrable=False)
    with pytest.raises(GroundworkError, match="postgres is not a member of owner") as caught:
        plan(db(grants=[grant("app", "database", "CREATE")]), managed(foreign))
    assert 'GRANT "owner" TO "postgres"' in (caught.value.hint or "")


def test_the_session_joins_both_roles_of_a_handover() -> None:
    stuck = {"usable": False, "settable": False}
    of = dataclasses.replace(
        managed(live.Role("owner", {}, **stuck), live.Role("app", {}, **stuck)),
        dependencies=(live.Dependency("app", "db", 1, 0),),
    )
    gone = {"name": "app", "state": "absent", "reassign_owned_to": "owner"}
    assert statements(plan(options(roles=[gone]), of)) == [
        'GRANT "app" TO "postgres" WITH INHERIT TRUE, SET TRUE',
        'GRANT "owner" TO "postgres" WITH INHERIT TRUE, SET TRUE',
        'REASSIGN OWNED BY "app" TO "owner"; DROP OWNED BY "app"',
        'DROP ROLE "app"',
    ]


def test_no_membership_is_asked_for_when_nothing_changes() -> None:
    foreign = live.Role("owner", {}, usable=False, settable=False, administrable=False)
    assert not plan(db(owner="owner", grants=[grant("owner", "database", "CREATE")]), managed(foreign)).plan


def test_steps_come_in_the_order_of_their_dependencies() -> None:
    default = {"creator": "b", "schema": "s", "type": "tables", "role": "a", "privileges": ["ALL"]}
    new = database(
        "new",
        owner="b",
        schemas=[{"name": "s", "owner": "a"}],
        extensions=[ext("pgcrypto", schema="s")],
        grants=[grant("a", "database", "CONNECT"), grant("a", "schema", "USAGE", schema="s")],
        default_privileges=[default],
    )
    given = options(roles=[role("a", member_of=["b"]), role("b")], databases=[new])
    kinds = [step.kind for step in plan(given, cluster(extensions=EXTENSIONS)).steps]
    assert kinds == ["role", "role", "membership", "database", "schema", "extension", "privilege", "default privilege"]


def test_an_empty_server_is_planned_without_any_reading() -> None:
    given = options(roles=[role("a", password="x")], databases=[database("new", owner="a", public_privileges=[])])
    contents = declared.parse(given)
    outcome = planning.plan(contents, live.virgin_cluster("postgres"), {"new": live.virgin_inside()}, "postgres")
    assert [(step.action, step.kind) for step in outcome.steps] == [
        ("create", "role"),
        ("create", "database"),
        ("revoke", "privilege"),
    ]


def test_what_is_not_listed_is_reported() -> None:
    of = cluster(
        live.Role("stranger", {}),
        memberships=(live.Membership("owner", "app", "postgres"),),
        settings={("", "app"): {"jit": "on"}, ("db", ""): {"work_mem": "1MB"}},
    )
    given = options(
        roles=[role("app", member_of=[], settings={})], databases=[database("other"), database("db", settings={})]
    )
    within = inside(extensions={"hstore": live.Extension("hstore", "1.8", "public")})
    outcome = plan(given, dataclasses.replace(of, databases={**of.databases, "x": of.databases["db"]}), within)
    assert outcome.unmanaged == {
        "roles": ["owner", "stranger"],
        "in_databases": {
            "other": {"extensions": ["hstore"]},
            "db": {"extensions": ["hstore"], "settings": ["work_mem"]},
        },
        "memberships": [{"role": "app", "member_of": "owner"}],
        "role_settings": {"app": ["jit"]},
    }
