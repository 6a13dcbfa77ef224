"""A minor upgrade: what speaks against taking any member of this host's replicated clusters down, and whose turn it is.
"""

from __future__ import annotations

import re
import typing as t

from ..._core.answer import Answer
from ..._core.described import Described
from ..replication import answer
from ..replication.names import slot_name
from ..replication.receiver import streams
from .known import Known


def decide(known: Known, inputs: Described) -> dict[str, t.Any]:
    """:param inputs: ``part`` and ``max_lag_bytes``."""
    return {
        "problems": problems(known, int(inputs["max_lag_bytes"])),
        "led": led(known),
        "led_old": [name for name in led(known) if name in old(known)],
        "old": old(known),
        "is_turn": is_turn(known, inputs["part"]),
    }


def problems(known: Known, most_lag: int) -> list[str]:
    found = []
    for name, decided in (known.topologies or {}).items():
        if decided["refusal"]:
            found.append(f"{name}: {decided['refusal']}")
            continue
        members = known.clusters[name].replication["members"]
        reasons = (_problem(member, decided, most_lag) for member in members)
        found += [f"{name}: {reason}. Nothing was touched." for reason in reasons if reason]
    return found


def _problem(member: str, decided: dict[str, t.Any], most_lag: int) -> str:
    state = decided["states"].get(member)
    if not state:
        return f"{member} did not answer"
    if member in decided["diverged"]:
        return f"{member} cannot follow: {decided['diverged'][member]}"
    if state["state"] != "running":
        return f"{member} is {state['state']}"
    if member == decided["primary"]:
        return ""
    if not streams(state):
        return f"{member} receives nothing from its primary"
    lag = _lag_bytes(member, decided["primary_state"])
    return f"{member} is {lag} bytes behind" if lag > most_lag else ""


def _lag_bytes(member: str, primary: t.Mapping[str, t.Any]) -> int:
    senders = [sender for sender in primary.get("senders") or () if sender["name"] == slot_name(member)]
    return int(senders[0].get("lag_bytes") or 0) if senders else 0


def restarted(known: Known, inputs: Described) -> dict[str, list[str]]:
    """Why a server is not healthy after its restart, and which ones run old programs still.

    :param inputs: ``results`` of pg_replication_info, each for one cluster.
    :raises GroundworkError: an answer does not fit.
    """
    unhealthy, waiting, leading = [], [], led(known)
    for result in inputs["results"]:
        name = result["postgresql_16_cluster"]["name"]
        found = dict(answer.parse(Answer.of(known.host, "pg_replication_info", result)))
        state: dict[str, t.Any] = found or {"state": "absent", "role": None}
        version, installed = state.get("server_version"), state.get("installed_version")
        # What this host leads is restarted once it was handed over to an upgraded standby.
        is_new = version == installed or known.check_mode or name in leading
        if state["state"] != "running" or not is_new or not (state["role"] == "primary" or streams(state)):
            unhealthy.append(
                f"Cluster {name} of {known.host} is a {state['state']} {state['role']}, runs {version or 'nothing'} of "
                f"installed {installed or 'unknown'}, and {'streams' if streams(state) else 'receives nothing'}. No "
                "other host was touched after it. Fix it and run again."
            )
        if name in leading and version != installed:
            waiting.append(
                f"Cluster {name} is led from {known.host} and runs {version} still: its standbys come first. Run again "
                f"once they run {installed}."
            )
    return {"unhealthy": unhealthy, "waiting": waiting}


def led(known: Known) -> list[str]:
    """Clusters that have members next to this host and that it is the primary of."""
    return [name for name in _shared(known) if (known.topologies or {})[name]["primary"] == known.host]


def old(known: Known) -> list[str]:
    """Clusters whose primary runs an older version than one of the standbys."""
    found = []
    for name, decided in (known.topologies or {}).items():
        versions = [_version(state.get("server_version")) for state in decided["states"].values()]
        if max(versions, default=()) > _version(decided["primary_state"].get("server_version")):
            found.append(name)
    return sorted(found)


def is_turn(known: Known, part: str) -> bool:
    """Standbys come first; a check has said so by then, and does not say it twice."""
    is_standby = bool(_shared(known)) and not led(known)
    if part == "standbys":
        return is_standby
    return not (is_standby and known.check_mode)


def _shared(known: Known) -> list[str]:
    return [c.name for c in known.replicated if len(c.replication["members"]) > 1 and known.topologies]


def _version(text: str | None) -> tuple[int, ...]:
    """``16.15 (Debian 16.15-1.pgdg120+1)`` is 16.15; what does not run is older than anything."""
    return tuple(int(number) for number in re.findall(r"\d+", (text or "").split(" ")[0]))
