"""Rules about partitions."""

from __future__ import annotations

import typing as t

from ...sql.model import AlterTable, CreateTable
from ..context import Context
from ..rule import Hit, rule


@rule(
    "detach-partition-not-concurrently",
    AlterTable,
    lock="ACCESS EXCLUSIVE on the parent",
    title="DETACH PARTITION without CONCURRENTLY",
    instead="DETACH PARTITION ... CONCURRENTLY, in a file of its own; FINALIZE after a failure",
    squawk=("require-concurrent-partition-detach",),
)
def detach(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    if ddl.relation != "table" or context.is_new(ddl.name):
        return
    for action in ddl.actions:
        finalizes = any(token.is_word("finalize") for token in context.statement.tokens)
        if action.kind == "detach partition" and not action.concurrently and not finalizes:
            yield Hit(
                str(ddl.name),
                f"DETACH PARTITION {action.name} blocks reads and writes of all of {ddl.name} and waits for running "
                "queries",
                f"ALTER TABLE {ddl.name} DETACH PARTITION {action.name} CONCURRENTLY, in a file of its own (not "
                "possible with a default partition)",
                start=action.start,
            )


@rule(
    "attach-partition-scan",
    AlterTable,
    lock="ACCESS EXCLUSIVE on the partition",
    scales=True,
    title="ATTACH PARTITION of a table with rows",
    instead="First a CHECK constraint that proves the bounds: NOT VALID, then VALIDATE",
)
def attach(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action in ddl.actions:
        partition = action.partition
        if action.kind != "attach partition" or ddl.relation != "table" or partition is None:
            continue
        proven = any(table == context.key(partition) for table, _name in context.added_constraints)
        if proven or context.is_new(partition):
            continue
        yield Hit(
            str(partition),
            f"{partition} is read whole, under its lock, to prove that its rows belong there",
            f"ALTER TABLE {partition} ADD CONSTRAINT c CHECK (<the bounds>) NOT VALID; VALIDATE CONSTRAINT c; then "
            "ATTACH; then DROP CONSTRAINT c",
            table=partition,
            start=action.start,
        )


@rule(
    "create-partition-locks-parent",
    CreateTable,
    lock="ACCESS EXCLUSIVE on the parent",
    level="info",
    title="CREATE TABLE ... PARTITION OF a table in use",
    instead="CREATE TABLE (LIKE parent), then ATTACH PARTITION: its lock lets reads and writes pass",
)
def create_partition(ddl: CreateTable, context: Context) -> t.Iterator[Hit]:
    if ddl.partition_of and not context.is_new(ddl.partition_of):
        yield Hit(
            str(ddl.partition_of),
            f"creating {ddl.name} waits for every query of {ddl.partition_of}, and new ones wait behind it",
            f"CREATE TABLE {ddl.name} (LIKE {ddl.partition_of} INCLUDING DEFAULTS INCLUDING CONSTRAINTS); ALTER TABLE "
            f"{ddl.partition_of} ATTACH PARTITION {ddl.name} ...",
        )
