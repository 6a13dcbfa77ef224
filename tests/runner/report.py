"""What a run says at its end: a table of the stages, the slowest tests, what is over its budget, and the counts."""

from __future__ import annotations

import collections
import dataclasses
import typing as t
from xml.etree import ElementTree

from .pool import Ended
from .stages import Stage, budgets

SLOWEST = 10
OVER = 1.25
SLOTS = 2


@dataclasses.dataclass
class Counts:
    """The tests of one stage; a stage without a count of its own counts as one.

    :ivar skipped: each skipped test with its reason.
    :ivar slow: seconds and name of each test.
    """

    passed: int = 0
    failed: int = 0
    skipped: list[str] = dataclasses.field(default_factory=list)
    slow: list[tuple[float, str]] = dataclasses.field(default_factory=list)


def counts(ended: Ended) -> Counts:
    if ended.not_run:
        return Counts(failed=1)
    if not ended.stage.pytest or not ended.junit.is_file():
        return Counts(int(ended.code == 0), int(ended.code != 0), slow=[(ended.seconds, ended.stage.name)])
    cases = list(ElementTree.parse(ended.junit).getroot().iter("testcase"))  # noqa: S314 (pytest wrote it a moment ago)
    found = Counts()
    for case in cases:
        name = f"{case.get('classname')}::{case.get('name')}"
        found.slow.append((float(case.get("time", "0")), name))
        if case.find("failure") is not None or case.find("error") is not None:
            found.failed += 1
        elif (mark := case.find("skipped")) is not None:
            found.skipped.append(f"{name}: {mark.get('message')}")
        else:
            found.passed += 1
    # A process that died, or a collection that failed, is no test of its own.
    if ended.code != 0 and found.failed == 0:
        found.failed = 1
    return found


def over_budget(ended: t.Sequence[Ended]) -> list[str]:
    """Areas whose stages took a quarter more than they may."""
    taken: dict[str, float] = collections.defaultdict(float)
    allowed: dict[str, float] = collections.defaultdict(float)
    for one in ended:
        taken[one.stage.area] += one.seconds
        allowed[one.stage.area] += one.stage.seconds
    return [
        f"over budget: {area} took {taken[area] / SLOTS:.0f} s of two slots, {allowed[area] / SLOTS:.0f} are allowed"
        for area in budgets()
        if taken[area] > OVER * allowed[area]
    ]


def show(ended: t.Sequence[Ended], not_chosen: t.Sequence[tuple[Stage, str]], seconds: float) -> bool:
    """Print the report, and return whether everything passed."""
    results = [(one, counts(one)) for one in sorted(ended, key=lambda one: one.stage.name)]
    print(f"\n{'stage':38} {'seconds':>8} {'passed':>7} {'failed':>7} {'skipped':>8}")
    for one, found in results:
        print(
            f"{one.stage.name:38} {one.seconds:8.1f} {found.passed:7} {found.failed:7} {len(found.skipped):8}"
            + (f"  not run: {one.not_run}" if one.not_run else "")
        )
    for stage, reason in not_chosen:
        print(f"{stage.name:38} not run: {reason}")
    print(f"\nThe {SLOWEST} slowest tests")
    slowest = sorted((item for _one, found in results for item in found.slow), reverse=True)[:SLOWEST]
    for spent, name in slowest:
        print(f"{spent:8.1f} s  {name}")
    print()
    for line in [*over_budget(ended), *(f"skipped: {line}" for _one, found in results for line in found.skipped)]:
        print(line)
    failed = sum(found.failed for _one, found in results)
    skipped = sum(len(found.skipped) for _one, found in results)
    print(f"{sum(one.seconds for one in ended):.0f} s of work in {seconds:.0f} s")
    print(f"tests: {sum(found.passed for _one, found in results)} passed, {failed} failed, {skipped} skipped")
    return failed == 0
