"""One run against one database: read, plan, and, outside check mode, apply."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._core.plan import Plan
from ... import api, secret_statement
from ...session import Session, SqlError
from ...sql.client_encoding import can_store
from ...sql.transaction_mode import TransactionModes
from ..files.placeholder import Placeholders
from ..files.resolve import Resolved, bind
from ..files.script import Script
from ..history.bootstrap import Missing, bootstrap
from ..history.fingerprint import Fingerprint
from ..history.progress import Progress
from ..history.table import Table
from ..planning import database, linting, validate
from ..planning import intent as intents
from ..planning.intent import Intent
from ..planning.prepare import Prepared, modes_of, prepare
from ..running import lock, lost_index, preview
from ..running.apply import Application
from ..running.blockers import Watch
from ..running.callback import Callbacks
from ..running.context import Live, Stage
from ..running.outcome import Outcome, describe
from ..running.session_settings import Surroundings
from .settings import Settings

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
        self.findings: list[dict[str, t.Any]] = []
        self.lint_warnings: list[str] = []
        self.secret_warnings: list[str] = []
        self._modes: TransactionModes | None = None
        self.lost: list[lost_index.LostIndex] = []
        self.started = time.monotonic()
        self.deadline = self.started + self.settings.deadline if self.settings.deadline else None

    def execute(self) -> Outcome:
        """Do it.

        :raises GroundworkError: with what was left untouched.
        """
        if self.job.check and self.settings.assume_empty:
            return self.imagine()
        try:
            session = self.open()
        except api.DatabaseMissing:
            if not self.job.check:
                raise
            return self.imagine()
        try:
            return self.on_server(session)
        except SqlError as error:
            raise self._unexpected(error) from None
        finally:
            session.close()

    def open(self) -> Session:
        return Session.open(self.job.options, self.database, APPLICATION_NAME)

    def on_server(self, session: Session) -> Outcome:
        """Plan with a session, and apply under the lock."""
        self.enter(session)
        live, resolved = self.read(session)
        self.lost = self.find_lost(session, live)
        intent = self.intend(live, resolved)
        if not self._must_write(intent, resolved):
            self._refuse_invalid(intent)
            prepared = self.prepare_all(intent.pending, live, session)
            if self.settings.state != "validated" and (intent.has_work or self._always_calls(resolved)):
                self.prepare_callbacks(session, live, resolved)
            outcome = self._outcome(intent, live)
            if self.settings.preview == "rollback" and self.job.check and intent.has_work:
                with self.stage(session, live, resolved, outcome) as stage:
                    self.preview(stage, intent, prepared)
            return outcome
        with lock.RunLock(session, live.table, self.settings.lock_retry_count, self.deadline):
            # Whoever held the lock before may have migrated meanwhile.
            live, resolved = self.read(session)
            self.lost = self.find_lost(session, live)
            intent = self.intend(live, resolved)
            self._refuse_invalid(intent)
            prepared = self.prepare_all(intent.pending, live, session)
            outcome = self._outcome(intent, live)
            with self.telling(outcome):
                self._apply(session, live, resolved, intent, prepared, outcome)
        outcome.milliseconds = self.spent()
        return outcome

    def spent(self) -> int:
        return int((time.monotonic() - self.started) * 1000)

    @contextlib.contextmanager
    def telling(self, outcome: Outcome) -> t.Iterator[None]:
        """Put what had been done before an error into the error."""
        try:
            yield
        except GroundworkError as error:
            outcome.milliseconds = self.spent()
            error.details.update(outcome.stopped())
            raise

    def _must_write(self, intent: Intent, resolved: Resolved) -> bool:
        settings = self.settings
        if self.job.check or settings.state == "validated":
            return False
        return intent.has_work or self._always_calls(resolved) or bool(self._to_restore())

    def _always_calls(self, resolved: Resolved) -> bool:
        """Whether there are callbacks that run when nothing is pending too."""
        events = ("beforeMigrate", "afterVersioned", "afterMigrate")
        return self.settings.callbacks == "always" and any(event in resolved.callbacks for event in events)

    # -- read and plan

    def enter(self, session: Session) -> None:
        """Refuse pooled sessions, and take the role on."""
        self._notice_our_death(session)
        if not self.job.check:
            lock.refuse_transaction_pooling(session, self.open)
        if self.settings.session_role:
            session.run(Surroundings.set_role(self.settings.session_role))

    @staticmethod
    def _notice_our_death(session: Session) -> None:
        """Let the server end what runs when this process is gone, instead of at its next word to it."""
        if session.server_version >= 140000:
            with contextlib.suppress(SqlError):
                session.run("SET client_connection_check_interval = '2s'")

    def read(self, session: Session) -> tuple[Live, Resolved]:
        """Read the live state, and the scripts as this database sees them."""
        settings = self.settings
        facts = database.read(session, settings.default_schema, settings.schemas)
        table = Table(facts.default_schema, settings.table, settings.tablespace)
        exists = table.exists(session)
        rows = table.read(session) if exists else []
        unfinished = Progress(session, table).read() if any(not row.success for row in rows) else {}
        live = Live(facts, table, exists, rows, unfinished)
        return live, bind(self.job.resolved, self.placeholders(live))

    def intend(self, live: Live, resolved: Resolved) -> Intent:
        return intents.intend(
            self.settings, live.facts, live.table, live.table_exists, live.rows, resolved, live.unfinished
        )

    def find_lost(self, session: Session, live: Live) -> list[lost_index.LostIndex]:
        """Indexes of the last run that are gone."""
        wanted = self.settings.fingerprint and self.settings.lost_indexes != "ignore"
        if not wanted or not live.rows or self.settings.state != "migrated":
            return []
        objects = Fingerprint(session, live.table).objects(live.rows[-1].installed_rank)
        return lost_index.find(session, objects) if objects else []

    def _to_restore(self) -> list[lost_index.LostIndex]:
        return self.lost if self.settings.lost_indexes == "restore" else []

    def _lost_warnings(self) -> list[str]:
        if not self.lost or self._to_restore():
            return []
        names = ", ".join(index.name for index in self.lost)
        return [f"Indexes that the migrations made are gone: {names}. lost_indexes=restore builds them again."]

    def imagine(self) -> Outcome:
        """Plan for a database that does not exist yet."""
        settings = self.settings
        facts = database.imagined(
            self.database, self.job.options["login_user"], settings.default_schema, settings.schemas
        )
        live = Live(facts, Table(facts.default_schema, settings.table, settings.tablespace), False, [], {})
        intent = self.intend(live, bind(self.job.resolved, self.placeholders(live)))
        self.prepare_all(intent.pending, live, None)
        self.prepare_callbacks(None, live, self.job.resolved)
        return self._outcome(intent, live)

    def placeholders(self, live: Live) -> Placeholders:
        facts = live.facts
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

    def prepare_all(self, scripts: t.Sequence[t.Any], live: Live, session: Session | None) -> list[Prepared]:
        """Read every script to its end."""
        if not scripts:
            return []
        placeholders, modes = self.placeholders(live), modes_of(session)
        self._modes = modes
        encoding = session.reported("server_encoding") if session else ""
        prepared = [prepare(script, placeholders, modes, self.settings.mixed, encoding) for script in scripts]
        self._refuse_mixed_group(prepared)
        self._refuse_shared_transaction(prepared)
        self._refuse_names(scripts, encoding)
        self.findings, warnings = linting.lint(self.settings.lint, prepared, session)
        self.lint_warnings = warnings
        self.secret_warnings = self._secret_warnings(session, prepared)
        for item in prepared:
            item.pending = None
        return prepared

    @staticmethod
    def _secret_warnings(session: Session | None, prepared: t.Sequence[Prepared]) -> list[str]:
        """Settings that keep the text of statements with secrets, which this login cannot change."""
        scripts = [item.script.path for item in prepared if item.secret]
        places = secret_statement.still_written(session) if session and scripts else []
        return [secret_statement.warning(f"may hold the secrets of {', '.join(scripts)}", places)] if places else []

    def _refuse_mixed_group(self, prepared: t.Sequence[Prepared]) -> None:
        alone = [item for item in prepared if not item.in_transaction]
        if not self.settings.group or not alone or len(prepared) == 1:
            return
        raise GroundworkError(
            "Detected both transactional and non-transactional migrations within the same migration group (even "
            "though mixed "
            f'is false). First offending migration: "{intents.title(alone[0].script)}" [non-transactional]',
            where=alone[0].script.label,
            untouched="the database",
            code=ErrorCode.MIXED_MIGRATION,
            hint="Set group to false: then each script has its own transaction, and this one runs statement by "
            "statement.",
        )

    def _refuse_shared_transaction(self, prepared: t.Sequence[Prepared]) -> None:
        own = next((item.sets_transaction for item in prepared if item.sets_transaction), None)
        if not self.settings.group or own is None or len(prepared) == 1:
            return
        raise GroundworkError(
            f"{' '.join(own.text.split())[:100]} would hold for the other scripts too, because group=true runs all in "
            "one transaction.",
            where=own.where,
            untouched="the database",
            code=ErrorCode.TRANSACTION_CONTROL,
            hint="Set group to false: then each script has its own transaction.",
        )

    def _refuse_names(self, scripts: t.Sequence[Script], encoding: str) -> None:
        """What the history row holds of a file's name has to exist in the database's encoding."""
        for script in scripts:
            if not all(can_store(text, encoding) for text in (script.path, script.description)):
                raise GroundworkError(
                    f"The database's encoding {encoding} does not have every character of the file's name, which its "
                    "row of the history holds.",
                    where=script.label,
                    untouched="the database",
                    hint="Rename the file.",
                )

    def _outcome(self, intent: Intent, live: Live) -> Outcome:
        current = str(intent.situation.current) if intent.situation.current else None
        plan = Plan() if self.settings.state == "validated" else intents.plan(intent, live.facts, self.job.with_text)
        final = next((str(script.version) for script in reversed(intent.pending) if script.version), current)
        plan = Plan((*(index.step() for index in self._to_restore()), *plan))
        return Outcome(
            live.facts.database,
            live.facts.default_schema,
            plan,
            current,
            final if plan else current,
            [describe(script) for script in intent.pending],
            [],
            [*intent.warnings, *self._lost_warnings(), *self.lint_warnings, *self.secret_warnings],
            lint=self.findings,
            milliseconds=self.spent(),
        )

    # -- apply

    def _apply(
        self,
        session: Session,
        live: Live,
        resolved: Resolved,
        intent: Intent,
        prepared: t.Sequence[Prepared],
        outcome: Outcome,
    ) -> None:
        for item in prepared:
            if intents.identity(item.script) in live.unfinished:
                item.in_transaction = False
        lost_index.restore(session, self._to_restore(), self.settings.statement_timeout)
        outcome.wrote = bool(self._to_restore())
        with self.stage(session, live, resolved, outcome) as stage:
            missing = Missing(intent.create_schemas, intent.create_table, intent.baseline)
            self.bootstrap(stage, missing)
            outcome.wrote = outcome.wrote or bool(missing)
            Application(stage).migrate(prepared, resolved.undos)
            outcome.callbacks = stage.callbacks.ran
        if intent.has_work:
            self.keep_fingerprint(session, live, outcome)

    def bootstrap(self, stage: Stage, missing: Missing) -> None:
        """Create what is missing before the first script."""
        if missing:
            owner_only = self.settings.history_table_access == "owner"
            bootstrap(stage.session, stage.table, missing, stage.installed_by, owner_only)

    def keep_fingerprint(self, session: Session, live: Live, outcome: Outcome) -> None:
        """Note what the schemas look like now."""
        if not self.settings.fingerprint:
            return
        rows = live.table.read(session)
        warning = Fingerprint(session, live.table).store(live.facts.schemas, rows[-1].installed_rank if rows else 0)
        outcome.warnings += [warning] if warning else []

    def text_of(self, script: Script) -> str:
        """What a plan shows for a script."""
        return intents.shown_text(script) if self.job.with_text else script.label

    def preview(self, stage: Stage, intent: Intent, prepared: t.Sequence[Prepared], verb: str = "Migrate") -> None:
        """Run the scripts and roll back, or say why that is not possible."""
        reason = preview.impossible(stage, prepared, verb)
        if reason:
            stage.outcome.preview = {"possible": False, "reason": reason}
            stage.outcome.warnings.append(f"No preview: {reason}.")
            return
        with lock.RunLock(stage.session, stage.table, self.settings.lock_retry_count, self.deadline):
            preview.run(stage, intent, prepared, verb)

    def prepare_callbacks(self, session: Session | None, live: Live, resolved: Resolved) -> dict[str, list[Prepared]]:
        """Read the callbacks to their end."""
        scripts = {} if self.settings.callbacks == "never" else resolved.callbacks
        if not scripts:
            return {}
        modes, placeholders = modes_of(session), self.placeholders(live)
        encoding = session.reported("server_encoding") if session else ""
        prepared = {
            event: [prepare(script, placeholders, modes, True, encoding) for script in found]
            for event, found in scripts.items()
        }
        for found in prepared.values():
            for item in found:
                self._refuse_modes_inside(item)
        return prepared

    def _refuse_modes_inside(self, callback: Prepared) -> None:
        own = callback.sets_transaction
        if own is None or not callback.script.name.event.startswith(("beforeEach", "afterEach")):
            return
        raise GroundworkError(
            f"{' '.join(own.text.split())[:100]} cannot be had in a callback that runs in the transaction of a script.",
            where=own.where,
            untouched="the database",
            code=ErrorCode.TRANSACTION_CONTROL,
            hint="Put it into the script, or into a callback such as beforeMigrate.sql, which has a transaction of its "
            "own.",
        )

    @contextlib.contextmanager
    def stage(self, session: Session, live: Live, resolved: Resolved, outcome: Outcome) -> t.Iterator[Stage]:
        """Put the pieces together for the time of applying."""
        surroundings = Surroundings(session, self.settings, live.facts, self.deadline, lock.key(live.table))
        modes = self._modes or modes_of(session)
        callbacks = Callbacks(session, surroundings, self.prepare_callbacks(session, live, resolved))
        with Watch(self.open, session.pid) as watch:
            yield Stage(session, self.settings, live, surroundings, callbacks, watch, modes, outcome, self.deadline)

    def _unexpected(self, error: SqlError) -> GroundworkError:
        code = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
        if error.lost:
            return GroundworkError(
                f"The connection broke: {error.text}",
                where=self.database,
                code=ErrorCode.CONNECTION_LOST,
                untouched="the server rolls unfinished transactions back",
                hint="Run again: it goes on where it stopped.",
            )
        return GroundworkError(
            f"The server refused a statement of the module itself: {error.text}{code}",
            where=self.database,
            untouched="what was not finished has been rolled back",
            code=ErrorCode.SERVER_ERROR,
            hint=error.hint or "The role needs the privileges to create and write the history table, see session_role.",
        )
