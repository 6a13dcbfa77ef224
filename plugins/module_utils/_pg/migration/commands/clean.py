"""Emptying schemas: what is dropped, in which order, and who may ask for it."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...quoting import identifier as quote_name
from ...session import Session
from ..history import table
from ..history.table import Row

#: Kind and name of everything that CASCADE on relations does not reach by itself; extension members stay.
_OBJECTS = """
SELECT kind, name FROM (
  SELECT 1 AS turn, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
      WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END AS kind,
    format('%%I.%%I', n.nspname, c.relname) AS name, 'pg_catalog.pg_class'::regclass AS class, c.oid
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
  UNION ALL
  SELECT 2, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
    format('%%I.%%I(%%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)),
    'pg_catalog.pg_proc'::regclass, p.oid
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY(%s)
  UNION ALL
  SELECT 3, CASE y.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, format('%%I.%%I', n.nspname, y.typname),
    'pg_catalog.pg_type'::regclass, y.oid
  FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace
  WHERE n.nspname = ANY(%s) AND y.typtype IN ('e', 'd', 'r', 'b') AND y.typelem = 0
) o WHERE NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e')
ORDER BY turn, kind, name
"""


@dataclasses.dataclass(frozen=True)
class Drop:
    """One object to drop."""

    kind: str
    name: str
    sql: str


def refuse_unconfirmed(disabled: bool, confirmation: str | None, database: str) -> None:
    """Two things must be said before anything is dropped.

    :raises GroundworkError: one of them was not.
    """
    if disabled:
        raise GroundworkError(
            "Unable to execute clean as it has been disabled with the 'flyway.cleanDisabled' property.",
            where=database,
            untouched="the database",
            code=ErrorCode.CLEAN_DISABLED,
            hint="state=cleaned drops every object of the schemas. Set clean_disabled to false where that is meant.",
        )
    if confirmation != database:
        raise GroundworkError(
            "state=cleaned drops every object of the schemas and was not confirmed.",
            where=database,
            untouched="the database",
            code=ErrorCode.CLEAN_NOT_CONFIRMED,
            hint=f"Set clean_confirmation to the name of the database: {database}",
        )


def created_schemas(rows: t.Sequence[Row]) -> list[str]:
    """The schemas that the history says were created for it: clean drops these themselves."""
    names: list[str] = []
    for row in rows:
        if row.type == table.SCHEMA:
            names += [name.replace('""', '"') for name in re.findall(r'"((?:[^"]|"")*)"', row.script)]
    return names


def statements(session: Session, schemas: t.Sequence[str], created: t.Sequence[str]) -> list[Drop]:
    """What to run, in one transaction. Dropping one object may take others along, hence IF EXISTS."""
    present = [
        name
        for (name,) in session.rows(
            "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = ANY(%s)", list(schemas)
        )
    ]
    whole = [name for name in present if name in created]
    emptied = [name for name in present if name not in created]
    drops = [Drop("schema", name, f"DROP SCHEMA IF EXISTS {quote_name(name)} CASCADE") for name in whole]
    for kind, name in session.rows(_OBJECTS, emptied, emptied, emptied):
        drops.append(Drop(kind, name, f"DROP {kind.upper()} IF EXISTS {name} CASCADE"))
    return drops
