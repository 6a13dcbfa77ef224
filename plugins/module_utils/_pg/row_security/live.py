"""What the catalogue says about tables, their row level security, their policies, and the roles beyond them."""

from __future__ import annotations

import dataclasses

from ..quoting import PUBLIC, qualified
from ..session import Session
from .declared import PolicyFacts

_TABLES = """
SELECT c.oid, n.nspname, c.relname, c.relrowsecurity, c.relforcerowsecurity, r.rolname,
  (SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition),
  ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY n.nspname, c.relname
"""
_POLICIES = """
SELECT p.polrelid, p.polname, p.polcmd::text, p.polpermissive,
  ARRAY(SELECT COALESCE(r.rolname::text, 'public') FROM unnest(p.polroles) AS o(oid)
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = o.oid ORDER BY 1),
  pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid),
  COALESCE(pg_catalog.obj_description(p.oid, 'pg_policy'), '')
FROM pg_catalog.pg_policy p
WHERE %(table)s IS NULL OR p.polrelid = %(table)s::oid
ORDER BY p.polname
"""
_BEYOND = """
SELECT rolname FROM pg_catalog.pg_roles WHERE (rolsuper OR rolbypassrls) AND rolcanlogin ORDER BY rolname
"""
_COMMANDS = {"*": "all", "r": "select", "a": "insert", "w": "update", "d": "delete"}


@dataclasses.dataclass(frozen=True)
class LivePolicy(PolicyFacts):
    """A policy with its conditions as the server writes them back.

    :param comment: holds the marks of the description and of the conditions, see ``plan``.
    """

    comment: str


@dataclasses.dataclass(frozen=True)
class Table:
    """:param parent: oid of the table that this is a partition of."""

    oid: int
    schema: str
    name: str
    enabled: bool
    forced: bool
    owner: str
    parent: int | None
    columns: frozenset[str]
    policies: dict[str, LivePolicy]

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


def read(session: Session) -> dict[int, Table]:
    """Every ordinary and partitioned table of the database, by oid."""
    policies = read_policies(session)
    return {
        oid: Table(oid, schema, name, enabled, forced, owner, parent, frozenset(columns), policies.get(oid, {}))
        for oid, schema, name, enabled, forced, owner, parent, columns in session.rows(_TABLES)
    }


def read_policies(session: Session, table: int | None = None) -> dict[int, dict[str, LivePolicy]]:
    """The policies of one table, or of all, by the table's oid and their name."""
    policies: dict[int, dict[str, LivePolicy]] = {}
    for oid, name, command, permissive, roles, using, with_check, comment in session.rows_named(
        _POLICIES, {"table": table}
    ):
        policies.setdefault(oid, {})[name] = LivePolicy(
            name, _COMMANDS[command], permissive, tuple(roles) or (PUBLIC,), using, with_check, comment
        )
    return policies


def roles_beyond(session: Session) -> list[str]:
    """Roles that can log in and that no policy holds: superusers and those with BYPASSRLS."""
    return [row[0] for row in session.rows(_BEYOND)]
