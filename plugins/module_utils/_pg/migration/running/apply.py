"""Running scripts and recording them: one transaction per script, statement by statement where that is not possible."""

from __future__ import annotations

import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._migration.filename import REPEATABLE
from ...session import SqlError
from ..commands import undo
from ..history import progress, table
from ..planning.prepare import Prepared
from . import stepwise
from .context import Stage
from .outcome import describe
from .retry import Retry
from .sending import StatementFailedError, unwritten_where_secret
from .session_failure import session_failure
from .session_settings import flush, flush_quietly
from .stepwise import Stepwise
from .transactional import Record, Transaction


class Application:
    """Applies prepared scripts on one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._transaction = Transaction(
            stage.session, stage.surroundings, stage.callbacks, stage.watch, stage.settings.group
        )
        self._stepwise = Stepwise(stage.session, stage.table, stage.surroundings, stage.modes, stage.watch)

    def migrate(self, prepared: t.Sequence[Prepared], undos: t.Mapping[t.Any, t.Any]) -> None:
        """Run pending migrations, in order, with the callbacks around them.

        :param undos: undo script by version: recorded beside its migration.
        :raises GroundworkError: a script or callback fails; those before it are applied and recorded.
        """
        callbacks = self._stage.callbacks
        callbacks.run("beforeMigrate")
        try:
            self._versioned_then_repeatable(prepared, undos)
        except GroundworkError:
            callbacks.run_after_error("afterMigrateError")
            flush_quietly(self._stage.session)
            raise
        if prepared:
            callbacks.run("afterMigrateApplied")
        callbacks.run("afterMigrate")
        flush(self._stage.session)

    def _versioned_then_repeatable(self, prepared: t.Sequence[Prepared], undos: t.Mapping[t.Any, t.Any]) -> None:
        versioned = [item for item in prepared if item.script.kind != REPEATABLE]
        repeatable = [item for item in prepared if item.script.kind == REPEATABLE]
        if self._stage.settings.group:
            self._run_all([versioned + repeatable], undos)
            if not repeatable:
                self._stage.callbacks.run("afterVersioned")
            return
        self._run_all([[item] for item in versioned], undos)
        self._stage.callbacks.run("afterVersioned")
        if repeatable:
            self._stage.callbacks.run("beforeRepeatables")
        self._run_all([[item] for item in repeatable], undos)

    def _run_all(self, groups: t.Sequence[t.Sequence[Prepared]], undos: t.Mapping[t.Any, t.Any]) -> None:
        groups = [group for group in groups if group]
        if not groups:
            return
        stage = self._stage
        rank = stage.next_rank()
        record_undo = undo.UndoRecord(stage.session, stage.table)
        if any(item.script.version in undos for group in groups for item in group if item.script.version):
            record_undo.table.create()

        for group in groups:
            ranks = {id(item): rank + position for position, item in enumerate(group)}

            def record(
                item: Prepared, milliseconds: int, number: t.Callable[[int], str], ranks: dict[int, int] = ranks
            ) -> str:
                row = table.row_for(item.script, ranks[id(item)], stage.installed_by, milliseconds)
                undo_script = undos.get(item.script.version) if item.script.version else None
                also = f"; {record_undo.write(undo_script)}" if undo_script else ""
                return stage.table.insert(row, number) + also

            self._check_deadline(group[0])
            if all(item.in_transaction for item in group) or stage.settings.skip_executing:
                times = self.attempt(group, record, "Migrate", not stage.settings.skip_executing)
                rank += len(group)
            else:
                times = [self._step_by_step(group[0], rank)]
                rank = stage.next_rank()
            for item, spent in zip(group, times, strict=True):
                stage.outcome.migrations.append(describe(item.script, spent))

    def attempt(self, group: t.Sequence[Prepared], record: Record, verb: str, execute: bool = True) -> list[int]:
        """Run a group in one transaction, again after lock timeouts and deadlocks.

        :raises GroundworkError: it failed for good, and nothing of the group remains.
        """
        stage, settings = self._stage, self._stage.settings
        retry = stage.retry()
        # Where time runs out, or nothing follows the first attempt, the statement has to be known at once.
        hasty = settings.attempts > 1 and not settings.statement_timeout and not settings.deadline
        scripts = [*group, *stage.callbacks.of_transactions(verb)]
        while True:
            try:
                with unwritten_where_secret(stage.session, stage.surroundings, scripts):
                    return self._transaction.run(group, record, verb, execute, together=hasty and retry.attempt == 1)
            except StatementFailedError as failed:
                stage.watch.end()
                holders = stage.watch.take()
                if not retry.again(failed.error, failed.prepared.script.path, stage.outcome.retries, holders):
                    stage.callbacks.run_after_error(f"afterEach{verb}Error")
                    raise self._told(failed, retry, holders) from None
            except SqlError as error:
                stage.watch.end()
                if not retry.again(error, group[-1].script.path, stage.outcome.retries, stage.watch.take()):
                    raise self._failed_at_end(error, self._transaction.current or group[-1]) from None
            try:
                # A rollback leaves what no transaction holds, such as prepared statements and advisory locks.
                stage.surroundings.leave_session(stage.session)
            except SqlError as error:
                raise self._failed_at_end(error, self._transaction.current or group[-1]) from None

    def _step_by_step(self, prepared: Prepared, rank: int) -> int:
        stage = self._stage
        identity = progress.identity(prepared.script)
        done = stage.live.unfinished.get(identity, [])
        failed = next((row for row in stage.live.rows if not row.success and progress.identity(row) == identity), None)
        if failed:
            rank = failed.installed_rank
        row = table.row_for(prepared.script, rank, stage.installed_by, 0)
        record = stepwise.recorded(stage.table, row, failed is None)
        stage.callbacks.run("beforeEachMigrate")
        stage.outcome.wrote = True
        with unwritten_where_secret(stage.session, stage.surroundings, [prepared]):
            spent = self._stepwise.run(prepared, identity, record, done, stage.retry, stage.outcome.retries)
        stage.callbacks.run("afterEachMigrate")
        return spent

    def take_back(self, undos: t.Sequence[undo.Undo], prepared: t.Sequence[Prepared]) -> None:
        """Run undo scripts, each with the row that takes its migration back.

        :raises GroundworkError: a script or callback fails; those before it are undone and recorded.
        """
        stage = self._stage
        stage.callbacks.run("beforeUndo")
        try:
            for item, script in zip(undos, prepared, strict=True):
                self._undo_one(item, script)
        except GroundworkError:
            stage.callbacks.run_after_error("afterUndoError")
            flush_quietly(stage.session)
            raise
        stage.callbacks.run("afterUndo")
        flush(stage.session)

    def _undo_one(self, item: undo.Undo, script: Prepared) -> None:
        stage = self._stage
        rank = stage.next_rank()

        def insert(milliseconds: int, number: t.Callable[[int], str] = str) -> str:
            row = undo.row_of(item, rank, stage.installed_by, milliseconds, stage.settings.undo_row_type)
            return stage.table.insert(row, number)

        self._check_deadline(script)
        if script.in_transaction:
            spent = self.attempt([script], lambda _prepared, spent, number: insert(spent, number), "Undo")[0]
        else:
            identity = undo.identity(item)
            done = stage.live.unfinished.get(identity, [])
            record = stepwise.Record([], insert)
            with unwritten_where_secret(stage.session, stage.surroundings, [script]):
                spent = self._stepwise.run(script, identity, record, done, stage.retry, stage.outcome.retries)
        stage.outcome.migrations.append({**describe(item.script, spent), "version": item.row.version_text})

    # -- errors

    def _check_deadline(self, following: Prepared) -> None:
        left = self._stage.surroundings.seconds_left()
        if left is None or left > 0:
            return
        raise GroundworkError(
            f"The deadline of {self._stage.settings.deadline} s is over before {following.script.path}.",
            where=following.script.label,
            untouched=f"that script and those after it; {self._done()}",
            code=ErrorCode.DEADLINE,
            hint="Run again: it goes on there. Or raise deadline.",
        )

    def _done(self) -> str:
        done = len(self._stage.outcome.migrations)
        return f"{done} earlier scripts of this run are done and recorded"

    def _told(self, failed: StatementFailedError, retry: Retry, holders: t.Sequence[t.Any]) -> GroundworkError:
        if failed.error.lost:
            return failed.told(
                f"the server rolls the unfinished script back; {self._done()}",
                "The connection broke.",
                "Run again: it goes on after the last recorded script.",
            )
        late = self._stage.surroundings.seconds_left()
        hint = retry.advice(failed.error, holders)
        if hint:
            hint += ", and run again."
        elif failed.error.sqlstate == "57014" and late is not None and late < 0.5:
            hint = f"The deadline of {self._stage.settings.deadline} s for the whole run ended it."
        return failed.told(
            f"the script was rolled back as a whole; {self._done()}", "Changes successfully rolled back.", hint
        )

    def _failed_at_end(self, error: SqlError, last: Prepared) -> GroundworkError:
        known = "the script was rolled back as a whole"
        if error.lost:
            known = (
                "whether the script took effect is not known, but its record and its changes are both there or both not"
            )
        return session_failure(error, last, f"{known}; {self._done()}")
