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
FAILURES = 60


@dataclasses.dataclass
class Counts:
    """The tests of one stage; a stage without a count of its own counts as one.

    :ivar failures: the name of each failed test.
    :ivar skipped: each skipped test with its reason.
    :ivar slow: seconds and name of each test.
    """

    passed: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)
    skipped: list[str] = dataclasses.field(default_factory=list)
    slow: list[tuple[float, str]] = dataclasses.field(default_factory=list)


def counts(ended: Ended) -> Counts:
    name = ended.stage.name
    if ended.not_run:
        return Counts(failures=[name])
    if not ended.stage.pytest or not ended.junit.is_file():
        return Counts(int(ended.code == 0), [name] if ended.code else [], slow=[(ended.seconds, name)])
    cases = list(ElementTree.parse(ended.junit).getroot().iter("testcase"))  # noqa: S314 (pytest wrote it a moment ago)
    found = Counts()
    for case in cases:
        test = f"{case.get('classname')}::{case.get('name')}"
        found.slow.append((float(case.get("time", "0")), test))
        if case.find("failure") is not None or case.find("error") is not None:
            found.failures.append(test)
        elif (mark := case.find("skipped")) is not None:
            found.skipped.append(f"{test}: {mark.get('message')}")
        else:
            found.passed += 1
    # A process that died, or a collection that failed, is no test of its own.
    if ended.code != 0 and not found.failures:
        found.failures = [name]
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


def show(ended: t.Sequence[Ended], left_out: t.Sequence[Stage], seconds: float) -> bool:
    """Print the report, and return whether everything passed.

    What failed comes last, as the end of a log is what is kept of it.
    """
    results = [(one, counts(one)) for one in sorted(ended, key=lambda one: one.stage.name)]
    failures = [f"failed: {name}" for _one, found in results for name in found.failures]
    skipped = [f"skipped: {name}" for _one, found in results for name in found.skipped]
    _show_stages(results)
    if left_out:
        print(f"\nnot run, only `make test-long` runs it: {', '.join(stage.name for stage in left_out)}")
    print(f"\nThe {SLOWEST} slowest tests")
    for spent, name in sorted((item for _one, found in results for item in found.slow), reverse=True)[:SLOWEST]:
        print(f"{spent:8.1f} s  {name}")
    print("", *over_budget(ended), *skipped, *failures[:FAILURES], sep="\n")
    if len(failures) > FAILURES:
        print(f"failed: {len(failures) - FAILURES} more; all are in .cache/reports")
    print(f"{sum(one.seconds for one in ended):.0f} s of work in {seconds:.0f} s")
    passed = sum(found.passed for _one, found in results)
    print(f"tests: {passed} passed, {len(failures)} failed, {len(skipped)} skipped")
    return not failures


def _show_stages(results: t.Sequence[tuple[Ended, Counts]]) -> None:
    print(f"\n{'stage':38} {'seconds':>8} {'passed':>7} {'failed':>7} {'skipped':>8}")
    for one, found in results:
        print(
            f"{one.stage.name:38} {one.seconds:8.1f} {found.passed:7} {len(found.failures):7} {len(found.skipped):8}"
            + (f"  not run: {one.not_run}" if one.not_run else "")
        )
