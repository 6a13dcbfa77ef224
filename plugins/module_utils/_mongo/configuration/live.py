"""What a running mongod says about its configuration."""

from __future__ import annotations

import dataclasses
import typing as t

from .. import api
from .settings import Flat, flatten


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One server parameter.

    :param runtime: whether ``setParameter`` changes it without a restart.
    """

    value: t.Any
    runtime: bool


@dataclasses.dataclass(frozen=True)
class Live:
    """The running server.

    :param version: three numbers at most.
    :param started_with: what it read at its start, dotted names; ``getCmdLineOpts``.
    :param parameters: every parameter by name.
    :param slow: ``slowOpThresholdMs`` and ``slowOpSampleRate`` now.
    :param cache_bytes: the size of WiredTiger's cache now.
    :param oplog_mb: the size of the oplog now, ``None`` without one.
    :param oplog_hours: the least hours that the oplog keeps now, ``None`` without an oplog.
    """

    version: tuple[int, ...]
    started_with: Flat
    parameters: dict[str, Parameter]
    slow: dict[str, float]
    cache_bytes: int
    oplog_mb: float | None
    oplog_hours: float | None

    @property
    def feature_compatibility_version(self) -> str:
        entry = self.parameters.get("featureCompatibilityVersion")
        return str(entry.value.get("version", "")) if entry and isinstance(entry.value, dict) else ""


def read(server: api.Server) -> Live:
    """Ask the server, of whatever place in a replica set.

    :raises GroundworkError: a command was refused or the server went away.
    """
    options = server.run("admin", {"getCmdLineOpts": 1})["parsed"]
    status = server.run("admin", {"serverStatus": 1, "metrics": 0, "locks": 0, "tcmalloc": 0, "mirroredReads": 0})
    profile = server.run("admin", {"profile": -1})
    oplog_mb = _oplog_size(server)
    truncation = status.get("oplogTruncation", {})
    return Live(
        version=server.facts.version,
        started_with={name: value for name, value in flatten(options).items() if name != "config"},
        parameters=_parameters(server),
        slow={"slowOpThresholdMs": profile.get("slowms", 100), "slowOpSampleRate": profile.get("sampleRate", 1)},
        cache_bytes=int(status.get("wiredTiger", {}).get("cache", {}).get("maximum bytes configured", 0)),
        oplog_mb=oplog_mb,
        oplog_hours=None if oplog_mb is None else float(truncation.get("oplogMinRetentionHours", 0)),
    )


def _parameters(server: api.Server) -> dict[str, Parameter]:
    answer = server.run("admin", {"getParameter": {"showDetails": True, "allParameters": True}})
    return {
        name: Parameter(entry["value"], bool(entry.get("settableAtRuntime")))
        for name, entry in answer.items()
        if isinstance(entry, dict) and "value" in entry
    }


def _oplog_size(server: api.Server) -> float | None:
    try:
        statistics = server.run("local", {"collStats": "oplog.rs"})
    except api.ServerRefused:
        return None
    size = statistics.get("maxSize")
    return float(size) / 1024 / 1024 if size else None
