"""One call, many databases or schemas: in parallel, each with its own outcome."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import typing as t

from ...._core.errors import GroundworkError
from ..running.outcome import Outcome

DONE = "ok"
CHANGED = "changed"
FAILED = "failed"
SKIPPED = "skipped"

#: So many names stand in a summary's line before it says how many more there are.
_NAMED = 10


@dataclasses.dataclass(frozen=True)
class Place:
    """Where to run: a database and, for tenants that share one, a schema."""

    database: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.database}/{self.schema}" if self.schema else self.database


@dataclasses.dataclass(frozen=True)
class Visit:
    """What came of one place."""

    place: Place
    status: str
    outcome: Outcome | None = None
    error: GroundworkError | None = None

    @property
    def changed(self) -> bool:
        """Whether anything was (or would be) written, even when it failed later."""
        if self.error:
            return bool(self.error.details.get("changed"))
        return bool(self.outcome and self.outcome.changed)

    def result(self) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {"target": str(self.place), "status": self.status}
        if self.outcome:
            result.update(self.outcome.result())
        if self.error:
            result.update(self.error.result())
        return result


def visit_all(
    places: t.Sequence[Place], visit: t.Callable[[Place], Outcome], limit: int, stop_at_failure: bool
) -> list[Visit]:
    """Visit every place, at most ``limit`` at a time; the visits come back in the order of the places.

    :param stop_at_failure: after a failure nothing new is begun; what has begun ends.
    """
    stop = threading.Event()

    def one(place: Place) -> Visit:
        if stop.is_set():
            return Visit(place, SKIPPED)
        try:
            outcome = visit(place)
            return Visit(place, CHANGED if outcome.changed else DONE, outcome)
        except GroundworkError as error:
            if stop_at_failure:
                stop.set()
            return Visit(place, FAILED, error=error)

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, limit)) as pool:
        return list(pool.map(one, places))


def summary(visits: t.Sequence[Visit]) -> list[str]:
    """A few lines for any number of places: how many of each status, and the failures grouped by what they say."""
    lines = []
    for status in (CHANGED, DONE, FAILED, SKIPPED):
        found = [visit for visit in visits if visit.status == status]
        if found:
            lines.append(f"{status}: {len(found)}{_names(found) if status in (FAILED, SKIPPED) else ''}")
    reasons: dict[str, list[Visit]] = {}
    for visit in visits:
        if visit.error:
            reasons.setdefault(visit.error.what.splitlines()[0], []).append(visit)
    for reason, found in sorted(reasons.items(), key=lambda item: -len(item[1]))[:_NAMED]:
        lines.append(f"{len(found)} x {reason}")
    versions: dict[str, int] = {}
    for visit in visits:
        if visit.outcome:
            version = visit.outcome.final_version or "none"
            versions[version] = versions.get(version, 0) + 1
    if versions:
        shown = sorted(versions.items(), key=lambda item: -item[1])[:_NAMED]
        lines.append("schema versions: " + ", ".join(f"{version} ({count})" for version, count in shown))
    return lines


def warnings(visits: t.Sequence[Visit]) -> list[str]:
    """Every warning once, with how many places it concerns."""
    counts: dict[str, int] = {}
    for visit in visits:
        for warning in visit.outcome.warnings if visit.outcome else ():
            counts[warning] = counts.get(warning, 0) + 1
    return [f"{warning} ({count} targets)" if count > 1 else warning for warning, count in counts.items()]


def _names(visits: t.Sequence[Visit]) -> str:
    names = ", ".join(str(visit.place) for visit in visits[:_NAMED])
    more = len(visits) - _NAMED
    return f" ({names}{f' and {more} more' if more > 0 else ''})"
