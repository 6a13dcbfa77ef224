"""The facts in what pg_clusters and pg_huge_pages_info return, as the controller takes them."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._core.answer import Answer
from .model import SOCKETS, config_directory, log_file, unit

_MOST_PAGES = 2**31


@dataclasses.dataclass(frozen=True)
class ClusterFacts:
    """Where a described cluster is. A folder that is described is the described one, also when the host says another.

    :ivar exists: whether it was there before the run.
    :ivar running_port: port of the running server, ``None`` when it does not run.
    """

    name: str
    exists: bool
    standby: bool
    running_port: int | None
    data_directory: str
    wal_directory: str
    config_directory: str
    socket_directory: str
    log_file: str
    unit: str


@dataclasses.dataclass(frozen=True)
class System:
    id: str
    version: str
    codename: str
    name: str


@dataclasses.dataclass(frozen=True)
class HostFacts:
    """:ivar clusters: by name, one for each cluster that is described and not absent."""

    installed: bool
    system: System
    unlisted: list[str]
    clusters: dict[str, ClusterFacts]


def parse(answer: Answer, described: t.Sequence[dict[str, t.Any]]) -> HostFacts:
    """:raises GroundworkError: a field does not fit, or a cluster is missing or was not asked for."""
    wanted = {str(cluster["name"]): cluster for cluster in described if cluster.get("state", "present") != "absent"}
    found = answer.by_name("clusters", list(wanted))
    for name in wanted:
        if name not in found:
            raise answer.refusal("clusters", list(found), f"every described cluster ({name} is missing)")
    system = answer.record("system")
    if system is None:
        raise answer.refusal("system", None, "the distribution")
    return HostFacts(
        installed=answer.flag("installed"),
        system=System(**{field.name: system.text(field.name) for field in dataclasses.fields(System)}),
        unlisted=answer.names("unlisted"),
        clusters={name: _cluster(name, cluster, found[name]) for name, cluster in wanted.items()},
    )


def _cluster(name: str, described: dict[str, t.Any], found: Answer) -> ClusterFacts:
    return ClusterFacts(
        name=name,
        exists=found.flag("exists"),
        standby=found.flag("standby"),
        running_port=found.port("running_port", default=None),
        data_directory=_described(described, "data_directory") or _found(found, "data_directory"),
        wal_directory=_described(described, "wal_directory") or _found(found, "wal_directory", default=""),
        config_directory=config_directory(name),
        socket_directory=SOCKETS,
        log_file=log_file(name),
        unit=unit(name),
    )


def _found(found: Answer, field: str, **default: str) -> str:
    """A folder that only the host tells of; it becomes part of a systemd unit."""
    path = found.path(field, **default)
    if re.search(r"[\s%\"'\\;$]", path):
        raise found.refusal(field, path, f"a path without blanks and quotes (describe {field} to have another)")
    return path


def _described(cluster: dict[str, t.Any], field: str) -> str:
    """A described folder; empty where only the host can tell what is meant, as for ``~postgres``."""
    path = str(cluster.get(field) or "").rstrip("/")
    return path if path.startswith("/") and "$" not in path else ""


@dataclasses.dataclass(frozen=True)
class HugePages:
    pages: int


def parse_huge_pages(answer: Answer) -> HugePages:
    return HugePages(answer.whole("pages", 0, _MOST_PAGES))
