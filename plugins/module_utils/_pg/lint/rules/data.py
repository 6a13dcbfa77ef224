"""Rules about statements that change rows."""

from __future__ import annotations

import typing as t

from ...sql.model import Change, Copy, Truncate
from ..context import Context
from ..rule import Hit, rule


@rule(
    "change-without-where",
    Change,
    lock="every row",
    scales=True,
    title="UPDATE or DELETE without WHERE",
    instead="In batches, outside of the transaction that changes the schema",
)
def without_where(ddl: Change, context: Context) -> t.Iterator[Hit]:
    if not ddl.has_where and not context.is_new(ddl.table):
        yield Hit(
            str(ddl.table),
            f"{ddl.command} without WHERE locks every row of {ddl.table} until it is committed, and leaves a dead one "
            "for each",
            f"{ddl.command} ... WHERE key BETWEEN ... AND ..., in batches, each committed, in a file without "
            "transaction",
            table=ddl.table,
        )


@rule(
    "backfill-in-schema-transaction",
    Change,
    lock="that of the schema change",
    scales=True,
    title="Rows changed in the transaction that changes the schema",
    instead="The backfill in a file of its own, in batches",
)
def backfill(ddl: Change, context: Context) -> t.Iterator[Hit]:
    locked = context.state.heavy_lock
    if locked and context.in_transaction and not context.is_new(ddl.table):
        yield Hit(
            str(ddl.table),
            f"{locked} stays locked, since its ALTER TABLE, until this {ddl.command} and the rest of the file are done",
            f"Move the {ddl.command} into a later file, in batches",
            table=ddl.table,
        )


@rule(
    "truncate-table",
    Truncate,
    lock="ACCESS EXCLUSIVE",
    title="TRUNCATE",
    instead="DELETE in batches, or an explicit ignore comment",
)
def truncate(ddl: Truncate, context: Context) -> t.Iterator[Hit]:
    for name in ddl.tables:
        if not context.is_new(name):
            yield Hit(
                str(name),
                f"all rows of {name} are gone for good, and nobody can read {name} until the file is done",
                "A DELETE in batches; if all rows must go: -- groundwork:ignore truncate-table <why>",
            )


@rule(
    "truncate-cascade",
    Truncate,
    level="error",
    lock="ACCESS EXCLUSIVE",
    title="TRUNCATE ... CASCADE",
    instead="Name every table that is to be emptied",
    squawk=("ban-truncate-cascade",),
)
def truncate_cascade(ddl: Truncate, context: Context) -> t.Iterator[Hit]:
    if ddl.cascade:
        names = ", ".join(map(str, ddl.tables))
        yield Hit(
            names,
            f"every table with a foreign key to {names} is emptied too, unnamed and unseen",
            "TRUNCATE a, b, c with all tables named, without CASCADE",
        )


@rule(
    "copy-server-side",
    Copy,
    title="COPY from or to a file or program of the server",
    instead="COPY ... FROM STDIN with the data in the file",
)
def copy(ddl: Copy, context: Context) -> t.Iterator[Hit]:
    if ddl.server_side:
        yield Hit(
            ddl.target,
            "the server's own files are not part of the migration: another host has others; it needs a superuser's "
            "rights too",
            f"COPY {ddl.target} FROM STDIN, the rows behind it up to a line with \\." if ddl.from_ else "Leave it out",
        )
