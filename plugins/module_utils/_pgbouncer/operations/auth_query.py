"""The function through which a pooler asks a server for the secrets of its users: SQL text, and the plan to have it.

What is different from the query that PgBouncer has by default: an ordinary role may ask; superusers, replication roles
and whoever else is excluded are never answered; only SCRAM secrets are handed out; an expired password is none; names
cannot be redirected by a search_path (CVE-2025-2291, CVE-2025-12819).
"""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ..._core.plan import Plan, Step
from ..._pg.quoting import identifier, literal, qualified

# Raised with every change of the function, so that the ones of earlier runs are replaced.
VERSION = 1
OWNER_OF_THE_STAMP = "groundwork.databases"

# Everything about one database in one row, also when nothing of it exists.
LIVE = """
SELECT n.oid IS NOT NULL,
       f.oid IS NOT NULL,
       pg_catalog.obj_description(f.oid, 'pg_proc'),
       f.prosrc, f.prosecdef, f.proconfig, f.provolatile::text,
       (SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.oid = f.proowner),
       (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = f.proowner),
       (SELECT pg_catalog.array_agg(CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END)
          FROM pg_catalog.aclexplode(coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))) a
         WHERE a.grantee <> f.proowner),
       (SELECT pg_catalog.array_agg(a.privilege_type)
          FROM pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
         WHERE a.grantee = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(auth_user)s)),
       (SELECT pg_catalog.array_agg(a.privilege_type)
          FROM pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a
         WHERE a.grantee = 0),
       pg_catalog.has_database_privilege(%(auth_user)s, pg_catalog.current_database(), 'CONNECT')
  FROM (SELECT 1) one
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = %(schema)s
  LEFT JOIN pg_catalog.pg_proc f ON f.pronamespace = n.oid AND f.proname = %(function)s
       AND pg_catalog.pg_get_function_identity_arguments(f.oid) LIKE '%%text'
"""
SERVER = """
SELECT (SELECT rolcanlogin FROM pg_catalog.pg_roles WHERE rolname = %(auth_user)s),
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = %(auth_user)s),
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
       pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')
"""
_COLUMNS = (
    "schema_exists", "exists", "stamp", "source", "security_definer", "config", "volatility", "owner",
    "owner_is_superuser", "callers", "schema_privileges", "schema_public", "may_connect",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Function:
    """What shall be there.

    :param auth_user: the role that asks.
    :param excluded: roles that are never answered, beside superusers and replication roles.
    """

    schema: str
    name: str
    auth_user: str
    excluded: tuple[str, ...] = ()

    @property
    def qualified(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def body(self) -> str:
        excluded = sorted({self.auth_user, *self.excluded})
        names = ", ".join(f"{literal(name).strip()}::name" for name in excluded)
        return (
            "\nSELECT rolname::text, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END\n"
            "  FROM pg_catalog.pg_authid\n"
            " WHERE rolname = $1 AND rolcanlogin AND NOT rolsuper AND NOT rolreplication\n"
            f"   AND rolpassword LIKE 'SCRAM-SHA-256$%' AND rolname NOT IN ({names})\n"
        )

    @property
    def stamp(self) -> str:
        digest = hashlib.sha256(self.body.encode()).hexdigest()[:12]
        return f"{OWNER_OF_THE_STAMP}: asked by PgBouncer for secrets; version {VERSION}, {digest}"

    @property
    def query(self) -> str:
        """What PgBouncer's ``auth_query`` has to be."""
        return f"SELECT uname, phash FROM {self.qualified}($1)"  # noqa: S608 - both names are quoted

    def create(self) -> list[str]:
        arguments = f"{self.qualified}(text)"
        return [
            f"DROP FUNCTION IF EXISTS {arguments}",
            f"CREATE FUNCTION {self.qualified}(username text) RETURNS TABLE (uname text, phash text)\n"
            "LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp\n"
            f"AS {literal(self.body).strip()}",
            f"COMMENT ON FUNCTION {arguments} IS {literal(self.stamp).strip()}",
            *self.restrict(),
        ]

    def restrict(self) -> list[str]:
        arguments = f"{self.qualified}(text)"
        return [
            f"REVOKE ALL ON FUNCTION {arguments} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {arguments} TO {identifier(self.auth_user)}",
        ]


@dataclasses.dataclass(frozen=True)
class DatabaseStep:
    """A step with the SQL that makes it, in one transaction of its database."""

    database: str
    step: Step
    statements: tuple[str, ...]


def live_row(row: tuple[t.Any, ...]) -> dict[str, t.Any]:
    return dict(zip(_COLUMNS, row, strict=True))


def plan_database(function: Function, database: str, live: dict[str, t.Any]) -> list[DatabaseStep]:
    """What is missing or different in one database."""
    steps = []

    def add(action: str, kind: str, name: str, before: t.Any, after: t.Any, *statements: str) -> None:
        text = ";\n".join(statements)
        steps.append(DatabaseStep(database, Step(action, kind, f"{database}.{name}", before, after, text), statements))

    schema, user = identifier(function.schema), identifier(function.auth_user)
    if not live["schema_exists"]:
        add("create", "schema", function.schema, None, "not for PUBLIC", f"CREATE SCHEMA {schema}")
    if live["schema_exists"] and "CREATE" in (live["schema_public"] or ()):
        statement = f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC"
        add("revoke", "schema", function.schema, "CREATE for PUBLIC", None, statement)
    if "USAGE" not in (live["schema_privileges"] or ()) and "USAGE" not in (live["schema_public"] or ()):
        add("grant", "schema", function.schema, None, f"USAGE for {user}", f"GRANT USAGE ON SCHEMA {schema} TO {user}")
    if not live["may_connect"]:
        statement = f"GRANT CONNECT ON DATABASE {identifier(database)} TO {user}"
        add("grant", "database", database, None, f"CONNECT for {user}", statement)
    wrong = _what_is_wrong(function, live)
    name = f"{function.schema}.{function.name}"
    if wrong:
        action = "upgrade" if live["exists"] else "create"
        add(action, "function", name, wrong if live["exists"] else None, function.stamp, *function.create())
    elif set(live["callers"] or ()) != {_as_regrole(function.auth_user)}:
        before = ", ".join(sorted(live["callers"] or ())) or "nobody"
        others = sorted(set(live["callers"] or ()) - {"public", _as_regrole(function.auth_user)})
        revokes = [f"REVOKE ALL ON FUNCTION {function.qualified}(text) FROM {role}" for role in others]
        statements = (*revokes, *function.restrict())
        add("restrict", "function", name, f"EXECUTE for {before}", f"EXECUTE for {user}", *statements)
    return steps


def plan(steps: list[DatabaseStep]) -> Plan:
    return Plan(tuple(step.step for step in steps))


def _what_is_wrong(function: Function, live: dict[str, t.Any]) -> str:
    """How the function differs from what this version would create; empty when it does not."""
    if not live["exists"]:
        return "it does not exist"
    found = []
    if live["stamp"] != function.stamp:
        found.append(f"stamp: {live['stamp'] or 'none'}")
    if live["source"] != function.body:
        found.append("its text is another one")
    if not live["security_definer"]:
        found.append("it runs with the rights of its caller")
    if live["config"] != ["search_path=pg_catalog, pg_temp"]:
        found.append(f"search_path: {live['config']}")
    if not live["owner_is_superuser"]:
        found.append(f"its owner {live['owner']} cannot read secrets")
    return "; ".join(found)


def _as_regrole(name: str) -> str:
    """A role's name as ``regrole`` prints it."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name.lower() == name and not name[0].isdigit()
    return name if plain else identifier(name)
