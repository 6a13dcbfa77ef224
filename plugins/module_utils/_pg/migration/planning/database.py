"""What a run has to know about the database before it plans."""

from __future__ import annotations

import dataclasses
import typing as t

from ...session import Session

_CONTENTS = """
SELECT n.nspname, count(*) FROM (
  SELECT relnamespace AS ns, 'pg_catalog.pg_class'::regclass AS class, oid FROM pg_catalog.pg_class
    WHERE relkind IN ('r', 'v', 'm', 'S', 't', 'p', 'f')
  UNION ALL
  SELECT pronamespace, 'pg_catalog.pg_proc'::regclass, oid FROM pg_catalog.pg_proc
  UNION ALL
  SELECT typnamespace, 'pg_catalog.pg_type'::regclass, oid FROM pg_catalog.pg_type y
    WHERE (typrelid = 0 OR (SELECT relkind = 'c' FROM pg_catalog.pg_class WHERE oid = y.typrelid))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid = y.typelem AND e.typarray = y.oid)
) o JOIN pg_catalog.pg_namespace n ON n.oid = o.ns
WHERE n.nspname = ANY(%s)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
GROUP BY n.nspname
"""


@dataclasses.dataclass(frozen=True)
class Facts:
    """The live state before a run.

    :ivar default_schema: where the history table is, and first in the search path of every script.
    :ivar missing_schemas: configured ones that do not exist.
    :ivar filled_schemas: configured ones that hold objects; materialized views, partitioned and foreign tables count
        too (Flyway overlooks a schema that holds nothing else).
    """

    database: str
    user: str
    role: str
    server_version: int
    search_path: str
    default_schema: str
    schemas: tuple[str, ...]
    missing_schemas: tuple[str, ...]
    filled_schemas: tuple[str, ...]


def read(session: Session, default_schema: str | None, schemas: t.Sequence[str]) -> Facts:
    """Read the facts. The search path may name no existing schema; then ``public`` is the default schema."""
    database, user, role, path, current = session.rows(
        "SELECT pg_catalog.current_database(), session_user::text, current_user::text,"
        " pg_catalog.current_setting('search_path'), pg_catalog.current_schema()::text"
    )[0]
    default = default_schema or (schemas[0] if schemas else None) or current or "public"
    wanted = tuple(dict.fromkeys([*schemas, default] if schemas else [default]))
    present = {
        name
        for (name,) in session.rows(
            "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = ANY(%s)", list(wanted)
        )
    }
    filled = {name for name, _count in session.rows(_CONTENTS, list(wanted))} if present else set()
    return Facts(
        database,
        user,
        role,
        session.server_version,
        path,
        default,
        wanted,
        tuple(name for name in wanted if name not in present),
        tuple(name for name in wanted if name in filled),
    )


def imagined(database: str, user: str, default_schema: str | None, schemas: t.Sequence[str]) -> Facts:
    """The facts of a database that does not exist yet: as ``CREATE DATABASE`` makes it, with ``public`` only."""
    default = default_schema or (schemas[0] if schemas else "public")
    wanted = tuple(dict.fromkeys([*schemas, default]))
    missing = tuple(name for name in wanted if name != "public")
    return Facts(database, user, user, 0, '"$user", public', default, wanted, missing, ())
