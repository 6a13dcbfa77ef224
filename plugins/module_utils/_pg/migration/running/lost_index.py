"""Indexes that the migrations made and that are gone, or were left invalid: found, and built again."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ...._core.plan import Step
from ...quoting import literal as quote_text
from ...session import Session
from ..history.catalogue import INDEX, Snapshot

_PART = r'(?:"(?:[^"]|"")+"|[^\s".]+)'
_TABLE = re.compile(rf" ON (ONLY )?({_PART}\.{_PART}) USING ")
_LIVE = """
SELECT w.name, x.indexrelid IS NOT NULL, pg_catalog.to_regclass(w.table_name) IS NOT NULL
FROM ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::text[])) AS w (name, table_name)
LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = pg_catalog.to_regclass(w.name)
WHERE x.indexrelid IS NULL OR NOT x.indisvalid
"""


@dataclasses.dataclass(frozen=True)
class LostIndex:
    """An index that the last run left and that is not usable any more.

    :ivar name: its quoted name with schema.
    :ivar definition: the server's own ``CREATE INDEX`` for it.
    :ivar is_invalid: whether an unusable remnant bears the name.
    """

    name: str
    definition: str
    is_invalid: bool

    @property
    def statement(self) -> str:
        """The definition as a build that does not block writers."""
        return self.definition.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)

    def step(self) -> Step:
        before = f"{self.definition} (INVALID)" if self.is_invalid else None
        return Step("restore", "index", self.name, before, self.definition, self.statement)


def restorable(objects: Snapshot) -> dict[str, tuple[str, str]]:
    """Names of the stored indexes that can be built by themselves, with their table and definition.

    The index of a constraint comes and goes with its constraint; that of a partitioned table is built from its parts.
    """
    constraints = {_schema_and_last(name) for name in objects if name.startswith("constraint ")}
    found = {}
    for entry, definition in objects.items():
        if not entry.startswith(INDEX) or definition.endswith(" (INVALID)"):
            continue
        name = entry.removeprefix(INDEX)
        table = _TABLE.search(definition)
        if table and not table.group(1) and tuple(_parts(name)) not in constraints:
            found[name] = (table.group(2), definition)
    return found


def _schema_and_last(constraint: str) -> tuple[str, str]:
    schema, *_table, last = _parts(constraint.removeprefix("constraint "))
    return schema, last


def _parts(qualified: str) -> list[str]:
    return re.findall(_PART, qualified)


def find(session: Session, objects: Snapshot) -> list[LostIndex]:
    """Which of the stored indexes are gone or invalid, though their table is there. One query."""
    known = restorable(objects)
    if not known:
        return []
    rows = session.rows(_LIVE, list(known), [table for table, _definition in known.values()])
    return [LostIndex(name, known[name][1], invalid) for name, invalid, has_table in sorted(rows) if has_table]


def restore(session: Session, lost: t.Iterable[LostIndex], statement_timeout: str | None) -> None:
    """Build the indexes again, one at a time, without blocking writers.

    An interrupted build leaves an invalid index, which the next run finds and replaces.

    :raises SqlError: the server refuses a build, for example because a unique one meets duplicates.
    """
    if statement_timeout:
        session.run(f"SET statement_timeout = {quote_text(statement_timeout)}")
    for index in lost:
        if index.is_invalid:
            session.run(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
        session.run(index.statement)
    if statement_timeout:
        session.run("RESET statement_timeout")
