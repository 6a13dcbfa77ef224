"""Runs the project's checks stage by stage: ``python tests/run.py [fast|all|STAGE...]``.

Every stage runs even when an earlier one failed, so that one run tells everything. What was skipped is listed with its
reason. The last line counts every single test; a stage without a count of its own counts as one.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path
from xml.etree import ElementTree

CHECKOUT = Path(__file__).resolve().parents[1]
BIN = CHECKOUT / ".venv" / "bin"
REPORTS = CHECKOUT / ".cache" / "reports"
PLUGINS = "collections/ansible_collections/groundwork/databases/plugins"


@dataclasses.dataclass(frozen=True)
class Stage:
    """One command.

    :ivar pytest: whether it understands ``--junitxml``, and so has a count of its own.
    """

    name: str
    command: tuple[str, ...]
    pytest: bool = False
    environment: tuple[tuple[str, str], ...] = ()


def pytest_stage(name: str, *arguments: str) -> Stage:
    return Stage(name, (str(BIN / "python"), "-m", "pytest", "-c", "tests/pytest.ini", "-q", *arguments), pytest=True)


LINT = (
    Stage("ruff", (str(BIN / "ruff"), "check", ".")),
    Stage("mypy", (str(BIN / "mypy"), PLUGINS), environment=(("MYPYPATH", "collections"),)),
    Stage("yamllint", (str(BIN / "yamllint"), "--strict", ".")),
    Stage("ansible-lint", (str(BIN / "ansible-lint"), "--offline", "-q"), environment=(("NO_COLOR", "1"),)),
    Stage("reference-pages", (str(BIN / "python"), "docs/generate.py", "--check")),
)
# Two workers keep the usual two cores busy; a file stays on one worker, so its servers are started once.
UNIT = pytest_stage("unit", "tests/unit", "-n", "2", "--dist", "loadfile")
INTEGRATION = pytest_stage("integration", "tests/integration", "-n", "2", "--dist", "loadfile")
SANITY = Stage("sanity", ("tests/sanity/run",))
MOLECULE = Stage("molecule", ("tests/molecule/run",))

FAST = (
    *LINT,
    UNIT,
    pytest_stage("first-light", "tests/integration/test_servers.py", "tests/integration/site/test_deploy.py"),
)
ALL = (*LINT, UNIT, INTEGRATION, SANITY, MOLECULE)


@dataclasses.dataclass
class Result:
    stage: Stage
    seconds: float
    passed: int
    failed: int
    skipped: list[str]


def run(stage: Stage) -> Result:
    print(f"\n===== {stage.name}: {' '.join(stage.command)}", flush=True)
    command = list(stage.command)
    report = REPORTS / f"{stage.name}.xml"
    report.unlink(missing_ok=True)
    if stage.pytest:
        command.append(f"--junitxml={report}")
    environment = {
        **os.environ,
        **dict(stage.environment),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "VIRTUAL_ENV": str(BIN.parent),
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
    }
    began = time.monotonic()
    code = subprocess.run(command, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    seconds = time.monotonic() - began
    if stage.pytest and report.is_file():
        return counted(stage, seconds, code, report)
    return Result(stage, seconds, int(code == 0), int(code != 0), [])


def counted(stage: Stage, seconds: float, code: int, report: Path) -> Result:
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))  # noqa: S314 (pytest wrote it a moment ago)
    failed = sum(1 for case in cases if case.find("failure") is not None or case.find("error") is not None)
    skipped = [
        f"{case.get('classname')}::{case.get('name')}: {mark.get('message')}"
        for case in cases
        for mark in case.findall("skipped")
    ]
    if code != 0 and failed == 0:
        failed = 1
    return Result(stage, seconds, len(cases) - failed - len(skipped), failed, skipped)


def chosen(arguments: list[str]) -> t.Sequence[Stage]:
    if not arguments or arguments == ["all"]:
        return ALL
    if arguments == ["fast"]:
        return FAST
    by_name = {stage.name: stage for stage in (*ALL, *FAST)}
    unknown = [name for name in arguments if name not in by_name]
    if unknown:
        sys.exit(f"tests/run.py: no stage {', '.join(unknown)}; there are {', '.join(by_name)}")
    return [by_name[name] for name in arguments]


def main() -> int:
    stages = chosen(sys.argv[1:])
    REPORTS.mkdir(parents=True, exist_ok=True)
    results = [run(stage) for stage in stages]
    print("\n===== stages")
    for result in results:
        verdict = "failed" if result.failed else "passed"
        print(
            f"{result.stage.name:18} {verdict}  {result.seconds:7.1f} s  {result.passed} passed, {result.failed} failed"
        )
    skipped = [line for result in results for line in result.skipped]
    for line in skipped:
        print(f"skipped: {line}")
    failed = sum(result.failed for result in results)
    print(f"tests: {sum(result.passed for result in results)} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
