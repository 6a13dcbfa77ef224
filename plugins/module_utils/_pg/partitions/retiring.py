"""The steps that take partitions off their table, and those that deal with what an interrupted run left.

A partition is dropped in the transaction that ends its being a partition. So no table of its own is ever dropped.
"""

from __future__ import annotations

from ..quoting import identifier
from . import proof
from .live import Partition, Table, VoidProof
from .step import PartitionStep, bounds


def detach(table: Table, partition: Partition) -> list[PartitionStep]:
    """Make a table of its own of an attached partition."""
    statement = _detach_statement(table, partition)
    return [_detach(table, partition, statement, (statement,))]


def drop(table: Table, partition: Partition) -> list[PartitionStep]:
    """Drop an attached partition."""
    statement = _detach_statement(table, partition)
    if table.default:
        return [_detach(table, partition, statement, ()), _drop(table, partition, statement)]
    return [
        _detach(table, partition, statement, (statement,), held=True),
        _drop(table, partition, _finalize(table, partition)),
    ]


def finish_detach(table: Table, partition: Partition) -> PartitionStep:
    """Make a table of its own of a partition whose concurrent detach was interrupted, and leave no proof on it."""
    return _finish(table, partition, (_finalize(table, partition), *_clear(partition)))


def finish_drop(table: Table, partition: Partition) -> list[PartitionStep]:
    """Drop a partition whose concurrent detach was proven to be begun for that."""
    return [_finish(table, partition, ()), _drop(table, partition, _finalize(table, partition))]


def attach_again(table: Table, partition: Partition) -> PartitionStep:
    """Roll a concurrent detach back that was interrupted. The server can only complete it, so it is attached anew."""
    attach = f"ALTER TABLE {table.sql} ATTACH PARTITION {partition.sql} {partition.bound}"
    statements = [_finalize(table, partition), attach, *_clear(partition)]
    if partition.constraint:
        statements.append(f"ALTER TABLE {partition.sql} DROP CONSTRAINT {identifier(partition.constraint)}")
    return PartitionStep(
        action="attach again",
        kind="partition",
        name=partition.full_name,
        after={"of": f"{table.schema}.{table.name}", **bounds(partition)},
        statement=attach,
        statements=tuple(statements),
        owner=table.owner,
    )


def clear_mark(table: Table, partition: Partition) -> PartitionStep:
    """Take the mark of an earlier version off a partition that it left attached."""
    statement = proof.clear_earlier_versions(partition.schema, partition.name)
    return _clear_step(partition.full_name, statement, table.owner, proof.EARLIER_VERSIONS + table.sql)


def clear_proof(void: VoidProof) -> PartitionStep:
    """Remove a proof whose detach a person completed."""
    statement = proof.clear(void.schema, void.name, void.description)
    return _clear_step(f"{void.schema}.{void.name}", statement, void.owner, void.description)


def _clear_step(name: str, statement: str, owner: str, before: str) -> PartitionStep:
    return PartitionStep(
        action="clear the mark of",
        kind="partition",
        name=name,
        before=before,
        statement=statement,
        statements=(statement,),
        owner=owner,
    )


def _clear(partition: Partition) -> list[str]:
    statements = []
    if partition.proven:
        statements.append(proof.clear(partition.schema, partition.name, partition.description))
    if partition.marked_before:
        statements.append(proof.clear_earlier_versions(partition.schema, partition.name))
    return statements


def _detach_statement(table: Table, partition: Partition) -> str:
    # A table with a default partition cannot be detached from concurrently.
    return f"ALTER TABLE {table.sql} DETACH PARTITION {partition.sql}" + ("" if table.default else " CONCURRENTLY")


def _finalize(table: Table, partition: Partition) -> str:
    return f"ALTER TABLE {table.sql} DETACH PARTITION {partition.sql} FINALIZE"


def _detach(
    table: Table, partition: Partition, statement: str, statements: tuple[str, ...], *, held: bool = False
) -> PartitionStep:
    return PartitionStep(
        action="detach",
        kind="partition",
        name=partition.full_name,
        before={**bounds(partition), "rows": partition.rows, "bytes": partition.size_bytes},
        after="a table of its own",
        statement=statement,
        statements=statements,
        transaction=bool(table.default),
        owner=table.owner,
        held=partition if held else None,
    )


def _finish(table: Table, partition: Partition, statements: tuple[str, ...]) -> PartitionStep:
    """PostgreSQL wants an interrupted concurrent detach to be finished before anything else on the table."""
    return PartitionStep(
        action="finish the detach of",
        kind="partition",
        name=partition.full_name,
        before=bounds(partition),
        statement=_finalize(table, partition),
        statements=statements,
        owner=table.owner,
    )


def _drop(table: Table, partition: Partition, detaching: str) -> PartitionStep:
    statement = f"DROP TABLE {partition.sql}"
    return PartitionStep(
        action="drop",
        kind="partition",
        name=partition.full_name,
        before={"of": f"{table.schema}.{table.name}"},
        statement=statement,
        statements=(detaching, statement),
        owner=table.owner,
    )
