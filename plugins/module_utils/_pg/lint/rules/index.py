"""Rules about indexes."""

from __future__ import annotations

import typing as t

from ...sql.cursor import Name, quoted
from ...sql.model import CreateIndex, Drop, Refresh, Reindex
from ..context import Context
from ..rule import Hit, rule
from .wording import with_word

WIDE = 3


@rule(
    "create-index-not-concurrently",
    CreateIndex,
    lock="SHARE",
    scales=True,
    title="CREATE INDEX without CONCURRENTLY on a table that is in use",
    instead="CREATE INDEX CONCURRENTLY, in a file of its own",
    squawk=("require-concurrent-index-creation",),
)
def create_index(ddl: CreateIndex, context: Context) -> t.Iterator[Hit]:
    if not ddl.concurrently and not ddl.only and not context.is_new(ddl.table):
        yield Hit(
            str(ddl.table),
            f"CREATE INDEX blocks every write to {ddl.table} until the index is built",
            with_word(context, "index", "CONCURRENTLY") + ", in a file of its own",
            table=ddl.table,
        )


@rule(
    "drop-index-not-concurrently",
    Drop,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="DROP INDEX without CONCURRENTLY",
    instead="DROP INDEX CONCURRENTLY IF EXISTS, in a file of its own",
    squawk=("require-concurrent-index-deletion",),
)
def drop_index(ddl: Drop, context: Context) -> t.Iterator[Hit]:
    if ddl.kind != "index" or ddl.concurrently:
        return
    for name in ddl.names:
        table = context.index_table(name)
        if context.is_new(name) or (table and context.is_new(table)):
            continue
        yield Hit(
            str(name),
            f"DROP INDEX {name} locks {table or 'its table'} against reads and writes, and waits for running queries",
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}, in a file of its own",
            table=table,
        )


@rule(
    "concurrently-in-transaction",
    CreateIndex,
    Drop,
    Reindex,
    level="error",
    title="CONCURRENTLY inside a transaction block",
    instead="Take it out of the transaction: a file of its own, without BEGIN, and no executeInTransaction=true",
    squawk=("ban-concurrent-index-creation-in-transaction",),
)
def concurrently_in_transaction(ddl: CreateIndex | Drop | Reindex, context: Context) -> t.Iterator[Hit]:
    if ddl.concurrently and (context.state.explicit_transaction or context.file.in_transaction):
        name = ddl.name if isinstance(ddl, CreateIndex | Reindex) else ddl.names[0]
        yield Hit(
            str(name or ""),
            "CONCURRENTLY cannot run inside a transaction block; the server refuses it",
            "Move the statement into a file of its own that opens no transaction",
        )


@rule(
    "concurrent-index-if-not-exists",
    CreateIndex,
    title="CREATE INDEX CONCURRENTLY IF NOT EXISTS keeps the INVALID index of a failed attempt",
    instead="DROP INDEX CONCURRENTLY IF EXISTS first, or leave IF NOT EXISTS out",
)
def concurrent_index_if_not_exists(ddl: CreateIndex, context: Context) -> t.Iterator[Hit]:
    if not (ddl.concurrently and ddl.if_not_exists and ddl.name):
        return
    schema = context.key(ddl.table).split(".", 1)[0]
    invalid = f"{schema}.{ddl.name}" in context.live.invalid_indexes
    yield Hit(
        quoted(ddl.name),
        f"an INVALID index {quoted(ddl.name)} exists: the statement would skip it and report success"
        if invalid
        else f"after a failed build, IF NOT EXISTS takes the INVALID index {quoted(ddl.name)} for a good one",
        f"DROP INDEX CONCURRENTLY IF EXISTS {Name((schema, ddl.name))}; then CREATE INDEX CONCURRENTLY without IF NOT "
        "EXISTS",
        level="error" if invalid else None,
    )


@rule(
    "reindex-not-concurrently",
    Reindex,
    lock="SHARE on the table, ACCESS EXCLUSIVE on the index",
    scales=True,
    title="REINDEX without CONCURRENTLY",
    instead="REINDEX ... CONCURRENTLY",
    squawk=("require-concurrent-reindex",),
)
def reindex(ddl: Reindex, context: Context) -> t.Iterator[Hit]:
    if ddl.concurrently or ddl.kind == "system":
        return
    table = ddl.name
    if ddl.name and ddl.kind == "index":
        table = context.index_table(ddl.name)
    if table and ddl.kind in ("table", "index") and context.is_new(table):
        return
    what = f"{ddl.kind.upper()}{f' {ddl.name}' if ddl.name else ''}"
    yield Hit(
        str(ddl.name or "the database"),
        f"REINDEX {what} blocks writes, and reads that would use the index",
        f"REINDEX {ddl.kind.upper()} CONCURRENTLY{f' {ddl.name}' if ddl.name else ''}",
        table=table if ddl.kind in ("table", "index") else None,
    )


@rule(
    "wide-index",
    CreateIndex,
    level="info",
    title="A non-unique index over more than three columns",
    instead="Fewer columns, the selective ones first; INCLUDE for those that are only read",
)
def wide_index(ddl: CreateIndex, context: Context) -> t.Iterator[Hit]:
    if len(ddl.columns) > WIDE and not ddl.unique:
        yield Hit(
            str(ddl.table),
            f"the index on {ddl.table} has {len(ddl.columns)} columns; the later ones rarely narrow a search",
            f"Index ({', '.join(map(quoted, ddl.columns[:WIDE]))}), and INCLUDE what is only read",
        )


@rule(
    "refresh-not-concurrently",
    Refresh,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="REFRESH MATERIALIZED VIEW without CONCURRENTLY",
    instead="REFRESH MATERIALIZED VIEW CONCURRENTLY (needs a unique index over all rows)",
)
def refresh(ddl: Refresh, context: Context) -> t.Iterator[Hit]:
    if not ddl.concurrently and ddl.with_data and not context.is_new(ddl.name):
        yield Hit(
            str(ddl.name),
            f"nobody can read {ddl.name} while it is refreshed",
            f"REFRESH MATERIALIZED VIEW CONCURRENTLY {ddl.name} (needs a unique index on it)",
            table=ddl.name,
        )
