"""Writes the steps, one transaction a table."""

from __future__ import annotations

import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..quoting import identifier
from ..session import Session, SqlError
from . import live, plan
from .declared import Policy

PAUSE_SECONDS = 1.0


def apply(session: Session, outcome: plan.Outcome, lock_timeout: float, attempts: int) -> None:
    """:param lock_timeout: seconds; every step needs the table for itself for an instant.
    :raises GroundworkError: with the server's words, and which tables had been done.
    """
    done: list[str] = []
    for table, steps in ((work.table, work.steps) for work in outcome.tables):
        for attempt in range(1, attempts + 1):
            try:
                _write(session, table, steps, lock_timeout)
                break
            except SqlError as error:
                if not error.gave_way or attempt == attempts or session.is_lost:
                    raise _failure(table, error, attempt if error.gave_way else 0, done) from None
            time.sleep(PAUSE_SECONDS)
        done.append(table.full_name)


def _write(session: Session, table: live.Table, steps: t.Sequence[plan.SecurityStep], lock_timeout: float) -> None:
    try:
        session.run(
            f"BEGIN; SET LOCAL lock_timeout = {int(lock_timeout * 1000)}; SET LOCAL ROLE {identifier(table.owner)}"
        )
        for step in steps:
            session.run(step.statement or "")
            if step.marked:
                _mark(session, table, step.marked)
        session.run("COMMIT")
    finally:
        session.rollback()


def _mark(session: Session, table: live.Table, policy: Policy) -> None:
    written = live.read_policies(session, table.oid)[table.oid][policy.name]
    session.run(plan.mark_statement(table, policy, written))


def _failure(table: live.Table, error: SqlError, attempts: int, done: list[str]) -> GroundworkError:
    words = ". ".join(part.rstrip(".") for part in (error.text, error.detail) if part)
    hint = "Correct the condition or the role, then run again."
    if attempts:
        hint = f"Tried {attempts} times. Wait until long transactions on the table have ended, then run again."
    return GroundworkError(
        f"The row security of {table.full_name} could not be changed: {words}.",
        where=table.full_name,
        untouched=f"everything but {', '.join(done)}" if done else "every table",
        hint=hint,
        code=ErrorCode.POLICY_FAILED,
        details={"sqlstate": error.sqlstate},
    )
