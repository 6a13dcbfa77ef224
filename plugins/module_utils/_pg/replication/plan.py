"""Who is the primary, and what has to become of every other member. Pure: decides over states, touches nothing.

The live servers decide. The inventory only says who begins when no member has any data.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .control import optional_lsn
from .divergence import divergence, lost_slot
from .receiver import streams

Member = dict[str, t.Any]
# What becomes of a member: `keep` it as it is, `create` it as a copy, `rebuild` it, `initialise` it as the first.
Action = str


@dataclasses.dataclass(frozen=True)
class Topology:
    """What the states of all members mean together.

    :ivar primary: the member that is, or is to become by initialisation, the primary; empty when there is none.
    :ivar refusal: why nothing may be touched; empty when work can go on.
    :ivar diverged: members that cannot follow the primary, and why.
    """

    primary: str = ""
    actions: dict[str, Action] = dataclasses.field(default_factory=dict)
    refusal: str = ""
    notes: tuple[str, ...] = ()
    diverged: dict[str, str] = dataclasses.field(default_factory=dict)

    def result(self) -> dict[str, t.Any]:
        return {**dataclasses.asdict(self), "notes": list(self.notes)}


def decide(
    states: dict[str, Member],
    members: list[str],
    initial_primary: str,
    *,
    rebuild: t.Collection[str] = (),
    playing: t.Collection[str] | None = None,
) -> Topology:
    """Say what the live states ask for.

    :param states: the state of every member that answered, as pg_replication_info returns it.
    :param rebuild: members that the operator allows to be thrown away and made again.
    :param playing: members that this run works on; all of them by default.
    """
    silent = [member for member in members if member not in states]
    problem = _identity_problem(states, members, initial_primary) or _unknown_rebuild(rebuild, members)
    if problem:
        return Topology(refusal=problem)
    running = [name for name in members if _is(states.get(name), "primary") and states[name]["state"] != "stopped"]
    if len(running) > 1:
        return Topology(refusal=_two_primaries(states, running))
    if running:
        return _around(running[0], states, members, rebuild, silent)
    stopped = [name for name in members if _is(states.get(name), "primary")]
    if silent:
        return Topology(refusal=_nobody_but_silent(states, silent))
    if len(stopped) == 1:
        ahead = [name for name in members if _newer(states[name], states[stopped[0]])]
        if not ahead:
            note = f"{stopped[0]} is the primary and is stopped"
            return dataclasses.replace(_around(stopped[0], states, members, rebuild, silent), notes=(note,))
        return Topology(refusal=_stopped_and_overtaken(states, stopped[0], ahead[0]))
    if stopped:
        return Topology(refusal=_two_primaries(states, stopped))
    standbys = [name for name in members if states[name].get("role") == "standby"]
    if standbys:
        return Topology(refusal=_only_standbys(states, standbys))
    return _from_nothing(members, initial_primary, playing)


def most_advanced(states: dict[str, Member], members: t.Iterable[str]) -> str:
    """The member with the newest timeline and the furthest WAL."""
    return max(members, key=lambda name: _position(states[name]))


def _is(state: Member | None, role: str) -> bool:
    return state is not None and state.get("role") == role


def _position(state: Member) -> tuple[int, int]:
    return int(state.get("timeline") or 0), optional_lsn(state.get("lsn")) or 0


def _newer(state: Member, than: Member) -> bool:
    return state.get("role") is not None and int(state["timeline"]) > int(than["timeline"])


def _identity_problem(states: dict[str, Member], members: list[str], initial_primary: str) -> str:
    if initial_primary not in members:
        return f"initial_primary {initial_primary} is not one of the members {', '.join(members)}."
    twice = _one_server_twice(states)
    if twice:
        return (
            f"{' and '.join(twice)} are one and the same server. Nothing was touched. Their connection variables lead "
            "to one host: an ansible_host that is made from inventory_hostname does when a task is delegated."
        )
    found = {name: states[name]["system_identifier"] for name in members if _has_data(states.get(name))}
    if len(set(found.values())) <= 1:
        return ""
    listed = ", ".join(f"{name} has {identifier}" for name, identifier in found.items())
    return (
        f"The members are not copies of one database cluster, their system identifiers differ: {listed}. "
        "Nothing was touched. Move the data folder of the wrong one away (it may be the only copy of something), "
        "then run again: it is made anew as a copy of the primary."
    )


def _one_server_twice(states: dict[str, Member]) -> list[str]:
    """No two servers were started in the same microsecond."""
    started = [state["started"] for state in states.values() if state.get("started")]
    return [name for name, state in states.items() if started.count(state.get("started")) > 1]


def _has_data(state: Member | None) -> bool:
    return state is not None and state.get("role") is not None


def _unknown_rebuild(rebuild: t.Collection[str], members: list[str]) -> str:
    strangers = sorted(set(rebuild) - set(members))
    return f"rebuild names {', '.join(strangers)}, which is no member ({', '.join(members)})." if strangers else ""


def _around(
    primary: str, states: dict[str, Member], members: list[str], rebuild: t.Collection[str], silent: list[str]
) -> Topology:
    if primary in rebuild:
        return Topology(refusal=f"rebuild names {primary}, which is the primary: only standbys can be rebuilt.")
    actions: dict[str, Action] = {primary: "keep"}
    diverged: dict[str, str] = {}
    for name in members:
        if name == primary or name not in states:
            continue
        if not _has_data(states[name]):
            actions[name] = "create"
            continue
        reason = divergence(states[name], states[primary]) or lost_slot(name, states[primary])
        actions[name] = "rebuild" if name in rebuild and (reason or not streams(states[name])) else "keep"
        if reason and name not in rebuild:
            diverged[name] = reason
        if states[name]["role"] == "primary" and name not in rebuild:
            return Topology(primary=primary, refusal=_former_primary(states, name, primary))
    notes = tuple(f"{name} did not answer and is left alone" for name in silent)
    return Topology(primary=primary, actions=actions, notes=notes, diverged=diverged)


def _from_nothing(members: list[str], initial_primary: str, playing: t.Collection[str] | None) -> Topology:
    if playing is not None and initial_primary not in playing:
        return Topology(
            refusal=f"No member has any data yet, and {initial_primary}, which is to be the first primary, is not part "
            "of this run. Run without --limit once."
        )
    actions = {name: "initialise" if name == initial_primary else "create" for name in members}
    return Topology(primary=initial_primary, actions=actions)


def _described(states: dict[str, Member], names: t.Iterable[str]) -> str:
    return ", ".join(
        f"{name} ({states[name]['state']} {states[name]['role']}, timeline {states[name]['timeline']}, "
        f"WAL up to {states[name]['lsn']})"
        for name in names
    )


def _two_primaries(states: dict[str, Member], primaries: list[str]) -> str:
    newest = most_advanced(states, primaries)
    others = [name for name in primaries if name != newest]
    return (
        f"There are {len(primaries)} primaries: {_described(states, primaries)}. Nothing was touched. Decide which one "
        f"holds the data that counts (the newest timeline, {newest}, was promoted last), stop the other one, save what "
        f"only it has, and run again with it named in the cluster's replication.rebuild (for example {others[0]})."
    )


def _former_primary(states: dict[str, Member], name: str, primary: str) -> str:
    return (
        f"{name} is stopped and would start as a second primary beside {primary}: "
        f"{_described(states, [primary, name])}. Nothing was touched. Name {name} in the cluster's replication.rebuild "
        "to turn it into a standby; what only it has, is lost then."
    )


def _stopped_and_overtaken(states: dict[str, Member], stopped: str, ahead: str) -> str:
    return (
        f"No member runs as the primary. {stopped} was it and is stopped, but {ahead} has a newer timeline: "
        f"{_described(states, [stopped, ahead])}. Nothing was touched. Start or promote the one that holds the data "
        "that counts, then run again."
    )


def _nobody_but_silent(states: dict[str, Member], silent: list[str]) -> str:
    known = _described(states, [name for name in states if _has_data(states[name])]) or "no data on those that did"
    return (
        f"No primary was found, and {', '.join(silent)} did not answer, so that it may be there ({known}). Nothing was "
        "touched. Bring those hosts back, or take them out of the cluster's members if they are gone for good."
    )


def _only_standbys(states: dict[str, Member], standbys: list[str]) -> str:
    best = most_advanced(states, standbys)
    return (
        f"Every member is a standby and none is the primary: {_described(states, standbys)}. Nothing was touched. This "
        "is what an interrupted switchover leaves. Run the playbook postgresql_switchover with its target (furthest is "
        f"{best}) to finish it."
    )
