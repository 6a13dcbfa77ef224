"""Who starts the processes: systemd, through one unit for each, or somebody else whom nobody here can ask."""

from __future__ import annotations

import dataclasses
import subprocess
import typing as t
from pathlib import Path

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError

SYSTEMCTL = "/usr/bin/systemctl"
SYSTEMD_RUN = "/usr/bin/systemd-run"
_START_WHEN_GONE = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; exec "$2" start "$3"'


@dataclasses.dataclass(frozen=True)
class Unit:
    """What systemd says of a unit."""

    name: str
    active: bool
    enabled: bool
    exists: bool
    file: str
    stale: bool

    @property
    def changed_at(self) -> float:
        """When the unit's file got its contents, as a time stamp."""
        try:
            return Path(self.file).stat().st_ctime if self.file else 0.0
        except OSError:
            return 0.0


class Supervisor:
    """Processes that somebody else starts: they can be told to reload, and not be started or restarted."""

    can_start = False

    def units(self, _processes: t.Iterable[int]) -> dict[int, Unit]:
        return {}

    def unit(self, _name: str) -> Unit | None:
        return None

    def beyond(self, _processes: int) -> list[int]:
        return []


class Systemd(Supervisor):
    """Processes that are instances of one template unit.

    :param template: the unit's name with ``{process}`` for its number.
    """

    can_start = True

    def __init__(self, template: str) -> None:
        self._template = template

    def name(self, process: int) -> str:
        return self._template.format(process=process)

    def units(self, processes: t.Iterable[int]) -> dict[int, Unit]:
        numbers = list(processes)
        return dict(zip(numbers, self._show([self.name(number) for number in numbers]), strict=True))

    def unit(self, name: str) -> Unit | None:
        return self._show([name])[0]

    def beyond(self, processes: int) -> list[int]:
        """Numbers of instances above ``processes`` that run or start at boot."""
        prefix, suffix = self._template.split("{process}")
        found = set()
        for command in (["list-units", "--all"], ["list-unit-files"]):
            text = self._run([*command, "--no-legend", "--plain", f"{prefix}*{suffix}"], check=False)
            for line in text.splitlines():
                number = line.split()[0].removeprefix(prefix).removesuffix(suffix) if line.split() else ""
                if number.isdigit() and int(number) > processes:
                    found.add(int(number))
        return [number for number in sorted(found) if self._is_used(number)]

    def read_units_again(self) -> None:
        self._run(["daemon-reload"])

    def enable(self, process: int) -> None:
        self._run(["enable", "--quiet", self.name(process)])

    def start(self, process: int) -> None:
        self._run(["reset-failed", self.name(process)], check=False)
        self._run(["start", self.name(process)])

    def start_when_gone(self, process: int, pid: int) -> None:
        """Have a process that is about to end started anew then, also when nobody comes back to do it."""
        name = self.name(process)
        command = [
            SYSTEMD_RUN, "--quiet", "--collect", f"--description=Start {name} again when its last client has left",
            f"--unit=groundwork-{name.removesuffix('.service').replace('@', '-')}-return", "--",
            "/bin/sh", "-c", _START_WHEN_GONE, "sh", str(pid), SYSTEMCTL, name,
        ]  # fmt: skip
        # One that waits already does the same.
        subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def stop(self, process: int) -> None:
        self._run(["stop", self.name(process)])

    def kill(self, process: int) -> None:
        """End at once, with everything that is under way."""
        self._run(["kill", "--signal=SIGQUIT", self.name(process)], check=False)

    def disable(self, process: int) -> None:
        self._run(["disable", "--quiet", self.name(process)])

    def mask(self, name: str) -> None:
        self._run(["disable", "--quiet", "--now", name])
        self._run(["mask", "--quiet", name])

    def _is_used(self, process: int) -> bool:
        unit = self._show([self.name(process)])[0]
        return unit.active or unit.enabled

    def _show(self, names: list[str]) -> list[Unit]:
        wanted = "Id,LoadState,ActiveState,UnitFileState,FragmentPath,NeedDaemonReload"
        text = self._run(["show", f"--property={wanted}", "--", *names])
        units = []
        for block in text.strip().split("\n\n"):
            facts = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            units.append(
                Unit(
                    name=facts.get("Id", ""),
                    active=facts.get("ActiveState") in ("active", "activating", "reloading"),
                    enabled=facts.get("UnitFileState") in ("enabled", "enabled-runtime", "alias"),
                    exists=facts.get("LoadState") == "loaded",
                    file=facts.get("FragmentPath", ""),
                    stale=facts.get("NeedDaemonReload") == "yes",
                )
            )
        return units

    @staticmethod
    def _run(arguments: list[str], *, check: bool = True) -> str:
        outcome = subprocess.run([SYSTEMCTL, *arguments], capture_output=True, text=True, check=False, timeout=600)
        if check and outcome.returncode:
            raise GroundworkError(
                f"systemctl {' '.join(arguments)} failed: {outcome.stderr.strip() or outcome.stdout.strip()}",
                hint=f"Look at: journalctl -u {arguments[-1]}",
                code=ErrorCode.COMMAND_FAILED,
            )
        return outcome.stdout
