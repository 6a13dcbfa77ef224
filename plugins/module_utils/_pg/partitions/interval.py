"""Days, weeks, months and years on the calendar, as half-open ranges ``[begin, end)``."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

UNITS = ("day", "week", "month", "year")

DEFAULT_NAMES = {
    "day": "{table}_y{year}m{month}d{day}",
    "week": "{table}_y{isoyear}w{week}",
    "month": "{table}_y{year}m{month}",
    "year": "{table}_y{year}",
}


@dataclasses.dataclass(frozen=True, order=True)
class Interval:
    """:param begin: first day.
    :param end: first day after it.
    """

    begin: datetime.date
    end: datetime.date


def containing(day: datetime.date, unit: str) -> Interval:
    """The interval that a day lies in. Weeks begin on Monday (ISO 8601)."""
    if unit == "day":
        begin = day
    elif unit == "week":
        begin = day - datetime.timedelta(days=day.weekday())
    elif unit == "month":
        begin = day.replace(day=1)
    else:
        begin = day.replace(month=1, day=1)
    return Interval(begin, _following(begin, unit))


def moved(interval: Interval, unit: str, steps: int) -> Interval:
    """The interval a number of steps later, or earlier when the number is negative."""
    for _step in range(abs(steps)):
        day = interval.end if steps > 0 else interval.begin - datetime.timedelta(days=1)
        interval = containing(day, unit)
    return interval


def span(first: Interval, last: Interval, unit: str) -> t.Iterator[Interval]:
    """Every interval from one to another, both included."""
    interval = first
    while interval <= last:
        yield interval
        interval = moved(interval, unit, 1)


def name(pattern: str, table: str, interval: Interval) -> str:
    """The partition's name.

    :raises KeyError, ValueError, IndexError: the pattern has a field that is none of those below.
    """
    iso = interval.begin.isocalendar()
    return pattern.format(
        table=table,
        year=f"{interval.begin.year:04}",
        month=f"{interval.begin.month:02}",
        day=f"{interval.begin.day:02}",
        isoyear=f"{iso[0]:04}",
        week=f"{iso[1]:02}",
    )


def _following(begin: datetime.date, unit: str) -> datetime.date:
    if unit in ("day", "week"):
        return begin + datetime.timedelta(days=1 if unit == "day" else 7)
    if unit == "year":
        return begin.replace(year=begin.year + 1)
    return (begin.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
