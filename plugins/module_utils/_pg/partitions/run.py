"""The partitions of all listed tables of one database: read, planned, brought to the plan, and read again."""

from __future__ import annotations

import datetime
import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..quoting import identifier
from ..session import Session, SqlError
from . import held_detach, interval, live, retiring
from . import plan as planning
from .declared import Wanted
from .step import PartitionStep

# Any constant will do, as long as nothing else of the collection uses it.
ADVISORY_LOCK = 7_230_811_604_402
PAUSE_SECONDS = 1.0

ATTACHED_AGAIN = " It is attached again."
STILL_DETACHING = (
    " Its rows are not seen through the table any more: the next run drops it as long as retire and keep say so,"
    " makes a table of its own of it with retire detach, and otherwise attaches it again."
)


class Maintenance:
    """:param reopen: opens another session of the same login.
    :param day: the day to plan as of; ``None`` is the server's.
    """

    def __init__(
        self,
        session: Session,
        reopen: t.Callable[[], Session],
        wanted: t.Sequence[Wanted],
        day: datetime.date | None,
        timezone: str,
        database: str,
    ) -> None:
        self._session = session
        self._reopen = reopen
        self._second: Session | None = None
        self._wanted = wanted
        self._database = database
        try:
            live.prepare(session, timezone)
        except SqlError as error:
            raise GroundworkError(
                f"The server refuses the time zone {timezone}: {error.text}.",
                where=database,
                untouched=planning.NOTHING_WRITTEN,
                hint="See pg_timezone_names for what it knows.",
                code=ErrorCode.UNKNOWN_TIME_ZONE,
            ) from None
        self._day = day or live.today(session)

    def lock(self, seconds: float) -> None:
        """Keep other runs of this module out until the session ends.

        :raises GroundworkError: another run did not end in time.
        """
        deadline = time.monotonic() + seconds
        while not self._session.value("SELECT pg_try_advisory_lock(%s)", ADVISORY_LOCK):
            if time.monotonic() >= deadline:
                raise GroundworkError(
                    "Another run of pg_partitions works in this database.",
                    where=self._database,
                    untouched=planning.NOTHING_WRITTEN,
                    hint="Run again when it has ended.",
                    code=ErrorCode.LOCKED,
                )
            time.sleep(0.2)

    def plan(self) -> tuple[list[planning.TablePlan], list[str]]:
        """The plan of each table that exists, and the names of those that do not.

        :raises GroundworkError: a table cannot be handled, or its default partition holds rows of a new partition.
        """
        plans, missing = [], []
        for wanted in self._wanted:
            table = live.read(self._session, wanted.schema, wanted.table)
            if table is None:
                missing.append(wanted.full_name)
                continue
            plan = planning.plan(wanted, table, self._day)
            self._refuse_rows_in_default(table, plan)
            plans.append(plan)
        return plans, missing

    def apply(self, plans: t.Sequence[planning.TablePlan], lock_timeout: float, attempts: int) -> None:
        """:raises GroundworkError: with the server's words and what had been done by then."""
        done: list[str] = []
        if any(step.held for plan in plans for step in plan.steps):
            self._second_session()
        for plan in plans:
            self._apply(plan, lock_timeout, attempts, done)
        left = [step for plan in self.plan()[0] for step in plan.steps]
        if left:
            raise GroundworkError(
                "The partitions still differ from the policy after the run.",
                where=", ".join(f"{step.action} {step.name}" for step in left),
                hint="Look for another session that changes the same tables, then run again.",
                code=ErrorCode.NOT_CONVERGED,
            )

    def _apply(self, plan: planning.TablePlan, lock_timeout: float, attempts: int, done: list[str]) -> None:
        """A statement that gave up on a lock may have done a part, so the table is planned anew before each attempt."""
        for attempt in range(1, attempts + 1):
            try:
                for step in plan.steps:
                    self._send(plan.table, step, lock_timeout)
                    if step.statements:
                        done.append(f"{step.action} {step.name}")
                return
            except SqlError as error:
                if self._session.is_lost or not self._may_repeat(error, attempt, attempts):
                    left = self._after_failure(plan.wanted, step, lock_timeout)
                    if left == ATTACHED_AGAIN:
                        done = [each for each in done if each != f"detach {step.name}"]
                    raise _failure(plan, step, error, attempt, done, left) from None
            time.sleep(PAUSE_SECONDS)
            table = live.read(self._session, plan.wanted.schema, plan.wanted.table)
            if table is not None:
                plan = planning.plan(plan.wanted, table, self._day)

    def _send(self, table: live.Table, step: PartitionStep, lock_timeout: float) -> None:
        if not step.statements:
            return
        run, milliseconds = self._session.run, int(lock_timeout * 1000)
        second = self._second_session() if step.held else None
        run(f"SET lock_timeout = {milliseconds}")
        if step.owner:
            run(f"SET ROLE {identifier(step.owner)}")
        try:
            if step.held and second:
                held_detach.begin(self._session, second, table, step.held, step.statements[0], milliseconds)
                return
            if step.transaction:
                run("BEGIN")
            for statement in step.statements:
                run(statement)
            if step.transaction:
                run("COMMIT")
        finally:
            self._session.rollback()
            if not self._session.is_lost:
                run("RESET ROLE")

    def _second_session(self) -> Session:
        if self._second is None or self._second.is_lost:
            self._second = self._reopen()
        return self._second

    def close(self) -> None:
        """End what was opened here."""
        if self._second:
            self._second.close()

    def _after_failure(self, wanted: Wanted, failed: PartitionStep, lock_timeout: float) -> str:
        """Attach a partition again that was detached but cannot be dropped, and say what became of it.

        The session that holds the lock that the drop needed prevents this too.
        """
        try:
            table = None if self._session.is_lost else live.read(self._session, wanted.schema, wanted.table)
            pending = [each for each in table.partitions if each.proven] if table else []
            if not table or failed.name not in [each.full_name for each in pending]:
                return ""
            self._send(table, retiring.attach_again(table, pending[0]), lock_timeout)
        except SqlError:
            return STILL_DETACHING
        return ATTACHED_AGAIN

    @staticmethod
    def _may_repeat(error: SqlError, attempt: int, attempts: int) -> bool:
        return error.gave_way and attempt < attempts

    def _refuse_rows_in_default(self, table: live.Table, plan: planning.TablePlan) -> None:
        if table.default is None:
            return
        for step in plan.steps:
            if step.action != "create":
                continue
            begin, end = str(step.after["from"]), str(step.after["to"])
            if live.has_rows(self._session, table.default, table.key, begin, end):
                raise GroundworkError(
                    f"The default partition {table.default} holds rows of {begin} to {end}, so that {step.name} cannot "
                    "be attached.",
                    where=plan.wanted.full_name,
                    untouched=planning.NOTHING_WRITTEN,
                    hint="In one transaction: detach the default partition, create the partition, move the rows, "
                    "attach the default partition again. Then run again.",
                    code=ErrorCode.ROWS_IN_DEFAULT,
                )


def report(plan: planning.TablePlan) -> dict[str, t.Any]:
    """What the module returns about a table."""
    return {
        "table": plan.wanted.full_name,
        "interval": plan.wanted.unit,
        "partitions": plan.partitions,
        "covered_until": plan.covered_until.isoformat() if plan.covered_until else None,
        "retired": [each.full_name for each in plan.retired],
    }


def missing_plan(wanted: Wanted, day: datetime.date) -> list[PartitionStep]:
    """What check mode predicts for a table that a migration is yet to create: it comes without partitions."""
    current = interval.containing(day, wanted.unit)
    last = interval.moved(current, wanted.unit, wanted.ahead)
    return [
        PartitionStep(
            "create",
            "partition",
            f"{wanted.schema}.{wanted.partition_name(each)}",
            after={"of": wanted.full_name, "from": each.begin, "to": each.end},
        )
        for each in interval.span(wanted.first_created(current), last, wanted.unit)
    ]


def _failure(
    plan: planning.TablePlan, step: PartitionStep, error: SqlError, attempt: int, done: list[str], left: str
) -> GroundworkError:
    if error.gave_way:
        hint = f"Tried {attempt} times. Wait until long transactions have ended, then run again."
    elif "foreign key" in f"{error.text} {error.detail}":
        hint = "Rows of this partition are referenced. Remove the referencing rows first, or set retire to report."
    else:
        hint = "Correct what the server says, then run again: it continues from here."
    untouched = f"everything but what was done before: {', '.join(done)}" if done else "every table"
    if error.lost:
        untouched = "the other partitions; whether this took effect is not known, the next run looks"
    words = ". ".join(part.rstrip(".") for part in (error.text, error.detail) if part)
    return GroundworkError(
        f"Could not {step.action} partition {step.name}: {words}.{left}",
        where=plan.wanted.full_name,
        untouched=untouched,
        hint=hint,
        code=ErrorCode.PARTITION_FAILED,
        details={"sqlstate": error.sqlstate},
    )
