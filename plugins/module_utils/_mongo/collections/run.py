"""From live to declared: read, plan, check, apply, and read again until nothing is left to do."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..api import ELECTION_SECONDS, PRIMARY_LOST, Server, ServerUnreachable
from ..change import batches
from ..._core.problems import Problems
from .apply import Applied, Overtaken, apply
from .checks import DocumentChecks
from .plan import Ability, DatabasePlan, Policy, plan_database
from .live import read_live
from .declared import CollectionSpec

ATTEMPTS = 6
# Between attempts when somebody else was faster; doubled every time, about six seconds in all.
PAUSE_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class Settings:
    """:param wait_seconds: how long a lost primary is awaited. :param check_seconds: limit of one look at the
    documents."""

    database: str
    specs: list[CollectionSpec]
    ability: Ability
    policy: Policy
    check_only: bool
    check_seconds: int
    accept_violations: bool
    wait_seconds: int
    log: t.Callable[[str], None]


@dataclasses.dataclass
class Outcome:
    """What a run found and did.

    :ivar plan: the first plan: what the diff shows.
    :ivar actions: in check mode the planned ones, else those that were made, with their durations.
    """

    plan: DatabasePlan
    actions: list[dict[str, t.Any]]
    changed: bool
    violations: list[dict[str, t.Any]]
    warnings: list[str]
    read_seconds: float
    plan_seconds: float


def reconcile(server: Server, settings: Settings) -> Outcome:
    """Make the database what the specification says.

    :raises GroundworkError: the plan is refused, a change failed, or others keep changing the same objects.
    """
    applied = Applied()
    cause: GroundworkError | None = None
    first: Outcome | None = None
    done: list[dict[str, t.Any]] | None = None
    for attempt in range(ATTEMPTS):
        try:
            current = _plan(server, settings)
            first = first or current
            if settings.check_only:
                return first
            if not current.plan.plan:
                # The diff is the first plan's, what is left unmanaged is what the last look found.
                final = dataclasses.replace(current.plan, plan=first.plan.plan)
                return dataclasses.replace(first, actions=applied.actions, changed=bool(applied.actions), plan=final)
            if current.actions == done:
                if any(change.action != "await" for change in current.plan.changes):
                    # Doing the same again would change nothing, or rebuild an index for ever.
                    break
                # The operation of a build is still shown for a moment when the build is over.
                time.sleep(PAUSE_SECONDS * 2**attempt)
            work = batches(current.plan.changes, settings.ability.builds_together)
            apply(server, settings.database, work, applied, settings.log)
        except Overtaken as interruption:
            cause = interruption.cause
        except PRIMARY_LOST as error:
            cause = error
        else:
            cause, done = None, current.actions
        if isinstance(cause, PRIMARY_LOST):
            _await_primary(server, settings, applied)
        elif cause is not None:
            time.sleep(PAUSE_SECONDS * 2**attempt)
    raise GroundworkError(
        "The database does not become what is declared: " + (
            cause.what if cause else "the server made the changes, and does not show them: "
            + "; ".join(f"{item.action} {item.kind} {item.name}" for item in current.plan.changes)
        ),
        where=server.where, untouched="what is not listed under actions",
        hint="Look for another program that changes the same collections, then run again; if there is none, report it.",
        code=ErrorCode.NOT_CONVERGED, details={"actions": applied.actions, "changed": bool(applied.actions)},
    )  # fmt: skip


def _await_primary(server: Server, settings: Settings, applied: Applied) -> None:
    try:
        in_a_set = server.facts.replica_set is not None
        server.wait_for_primary(max(settings.wait_seconds, ELECTION_SECONDS) if in_a_set else settings.wait_seconds)
    except ServerUnreachable as error:
        error.details.update(actions=applied.actions, changed=bool(applied.actions))
        raise


def _plan(server: Server, settings: Settings) -> Outcome:
    started = time.monotonic()
    with_indexes = {spec.name for spec in settings.specs if spec.indexes is not None or spec.recreate}
    live = read_live(server, settings.database, with_indexes, {spec.name for spec in settings.specs if spec.recreate})
    read_at = time.monotonic()
    problems = Problems()
    plan = plan_database(settings.database, settings.specs, live, settings.ability, settings.policy, problems)
    problems.raise_if_any("the specification", ErrorCode.PLAN_REFUSED)
    planned_at = time.monotonic()
    checks = DocumentChecks(server, settings.database, settings.check_seconds, settings.accept_violations)
    checks.run(plan.changes, live, problems)
    problems.raise_if_any("the existing documents", ErrorCode.DOCUMENTS_IN_THE_WAY)
    return Outcome(
        plan=plan,
        actions=plan.plan.actions(),
        changed=plan.plan.changed,
        violations=checks.violations,
        warnings=checks.warnings,
        read_seconds=round(read_at - started, 3),
        plan_seconds=round(planned_at - read_at, 3),
    )


def plan_for_empty_server(settings: Settings) -> Outcome:
    """The plan against a server that holds nothing, without a connection.

    :raises GroundworkError: the plan is refused.
    """
    started = time.monotonic()
    problems = Problems()
    plan = plan_database(settings.database, settings.specs, {}, settings.ability, settings.policy, problems)
    problems.raise_if_any("the specification", ErrorCode.PLAN_REFUSED)
    return Outcome(
        plan=plan, actions=plan.plan.actions(), changed=plan.plan.changed, violations=[], warnings=[], read_seconds=0.0,
        plan_seconds=round(time.monotonic() - started, 3),
    )  # fmt: skip
