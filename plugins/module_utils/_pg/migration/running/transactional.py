"""Scripts that run in one transaction together with their history row."""

from __future__ import annotations

import time
import typing as t

from ...._migration.filename import REPEATABLE
from ...session import Session
from ...sql.client_encoding import UTF8
from ..planning.prepare import Prepared
from .blockers import Watch
from .callback import Callbacks
from .sending import UnlocatedError, can_go_together, rollback_quietly, send, send_together
from .session_settings import Surroundings

Record = t.Callable[[Prepared, int, t.Callable[[int], str]], str]


class Transaction:
    """Runs prepared scripts; one transaction per call.

    :param grouped: a call has all pending scripts, so that the events between versioned and repeatable ones are inside.
    :ivar current: the script that is being run and recorded, the last one at the commit; ``None`` before the first.
    """

    def __init__(
        self, session: Session, surroundings: Surroundings, callbacks: Callbacks, watch: Watch, grouped: bool
    ) -> None:
        self._session = session
        self._surroundings = surroundings
        self._callbacks = callbacks
        self._watch = watch
        self._grouped = grouped
        self.current: Prepared | None = None

    def run(
        self, group: t.Sequence[Prepared], record: Record, verb: str, execute: bool = True, together: bool = False
    ) -> list[int]:
        """Run the scripts and record them; either all of it is there afterwards or nothing.

        :param record: gives the SQL that records a script, from the milliseconds it took and how a number is written
            so that the server only computes it when the session is as it was.
        :param verb: ``Migrate`` or ``Undo``, as in the names of callback events.
        :param execute: False records without running.
        :param together: send each script in one message. When it fails without a position, everything is rolled back
            and sent again one by one, so that the error can name the statement.
        :return: milliseconds of each script.
        :raises StatementFailedError: the server refused a statement of a script.
        :raises SqlError: the server refused the record or the commit, or the session is not as it was.
        """
        try:
            return self._run(group, record, verb, execute, together)
        except UnlocatedError:
            self._surroundings.leave_session(self._session)
            return self._run(group, record, verb, execute, together=False)

    def _run(self, group: t.Sequence[Prepared], record: Record, verb: str, execute: bool, together: bool) -> list[int]:
        times: list[int] = []
        session = self._session
        try:
            session.run_with_next(self._surroundings.begin(group[0].modes, group[0].takes_snapshot))
            for number, prepared in enumerate(group):
                self.current = prepared
                if execute and self._grouped and _first_repeatable(group, number):
                    self._callbacks.inside("afterVersioned")
                    self._callbacks.inside("beforeRepeatables")
                started = time.monotonic()
                if execute:
                    self._callbacks.inside(f"beforeEach{verb}")
                    self.execute(prepared, verb, together)
                times.append(int((time.monotonic() - started) * 1000))
                last = prepared is group[-1] and not (execute and self._callbacks.has(f"afterEach{verb}"))
                session.script_encoding = UTF8
                row = record(prepared, times[-1], self._surroundings.checked)
                end = self._surroundings.end_of_script(prepared is group[-1])
                session.run(f"{end}; {row}{'; COMMIT' if last else ''}")
                if execute:
                    self._callbacks.inside(f"afterEach{verb}")
            if session.in_transaction:
                session.run(f"{self._surroundings.end_of_script(last=True)}; COMMIT")
        except BaseException:
            rollback_quietly(session)
            raise
        return times

    def execute(self, prepared: Prepared, verb: str, together: bool) -> None:
        """Send every statement.

        :raises StatementFailedError: the server refuses one.
        :raises UnlocatedError: the same, and only sending them one by one tells which one.
        """
        each = self._callbacks.has(f"beforeEach{verb}Statement") or self._callbacks.has(f"afterEach{verb}Statement")
        statements = list(prepared.statements()) if prepared.kept is not None else []
        self._watch.begin()
        if together and not each and can_go_together(self._session, statements, prepared):
            send_together(self._session, statements, prepared)
            self._watch.end()
            return
        for statement in prepared.statements():
            if each:
                self._callbacks.between(f"beforeEach{verb}Statement")
            self._watch.begin()
            send(self._session, statement, prepared)
            if each:
                self._callbacks.between(f"afterEach{verb}Statement")
        self._watch.end()


def _first_repeatable(group: t.Sequence[Prepared], number: int) -> bool:
    """Whether this is where the repeatable scripts of a group begin."""
    kinds = [prepared.script.kind for prepared in group[max(0, number - 1) : number + 1]]
    return kinds[-1] == REPEATABLE and REPEATABLE not in kinds[:-1]
