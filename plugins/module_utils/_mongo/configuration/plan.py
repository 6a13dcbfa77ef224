"""What a running mongod lacks of the wanted configuration: what can be changed as it runs, and what needs a restart.

Pure: it compares two descriptions and asks nobody.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Step
from ..tls import stages
from .live import Live
from .memory import GIB, MIB
from .settings import Flat

VERBOSITY = "verbosity"
COMPONENT = "systemLog.component."
CACHE_SIZE = "storage.wiredTiger.engineConfig.cacheSizeGB"
OPLOG_SIZE, OPLOG_HOURS = "replication.oplogSizeMB", "storage.oplogMinRetentionHours"
MASKED = "<password>"
SECRET_WORDS = ("password", "pwd", "secret")


@dataclasses.dataclass(frozen=True)
class Change:
    """One change of the running server.

    :param step: what is shown of it.
    :param command: what is sent to the database ``admin``.
    """

    step: Step
    command: dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Difference:
    """What the running server lacks.

    :param changes: what can be changed as it runs.
    :param reasons: why it must be restarted, one sentence each.
    """

    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()


def compare(wanted: Flat, live: Live) -> Difference:
    """The difference between ``wanted`` and ``live``.

    :raises GroundworkError: the server does not know a parameter.
    """
    changes: list[Change] = []
    reasons: list[str] = []
    for part in (_parameters, _verbosity, _slow_operations, _cache, _oplog, _tls):
        found = part(wanted, live)
        changes += found.changes
        reasons += found.reasons
    reasons += _start_options(wanted, live)
    return Difference(tuple(changes), tuple(reasons))


def _is_live(name: str) -> bool:
    """Whether another function compares this option with what the server does now, whatever it was started with."""
    return name in LIVE_OPTIONS or name == "systemLog.verbosity" or name.startswith(COMPONENT)


TLS_MODE, CLUSTER_AUTH_MODE = "net.tls.mode", "security.clusterAuthMode"
LIVE_OPTIONS = frozenset({
    TLS_MODE, CLUSTER_AUTH_MODE,
    "setParameter", "operationProfiling.slowOpThresholdMs", "operationProfiling.slowOpSampleRate", CACHE_SIZE,
    OPLOG_SIZE, OPLOG_HOURS,
})


def _start_options(wanted: Flat, live: Live) -> list[str]:
    reasons = []
    for name in sorted(wanted.keys() | live.started_with.keys()):
        if _is_live(name):
            continue
        new, old = wanted.get(name), live.started_with.get(name)
        if (old == MASKED and new is not None) or _same(new, old):
            continue
        if _is_secret(name):
            reasons.append(f"{name} is another one")
        elif new is None:
            reasons.append(f"{name} is no longer set, the server runs with {_show(old)}")
        elif old is None:
            reasons.append(f"{name} is {_show(new)}, the server runs without it")
        else:
            reasons.append(f"{name} is {_show(new)}, the server runs with {_show(old)}")
    return reasons


def _parameters(wanted: Flat, live: Live) -> Difference:
    changes, reasons, unknown = [], [], []
    chosen: dict[str, t.Any] = wanted.get("setParameter", {})
    for name in sorted(chosen):
        parameter = live.parameters.get(name)
        if parameter is None:
            unknown.append(name)
        elif not same_parameter(chosen[name], parameter.value):
            if parameter.runtime:
                changes.append(_set_parameter(name, parameter.value, _as_type_of(parameter.value, chosen[name])))
            else:
                reasons.append(f"setParameter.{name} is {_hidden(name, chosen[name])} and cannot change at run time")
    for name in sorted(live.started_with.get("setParameter", {}).keys() - chosen.keys()):
        reasons.append(f"setParameter.{name} is no longer set; only a restart brings its default back")
    if unknown:
        raise GroundworkError(
            f"The server does not know {_plural(unknown)}.", where="settings.setParameter",
            code=ErrorCode.INVALID_SETTING,
            untouched="everything; the running server keeps its configuration",
            hint="Correct the names; getParameter with '*' lists those of this server.",
            details={"problems": [f"setParameter.{name}" for name in unknown]},
        )
    return Difference(tuple(changes), tuple(reasons))


def _set_parameter(name: str, before: t.Any, after: t.Any) -> Change:
    statement = json.dumps({"setParameter": 1, name: _hidden(name, after)})
    step = Step("set", "parameter", name, _hidden(name, before), _hidden(name, after), statement)
    return Change(step, {"setParameter": 1, name: after})


def _verbosity(wanted: Flat, live: Live) -> Difference:
    """Log verbosity: ``-1`` inherits that of the component above, and is what a component has that nobody set."""
    entry = live.parameters.get("logComponentVerbosity")
    if entry is None:
        return Difference()
    now = _levels(entry.value)
    chosen = _chosen_levels(wanted)
    for component in _chosen_levels(live.started_with):
        chosen.setdefault(component, -1 if component else 0)
    changed = {name: value for name, value in chosen.items() if now.get(name) != value}
    if not changed:
        return Difference()
    command = {"setParameter": 1, "logComponentVerbosity": _tree(changed)}
    before = {name or "all": now.get(name) for name in sorted(changed)}
    after = {name or "all": changed[name] for name in sorted(changed)}
    step = Step("set", "parameter", "logComponentVerbosity", before, after, json.dumps(command))
    return Difference((Change(step, command),))


def _chosen_levels(flat: Flat) -> dict[str, int]:
    """``systemLog.component.a.b.verbosity`` as ``a.b``, ``systemLog.verbosity`` as the empty text."""
    levels = {"": flat["systemLog.verbosity"]} if "systemLog.verbosity" in flat else {}
    for name, value in flat.items():
        if name.startswith(COMPONENT):
            levels[name[len(COMPONENT):].rpartition("." + VERBOSITY)[0]] = value
    return levels


def _levels(value: t.Any, prefix: str = "") -> dict[str, int]:
    levels = {prefix.rstrip("."): value[VERBOSITY]} if VERBOSITY in value else {}
    for name, below in value.items():
        if isinstance(below, dict):
            levels.update(_levels(below, f"{prefix}{name}."))
    return levels


def _tree(levels: dict[str, int]) -> dict[str, t.Any]:
    tree: dict[str, t.Any] = {}
    for name, level in levels.items():
        position = tree
        for part in filter(None, name.split(".")):
            position = position.setdefault(part, {})
        position[VERBOSITY] = level
    return tree


def _slow_operations(wanted: Flat, live: Live) -> Difference:
    """Both values are the process's own; the level of the profiler is each database's, and takes a restart."""
    defaults = {"slowOpThresholdMs": 100, "slowOpSampleRate": 1}
    sent = {"slowOpThresholdMs": "slowms", "slowOpSampleRate": "sampleRate"}
    changed = {}
    for name, default in defaults.items():
        full = f"operationProfiling.{name}"
        if full in wanted or full in live.started_with:
            value = wanted.get(full, default)
            if value != live.slow[name]:
                changed[name] = value
    if not changed:
        return Difference()
    command = {"profile": -1, **{sent[name]: value for name, value in changed.items()}}
    before = {name: live.slow[name] for name in changed}
    step = Step("set", "slow operations", "operationProfiling", before, changed, json.dumps(command))
    return Difference((Change(step, command),))


def _cache(wanted: Flat, live: Live) -> Difference:
    if CACHE_SIZE not in wanted or not live.cache_bytes:
        return Difference()
    size = int(wanted[CACHE_SIZE] * GIB) // MIB
    if size == live.cache_bytes // MIB:
        return Difference()
    command = {"setParameter": 1, "wiredTigerEngineRuntimeConfig": f"cache_size={size}M"}
    step = Step(
        "resize", "cache", "wiredTiger", f"{live.cache_bytes // MIB} MiB", f"{size} MiB", json.dumps(command),
    )
    return Difference((Change(step, command),))


def _oplog(wanted: Flat, live: Live) -> Difference:
    """The file's size counts for a new oplog only; one that exists is resized by command."""
    if live.oplog_mb is None:
        return Difference()
    before: dict[str, t.Any] = {}
    command: dict[str, t.Any] = {"replSetResizeOplog": 1}
    if OPLOG_SIZE in wanted and round(live.oplog_mb) != wanted[OPLOG_SIZE]:
        before["size"], command["size"] = live.oplog_mb, float(wanted[OPLOG_SIZE])
    if OPLOG_HOURS in wanted or OPLOG_HOURS in live.started_with:
        hours = float(wanted.get(OPLOG_HOURS, 0))
        if live.oplog_hours != hours:
            before["minRetentionHours"], command["minRetentionHours"] = live.oplog_hours, hours
    if not before:
        return Difference()
    after = {name: command[name] for name in before}
    return Difference((Change(Step("resize", "oplog", "local.oplog.rs", before, after, json.dumps(command)), command),))


def _tls(wanted: Flat, live: Live) -> Difference:
    """A server that was started with TLS takes the next stages as it runs, and those before by a restart."""
    now = stages.from_parameters({name: entry.value for name, entry in live.parameters.items()})
    target = stages.Stage(wanted.get(TLS_MODE, "disabled"), wanted.get(CLUSTER_AUTH_MODE, "keyFile"))
    commands = stages.commands(now, target)
    if commands is None:
        pairs = zip((TLS_MODE, CLUSTER_AUTH_MODE), target, now, strict=True)
        reasons = [f"{name} is {new}, the server runs with {old}" for name, new, old in pairs if new != old]
        return Difference((), tuple(reasons))
    changes = []
    for command in commands:
        name = next(key for key in command if key != "setParameter")
        before = now.mode if name == "tlsMode" else now.cluster_auth_mode
        step = Step("set", "parameter", name, before, command[name], json.dumps(command))
        changes.append(Change(step, command))
    return Difference(tuple(changes))


def same_parameter(wanted: t.Any, live: t.Any) -> bool:
    """Whether a parameter has the wanted value; the file knows texts only, the server answers in its type."""
    if isinstance(live, bool):
        return _truth(wanted) == live
    if isinstance(live, (int, float)):
        try:
            return float(wanted) == float(live)
        except (TypeError, ValueError):
            return False
    if isinstance(live, list):
        return sorted(_items(wanted)) == sorted(str(item) for item in live)
    if isinstance(live, dict):
        return _parsed(wanted) == live
    return _as_text(wanted) == _as_text(live)


def _truth(value: t.Any) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())


def _items(value: t.Any) -> list[str]:
    items = value if isinstance(value, list) else str(value).split(",")
    return [str(item).strip() for item in items]


def _parsed(value: t.Any) -> t.Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _as_type_of(live: t.Any, wanted: t.Any) -> t.Any:
    if isinstance(live, bool):
        return bool(_truth(wanted))
    if isinstance(live, (int, float)) and isinstance(wanted, str):
        return float(wanted) if isinstance(live, float) or "." in wanted else int(wanted)
    if isinstance(live, list):
        return _items(wanted)
    return _parsed(wanted) if isinstance(live, dict) else wanted


def _as_text(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _same(new: t.Any, old: t.Any) -> bool:
    return bool(new == old)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_WORDS)


def _hidden(name: str, value: t.Any) -> t.Any:
    return "********" if _is_secret(name) else value


def _show(value: t.Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _plural(names: list[str]) -> str:
    return f"the parameter {names[0]}" if len(names) == 1 else f"the parameters {', '.join(names)}"
