"""Who starts and stops a server: systemd, or pg_ctl for one without a unit."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

from ..._host.account import Account
from ..services import drop_ins
from .declared import Cluster
from .owner import run

# systemd waits for a server that is shut down properly; beyond that something is stuck, and that is not ours to break.
GRACE_SECONDS = 60


class Manager(t.Protocol):
    """How a server is started and restarted; the result is read from the server itself, not from the exit code."""

    def describe(self) -> str: ...
    def restart(self) -> str: ...
    def start(self) -> str: ...
    def keep(self, folder: Path) -> None: ...
    def put_back(self, folder: Path) -> bool: ...


class Systemd:
    """A unit of systemd."""

    def __init__(self, unit: str, timeout: int) -> None:
        self.unit, self.timeout = unit, timeout

    def describe(self) -> str:
        return f"systemctl restart {self.unit}"

    def restart(self) -> str:
        return self._call("restart")

    def start(self) -> str:
        # A unit that failed several times in a row is refused until its counter is reset.
        self._call("reset-failed")
        return self._call("start")

    def keep(self, folder: Path) -> None:
        """Note in a folder that the server runs with its unit as it is."""
        drop_ins.keep(self.unit, folder)

    def put_back(self, folder: Path) -> bool:
        """Make the unit what was noted; returns whether it was anything else."""
        if not drop_ins.put_back(self.unit, folder):
            return False
        self._run("daemon-reload")
        return True

    def _call(self, verb: str) -> str:
        return self._run(verb, self.unit)

    def _run(self, *arguments: str) -> str:
        try:
            outcome = subprocess.run(
                ["/usr/bin/systemctl", *arguments],
                capture_output=True, text=True, check=False, timeout=self.timeout + GRACE_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"systemctl {' '.join(arguments)} did not end within {self.timeout + GRACE_SECONDS} s"
        return (outcome.stdout + outcome.stderr).strip() if outcome.returncode else ""


class PgCtl:
    """pg_ctl, as the server's own account."""

    def __init__(self, cluster: Cluster, owner: Account, bin_directory: Path, log: Path, timeout: int) -> None:
        self.owner, self.timeout = owner, timeout
        options = f"-c config_file={cluster.config / 'postgresql.conf'}"
        self.arguments = ["-D", str(cluster.data), "-w", "-t", str(timeout), "-l", str(log), "-o", options]
        self.program = str(bin_directory / "pg_ctl")

    def describe(self) -> str:
        return f"pg_ctl restart -D {self.arguments[1]}"

    def restart(self) -> str:
        return self._call("restart", "-m", "fast")

    def start(self) -> str:
        return self._call("start")

    def keep(self, folder: Path) -> None:
        """There is no unit."""

    def put_back(self, folder: Path) -> bool:
        """There is no unit."""
        return False

    def _call(self, *verb: str) -> str:
        outcome = run(self.owner, [self.program, *verb, *self.arguments], timeout=self.timeout + GRACE_SECONDS)
        return (outcome.stdout + outcome.stderr).strip() if outcome.returncode else ""
