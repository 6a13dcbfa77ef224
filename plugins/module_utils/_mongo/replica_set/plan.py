"""The steps from one configuration of a replica set to another: pure, and each of them acceptable to the server.

The server lets one ``replSetReconfig`` add or remove at most one voting member (since 4.4), so that the majorities of
neighbouring configurations always overlap. A new member gets its vote only when it holds the data: before that, it
could count in a majority without being able to serve.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from . import model
from .health import Health
from .model import Member, Wanted


@dataclasses.dataclass(frozen=True)
class Reconfiguration(Step):
    """One ``replSetReconfig``.

    :ivar members_before: the members that it starts from; anything else is somebody else's change.
    :ivar members: all members afterwards.
    :ivar settings: settings that change, by the server's names.
    :ivar wait_for: hosts that must hold the data first.
    """

    members_before: tuple[Member, ...] = ()
    members: tuple[Member, ...] = ()
    settings: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    wait_for: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class StepDown(Step):
    """Another member becomes the primary."""

    host: str = ""


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the plan may do.

    :ivar purge: remove members that nobody declared.
    :ivar step_down: make another member the primary when the present one is to go or may no longer be elected.
    """

    purge: bool = False
    step_down: bool = False


def unmanaged(live: list[Member], wanted: Wanted) -> list[str]:
    """Hosts of members that nobody declared."""
    if not wanted.members:
        return []
    known = {*wanted.members, *(old for old, new in wanted.renamed.items() if new in wanted.members)}
    return [host for host in (model.address(member["host"]) for member in live) if host not in known]


def build_plan(
    live: list[Member], settings: dict[str, t.Any], wanted: Wanted, primary: str | None, rules: Rules
) -> Plan:
    """The steps, in order.

    :param primary: host of the present primary.
    :raises GroundworkError: what is declared is impossible, or needs a step that ``rules`` do not allow.
    """
    return Plan(tuple(_Planner(live, settings, wanted, primary, rules).steps()))


class _Planner:
    def __init__(
        self, live: list[Member], settings: dict[str, t.Any], wanted: Wanted, primary: str | None, rules: Rules
    ) -> None:
        self.members = [{**copy.deepcopy(member), "host": model.address(member["host"])} for member in live]
        self.settings = settings
        self.wanted = wanted
        self.primary = primary
        self.rules = rules
        self.made: list[Step] = []

    def steps(self) -> list[Step]:
        self._rename()
        final = self._final()
        model.check_final(list(final.values()))
        last = self._primary_change(final)
        self._add_without_vote(final)
        self._alter(final, last)
        self._grant_votes(final, last)
        for host in self._leaving(final):
            if host != last:
                self._retire(host, final)
        if last is not None:
            self._step_down(last)
            self._retire(last, final)
        return self.made

    def _find(self, host: str) -> Member | None:
        return next((member for member in self.members if member["host"] == host), None)

    def _next_id(self) -> int:
        return max((member["_id"] for member in self.members), default=-1) + 1

    def _final(self) -> dict[str, Member]:
        """All members as they are to be; those that come have no ``_id`` yet."""
        final = {}
        for member in self.members:
            declared = self.wanted.members.get(member["host"])
            if declared is None:
                # Also one on its way in: it may never come.
                if not (self.wanted.members and self.rules.purge):
                    final[member["host"]] = member
                continue
            final[member["host"]] = model.joined(declared, member)
            _refuse_immutable(member, final[member["host"]])
        for host, declared in self.wanted.members.items():
            if host not in final:
                final[host] = {"host": host, **model.complete(declared, None)}
        return final

    def _rename(self) -> None:
        pending = [old for old in self.wanted.renamed if self._find(old)]
        # The primary must find itself in every configuration that it sends, so its own name changes last.
        for old in sorted(pending, key=lambda host: host == self.primary):
            new = self.wanted.renamed[old]
            if self._find(new):
                raise GroundworkError(
                    f"{old} is to be renamed to {new}, and the set has both already.", where="members",
                    untouched="everything; nothing was written", code=ErrorCode.INVALID_DECLARATION,
                    hint="Remove previous_host from the declaration.",
                )
            after = [{**member, "host": new} if member["host"] == old else member for member in self.members]
            self._reconfigure("rename", f"{old} to {new}", after, (old, new))
            if self.primary == old:
                self.primary = new

    def _primary_change(self, final: dict[str, Member]) -> str | None:
        """The present primary, when it goes or may no longer be elected: that comes last."""
        if self.primary is None or self._find(self.primary) is None:
            return None
        after = final.get(self.primary)
        if after is not None and after["priority"]:
            return None
        if not self.rules.step_down:
            verb = "may no longer be elected" if after else "is to be removed"
            raise GroundworkError(
                f"The primary {self.primary} {verb}, and another member has to become primary first.",
                where=self.primary, untouched="everything; nothing was written", code=ErrorCode.PRIMARY_IN_THE_WAY,
                hint="Set step_down_primary: true. Writes pause for the seconds of an election.",
            )
        return self.primary

    def _add_without_vote(self, final: dict[str, Member]) -> None:
        added = []
        after = list(self.members)
        for host, member in final.items():
            if self._find(host) is None and not member["arbiterOnly"]:
                number = max((one["_id"] for one in after), default=-1) + 1
                after.append({"_id": number, **model.joining(member)})
                added.append(host)
        if added:
            self._reconfigure("create", ", ".join(added), after, added)

    def _alter(self, final: dict[str, Member], last: str | None) -> None:
        """Everything that leaves the votes as they are, in one step: custom write concerns need the tags they name."""
        altered = []
        after = []
        for member in self.members:
            target = final.get(member["host"])
            if target is None or member["host"] == last or bool(target["votes"]) != bool(member["votes"]):
                after.append(member)
                continue
            target = {"_id": member["_id"], **target}
            if not model.same(member, target):
                altered.append(member["host"])
            after.append(target)
        settings = {name: value for name, value in self.wanted.settings.items() if self.settings.get(name) != value}
        if altered:
            self._reconfigure("alter", ", ".join([*altered, *sorted(settings)]), after, altered, settings=settings)
        elif settings:
            self._reconfigure("alter", ", ".join(sorted(settings)), after, (), settings=settings)

    def _grant_votes(self, final: dict[str, Member], last: str | None) -> None:
        for host, target in final.items():
            now = self._find(host)
            if not target["votes"] or (now is not None and now["votes"]):
                continue
            if sum(1 for member in self.members if member["votes"]) >= model.MOST_VOTERS:
                leaving = next((one for one in self._leaving(final) if one != last), None)
                if leaving is not None:
                    self._retire(leaving, final)
            if now is None:
                after = [*self.members, {"_id": self._next_id(), **target}]
                self._reconfigure("create", host, after, [host])
            else:
                after = [
                    {**target, "_id": member["_id"]} if member["host"] == host else member for member in self.members
                ]
                self._reconfigure("grant vote", host, after, [host], wait_for=(host,))

    def _leaving(self, final: dict[str, Member]) -> list[str]:
        """Members that go or lose their vote and have not done so yet."""
        return [
            member["host"] for member in self.members
            if member["host"] not in final or (member["votes"] and not final[member["host"]]["votes"])
        ]

    def _retire(self, host: str, final: dict[str, Member]) -> None:
        if host in final:
            after = [final[host] if member["host"] == host else member for member in self.members]
            action = "alter" if final[host]["votes"] else "withdraw vote"
            self._reconfigure(action, host, after, [host])
        else:
            self._reconfigure("remove", host, [m for m in self.members if m["host"] != host], [host])

    def _step_down(self, host: str) -> None:
        self.made.append(StepDown(
            action="step down", kind="primary", name=host,
            before={"primary": host}, after={"primary": "another member"},
            statement='{"replSetStepDown": 60}', host=host,
        ))

    def _reconfigure(
        self,
        action: str,
        name: str,
        after: list[Member],
        hosts: t.Collection[str],
        wait_for: tuple[str, ...] = (),
        settings: dict[str, t.Any] | None = None,
    ) -> None:
        changed = settings or {}

        def shown(members: list[Member], values: dict[str, t.Any]) -> t.Any:
            found = [model.described(member) for member in members if member["host"] in hosts]
            return {"members": found, "settings": values} if changed else found or None

        now = {field: self.settings.get(field) for field in changed}
        change: dict[str, t.Any] = {"members": [model.described(member) for member in after]}
        if changed:
            change["settings"] = changed
        self.made.append(Reconfiguration(
            action=action, kind="replica set member" if hosts else "replica set settings", name=name,
            before=shown(self.members, now), after=shown(after, changed), statement=_statement(change),
            members_before=tuple(self.members), members=tuple(after), wait_for=wait_for, settings=changed,
        ))
        self.members = after


def _statement(change: dict[str, t.Any]) -> str:
    return json.dumps({"replSetReconfig": change}, default=str)


def _refuse_immutable(live: Member, target: Member) -> None:
    for field in model.IMMUTABLE:
        if live[field] != target[field]:
            raise GroundworkError(
                f"{field} of {live['host']} is {live[field]} and cannot be changed in a replica set.",
                where=live["host"], untouched="everything; nothing was written", code=ErrorCode.IMMUTABLE_FIELD,
                hint="Remove the member, empty its data folder, and add it again with the new value.",
            )


def voting_majorities_hold(plan: Plan, health: Health) -> str | None:
    """The first step after which fewer than a majority of the voters would serve; ``None`` when there is none.

    A member that comes counts as serving: its vote is granted only when it does.
    """
    coming: set[str] = set()
    for step in plan:
        if not isinstance(step, Reconfiguration):
            continue
        coming |= {member["host"] for member in step.members} - set(health.states) | set(step.wait_for)
        voters = [member["host"] for member in step.members if member["votes"]]
        serving = [host for host in voters if health.serves(host) or host in coming]
        if 2 * len(serving) <= len(voters):
            return f"{step.action} {step.name}"
    return None
