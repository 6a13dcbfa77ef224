"""The steps for default privileges, which belong to the role that *creates* objects.

ALTER DEFAULT PRIVILEGES without FOR ROLE speaks about the role that runs it. A migration that runs as another role then
creates tables that nobody was granted anything on: the most common way to a permission error after a deployment. So
the creator is always named here.
"""

from __future__ import annotations

from ..quoting import PUBLIC, grantee, identifier
from . import live
from .grants import held
from .model import Database, Policy
from .privileges import KINDS
from .steps import Require, SqlStep, sql_step

# (creator, schema, kind); schema "" for every schema.
Scope = tuple[str, str, str]


def wishes(database: Database, version: int) -> dict[Scope, dict[str, set[str]]]:
    """The privileges that each role shall get, by scope."""
    found: dict[Scope, dict[str, set[str]]] = {}
    for default in database.default_privileges:
        scope = (default.creator, default.schema, default.kind)
        known = set(KINDS[default.kind].known(version))
        found.setdefault(scope, {}).setdefault(default.role, set()).update(default.privileges & known)
    return found


def in_force(scope: Scope, inside: live.Inside, version: int) -> live.Acl:
    """An entry for every schema replaces the built-in defaults; one for a single schema adds to them."""
    creator, schema, kind = scope
    explicit = inside.defaults.get(scope)
    if explicit is not None:
        return explicit
    return () if schema else live.default_acl(KINDS[kind], creator, version)


def unlisted_holders(scope: Scope, acl: live.Acl, listed: dict[str, set[str]]) -> dict[str, list[str]]:
    holders: dict[str, list[str]] = {}
    for entry in acl:
        if entry.grantee not in listed and entry.grantee not in (PUBLIC, scope[0]):
            holders.setdefault(entry.grantee, []).append(entry.privilege)
    return holders


def default_steps(
    database: Database, inside: live.Inside, version: int, require: Require, policy: Policy
) -> list[SqlStep]:
    found: list[SqlStep] = []
    for scope, listed in wishes(database, version).items():
        acl = in_force(scope, inside, version)
        complete = dict(listed)
        if policy.purge_default_privileges:
            complete.update({role: set() for role in unlisted_holders(scope, acl, listed)})
        for role, privileges in complete.items():
            current = set(held(acl, role))
            # A creator always holds everything on what it creates, except where someone took that away on purpose.
            extra = set() if role == scope[0] else current - privileges
            for revoking, names in ((True, extra), (False, privileges - current)):
                if names:
                    require(scope[0], f"set default privileges for it in {database.name}")
                    found.append(_step(database.name, scope, role, names, revoking))
    return found


def _step(database: str, scope: Scope, role: str, privileges: set[str], revoking: bool) -> SqlStep:
    creator, schema, kind_name = scope
    kind = KINDS[kind_name]
    names = kind.ordered(privileges)
    place = f" IN SCHEMA {identifier(schema)}" if schema else ""
    verb, preposition = ("REVOKE", "FROM") if revoking else ("GRANT", "TO")
    change = f"{verb} {', '.join(names)} ON {kind.plural} {preposition} {grantee(role)}"
    state = {"creator": creator, "schema": schema or None, "on": kind_name, "role": role, "privileges": names}
    return sql_step(
        "revoke" if revoking else "grant",
        "default privilege",
        f"{role} on {kind_name} that {creator} creates in {database}" + (f".{schema}" if schema else ""),
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(creator)}{place} {change}",
        database=database,
        before=state if revoking else None,
        after=None if revoking else state,
    )
