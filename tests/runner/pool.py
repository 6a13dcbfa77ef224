"""Runs stages in a fixed number of slots, the longest first, and lets none outlive the run."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
import typing as t
from pathlib import Path

from .stages import BIN, CHECKOUT, Stage

REPORTS = CHECKOUT / ".cache" / "reports"
#: A stage that takes this many times its budget hangs, at least after this many seconds.
HANGS_AFTER = 6
HANGS_AFTER_SECONDS = 900
SECONDS_TO_END = 90
POLL_SECONDS = 0.1
LINES_OF_A_FAILURE = 120


@dataclasses.dataclass
class Ended:
    """How the command of a stage ended; ``not_run`` says why it was not started, where it was not."""

    stage: Stage
    seconds: float = 0.0
    code: int = 1
    not_run: str = ""

    @property
    def output(self) -> Path:
        return output_of(self.stage)

    @property
    def junit(self) -> Path:
        return junit_of(self.stage)


def output_of(stage: Stage) -> Path:
    return REPORTS / f"{stage.name.replace('/', '-')}.log"


def junit_of(stage: Stage) -> Path:
    return REPORTS / f"{stage.name.replace('/', '-')}.xml"


class Pool:
    """At most ``slots`` commands at a time, each in a process group of its own.

    :param stages: with all that they need.
    :param seconds: how long each stage took the last time it ran.
    """

    def __init__(self, stages: t.Sequence[Stage], slots: int, seconds: t.Mapping[str, float]) -> None:
        self._slots = slots
        self._seconds = seconds
        self._waiting = list(stages)
        self._running: dict[str, tuple[Stage, subprocess.Popen[bytes], float]] = {}
        self._ended: dict[str, Ended] = {}

    def _length(self, stage: Stage) -> float:
        return self._seconds.get(stage.name, stage.seconds)

    def _urgency(self, stage: Stage) -> float:
        """A stage that others wait for counts with all of them on top of its own seconds."""
        after = [self._length(other) for other in self._waiting if stage.name in other.needs]
        return self._length(stage) + sum(after)

    def run(self) -> list[Ended]:
        """Run all stages and return how they ended, in the order in which they did."""
        REPORTS.mkdir(parents=True, exist_ok=True)
        try:
            while self._waiting or self._running:
                self._start_what_can_start()
                self._look()
                time.sleep(POLL_SECONDS)
        finally:
            self._end_all()
        return list(self._ended.values())

    def _start_what_can_start(self) -> None:
        for stage in sorted(self._waiting, key=self._urgency, reverse=True):
            missing = [name for name in stage.needs if name in self._ended and self._ended[name].code != 0]
            if missing:
                self._waiting.remove(stage)
                self._finish(Ended(stage, not_run=f"{', '.join(missing)} failed"))
            elif len(self._running) < self._slots and all(name in self._ended for name in stage.needs):
                self._waiting.remove(stage)
                self._start(stage)

    def _start(self, stage: Stage) -> None:
        command = list(stage.command)
        if stage.pytest:
            junit_of(stage).unlink(missing_ok=True)
            command.append(f"--junitxml={junit_of(stage)}")
        environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "VIRTUAL_ENV": str(BIN.parent),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            **dict(stage.environment),
        }
        with output_of(stage).open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[stage.name] = (stage, process, time.monotonic())
        print(f"started  {stage.name}", flush=True)

    def _look(self) -> None:
        for name, (stage, process, began) in list(self._running.items()):
            seconds = time.monotonic() - began
            if process.poll() is None and seconds > max(HANGS_AFTER_SECONDS, HANGS_AFTER * stage.seconds):
                with output_of(stage).open("a") as output:
                    output.write(f"\ntests/run.py: ended after {seconds:.0f} s, as it hangs\n")
                self._end(process)
            if process.poll() is not None:
                del self._running[name]
                self._finish(Ended(stage, seconds, process.returncode))

    def _finish(self, ended: Ended) -> None:
        self._ended[ended.stage.name] = ended
        if ended.not_run:
            print(f"not run  {ended.stage.name}: {ended.not_run}", flush=True)
            return
        verdict = "FAILED  " if ended.code else "passed  "
        print(f"{verdict} {ended.stage.name} in {ended.seconds:.0f} s", flush=True)
        if ended.code:
            lines = ended.output.read_text(errors="replace").splitlines()
            print("\n".join(f"    {line}" for line in lines[-LINES_OF_A_FAILURE:]), flush=True)

    def _end_all(self) -> None:
        for _stage, process, _began in self._running.values():
            self._end(process)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        """With all that it started in its process group: politely, so that containers are removed, then not."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
