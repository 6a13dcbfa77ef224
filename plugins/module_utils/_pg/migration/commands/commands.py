"""The runs that do something else than migrate: undo, repair, baseline, clean."""

from __future__ import annotations

import dataclasses

from ...._core.errors import GroundworkError
from ...._core.plan import Plan, Step
from ...session import Session
from ..history import table
from ..history.bootstrap import Missing
from ..history.progress import Progress
from ..planning.intent import Intent, title
from ..planning.state import Situation, survey
from ..running import lock
from ..running.apply import Application
from ..running.context import Live
from ..running.outcome import Outcome, describe
from . import clean, repair, undo
from .migrate import Run


class Locked(Run):
    """A run that plans without lock in check mode, and under the lock otherwise."""

    def on_server(self, session: Session) -> Outcome:
        self.enter(session)
        live, _resolved = self.read(session)
        if self.job.check:
            return self.act(session, apply=False)
        with lock.RunLock(session, live.table, self.settings.lock_retry_count, self.deadline):
            outcome = self.act(session, apply=True)
        outcome.milliseconds = self.spent()
        return outcome

    def imagine(self) -> Outcome:
        """In a database that does not exist yet there is nothing to undo, repair or drop."""
        schema = self.settings.default_schema or next(iter(self.settings.schemas), "public")
        return Outcome(self.database, schema, milliseconds=self.spent())

    def act(self, session: Session, apply: bool) -> Outcome:
        """Read, plan and, when ``apply`` is set, do."""
        raise NotImplementedError

    def outcome_of(self, live: Live, plan: Plan) -> Outcome:
        version = _version(survey(self.job.resolved, live.rows, self.settings.target.open(), True))
        return Outcome(
            live.facts.database, live.facts.default_schema, plan, version, version, milliseconds=self.spent()
        )

    def settle(self, session: Session, outcome: Outcome) -> None:
        """Read the version that the schema has now."""
        live, resolved = self.read(session)
        outcome.final_version = _version(survey(resolved, live.rows, self.settings.target.open(), True))


def _version(situation: Situation) -> str | None:
    return str(situation.current) if situation.current else None


class Undo(Locked):
    """``state: undone``."""

    def act(self, session: Session, apply: bool) -> Outcome:
        live, resolved = self.read(session)
        undos = undo.select(resolved, live.rows, self.settings.target)
        warnings = undo.UndoRecord(session, live.table).check(undos, self.settings.accept_changed_undo)
        prepared = self.prepare_all([item.script for item in undos], live, session)
        steps = [
            Step(
                "undo",
                "migration",
                f"{live.facts.database}: {item.row.version_text} {title(item.script)}",
                before=item.row.script,
                after=self.text_of(item.script),
            )
            for item in undos
        ]
        outcome = self.outcome_of(live, Plan(tuple(steps)))
        outcome.pending = [describe(item.script) for item in undos]
        outcome.warnings += [*warnings, *self.secret_warnings]
        if undos and (apply or self.settings.preview == "rollback"):
            live = dataclasses.replace(live, unfinished=Progress(session, live.table).read())
            with self.stage(session, live, resolved, outcome) as stage, self.telling(outcome):
                if apply:
                    Application(stage).take_back(undos, prepared)
                    self.keep_fingerprint(session, live, outcome)
                else:
                    nothing = survey(resolved, [], self.settings.target.open(), True)
                    self.preview(stage, Intent.nothing(live.table, nothing), prepared, "Undo")
            self.settle(session, outcome)
        return outcome


class Repair(Locked):
    """``state: repaired``."""

    def act(self, session: Session, apply: bool) -> Outcome:
        live, resolved = self.read(session)
        todo = repair.repair(self.settings, resolved, live.rows)
        plan = todo.plan(live.facts.database)
        outcome = self.outcome_of(live, plan)
        if not (plan and apply):
            return outcome
        progress = Progress(session, live.table)
        with self.stage(session, live, resolved, outcome) as stage:
            stage.callbacks.run("beforeRepair")
            session.run("BEGIN")
            for statement in todo.statements(live.table, stage.next_rank(), stage.installed_by):
                session.run(statement)
            if progress.table.exists():
                # The failed rows are gone, so their scripts start anew.
                session.run(f"DELETE FROM {progress.table.qualified} WHERE {progress.table.mine}")  # noqa: S608
            session.run("COMMIT")
            stage.callbacks.run("afterRepair")
        self.settle(session, outcome)
        return outcome


class Baseline(Locked):
    """``state: baselined``."""

    def act(self, session: Session, apply: bool) -> Outcome:
        live, resolved = self.read(session)
        settings = self.settings
        if live.table_exists:
            self._check(live)
            return self.outcome_of(live, Plan())
        row = table.baseline_row(settings.baseline_version, settings.baseline_description, "")
        steps = [Step("create", "schema", name, after=f"schema {name}") for name in live.facts.missing_schemas]
        steps.append(Step("create", "history table", live.table.qualified, after=live.table.ddl()))
        steps.append(Step("record", "baseline", f"{live.facts.database}: {row.version_text}", after=row.description))
        outcome = self.outcome_of(live, Plan(tuple(steps)))
        outcome.final_version = row.version_text
        if apply:
            with self.stage(session, live, resolved, outcome) as stage:
                stage.callbacks.run("beforeBaseline")
                self.bootstrap(stage, Missing(live.facts.missing_schemas, True, row))
                stage.callbacks.run("afterBaseline")
            self.keep_fingerprint(session, live, outcome)
        return outcome

    def imagine(self) -> Outcome:
        outcome = super().imagine()
        version = str(self.settings.baseline_version)
        outcome.plan = Plan((Step("record", "baseline", f"{self.database}: {version}", after=version),))
        outcome.final_version = version
        return outcome

    def _check(self, live: Live) -> None:
        """An existing table passes only when it has this very baseline."""
        wanted = (self.settings.baseline_version, self.settings.baseline_description)
        present = next((row for row in live.rows if row.type == table.BASELINE), None)
        if present and (present.version, present.description) == wanted:
            return
        what = f"Unable to baseline schema history table {live.table.qualified} with ({wanted[0]},{wanted[1]}) as it "
        if present:
            what += f"has already been baselined with ({present.version_text},{present.description})"
        elif any(not row.is_synthetic for row in live.rows):
            what = f"Unable to baseline schema history table {live.table.qualified} as it already contains migrations"
        else:
            what = (
                f"Unable to baseline schema history table {live.table.qualified} as it already exists, and is empty. "
                "Delete the schema history table, and run baseline again."
            )
        raise GroundworkError(
            what,
            where=live.facts.database,
            untouched="the database",
            hint="A schema with a history needs no baseline: run with state=migrated.",
        )


class Clean(Locked):
    """``state: cleaned``."""

    def act(self, session: Session, apply: bool) -> Outcome:
        settings = self.settings
        live, resolved = self.read(session)
        clean.refuse_unconfirmed(settings.clean_disabled, settings.clean_confirmation, live.facts.database)
        statements = clean.statements(session, live.facts.schemas, clean.created_schemas(live.rows))
        steps = [Step("drop", drop.kind, drop.name, before=drop.name, statement=drop.sql) for drop in statements]
        outcome = self.outcome_of(live, Plan(tuple(steps)))
        outcome.final_version = None if steps else outcome.initial_version
        if apply and steps:
            with self.stage(session, live, resolved, outcome) as stage:
                stage.callbacks.run("beforeClean")
                session.run(stage.surroundings.begin())
                for drop in statements:
                    session.run(drop.sql)
                session.run("SET LOCAL synchronous_commit = on; COMMIT")
                stage.callbacks.run("afterClean")
        return outcome


#: What runs for each state.
RUNS: dict[str, type[Run]] = {
    "migrated": Run,
    "validated": Run,
    "undone": Undo,
    "repaired": Repair,
    "baselined": Baseline,
    "cleaned": Clean,
}
