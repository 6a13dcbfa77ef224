"""What starts and stops servers: units of systemd, or pg_ctl where a server has none."""

from __future__ import annotations

import dataclasses
import time
import typing as t
from pathlib import Path

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from . import command
from .account import Account
from .command import Result

SYSTEMCTL = "/usr/bin/systemctl"
# A server that is shut down or recovers properly is waited for; beyond that something is stuck, and that is not ours
# to break.
GRACE_SECONDS = 60
_POLL_SECONDS = 0.05
_LINES_OF_A_JOURNAL = 15


@dataclasses.dataclass(frozen=True)
class Systemd:
    """A unit of systemd. Whether a server that was started then serves is for the server itself to say.

    :param timeout: seconds that a request may take, without a limit when unset.
    """

    unit: str
    timeout: float | None = None

    def describe(self) -> str:
        return f"systemctl restart {self.unit}"

    def start(self, *options: str) -> None:
        # A unit that failed several times in a row is refused until its counter is reset.
        systemctl("reset-failed", self.unit)
        self.tell("start", *options)

    def restart(self) -> None:
        self.tell("restart")

    def tell(self, verb: str, *options: str) -> None:
        """
        :raises GroundworkError: systemd refuses, or the unit fails; with what the unit has printed since.
        """
        before = time.time()
        result = systemctl(verb, *options, self.unit, timeout=self.timeout)
        if not result.ok:
            lines = journal(self.unit, before) if verb in ("start", "restart", "reload") else []
            said = "\n".join([result.said, *(f"  {line}" for line in lines)])
            dataclasses.replace(result, stderr=said).require(
                where=self.unit, untouched="the other units", hint=f"Look at: journalctl -u {self.unit}"
            )

    def wait_until_inactive(self, seconds: float) -> bool:
        """Let systemd see the end of a process; it must not be asked to signal one that is shutting down already."""
        deadline = time.monotonic() + seconds
        while is_active(show([self.unit], "ActiveState")[self.unit]):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


@dataclasses.dataclass(frozen=True)
class PgCtl:
    """A PostgreSQL server without a unit.

    :param program: pg_ctl.
    :param timeout: seconds that the server may take to start or stop.
    """

    program: Path
    data: Path
    account: Account
    log: Path
    config_file: Path | None = None
    timeout: int = 60

    def describe(self) -> str:
        return f"pg_ctl restart -D {self.data}"

    def start(self) -> None:
        self._tell("start")

    def restart(self) -> None:
        self._tell("restart", "-m", "fast")

    def _tell(self, *verb: str) -> None:
        options = ["-o", f"-c config_file={self.config_file}"] if self.config_file else []
        argv = [str(self.program), *verb, "-D", str(self.data), "-w", "-t", str(self.timeout), "-l", str(self.log)]
        result = self.account.run([*argv, *options], timeout=self.timeout + GRACE_SECONDS)
        result.require(where=str(self.data), untouched="the data folder", hint=f"The end of {self.log} says why.")


def systemctl(*arguments: str, timeout: float | None = None) -> Result:
    return command.run([SYSTEMCTL, *arguments], timeout=timeout, name=" ".join(["systemctl", *arguments]))


def read_units_again() -> None:
    """:raises GroundworkError: systemd refuses."""
    systemctl("daemon-reload").require(untouched="the servers that run", hint="Fix the cause and run again.")


def show(units: t.Sequence[str], properties: str) -> dict[str, dict[str, str]]:
    """Properties of units by name; a unit that is not there has some too.

    :raises GroundworkError: systemd does not answer.
    """
    try:
        result = systemctl("show", f"--property=Id,{properties}", "--", *units).require()
    except GroundworkError as error:
        raise GroundworkError(
            f"systemd does not answer: {error.what}", untouched="everything",
            hint="The servers run as systemd units; this host has to be booted with systemd.",
            code=ErrorCode.NO_SYSTEMD,
        ) from None  # fmt: skip
    blocks = (block.splitlines() for block in result.stdout.strip().split("\n\n"))
    return {
        unit: {name: value for name, _equals, value in (line.partition("=") for line in block)}
        for unit, block in zip(units, blocks, strict=True)
    }


def is_active(shown: t.Mapping[str, str]) -> bool:
    """Whether a unit with these properties runs or comes up."""
    return shown.get("ActiveState") in ("active", "activating", "reloading")


def journal(unit: str, since: float) -> list[str]:
    """The last lines that a unit, and systemd about it, have logged.

    :param since: seconds since 1970.
    """
    try:
        result = command.run(
            [
                "/usr/bin/journalctl", f"--unit={unit}", f"--since=@{int(since)}", "--quiet", "--no-pager",
                "--output=cat", f"--lines={_LINES_OF_A_JOURNAL}",
            ],
            timeout=GRACE_SECONDS,
        )  # fmt: skip
    except GroundworkError:
        return []
    return result.stdout.splitlines()


def run_later(unit: str, description: str, argv: t.Sequence[str], *options: str) -> Result:
    """Hand a program over to systemd, under a unit of its own, for which this run's end does not matter."""
    named = ["/usr/bin/systemd-run", "--quiet", f"--unit={unit}", f"--description={description}"]
    return command.run([*named, *options, "--", *argv], timeout=GRACE_SECONDS)
