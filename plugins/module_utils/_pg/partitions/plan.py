"""Which partitions to create and which to retire: a pure function of the policy, the catalogue and the day."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..quoting import identifier, literal, qualified
from . import interval, retiring
from .declared import Wanted
from .live import Partition, Table
from .step import PartitionStep

KEY_TYPES = ("date", "timestamp without time zone", "timestamp with time zone")
NOTHING_WRITTEN = "every table; nothing was written"


@dataclasses.dataclass(frozen=True)
class TablePlan:
    """:param retired: partitions that are older than the policy keeps, to drop, detach or report.
    :param unproven: tables that may have been meant to be dropped, but nothing proves it: what to do about each.
    """

    wanted: Wanted
    table: Table
    steps: tuple[PartitionStep, ...]
    covered_until: datetime.date | None
    retired: tuple[Partition, ...]
    partitions: int
    unproven: tuple[str, ...]


def plan(wanted: Wanted, table: Table, today: datetime.date) -> TablePlan:
    """:raises GroundworkError: the table cannot be handled so, or a partition lies across the wanted bounds."""
    _check(wanted, table)
    current = interval.containing(today, wanted.unit)
    last = interval.moved(current, wanted.unit, wanted.ahead)
    first_kept = wanted.first_kept(current)
    pending = [each for each in table.partitions if each.detaching]
    restored = [each for each in pending if each.proven and not _is_to_leave(wanted, each, first_kept)]
    attached = [each for each in table.partitions if not each.detaching or each in restored]
    created = [
        _create(wanted, table, each)
        for each in interval.span(wanted.first_created(current), last, wanted.unit)
        if not _covered(wanted, each, attached)
    ]
    retired = _older(attached, first_kept)
    if wanted.retire == "drop":
        _check_owners(wanted, table, retired)
    return TablePlan(
        wanted,
        table,
        (
            *(step for each in pending for step in _finish(wanted, table, each, restored)),
            *(retiring.clear_mark(table, each) for each in attached if each.marked_before and not each.detaching),
            *(retiring.clear_proof(each) for each in table.void_proofs),
            *created,
            *(step for each in retired for step in _retire(wanted, table, each)),
        ),
        _covered_until([*((each.begin, each.end) for each in attached), *_ranges(created)], current),
        tuple(retired),
        len(attached) + len(created) - (0 if wanted.retire == "report" else len(retired)),
        tuple(_unproven(wanted, table, pending)),
    )


def _is_to_leave(wanted: Wanted, partition: Partition, first_kept: interval.Interval | None) -> bool:
    return wanted.retire != "report" and bool(_older([partition], first_kept))


def _finish(
    wanted: Wanted, table: Table, partition: Partition, restored: t.Sequence[Partition]
) -> list[PartitionStep]:
    """What becomes of a concurrent detach that was interrupted.

    One that this module began in order to drop is dropped only as long as the policy still says so. Any other one may
    be a person's, who wants to have the table.
    """
    if partition in restored:
        return [retiring.attach_again(table, partition)]
    if partition.proven and wanted.retire == "drop":
        return retiring.finish_drop(table, partition)
    return [retiring.finish_detach(table, partition)]


def _unproven(wanted: Wanted, table: Table, pending: t.Sequence[Partition]) -> t.Iterator[str]:
    """What is reported of tables that are not dropped, because nothing proves that they are to be."""
    for each in pending:
        if wanted.retire == "drop" and not each.proven:
            yield (
                f"The detach of {each.full_name} was interrupted, and nothing proves that it was begun in order to "
                "drop: it becomes a table of its own, with its rows. Drop it by hand if it is not needed."
            )
    for name in table.leftovers:
        yield (
            f"{name}, formerly a partition of {wanted.full_name}, has a comment of an earlier version of pg_partitions "
            "that it is being dropped, which proves nothing: a person may have kept it. Drop it by hand if it is not "
            "needed, or remove the comment (COMMENT ON TABLE ... IS NULL) to keep it."
        )


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
    raise GroundworkError(
        what, where=wanted.full_name, untouched=NOTHING_WRITTEN, hint=hint, code=ErrorCode.NOT_BY_TIME
    )


def _check_owners(wanted: Wanted, table: Table, retired: t.Sequence[Partition]) -> None:
    """:raises GroundworkError: the owner of the table, as which all is done, may not drop one of its partitions."""
    for each in retired:
        if not each.is_owned:
            raise GroundworkError(
                f"{each.full_name} belongs to {each.owner}, so {table.owner}, which owns the table, may not drop it.",
                where=wanted.full_name,
                untouched=NOTHING_WRITTEN,
                hint=f"ALTER TABLE {each.sql} OWNER TO {identifier(table.owner)}.",
                code=ErrorCode.PARTITION_OF_ANOTHER_OWNER,
            )


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
        code=ErrorCode.PARTLY_COVERED,
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
            code=ErrorCode.NAME_TAKEN,
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
    return (retiring.drop if wanted.retire == "drop" else retiring.detach)(table, partition)


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


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime(day.year, day.month, day.day)
