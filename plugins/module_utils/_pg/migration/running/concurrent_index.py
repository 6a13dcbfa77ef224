"""What an interrupted CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY leaves behind, and how to clear it."""

from __future__ import annotations

import dataclasses
import typing as t

from ...quoting import identifier as quote_name
from ...session import Session, SqlError
from ...sql.cursor import Cursor, Name, NotUnderstoodError
from ...sql.lexer import Token

_INDEXES = """
SELECT i.indexrelid::bigint, n.nspname::text, c.relname::text, i.indisvalid,
  EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = pg_catalog.to_regclass(%s)
"""


@dataclasses.dataclass(frozen=True)
class Build:
    """A concurrent build as the statement says it.

    :ivar index: the new index's name; ``None`` when the server chooses one.
    :ivar table: the table, as written.
    """

    index: str | None
    table: Name


@dataclasses.dataclass(frozen=True)
class Index:
    """An index of the table."""

    oid: int
    schema: str
    name: str
    is_valid: bool
    is_being_built: bool

    @property
    def qualified(self) -> str:
        return f"{quote_name(self.schema)}.{quote_name(self.name)}"


def build_of(tokens: t.Sequence[Token]) -> Build | None:
    """Return what ``CREATE [UNIQUE] INDEX CONCURRENTLY`` builds; ``None`` for every other statement."""
    cursor = Cursor(tokens)
    if not cursor.accept("create"):
        return None
    cursor.accept("unique")
    if not cursor.accept("index", "concurrently"):
        return None
    try:
        cursor.accept("if", "not", "exists")
        index = None if cursor.sees("on") else cursor.name().last
        cursor.expect("on")
        cursor.accept("only")
        return Build(index, cursor.name())
    except NotUnderstoodError:
        return None


def indexes(session: Session, build: Build) -> list[Index]:
    """The indexes of the table now; none when the table does not exist."""
    name = ".".join(quote_name(part) for part in build.table.parts)
    return [Index(*row) for row in session.rows(_INDEXES, name)]


def clear(session: Session, broken: t.Iterable[Index]) -> list[str]:
    """Drop invalid indexes that nobody is building, without blocking writers; return their names.

    :raises SqlError: a drop failed.
    """
    dropped = []
    for index in broken:
        if index.is_valid or index.is_being_built:
            continue
        session.run(f"DROP INDEX CONCURRENTLY IF EXISTS {index.qualified}")
        dropped.append(index.qualified)
    return dropped


def leftover(session: Session, build: Build, before: t.Collection[int]) -> list[Index]:
    """The invalid indexes that were not there before the statement, or that have the name it wants."""
    return [
        index
        for index in indexes(session, build)
        if not index.is_valid and (index.oid not in before or index.name == build.index)
    ]


def try_clear(session: Session, build: Build, before: t.Collection[int]) -> list[str]:
    """Clear after a failure, as far as the server lets: the next attempt clears first anyway."""
    try:
        return clear(session, leftover(session, build, before))
    except SqlError:
        return []
