"""Runs the project's checks in two slots: ``python tests/run.py [fast|all|long] [STAGE|AREA...]``.

Every stage runs even when an earlier one failed, so that one run tells everything. The last line counts every test; see
docs/testing.md.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t

from runner import report, stages
from runner.pool import REPORTS, Pool
from runner.stages import CHECKOUT, Stage

SECONDS = REPORTS / "seconds.json"
ENGINE = str(CHECKOUT / "tests" / "docker" / "engine")


def chosen(arguments: list[str]) -> tuple[list[Stage], list[Stage]]:
    """What is to run, and what is left to `make test-long`."""
    tiers = {"fast": stages.fast, "all": stages.landing, "long": stages.long}
    tier, wanted = (arguments[0], arguments[1:]) if arguments and arguments[0] in tiers else ("all", arguments)
    there = tiers[tier]()
    if not wanted:
        return there, stages.long() if tier == "all" else []
    unknown = [name for name in wanted if not any(_matches(stage, name) for stage in there)]
    if unknown:
        names = ", ".join(sorted({stage.area for stage in there} | {stage.name for stage in there}))
        sys.exit(f"tests/run.py: no stage or area {', '.join(unknown)}; there are {names}")
    picked = [stage for stage in there if any(_matches(stage, name) for name in wanted)]
    needed = {name for stage in picked for name in stage.needs}
    return [stage for stage in there if stage in picked or stage.name in needed], []


def _matches(stage: Stage, name: str) -> bool:
    return name in (stage.name, stage.area) or stage.name.startswith(f"{name}/")


def last_seconds() -> dict[str, float]:
    try:
        return t.cast("dict[str, float]", json.loads(SECONDS.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def engine_answers() -> bool:
    return subprocess.run([ENGINE, "status"], capture_output=True, check=False).returncode == 0


def interrupted(_number: int, _frame: t.Any) -> None:
    sys.exit(130)


def main() -> int:
    signal.signal(signal.SIGTERM, interrupted)
    to_run, left_out = chosen(sys.argv[1:])
    slots = int(os.environ.get("GROUNDWORK_TEST_JOBS", report.SLOTS))
    seconds = last_seconds()
    engine_was_up = engine_answers()
    began = time.monotonic()
    try:
        ended = Pool(to_run, slots, seconds).run()
    finally:
        if not engine_was_up and engine_answers():
            subprocess.run([ENGINE, "stop"], check=False)
    SECONDS.write_text(json.dumps({**seconds, **{one.stage.name: round(one.seconds, 1) for one in ended}}, indent=1))
    return 0 if report.show(ended, left_out, time.monotonic() - began) else 1


if __name__ == "__main__":
    sys.exit(main())
