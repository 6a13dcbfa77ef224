"""Scripts that cannot run in one transaction: statement by statement, with progress that survives everything."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...quoting import literal as quote_text
from ...session import Session, SqlError
from ...sql.client_encoding import UTF8
from ...sql.cursor import Cursor
from ...sql.session_setting import change_of
from ...sql.statement import Statement
from ...sql.transaction_mode import Mode, TransactionModes
from ..history import progress
from ..history.progress import FINISHED, STARTED, Progress, Step
from ..history.table import Row, Table
from ..planning.prepare import Prepared, transaction_verb
from . import concurrent_index
from .blockers import Watch
from .concurrent_index import Build
from .retry import Retry
from .sending import StatementFailedError, rollback_quietly, send
from .session_failure import LOCK_ADVICE, LOCK_RELEASED, session_failure
from .session_settings import LOCK_LOST, Surroundings, is_lock_lost

_EXISTS = ("42P07", "42710", "42P04", "42P06", "42723")
_IS_GONE = ("42704", "42P01", "3D000", "42883")
_PENDING_DETACH = "55000"


@dataclasses.dataclass
class Record:
    """What is written to the history table around a script.

    :ivar before: rows to insert when the script starts for the first time.
    :ivar after: SQL that runs in one transaction when its last statement is done; gets the milliseconds.
    """

    before: list[Row]
    after: t.Callable[[int], str]


class Stepwise:
    """Runs one script.

    A statement that can run in a transaction does so, together with the note that it is done. One that cannot is
    announced before and noted after; a run that finds it announced only looks whether it took effect. While the script
    is unfinished, the history row says ``success = false``: the truth, which also keeps Flyway from running the script
    from its start.
    """

    def __init__(
        self, session: Session, table: Table, surroundings: Surroundings, modes: TransactionModes, watch: Watch
    ) -> None:
        self._session = session
        self._table = table
        self._surroundings = surroundings
        self._modes = modes
        self._watch = watch
        self._progress = Progress(session, table)
        self._own_lock_timeout = ""
        self._block: list[str] = []
        self._block_start = 0

    def run(
        self,
        prepared: Prepared,
        identity: str,
        record: Record,
        done: t.Sequence[Step],
        new_retry: t.Callable[[], Retry],
        log: list[dict[str, t.Any]],
    ) -> int:
        """Run what is left of the script and record it.

        :param done: the steps that earlier runs noted.
        :return: milliseconds of this run.
        :raises GroundworkError: finished statements were edited; a statement fails for good.
        """
        started = time.monotonic()
        self._check_unedited(prepared, done)
        self._announce(identity, record, bool(done))
        self._session.script_encoding = UTF8
        self._session.run(self._surroundings.for_session())
        self._own_lock_timeout = self._session.value("SELECT pg_catalog.current_setting('lock_timeout')")
        known = {step.number: step for step in done}
        try:
            for statement in prepared.statements():
                step = known.get(statement.number)
                if step and step.state == FINISHED:
                    self._restore_setting(statement, prepared)
                    continue
                self._step(prepared, statement, identity, step, new_retry(), log)
        except BaseException:
            self._leave_quietly()
            raise
        spent = int((time.monotonic() - started) * 1000)
        try:
            self._surroundings.leave_session(self._session)
            self._session.run(f"BEGIN; {record.after(spent)}; {self._progress.forget(identity)}; COMMIT")
        except SqlError as error:
            left = "the statements of the script are done and noted; the history row says success = false"
            raise session_failure(error, prepared, left) from None
        return spent

    def _announce(self, identity: str, record: Record, resumes: bool) -> None:
        """Record that the script has begun, before anything of it runs."""
        session = self._session
        session.run("BEGIN")
        self._progress.table.create()
        if not resumes:
            for row in record.before:
                session.run(self._table.insert(row))
            session.run(self._progress.write(identity, Step(0, "", STARTED, {})))
        session.run("COMMIT")

    def _leave_quietly(self) -> None:
        """Restore the session after a failure, which is the one to tell."""
        if self._session.is_lost:
            return
        with contextlib.suppress(SqlError):
            self._surroundings.leave_session(self._session)

    def _check_unedited(self, prepared: Prepared, done: t.Sequence[Step]) -> None:
        finished = {step.number: step.sha256 for step in done if step.state == FINISHED}
        if not finished:
            return
        for statement in prepared.statements():
            expected = finished.pop(statement.number, None)
            if expected is not None and expected != progress.hash_of(statement.text):
                raise self._edited(prepared, f"{statement.file}:{statement.line}", statement.number)
        if finished:
            raise self._edited(prepared, prepared.script.label, min(finished))

    @staticmethod
    def _edited(prepared: Prepared, where: str, number: int) -> GroundworkError:
        return GroundworkError(
            f"Statement {number} of {prepared.script.path} has already run, and was edited or removed since.",
            where=where,
            untouched="the database; nothing was run",
            code=ErrorCode.FINISHED_STATEMENT_EDITED,
            hint="Put the finished statements back as they were and change only those after them, or undo by "
            "hand what they "
            "did and run this module with state=repaired: the script then starts anew.",
        )

    def _restore_setting(self, statement: Statement, prepared: Prepared) -> None:
        """Settings of the session that finished statements made are made again; everything else they did is still
        there.
        """
        change = change_of(statement)
        if change and not change.local and change.name not in ("transaction", "constraints"):
            send(self._session, statement, prepared)

    # -- one statement

    def _step(
        self,
        prepared: Prepared,
        statement: Statement,
        identity: str,
        earlier: Step | None,
        retry: Retry,
        log: list[dict[str, t.Any]],
    ) -> None:
        finished = Step(statement.number, progress.hash_of(statement.text), FINISHED, {})
        note = self._progress.write(identity, finished)
        decision = self._modes.of(statement.tokens)
        while True:
            try:
                self._watch.begin()
                if decision.mode is Mode.OUTSIDE:
                    self._outside(prepared, statement, identity, earlier)
                    self._note_outside(prepared, statement, note)
                else:
                    self._inside(prepared, statement, decision.mode, note)
                return
            except StatementFailedError as failed:
                self._watch.end()
                holders = self._watch.take()
                rollback_quietly(self._session)
                again = not self._block and not self._session.is_lost
                if not (again and retry.again(failed.error, prepared.script.path, log, holders)):
                    raise self._told(failed, statement, retry, holders) from None
            finally:
                self._watch.end()

    def _inside(self, prepared: Prepared, statement: Statement, mode: Mode, note: str) -> None:
        """Run with its note: in a transaction of their own, or in the one that the script has opened."""
        session = self._session
        if mode is Mode.CONTROL or session.in_transaction:
            self._in_block(prepared, statement, note)
            return
        encoding = session.script_encoding
        reads_only = session.reported("default_transaction_read_only") == "on"
        try:
            session.run("BEGIN")
            send(session, statement, prepared)
            change = change_of(statement)
            if change and change.local:
                session.script_encoding = encoding
            if reads_only:
                session.run("COMMIT")
                self._write([note])
            else:
                session.run(f"{self._noted([note])}; COMMIT")
        except SqlError as error:
            raise self._failed(error, statement, prepared) from None

    def _in_block(self, prepared: Prepared, statement: Statement, note: str) -> None:
        """Run a statement of a transaction that the script controls.

        The notes go into that transaction just before it ends, because the script may have to choose its mode before
        any query. They are written behind it where it was read only or was rolled back.
        """
        session = self._session
        if not self._block:
            self._block_start = statement.number
        self._block.append(note)
        try:
            noted = self._ends_well(statement) and not self._reads_only()
            if noted:
                session.run(self._noted(self._block))
            send(session, statement, prepared)
            if not session.in_transaction:
                if not noted:
                    self._write(self._block)
                self._block = []
        except SqlError as error:
            raise self._failed(error, statement, prepared) from None

    def _ends_well(self, statement: Statement) -> bool:
        return self._session.in_transaction and transaction_verb(statement) in ("commit", "end")

    def _reads_only(self) -> bool:
        return bool(self._session.value("SELECT pg_catalog.current_setting('transaction_read_only') = 'on'"))

    def _noted(self, notes: t.Sequence[str]) -> str:
        """Write notes inside a transaction of the script, as the run itself and while the run's lock is held."""
        held = quote_text(LOCK_LOST)
        check = f"SELECT (CASE WHEN {self._surroundings.lock_is_held()} THEN '0' ELSE {held} END)::pg_catalog.int4"
        return "; ".join(("SET CONSTRAINTS ALL IMMEDIATE", self._surroundings.as_run(), *notes, check))

    def _write(self, notes: t.Sequence[str]) -> None:
        """Write notes in a transaction of their own."""
        self._session.run(f"BEGIN READ WRITE; {self._noted(notes)}; COMMIT")

    def _note_outside(self, prepared: Prepared, statement: Statement, note: str) -> None:
        """Note a statement that no transaction can take back. It has happened, so it is noted even when it released
        the run's lock, unless another run has taken that meanwhile and may be noting the same.

        :raises GroundworkError: it released the lock.
        """
        session = self._session
        if session.value(f"SELECT {self._surroundings.lock_is_held()}"):
            self._write([note])
            return
        regained = session.value(f"SELECT {self._surroundings.take_lock()}")
        if regained:
            self._write([note])
        known = (
            f"statement {statement.number} has taken effect and is noted"
            if regained
            else (
                f"statement {statement.number} has taken effect and is not noted, because another run has the lock now"
            )
        )
        raise GroundworkError(
            f"Migration {prepared.script.path} failed at statement {statement.number}!\n{LOCK_RELEASED}",
            where=statement.where,
            untouched=f"{known}; the history row says success = false until the rest is done",
            code=ErrorCode.RUN_LOCK_RELEASED,
            hint=LOCK_ADVICE,
        )

    @staticmethod
    def _failed(error: SqlError, statement: Statement, prepared: Prepared) -> StatementFailedError:
        if is_lock_lost(error):
            error.text, error.advice = LOCK_RELEASED, LOCK_ADVICE
        return StatementFailedError(error, statement, prepared)

    def _outside(self, prepared: Prepared, statement: Statement, identity: str, earlier: Step | None) -> None:
        build = concurrent_index.build_of(statement.tokens)
        session = self._session
        text = progress.hash_of(statement.text)
        if earlier and earlier.sha256 != text:
            earlier = None  # Another text was announced here: what is there now proves nothing about this one.
        try:
            if earlier and build and self._was_built(build, earlier):
                return
            present = [index.oid for index in concurrent_index.indexes(session, build)] if build else []
            if build:
                concurrent_index.clear(session, concurrent_index.leftover(session, build, present))
            self._write([self._progress.write(identity, Step(statement.number, text, STARTED, {"indexes": present}))])
        except SqlError as error:
            raise StatementFailedError(error, statement, prepared) from None
        # A lock timeout would end the wait for old transactions too, which blocks nobody.
        waits = any(token.is_word("concurrently") for token in statement.tokens)
        waits = waits and session.value("SELECT pg_catalog.current_setting('lock_timeout')") == self._own_lock_timeout
        try:
            if waits:
                session.run("SET lock_timeout = 0")
            send(session, statement, prepared)
            if build:
                self._check_valid(build, statement, prepared)
        except StatementFailedError as failed:
            if build and not session.is_lost:
                concurrent_index.try_clear(session, build, present)
            if earlier and self._had_happened(statement, failed.error):
                return
            if not earlier and failed.error.sqlstate in (*_EXISTS, *_IS_GONE):
                # Left announced, the next run would take the same refusal for the proof that it had taken effect.
                self._write([self._progress.withdraw(identity, statement.number)])
            raise
        finally:
            if waits and not session.is_lost:
                session.run(f"SET lock_timeout = {quote_text(self._own_lock_timeout)}")

    def _was_built(self, build: Build, earlier: Step) -> bool:
        """Whether the interrupted build had come to its end; clears away what is left of it otherwise."""
        before = earlier.note.get("indexes", [])
        new = [index for index in concurrent_index.indexes(self._session, build) if index.oid not in before]
        if any(index.is_valid and build.index in (None, index.name) for index in new):
            return True
        concurrent_index.clear(self._session, new)
        return False

    def _check_valid(self, build: Build, statement: Statement, prepared: Prepared) -> None:
        """``IF NOT EXISTS`` is content with an index that an earlier, failed build left invalid."""
        for index in concurrent_index.indexes(self._session, build):
            if index.name == build.index and not index.is_valid:
                raise GroundworkError(
                    f"The index {index.qualified} exists but is not valid, and another session is building it.",
                    where=statement.where,
                    untouched="the index",
                    code=ErrorCode.INVALID_INDEX,
                    hint="Wait for that session, then run again.",
                )

    def _had_happened(self, statement: Statement, error: SqlError) -> bool:
        """Whether the error only says that the interrupted statement had taken effect."""
        cursor = Cursor(statement.tokens)
        if cursor.sees("create") or cursor.sees("alter", "type"):
            return error.sqlstate in _EXISTS
        if cursor.sees("drop"):
            return error.sqlstate in _IS_GONE
        detach = next((token for token in statement.tokens if token.is_word("concurrently")), None)
        if cursor.sees("alter", "table") and detach:
            if error.sqlstate == _PENDING_DETACH:
                self._session.run(f"{statement.text[: detach.start]}FINALIZE")
                return True
            return error.sqlstate in _IS_GONE
        return False

    def _told(
        self, failed: StatementFailedError, statement: Statement, retry: Retry, holders: t.Sequence[t.Any]
    ) -> GroundworkError:
        done = (self._block_start if self._block else statement.number) - 1
        hint = retry.advice(failed.error, holders) or "Correct the data, this statement or what comes after it"
        if failed.error.advice:
            hint = failed.error.advice.rstrip(".")
        return failed.told(
            f"{done} statements of the script are done and noted; the history row says success = false until the "
            "rest is",
            "It runs outside a transaction, so nothing is rolled back.",
            f"{hint} and run again: it goes on at statement {done + 1}.",
        )


def recorded(table: Table, row: Row, is_new: bool) -> Record:
    """The record of a migration: a row that says failed until its success is known."""
    failed = dataclasses.replace(row, success=False)

    def after(milliseconds: int) -> str:
        checksum = "NULL" if row.checksum is None else str(row.checksum)
        values = {
            "success": "TRUE",
            "execution_time": f'"execution_time" + {milliseconds}',
            "checksum": checksum,
            "description": quote_text(row.description),
            "script": quote_text(row.script),
        }
        changes = ", ".join(f'"{name}" = {value}' for name, value in values.items())
        return f'UPDATE {table.qualified} SET {changes} WHERE "installed_rank" = {row.installed_rank}'  # noqa: S608

    return Record([failed] if is_new else [], after)
