"""What is wanted of each partitioned table: the module's options, checked."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected, repeated
from . import interval

# PostgreSQL's NAMEDATALEN less one: a longer name would be cut, and two could become one.
LONGEST_NAME = 63


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One partitioned table.

    :param ahead: intervals after the current one that must exist.
    :param keep: intervals before the current one that stay; ``None`` keeps all.
    :param since: a day in the earliest interval to create; ``None`` is the current one.
    """

    schema: str
    table: str
    unit: str
    ahead: int
    keep: int | None
    retire: str
    pattern: str
    since: datetime.date | None

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.table}"

    def partition_name(self, of: interval.Interval) -> str:
        return interval.name(self.pattern, self.table, of)

    def first_kept(self, current: interval.Interval) -> interval.Interval | None:
        return None if self.keep is None else interval.moved(current, self.unit, -self.keep)

    def first_created(self, current: interval.Interval) -> interval.Interval:
        """Never one that the policy would retire again."""
        first = interval.containing(self.since, self.unit) if self.since else current
        kept = self.first_kept(current)
        return max(first, kept) if kept else first


def parse(options: dict[str, t.Any]) -> tuple[tuple[Wanted, ...], datetime.date | None]:
    """The tables, and the day that stands for today.

    :raises GroundworkError: naming each table and option that cannot be meant so.
    """
    untouched = "everything; no session was opened"
    with collected("the policies", ErrorCode.BAD_PARTITION_POLICY, untouched) as problems:
        tables = tuple(_table(entry, problems) for entry in options["tables"])
        for name in repeated(table.full_name for table in tables):
            problems.add(name, f"The table {name} is listed more than once.", "List it once.")
        today = _day(options["today"], options["login_db"], "today", problems)
    return tables, today


def _table(entry: dict[str, t.Any], problems: Problems) -> Wanted:
    wanted = Wanted(
        schema=entry["schema"],
        table=entry["name"],
        unit=entry["interval"],
        ahead=entry["ahead"],
        keep=entry["keep"],
        retire=entry["retire"],
        pattern=entry["partition_name"] or interval.DEFAULT_NAMES[entry["interval"]],
        since=_day(entry["since"], f"{entry['schema']}.{entry['name']}", "since", problems),
    )
    if wanted.ahead < 0 or (wanted.keep is not None and wanted.keep < 0):
        problems.add(wanted.full_name, "ahead and keep cannot be negative.", "Give a number of intervals.")
    if wanted.keep is None and wanted.retire != "report":
        problems.add(
            wanted.full_name,
            f"retire is {wanted.retire}, but nothing says how much to keep.",
            "Set keep to the number of intervals before the current one that stay.",
        )
    _check_pattern(wanted, problems)
    return wanted


def _check_pattern(wanted: Wanted, problems: Problems) -> None:
    """Neighbours must have different names, in every year, and names must not be cut."""
    current = interval.containing(datetime.date(2024, 2, 29), wanted.unit)
    try:
        names = [wanted.partition_name(interval.moved(current, wanted.unit, step)) for step in range(60)]
    except (KeyError, ValueError, IndexError):
        problems.add(
            wanted.full_name,
            f"partition_name {wanted.pattern} has a field that does not exist.",
            "There are {table}, {year}, {month}, {day}, {isoyear} and {week}.",
        )
        return
    if len(set(names)) < len(names):
        problems.add(
            wanted.full_name,
            f"partition_name {wanted.pattern} gives several partitions the same name, such as {names[0]}.",
            f"For {wanted.unit}s use something like {interval.DEFAULT_NAMES[wanted.unit]}.",
        )
    longest = max(names, key=lambda name: len(name.encode()))
    if len(longest.encode()) > LONGEST_NAME:
        problems.add(
            wanted.full_name,
            f"The partition's name {longest} is longer than {LONGEST_NAME} bytes, PostgreSQL would cut it.",
            "Set partition_name to a shorter pattern.",
        )


def _day(text: str | None, where: str, option: str, problems: Problems) -> datetime.date | None:
    """A day in ISO 8601."""
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:
        problems.add(where, f"{option} {text} is not a day.", "Write it as 2026-01-31.")
        return None
