# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run against one database: read, plan, and, outside check mode, apply.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._errors import GroundworkError
from .. import api
from ..session import Session, SqlError
from . import database, history, lock, validate
from . import intent as intents
from .bootstrap import bootstrap
from .database import Facts
from .history import Table
from .intent import Intent
from .outcome import Outcome, describe
from .prepare import Prepared, prepare
from .resolve import Resolved, bind
from .retry import Retry
from .settings import Settings
from .transactional import StatementFailedError, Surroundings, Transaction, flush

APPLICATION_NAME = "pg_schema_apply"


@dataclasses.dataclass(frozen=True)
class Job:
    """What is common to all databases of one call.

    :ivar options: the module's connection options.
    :ivar with_text: put the SQL of pending scripts into the plan.
    """

    options: dict[str, t.Any]
    settings: Settings
    resolved: Resolved
    check: bool
    with_text: bool


class Run:
    """One database, one default schema."""

    def __init__(self, job: Job, database_name: str, default_schema: str | None = None) -> None:
        self.job = job
        self.database = database_name
        self.settings = job.settings
        if default_schema:
            self.settings = dataclasses.replace(job.settings, default_schema=default_schema, schemas=())
        self._started = time.monotonic()
        deadline = self.settings.deadline
        self._deadline = self._started + deadline if deadline else None

    def execute(self) -> Outcome:
        """Do it.

        :raises GroundworkError: with what was left untouched.
        """
        settings, job = self.settings, self.job
        if job.check and settings.assume_empty:
            return self._imagine()
        try:
            session = self._open()
        except api.DatabaseMissing:
            if not job.check:
                raise
            return self._imagine()
        try:
            return self._on_server(session)
        except SqlError as error:
            raise self._unexpected(error) from None
        finally:
            session.close()

    def _open(self) -> Session:
        return Session.open(self.job.options, self.database, APPLICATION_NAME)

    def _imagine(self) -> Outcome:
        """Plan for a database that does not exist yet."""
        settings = self.settings
        facts = database.imagined(
            self.database, self.job.options["login_user"], settings.default_schema, settings.schemas
        )
        table = Table(facts.default_schema, settings.table, settings.tablespace)
        resolved = bind(self.job.resolved, self._placeholders(facts))
        intent = intents.intend(settings, facts, table, False, [], resolved)
        self._prepare(intent, facts)
        return self._outcome(intent, facts)

    def _on_server(self, session: Session) -> Outcome:
        settings = self.settings
        if not self.job.check:
            lock.refuse_transaction_pooling(session, self._open)
        if settings.session_role:
            session.run(Surroundings.set_role(settings.session_role))
        intent, facts, _rows = self._intend(session)
        if self.job.check or settings.state == "validated" or not intent.has_work:
            self._refuse_invalid(intent)
            self._prepare(intent, facts)
            return self._outcome(intent, facts)
        with lock.RunLock(session, intent.table, settings.lock_retry_count, self._deadline):
            # Whoever held the lock may have migrated meanwhile.
            intent, facts, rows = self._intend(session)
            self._refuse_invalid(intent)
            prepared = self._prepare(intent, facts)
            outcome = self._outcome(intent, facts)
            if intent.has_work:
                self._apply(session, intent, facts, prepared, rows, outcome)
        outcome.milliseconds = int((time.monotonic() - self._started) * 1000)
        return outcome

    # -- plan

    def _intend(self, session: Session) -> tuple[Intent, Facts, list[history.Row]]:
        settings = self.settings
        facts = database.read(session, settings.default_schema, settings.schemas)
        table = Table(facts.default_schema, settings.table, settings.tablespace)
        exists = table.exists(session)
        rows = table.read(session) if exists else []
        resolved = bind(self.job.resolved, self._placeholders(facts))
        return intents.intend(settings, facts, table, exists, rows, resolved), facts, rows

    def _placeholders(self, facts: Facts) -> t.Any:
        return self.settings.placeholders.with_values(
            {
                "flyway:defaultSchema": facts.default_schema,
                "flyway:database": facts.database,
                "flyway:user": facts.user,
                "flyway:table": self.settings.table,
                "flyway:timestamp": time.strftime("%Y-%m-%d %H:%M:%S"),
            }
        )

    def _refuse_invalid(self, intent: Intent) -> None:
        if intent.invalid:
            raise validate.error(intent.invalid, f"{self.database}, {intent.table.qualified}")

    def _prepare(self, intent: Intent, facts: Facts) -> list[Prepared]:
        placeholders = self._placeholders(facts)
        return [prepare(script, placeholders) for script in intent.pending]

    def _outcome(self, intent: Intent, facts: Facts) -> Outcome:
        current = str(intent.situation.current) if intent.situation.current else None
        plan = intents.plan(intent, facts, self.job.with_text)
        if self.settings.state == "validated":
            plan = intents.Plan()
        final = next((str(s.version) for s in reversed(intent.pending) if s.version), current)
        return Outcome(
            facts.database,
            facts.default_schema,
            plan,
            current,
            current if not plan else final,
            [describe(script) for script in intent.pending],
            [],
            list(intent.warnings),
            milliseconds=int((time.monotonic() - self._started) * 1000),
        )

    # -- apply

    def _apply(
        self,
        session: Session,
        intent: Intent,
        facts: Facts,
        prepared: list[Prepared],
        rows: list[history.Row],
        outcome: Outcome,
    ) -> None:
        settings = self.settings
        installed_by = settings.installed_by or facts.role
        if intent.create_schemas or intent.create_table:
            bootstrap(
                session,
                intent,
                installed_by,
                settings.history_table_access == "owner",
                history.next_rank(rows, history.SCHEMA),
            )
            rows = intent.table.read(session)
        rank = history.next_rank(rows, "SQL")
        transaction = Transaction(session, intent.table, Surroundings(settings, facts), installed_by)
        groups = [prepared] if settings.group and prepared else [[item] for item in prepared]
        for group in groups:
            times = self._attempt(session, transaction, group, rank, outcome)
            outcome.migrations += [describe(item.script, spent) for item, spent in zip(group, times, strict=True)]
            rank += len(group)
        flush(session)

    def _attempt(
        self, session: Session, transaction: Transaction, group: list[Prepared], rank: int, outcome: Outcome
    ) -> list[int]:
        retry = Retry(self.settings, self._deadline)
        while True:
            try:
                return transaction.run(group, rank, not self.settings.skip_executing)
            except StatementFailedError as failed:
                if not retry.again(failed.error, str(group[0].script.path), outcome.retries):
                    raise self._told(failed, outcome, retry) from None
            except SqlError as error:
                if not retry.again(error, str(group[0].script.path), outcome.retries):
                    raise self._commit_failed(error, group[-1], outcome) from None

    def _told(self, failed: StatementFailedError, outcome: Outcome, retry: Retry) -> GroundworkError:
        done = len(outcome.migrations)
        if failed.error.lost:
            return failed.told(
                f"unfinished work is rolled back by the server; {done} earlier migrations of this run are recorded",
                "The connection broke.",
                "Run again: it goes on after the last recorded migration.",
            )
        return failed.told(
            f"the file was rolled back as a whole; {done} earlier migrations of this run are applied and recorded",
            "Changes successfully rolled back.",
            retry.advice(failed.error),
        )

    def _commit_failed(self, error: SqlError, last: Prepared, outcome: Outcome) -> GroundworkError:
        outcome_known = (
            "the file was rolled back as a whole"
            if not error.lost
            else (
                "whether the file took effect is not known, but its record and its changes are both there or both not"
            )
        )
        return GroundworkError(
            f"Migration {intents.title(last.script)} failed at its end!\n{error.text} (SQLSTATE {error.sqlstate or 'none'})"
            + (f"\n  detail: {error.detail}" if error.detail else ""),
            where=last.script.label,
            code="FAILED_MIGRATION",
            untouched=f"{outcome_known}; {len(outcome.migrations)} earlier migrations of this run are applied and recorded",
            hint="Run again." if error.lost else "Deferred constraints are checked at the end of the transaction.",
        )

    def _unexpected(self, error: SqlError) -> GroundworkError:
        code = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
        return GroundworkError(
            f"The server refused a statement of the module itself: {error.text}{code}",
            where=self.database,
            untouched="what was not finished has been rolled back",
            code="SERVER_ERROR",
            hint=error.hint or "The role needs the privileges to create and write the history table, see session_role.",
        )
