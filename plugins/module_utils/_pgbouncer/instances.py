"""The processes of a host as instances of one template unit of systemd."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from .._host.service import SYSTEMCTL, Systemd, is_active, run_later, show, systemctl

_TIMEOUT_SECONDS = 600
_START_WHEN_GONE = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; exec "$2" start "$3"'


@dataclasses.dataclass(frozen=True)
class Unit:
    """What systemd says of a unit."""

    name: str
    active: bool
    enabled: bool
    exists: bool
    file: str

    @property
    def changed_at(self) -> float:
        """When the unit's file got its contents, as a time stamp."""
        try:
            return Path(self.file).stat().st_ctime if self.file else 0.0
        except OSError:
            return 0.0


def read_units(names: t.Sequence[str]) -> dict[str, Unit]:
    """:raises GroundworkError: systemd does not answer."""
    shown = show(names, "LoadState,ActiveState,UnitFileState,FragmentPath")
    return {
        name: Unit(
            name=facts["Id"],
            active=is_active(facts),
            enabled=facts.get("UnitFileState") in ("enabled", "enabled-runtime", "alias"),
            exists=facts.get("LoadState") == "loaded",
            file=facts.get("FragmentPath", ""),
        )
        for name, facts in shown.items()
    }


class Instances:
    """
    :param template: the unit's name with ``{process}`` for its number.
    """

    def __init__(self, template: str) -> None:
        self._template = template

    def service(self, process: int) -> Systemd:
        return Systemd(self._template.format(process=process), _TIMEOUT_SECONDS)

    def units(self, processes: t.Iterable[int]) -> dict[int, Unit]:
        names = {number: self.service(number).unit for number in processes}
        found = read_units([*names.values()])
        return {number: found[name] for number, name in names.items()}

    def beyond(self, processes: int) -> list[int]:
        """Numbers of instances above ``processes`` that run or start at boot."""
        prefix, suffix = self._template.split("{process}")
        found = set()
        for listing in (["list-units", "--all"], ["list-unit-files"]):
            for line in systemctl(*listing, "--no-legend", "--plain", f"{prefix}*{suffix}").stdout.splitlines():
                number = line.split()[0].removeprefix(prefix).removesuffix(suffix) if line.split() else ""
                if number.isdigit() and int(number) > processes:
                    found.add(int(number))
        units = self.units(sorted(found)) if found else {}
        return [number for number, unit in units.items() if unit.active or unit.enabled]

    def start_when_gone(self, process: int, pid: int) -> None:
        """Have a process that is about to end started anew then, also when no run comes back to do it."""
        name = self.service(process).unit
        argv = ["/bin/sh", "-c", _START_WHEN_GONE, "sh", str(pid), SYSTEMCTL, name]
        # One that waits already does the same.
        run_later(
            f"groundwork-{name.removesuffix('.service').replace('@', '-')}-return",
            f"Start {name} again when its last client has left", argv, "--collect",
        )  # fmt: skip
