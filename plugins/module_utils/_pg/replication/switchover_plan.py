"""What a run of the switchover playbook has to do, with what an earlier run left behind. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .control import parse_lsn
from .plan import Member, Topology, decide, most_advanced


@dataclasses.dataclass(frozen=True)
class SwitchoverPlan:
    """From whom to whom.

    :ivar source: the primary; empty when there is none, because an earlier run ended before the promotion.
    :ivar start_first: the primary is stopped and only has to be started; nothing else is done then.
    :ivar stopped: standbys that are to be started afterwards.
    :ivar found: what there is and what is done about it, for the report.
    """

    source: str = ""
    target: str = ""
    start_first: bool = False
    stopped: tuple[str, ...] = ()
    found: str = ""
    refusal: str = ""

    def result(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "stopped": list(self.stopped)}


def plan_switchover(
    states: dict[str, Member], members: list[str], target: str, ignore: t.Collection[str] = ()
) -> SwitchoverPlan:
    """Decide from live states.

    :param target: the member that is to be the primary; the furthest running standby when it is empty.
    :param ignore: members that may be missing or broken.
    """
    counted = [name for name in members if name not in ignore]
    if target and target not in counted:
        return SwitchoverPlan(refusal=f"{target} is none of the members {', '.join(counted)}. Nothing was touched.")
    known = {name: state for name, state in states.items() if name in counted}
    silent = [name for name in counted if name not in known]
    if silent:
        return SwitchoverPlan(
            refusal=f"{', '.join(silent)} did not answer. Nothing was touched. Name it in "
            "postgresql_16_switchover_ignore to go on without it; it must not be the primary."
        )
    topology = decide(known, counted, counted[0])
    if topology.primary and not topology.refusal:
        return _from_primary(known, counted, target, topology)
    if all(known[name].get("role") == "standby" for name in counted):
        return _finish(known, counted, target)
    return SwitchoverPlan(refusal=topology.refusal or "No member has any data. Nothing was touched.")


def _from_primary(states: dict[str, Member], members: list[str], target: str, topology: Topology) -> SwitchoverPlan:
    source = topology.primary
    if source not in states or states[source].get("role") is None:
        return SwitchoverPlan(refusal="No member has any data. Nothing was touched.")
    if states[source]["state"] == "stopped":
        return SwitchoverPlan(
            source=source, target=target or source, start_first=True,
            found=f"{source} is the primary and is stopped, as after a switchover that was interrupted before anybody "
            "was promoted. It is started again; run once more to switch over.",
        )
    others = [name for name in members if name != source]
    stopped = tuple(name for name in others if states[name]["state"] == "stopped")
    if target == source:
        return SwitchoverPlan(
            source=source, target=source, stopped=stopped,
            found=f"{source} is the primary already. What an interrupted run may have left undone is done.",
        )
    reasons = [f"{name}: {reason}" for name, reason in topology.diverged.items()]
    reasons += [
        f"{name} is {states[name]['state']}"
        for name in others
        if states[name]["state"] != "running" and name not in topology.diverged
    ]
    if reasons:
        return SwitchoverPlan(
            refusal=f"Not every member is in order: {'; '.join(reasons)}. Nothing was touched. Mend it, or name those "
            "members in postgresql_16_switchover_ignore to go on without them."
        )
    chosen = target or most_advanced(states, others)
    return SwitchoverPlan(source=source, target=chosen, found=f"{source} is the primary and hands over to {chosen}.")


def _finish(states: dict[str, Member], members: list[str], target: str) -> SwitchoverPlan:
    best = most_advanced(states, members)
    able = [
        name for name in members if states[name]["state"] == "running" and _has_all_of(states[name], states[best])
    ]
    chosen = target or next(iter(able), "")
    if chosen not in able:
        return SwitchoverPlan(
            refusal=f"No member is the primary, and {chosen or 'no running member'} does not have all WAL: {best} has "
            f"it up to {states[best]['lsn']} on timeline {states[best]['timeline']}. Nothing was touched. Promote "
            f"{' or '.join(able) or best} instead."
        )
    return SwitchoverPlan(
        target=chosen,
        stopped=tuple(name for name in members if states[name]["state"] == "stopped"),
        found="No member is the primary, as after a switchover that was interrupted before the promotion. "
        f"{chosen} has all WAL and is promoted.",
    )


def _has_all_of(running: Member, furthest: Member) -> bool:
    """A stopped server's control file says where its last record begins, a running server where it ends."""
    same = int(running["timeline"]) == int(furthest["timeline"])
    return same and parse_lsn(running["lsn"]) >= parse_lsn(furthest["lsn"])
