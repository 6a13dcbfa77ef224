"""The systemd units of a host's clusters: as wanted, as found, and what lies between. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from ..clusters.model import MAJOR

ALL = "postgresql.service"


@dataclasses.dataclass(frozen=True)
class Whole:
    """postgresql.service, which stands for all clusters: at boot, and in ``systemctl reload postgresql``."""

    enabled: bool = True
    active: bool = True


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A cluster whose server is to run.

    :param reload_for: files that the server reads when it is told to reload.
    """

    name: str
    data_directory: str
    port: int | None = None
    reload_for: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        return f"postgresql@{MAJOR}-{self.name}.service"


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit as found.

    :param state: systemd's ActiveState.
    :param pid: the postmaster on the data folder, whoever started it.
    :param since: when the unit became active, in seconds since 1970; 0 when it is not.
    :param version: what the server says it is; the installed programs may be newer.
    :param loaded_at: when the server last read its configuration, ``None`` when it could not be asked.
    :param drop_ins: when each drop-in was last written.
    :param restricted: whether the restrictions that the unit asks for hold for the server.
    :param reload_for: the same for the files that a reload is for.
    """

    state: str = "inactive"
    needs_daemon_reload: bool = False
    pid: int | None = None
    port: int | None = None
    version: str | None = None
    standby: bool = False
    since: float = 0
    loaded_at: float | None = None
    restricted: bool = True
    drop_ins: dict[str, float] = dataclasses.field(default_factory=dict)
    reload_for: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def active(self) -> bool:
        return self.state in ("active", "reloading")


def plan_services(wanted: t.Sequence[Wanted], found: dict[str, Unit], whole: Whole) -> Plan:
    """Decide the steps.

    :raises GroundworkError: a server runs outside its unit, which only a person may end.
    """
    for cluster in wanted:
        unit = found[cluster.name]
        if unit.pid and not unit.active:
            raise GroundworkError(
                f"The server of cluster {cluster.name} runs outside its unit {cluster.unit} (process {unit.pid}).",
                where=cluster.data_directory,
                untouched="every server",
                hint=f"Stop it when its users can spare it (pg_ctlcluster {MAJOR} {cluster.name} stop) and run again.",
                code=ErrorCode.OUTSIDE_UNIT,
            )
    return Plan(tuple(_steps(wanted, found, whole)))


def restart_reasons(cluster: Wanted, unit: Unit) -> list[str]:
    """Why a running server has to be restarted, as far as its unit and its port are concerned."""
    return [*_because_of_the_port(cluster, unit), *_because_of_the_unit(unit)]


def _because_of_the_port(cluster: Wanted, unit: Unit) -> list[str]:
    # It was written by pg_conftool; a server that nobody told to reload does not know of it yet.
    if unit.port and cluster.port and unit.port != cluster.port:
        return [f"it listens on port {unit.port}, {cluster.port} is described"]
    return []


def _because_of_the_unit(unit: Unit) -> list[str]:
    if not unit.restricted:
        return ["it was started without the restrictions that its unit has by now"]
    return [f"{path} is newer than the server's start" for path in newer_drop_ins(unit)]


def newer_drop_ins(unit: Unit) -> list[str]:
    """Drop-ins that were written after the server's start."""
    return sorted(path for path, written in unit.drop_ins.items() if unit.active and written > unit.since)


def _steps(wanted: t.Sequence[Wanted], found: dict[str, Unit], whole: Whole) -> t.Iterator[Step]:
    stale = [cluster.unit for cluster in wanted if found[cluster.name].needs_daemon_reload]
    if stale:
        yield Step("reload", "systemd", ", ".join(stale), before="units as read earlier", after="units as on disk")
    if not whole.enabled:
        yield Step("enable", "unit", ALL, before="disabled", after="enabled", statement=f"systemctl enable {ALL}")
    for cluster in wanted:
        unit = found[cluster.name]
        if not unit.active:
            command = f"systemctl start {cluster.unit}"
            yield Step("start", "server", cluster.name, before=unit.state, after="active", statement=command)
            continue
        newer = [path for path, written in unit.reload_for.items() if unit.loaded_at and written > unit.loaded_at]
        if newer:
            command = f"systemctl reload {cluster.unit}"
            yield Step("reload", "server", cluster.name, after=f"reads {', '.join(newer)}", statement=command)
    if not whole.active:
        # It does nothing itself; what it would pull in is each cluster's own affair.
        command = f"systemctl start --job-mode=ignore-dependencies {ALL}"
        yield Step("start", "unit", ALL, before="inactive", after="active", statement=command)
