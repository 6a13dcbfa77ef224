"""Reading, planning and applying on one server, until what is declared is what is there."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from .. import api
from . import declared, live, model, plan

ROUNDS = 3

# User or role appeared or went away between reading and writing: another run is at work.
RACE_CODES = frozenset({51003, 51002, 11, 31})


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was found and done.

    :ivar done: the steps that were made; in check mode, those that would be.
    :ivar checks: how each declared password was compared: ``stored_key`` or ``login``.
    """

    done: Plan
    unmanaged: dict[str, list[str]]
    checks: dict[str, str]


@dataclasses.dataclass(frozen=True)
class _Reading:
    steps: Plan
    unmanaged: dict[str, list[model.Identity]]
    checks: dict[str, str]


class Reconciler:
    """One declaration on one server.

    :param options: the module's parameters.
    """

    def __init__(self, server: api.Server, wanted: declared.Declaration, options: dict[str, t.Any]) -> None:
        self.server = server
        self.wanted = wanted
        self.options = options

    def run(self, check_mode: bool) -> Outcome:
        """Bring the declaration about.

        :raises GroundworkError: it cannot be reached, or the server refuses a step; what was done is in the details.
        """
        reading = first = self._read()
        if check_mode:
            return _outcome(reading.steps, first)
        done: list[Step] = []
        for _round in range(ROUNDS):
            if not reading.steps:
                return _outcome(Plan(tuple(done)), first)
            interrupted = self._apply(t.cast("tuple[plan.AccountStep, ...]", reading.steps.steps), done)
            reading = self._read()
            if reading.steps and not interrupted:
                raise self._refused_silently(reading.steps, done)
        if not reading.steps:
            return _outcome(Plan(tuple(done)), first)
        raise GroundworkError(
            "Something else changes the same users or roles at the same time.", where=self.server.where,
            hint="Run again when no other run is at work.", code=ErrorCode.CONCURRENT_CHANGES,
            details={"actions": _summaries(done)},
        )

    def _read(self) -> _Reading:
        mode = self.options["unmanaged"]
        state = live.read(self.server, self.wanted, mode != "ignore")
        found = plan.unmanaged(self.wanted, state, self.options["protected"])
        fits, checks = self._compare_passwords(state)
        drop = found if mode == "drop" else {"users": [], "roles": []}
        return _Reading(plan.build_plan(self.wanted, state, fits, drop), found, checks)

    def _compare_passwords(self, state: model.Live) -> tuple[dict[model.Identity, bool], dict[str, str]]:
        fits, checks = {}, {}
        for spec in self.wanted.users:
            now = state.users.get(spec.identity)
            if now is None or not spec.present or spec.password is None or spec.keep_password:
                continue
            answer, how = now.has_password(spec.password), "stored_key"
            if answer is None:
                answer, how = self._can_log_in(spec.identity, spec.password), "login"
            fits[spec.identity] = answer
            checks[str(spec.identity)] = how
        return fits, checks

    def _can_log_in(self, identity: model.Identity, password: str) -> bool:
        login = {
            "login_user": identity.name, "login_password": password, "login_database": identity.database,
            # Whatever mechanism a connection string names for the session's own user does not hold for this one.
            "auth_mechanism": "DEFAULT",
        }
        try:
            api.connect({**self.options, **login}).close()
        except api.AuthenticationFailed:
            return False
        return True

    def _apply(self, steps: tuple[plan.AccountStep, ...], done: list[Step]) -> bool:
        """Make the steps; return whether something stood in the way of any that another look can settle."""
        interrupted = False
        for step in steps:
            try:
                self.server.run(step.database, step.command, write=True)
            except api.PRIMARY_LOST:
                self.server.wait_for_primary(api.ELECTION_SECONDS)
                return True
            except api.ServerRefused as error:
                if error.server_code not in RACE_CODES:
                    raise self._refused(step, error, done) from None
                interrupted = True
            else:
                done.append(step)
        return interrupted

    def _refused(self, step: plan.AccountStep, error: api.ServerRefused, done: list[Step]) -> GroundworkError:
        hint = None
        if error.server_code == api.UNAUTHORIZED:
            hint = "Give the login user the role userAdminAnyDatabase, or userAdmin on the database in question."
        return GroundworkError(
            f"The server refuses to {step.action} the {step.kind} {step.name}: {error.server_message}",
            where=self.server.where, hint=hint,
            untouched=f"this {step.kind} and what comes after it; {len(done)} steps before it are done",
            code=ErrorCode.SERVER_REFUSED,
            details={"server_code": error.server_code, "actions": _summaries(done), "statement": step.statement},
        )

    def _refused_silently(self, steps: Plan, done: list[Step]) -> GroundworkError:
        names = ", ".join(f"{step.kind} {step.name}" for step in steps)
        return GroundworkError(
            f"The server accepted every command, and yet these are not as declared: {names}", where=self.server.where,
            hint="Compare the differences with the declaration.", code=ErrorCode.NOT_CONVERGED,
            details={"actions": _summaries(done), "differences": steps.diff()},
        )


def _summaries(done: list[Step]) -> list[dict[str, t.Any]]:
    return Plan(tuple(done)).actions()


def _outcome(done: Plan, first: _Reading) -> Outcome:
    names = {kind: [str(identity) for identity in found] for kind, found in first.unmanaged.items()}
    return Outcome(done, names, first.checks)
