"""Reading, planning and carrying out, from a server without a configuration to a set as it is declared."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from .. import api
from . import apply, bootstrap, compatibility, health, model, newcomers
from . import live as observe
from . import plan as reconfigure


@dataclasses.dataclass
class Outcome:
    """What was found and done.

    :ivar plan: the steps that were made; in check mode, those that would be.
    :ivar postponed: steps that a degraded set does not allow.
    """

    plan: Plan
    postponed: Plan
    warnings: list[str]
    facts: dict[str, t.Any]


@dataclasses.dataclass
class _Reading:
    """:ivar provisional: only the first step is certain; the others follow from a guess at what cannot be read yet."""

    plan: Plan
    postponed: Plan
    warnings: list[str]
    facts: dict[str, t.Any]
    provisional: bool = False


class Reconciler:
    """One declaration on one server or set.

    :param options: the module's parameters.
    """

    def __init__(self, options: dict[str, t.Any]) -> None:
        self.options = options
        self.name: str | None = options["name"] or None
        self.wanted = model.read_wanted(options)
        self.member = model.address(options["member"] or f"{options['login_host']}:{options['login_port']}")
        self.rules = reconfigure.Rules(options["purge_members"], options["step_down_primary"])
        self.sessions: list[api.Server] = []
        self.expected: frozenset[str] = frozenset()

    def run(self, check_mode: bool) -> Outcome:
        """Bring the declaration about.

        :raises GroundworkError: something is in the way; what was done before is in the details.
        """
        if check_mode:
            self.expected = frozenset(model.address(host) for host in self.options["assume_started"])
        try:
            first = self._read(settle=not check_mode)
            if not first.plan or check_mode:
                return Outcome(first.plan, first.postponed, first.warnings, first.facts)
            if first.provisional:
                begun = first.plan.steps[:1]
                self._carry_out(Plan(begun))
                rest = self._read(settle=True)
                self._carry_out(rest.plan)
                first = dataclasses.replace(rest, plan=Plan((*begun, *rest.plan)))
            else:
                self._carry_out(first.plan)
            return Outcome(first.plan, first.postponed, first.warnings, self._verified(first).facts)
        finally:
            for session in self.sessions:
                session.close()

    def _carry_out(self, plan: Plan) -> None:
        carrier = apply.Carrier(self.sessions[0], self.options)
        try:
            carrier.run(plan)
        finally:
            self.sessions.append(carrier.entry)
            carrier.close()

    def planned_for_nothing(self) -> Outcome:
        """The plan for a server that does not exist yet."""
        steps: list[Step] = []
        if self.name is not None:
            steps += self._first_configuration(self.name)
        steps.insert(min(len(steps), 1), self._administrator())
        return Outcome(Plan(tuple(steps)), Plan(), [], _no_facts("", True))

    def _administrator(self) -> bootstrap.CreateAdministrator:
        roles = [{"role": name, "db": "admin"} for name in self.options["administrator_roles"]]
        return bootstrap.create_administrator(self.options["login_user"], self.options["login_database"], roles)

    def _first_configuration(self, name: str) -> list[Step]:
        """Initiating with this member, and what follows from there."""
        declared = self.wanted.members.get(self.member, {})
        first = {"_id": 0, "host": self.member, **model.complete(declared, None)}
        steps: list[Step] = [bootstrap.initiate(name, first, self.wanted.settings)]
        rules = dataclasses.replace(self.rules, purge=False)
        later = reconfigure.build_plan([first], self.wanted.settings, self.wanted, self.member, rules)
        return [*steps, *later]

    def _read(self, settle: bool) -> _Reading:
        session = observe.login(self.options)
        entry = session or api.connect_member(observe.anonymous(self.options), observe.APPLICATION)
        self.sessions.insert(0, entry)
        seen = observe.look(self.options, self.member, session)
        if session is None and seen.replicated and not seen.writable and seen.primary:
            entry, seen = self._at_its_primary(entry, seen)
        user = self.options["login_user"]
        bootstrap.check_login(seen, user)
        facts = _no_facts(entry.facts.version_text, seen.authorization)
        if bootstrap.needs_initiation(seen, self.name):
            return self._uninitiated(self.name or "", seen, facts, settle)
        steps: list[Step] = [self._administrator()] if bootstrap.needs_administrator(seen, user) else []
        if self.name is None:
            fcv = self._feature_compatibility(entry, [], facts)
            return _Reading(Plan((*steps, *fcv)), Plan(), [], facts)
        return self._configured(entry, steps, facts, settle)

    def _existing_set(self, neighbours: list[newcomers.Answer]) -> api.Server | None:
        """A session in the set that others have already, which this member is to join."""
        for one in neighbours:
            if one.set_name == self.name:
                session = observe.login(observe.at(self.options, one.host))
                if session is not None:
                    self.sessions.insert(0, session)
                    return session
        return None

    def _at_its_primary(self, entry: api.Server, seen: bootstrap.Seen) -> tuple[api.Server, bootstrap.Seen]:
        """Where a login is refused by a member that knows no users: one that is being filled with data, or any of a set
        that asks for no logins.
        """
        there = observe.at(self.options, seen.primary or "")
        session = observe.login(there)
        if session is None and seen.authorization:
            return entry, seen
        server = session or api.connect_member(observe.anonymous(there), observe.APPLICATION)
        self.sessions.insert(0, server)
        return server, observe.look(there, self.member, session)

    def _uninitiated(self, name: str, seen: bootstrap.Seen, facts: dict[str, t.Any], settle: bool) -> _Reading:
        neighbours = [observe.ask(self.options, host) for host in self.wanted.members if host != self.member]
        there = self._existing_set(neighbours)
        if there is not None:
            return self._configured(there, [], facts, settle)
        if self.options["initiate"] == "never":
            raise GroundworkError(
                f"The replica set {name} is not initiated on this member.", where=self.member,
                untouched="everything", code=ErrorCode.NOT_INITIATED, hint="Set initiate: when_all_answer.",
            )
        ready = [one for one in neighbours if one.answers or one.host not in self.expected]
        silent = bootstrap.check_neighbours(name, self.member, ready, self.options["initiate"] == "always")
        steps = self._first_configuration(name)
        if silent:
            members = {host: one for host, one in self.wanted.members.items() if host not in silent}
            self.wanted = dataclasses.replace(self.wanted, members=members)
            steps = self._first_configuration(name)
        self._check_initiated(name, [one for one in neighbours if one.host not in silent])
        if not seen.login:
            steps.insert(1, self._administrator())
        left_out = f"{', '.join(silent)} does not answer and was left out. A later run adds it, once it does."
        return _Reading(Plan(tuple(steps)), Plan(), [left_out] if silent else [], facts)

    def _check_initiated(self, name: str, neighbours: list[newcomers.Answer]) -> None:
        """Refuse before the set exists what its next configurations must not name."""
        own = observe.introduced(self.sessions[0], self.member)
        there = observe.ask(self.options, self.member)
        if there.answers and there.process != own.process:
            raise GroundworkError(
                f"{self.member} is another server than the one at {self.sessions[0].where}, which is to be initiated "
                "under that name.", where="member", untouched="everything; nothing was initiated",
                code=ErrorCode.HOST_REFUSED,
                hint="Let member be the name under which the others reach this very server.",
            )
        known = newcomers.Known(name, members=frozenset({self.member}), processes={self.member: own.process})
        answers = [dataclasses.replace(there, inside=None), *neighbours]
        newcomers.check(known, answers, {}, self.expected)

    def _configured(
        self, entry: api.Server, steps: list[Step], facts: dict[str, t.Any], settle: bool
    ) -> _Reading:
        seconds = self.options["settle_timeout"] if settle else 0
        server = observe.to_primary(entry, self.options, seconds) or entry
        if server is not entry:
            self.sessions.append(server)
        try:
            live = observe.live(server)
        except api.ServerRefused as error:
            if not steps or error.server_code != api.UNAUTHORIZED:
                raise
            return self._before_login(server, steps, facts)
        changes = self._changes(live)
        self._check_newcomers(server, live, changes)
        # What is not declared is not waited for: an earlier run may have named a host that does not exist.
        undeclared = reconfigure.unmanaged(live.members, self.wanted)
        leaving = _leaving(live, changes) | set(undeclared)
        deadline = time.monotonic() + seconds
        while changes and _unwell(live, leaving) and time.monotonic() < deadline:
            time.sleep(observe.PAUSE_SECONDS)
            live = observe.live(server)
        facts |= _facts(live, undeclared)
        fcv = self._feature_compatibility(server, live.members, facts)
        all_steps = Plan((*changes, *fcv))
        reason = _refusal(live, all_steps, leaving)
        warnings = [reason] if reason else _undeclared_and_unwell(live, undeclared)
        if reason and all_steps:
            if self.options["degraded"] == "fail":
                raise _degraded(reason, server.where, all_steps, facts)
            return _Reading(Plan(tuple(steps)), all_steps, warnings, facts)
        return _Reading(Plan((*steps, *all_steps)), Plan(), warnings, facts)

    def _check_newcomers(self, server: api.Server, live: observe.Live, changes: Plan) -> None:
        """Ask the hosts that the plan would name or wait for before any step of it."""
        hosts = newcomers.to_be_asked(changes, live.members, live.health)
        if not hosts:
            return
        known = observe.known(self.options, server, live)
        renamed = {old: new for old, new in self.wanted.renamed.items() if old in known.members and new in hosts}
        newcomers.check(known, [observe.ask(self.options, host) for host in hosts], renamed, self.expected)

    def _before_login(self, server: api.Server, steps: list[Step], facts: dict[str, t.Any]) -> _Reading:
        """A set without users: the localhost exception does not show its configuration, so an earlier run is assumed
        to have initiated it.
        """
        hello = server.hello()
        hosts = {model.address(host) for field in ("hosts", "passives", "arbiters") for host in hello.get(field, ())}
        own = observe.introduced(server, self.member)
        answers = [observe.ask(self.options, host) for host in self.wanted.members if host not in hosts]
        processes = {own.me: own.process} if own.me else {}
        # Members that are hidden are not in the greeting of the others; they name this primary as theirs.
        known = newcomers.Known(self.name or "", primary=own.primary, members=frozenset(hosts), processes=processes)
        renamed = {old: new for old, new in self.wanted.renamed.items() if old in hosts}
        newcomers.check(known, answers, renamed, self.expected)
        later = self._first_configuration(self.name or "")[1:] if hosts == {self.member} else []
        return _Reading(Plan((*steps, *later)), Plan(), [], facts, provisional=True)

    def _changes(self, live: observe.Live) -> Plan:
        return reconfigure.build_plan(
            live.members, live.config.get("settings", {}), self.wanted, live.primary, self.rules
        )

    def _feature_compatibility(
        self, server: api.Server, members: list[model.Member], facts: dict[str, t.Any]
    ) -> list[Step]:
        now = observe.feature_compatibility(server)
        facts["feature_compatibility_version"] = now
        return compatibility.steps(server, members, now, self.options)

    def _verified(self, first: _Reading) -> _Reading:
        again = self._read(settle=True)
        if again.plan or (again.postponed and not first.postponed):
            left = [*again.plan, *again.postponed]
            names = ", ".join(f"{step.action} {step.kind} {step.name}" for step in left)
            raise GroundworkError(
                f"Every step was carried out, and yet this is left to do: {names}", where=self.member,
                hint="Run again, and compare the differences with the declaration.", code=ErrorCode.NOT_CONVERGED,
                details={"actions": first.plan.actions(), "differences": Plan(tuple(left)).diff()},
            )
        return again


def _no_facts(version: str, authorization: bool) -> dict[str, t.Any]:
    return {
        "server_version": version, "authorization": authorization, "primary": None, "members": [], "unmanaged": [],
        "unhealthy": [], "feature_compatibility_version": None,
    }


def _leaving(live: observe.Live, plan: Plan) -> set[str]:
    """Hosts that the plan removes, or gives another name under which they were asked."""
    steps = [step for step in plan if isinstance(step, reconfigure.Reconfiguration)]
    if not steps:
        return set()
    kept = {member["host"] for member in steps[-1].members}
    return {member["host"] for member in live.members if member["host"] not in kept}


def _unwell(live: observe.Live, leaving: set[str]) -> list[str]:
    """Voting members that do not serve, without those that ``leaving`` names."""
    return live.health.unwell([member for member in live.members if member["host"] not in leaving])


def _undeclared_and_unwell(live: observe.Live, undeclared: list[str]) -> list[str]:
    """What a person should know of members that no run waits for."""
    unwell = [host for host in undeclared if not live.health.serves(host)]
    states = ", ".join(f"{host} is {_state(live.health, host)}" for host in unwell)
    return [f"{states}, and not declared: it was not waited for. purge_members: true removes it."] if unwell else []


def _refusal(live: observe.Live, plan: Plan, leaving: set[str]) -> str | None:
    """Why nothing should be changed now, ``None`` when it may be."""
    if live.primary is None:
        return "The replica set has no primary."
    unwell = _unwell(live, leaving)
    if unwell:
        states = ", ".join(f"{host} is {_state(live.health, host)}" for host in unwell)
        return f"The replica set is degraded: {states}."
    lost = reconfigure.voting_majorities_hold(plan, live.health)
    if lost:
        return f"After '{lost}' fewer than a majority of the voting members would serve."
    return None


def _state(found: health.Health, host: str) -> str:
    state = found.states.get(host)
    return state.name if state else "unknown"


def _degraded(reason: str, where: str, plan: Plan, facts: dict[str, t.Any]) -> GroundworkError:
    return GroundworkError(
        reason, where=where, untouched="everything: a replica set is changed only while all that stays of it is well",
        hint="Bring the named members back, or remove them from the declaration and set purge_members: true.",
        code=ErrorCode.DEGRADED, details={**facts, "postponed": plan.actions()},
    )


def _facts(live: observe.Live, unmanaged: list[str]) -> dict[str, t.Any]:
    members = []
    for member in live.members:
        state = live.health.states.get(member["host"])
        seen = state.summary() if state else {"host": member["host"], "state": "UNKNOWN"}
        members.append({**seen, "votes": member["votes"], "priority": member["priority"], "hidden": member["hidden"]})
    unhealthy = [member["host"] for member in live.members if not live.health.serves(member["host"])]
    return {
        "primary": live.primary, "members": members, "unmanaged": unmanaged, "unhealthy": unhealthy,
        "config_version": live.config["version"],
    }
