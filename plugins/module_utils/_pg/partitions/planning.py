# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which partitions to create and which to retire: a pure function of the policy, the catalogue and the day.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..._errors import GroundworkError
from ..._plan import Step
from ..quoting import identifier, literal, qualified
from . import interval
from .live import MARK, Partition, Table
from .wanted import Wanted

KEY_TYPES = ("date", "timestamp without time zone", "timestamp with time zone")
NOTHING_WRITTEN = "every table; nothing was written"


@dataclasses.dataclass(frozen=True)
class PartitionStep(Step):
    """:param statements: what is sent, each in its own message.
    :param transaction: whether the statements are one transaction (a concurrent detach cannot be in one).
    :param owner: role to act as, so that a new partition belongs to the owner of its table.
    """

    statements: tuple[str, ...] = ()
    transaction: bool = True
    owner: str | None = None


@dataclasses.dataclass(frozen=True)
class TablePlan:
    """:param retired: partitions that are older than the policy keeps, whatever happens to them."""

    wanted: Wanted
    steps: tuple[PartitionStep, ...]
    covered_until: datetime.date | None
    retired: tuple[Partition, ...]
    partitions: int


def plan(wanted: Wanted, table: Table, today: datetime.date) -> TablePlan:
    """:raises GroundworkError: the table cannot be handled so, or a partition lies across the wanted bounds."""
    _check(wanted, table)
    current = interval.containing(today, wanted.unit)
    last = interval.moved(current, wanted.unit, wanted.ahead)
    attached = [each for each in table.partitions if not each.detaching]
    created = [
        _create(wanted, table, each)
        for each in interval.span(wanted.first_created(current), last, wanted.unit)
        if not _covered(wanted, each, attached)
    ]
    retired = _older(attached, wanted.first_kept(current))
    detaching = [each for each in table.partitions if each.detaching]
    retiring = [step for each in retired for step in _retire(wanted, table, each)]
    return TablePlan(
        wanted,
        (*(_finish_detach(table, each) for each in detaching), *_finish_drops(wanted, table), *created, *retiring),
        _covered_until([*((each.begin, each.end) for each in attached), *_ranges(created)], current),
        tuple(retired),
        len(attached) + len(created) - (0 if wanted.retire == "report" else len(retired)),
    )


def _finish_detach(table: Table, partition: Partition) -> PartitionStep:
    """PostgreSQL wants an interrupted concurrent detach to be finished before anything else on the table."""
    statement = f"ALTER TABLE {table.sql} DETACH PARTITION {partition.sql} FINALIZE"
    return PartitionStep(
        action="finish the detach of",
        kind="partition",
        name=partition.full_name,
        before=_bounds(partition),
        statement=statement,
        statements=(statement,),
        owner=table.owner,
    )


def _finish_drops(wanted: Wanted, table: Table) -> list[PartitionStep]:
    """Partitions that an interrupted run detached, or was detaching, in order to drop them."""
    if wanted.retire != "drop":
        return []
    detaching = [(each.schema, each.name) for each in table.partitions if each.detaching and each.marked]
    return [_drop(wanted, table, schema, name) for schema, name in (*detaching, *table.leftovers)]


def _check(wanted: Wanted, table: Table) -> None:
    if not table.partitioned:
        what, hint = f"{wanted.full_name} is not a partitioned table.", "Create it with PARTITION BY RANGE."
    elif table.strategy != "r" or table.key_type not in KEY_TYPES:
        key = table.key_type or "several columns or an expression"
        what = f"{wanted.full_name} is not partitioned by range of one date or timestamp column, but by {key}."
        hint = "Only such tables have partitions in time."
    elif not table.may_act_as_owner:
        what = f"The login role is no member of {table.owner}, which owns {wanted.full_name}."
        hint = f"GRANT {table.owner} to the login role, or log in as a superuser."
    else:
        return
    raise GroundworkError(what, where=wanted.full_name, untouched=NOTHING_WRITTEN, hint=hint, code="NOT_BY_TIME")


def _covered(wanted: Wanted, wished: interval.Interval, attached: t.Sequence[Partition]) -> bool:
    """Whether partitions hold the whole interval; none at all means that it can be created.

    :raises GroundworkError: they hold a part of it only.
    """
    begin, end = _midnight(wished.begin), _midnight(wished.end)
    inside = [each for each in attached if each.begin < end and each.end > begin]
    if not inside:
        return False
    reached = begin
    for each in inside:
        if each.begin > reached:
            break
        reached = max(reached, each.end)
    if reached >= end:
        return True
    names = ", ".join(f"{each.name} ({each.begin} to {each.end})" for each in inside)
    raise GroundworkError(
        f"{wanted.full_name} has partitions for a part of {wished.begin} to {wished.end} only: {names}.",
        where=wanted.full_name,
        untouched=NOTHING_WRITTEN,
        hint="Attach what is missing by hand, or set interval (and timezone) to what the existing bounds use.",
        code="PARTLY_COVERED",
    )


def _create(wanted: Wanted, table: Table, wished: interval.Interval) -> PartitionStep:
    name = wanted.partition_name(wished)
    child = qualified(wanted.schema, name)
    full_name = f"{wanted.schema}.{name}"
    if name in table.taken:
        raise GroundworkError(
            f"The partition {full_name} is wanted, but another relation has this name.",
            where=wanted.full_name,
            untouched=NOTHING_WRITTEN,
            hint="Attach it if it is the detached partition, rename it, or choose another partition_name.",
            code="NAME_TAKEN",
        )
    bounds = f"FROM ({literal(str(wished.begin))}) TO ({literal(str(wished.end))})"
    attach = f"ALTER TABLE {table.sql} ATTACH PARTITION {child} FOR VALUES {bounds}"
    # Created apart and then attached: CREATE TABLE ... PARTITION OF would lock readers and writers of the table out.
    statements = [
        f"CREATE TABLE {child} (LIKE {table.sql} INCLUDING DEFAULTS INCLUDING CONSTRAINTS"
        " INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION)"
    ]
    # The policies of the table do not protect a partition that is read by its own name; without policies of its own,
    # row security shows its rows to nobody but those who may bypass it.
    if table.row_security:
        statements.append(f"ALTER TABLE {child} ENABLE ROW LEVEL SECURITY")
    if table.forced_row_security:
        statements.append(f"ALTER TABLE {child} FORCE ROW LEVEL SECURITY")
    return PartitionStep(
        action="create",
        kind="partition",
        name=full_name,
        after={"of": wanted.full_name, "from": wished.begin, "to": wished.end},
        statement=attach,
        statements=(*statements, attach),
        owner=table.owner,
    )


def _older(attached: t.Sequence[Partition], first_kept: interval.Interval | None) -> list[Partition]:
    if first_kept is None:
        return []
    return [each for each in attached if each.end <= _midnight(first_kept.begin)]


def _retire(wanted: Wanted, table: Table, partition: Partition) -> list[PartitionStep]:
    if wanted.retire == "report":
        return []
    # A table with a default partition cannot be detached from concurrently.
    way = "" if table.default else " CONCURRENTLY"
    detach = f"ALTER TABLE {table.sql} DETACH PARTITION {partition.sql}{way}"
    before = {**_bounds(partition), "rows": partition.rows, "bytes": partition.size_bytes}
    if wanted.retire == "detach":
        return [
            PartitionStep(
                action="detach",
                kind="partition",
                name=partition.full_name,
                before=before,
                after="a table of its own",
                statement=detach,
                statements=(detach,),
                transaction=not way,
                owner=table.owner,
            )
        ]
    mark = f"COMMENT ON TABLE {partition.sql} IS {literal(MARK + table.sql)}"
    return [
        PartitionStep(
            action="detach",
            kind="partition",
            name=partition.full_name,
            before=before,
            after="a table of its own",
            statement=detach,
            statements=(mark, detach),
            transaction=not way,
            owner=table.owner,
        ),
        _drop(wanted, table, partition.schema, partition.name),
    ]


def _drop(wanted: Wanted, table: Table, schema: str, name: str) -> PartitionStep:
    statement = f"DROP TABLE {qualified(schema, name)}"
    return PartitionStep(
        action="drop",
        kind="partition",
        name=f"{schema}.{name}",
        before={"of": wanted.full_name},
        statement=statement,
        statements=(statement,),
        owner=table.owner,
    )


def _ranges(created: t.Sequence[PartitionStep]) -> list[tuple[datetime.datetime, datetime.datetime]]:
    return [(_midnight(step.after["from"]), _midnight(step.after["to"])) for step in created]


def _covered_until(
    ranges: list[tuple[datetime.datetime, datetime.datetime]], current: interval.Interval
) -> datetime.date | None:
    """The day until which rows have a place without a gap, from the current interval on."""
    reached = _midnight(current.begin)
    for begin, end in sorted(ranges):
        if begin <= reached < end:
            reached = end
    return reached.date() if reached > _midnight(current.begin) else None


def _bounds(partition: Partition) -> dict[str, t.Any]:
    return {"from": str(partition.begin), "to": str(partition.end)}


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime(day.year, day.month, day.day)


def act_as(owner: str) -> str:
    return f"SET LOCAL ROLE {identifier(owner)}"
