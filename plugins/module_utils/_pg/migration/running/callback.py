"""SQL callbacks: scripts that run at events of a run."""

from __future__ import annotations

import typing as t

from ...session import Session, SqlError
from ...sql.client_encoding import UTF8
from ..planning.prepare import Prepared
from .sending import StatementFailedError, rollback_quietly, send, unwritten_where_secret
from .session_failure import session_failure
from .session_settings import Surroundings


class Callbacks:
    """The callbacks of one run.

    :param prepared: event to its scripts, in order; empty when callbacks are off.
    """

    def __init__(
        self, session: Session, surroundings: Surroundings, prepared: t.Mapping[str, t.Sequence[Prepared]]
    ) -> None:
        self._session = session
        self._surroundings = surroundings
        self._prepared = prepared
        self.ran: list[str] = []

    def has(self, event: str) -> bool:
        return event in self._prepared

    def scripts(self, event: str) -> t.Sequence[Prepared]:
        """The scripts of an event."""
        return self._prepared.get(event, ())

    def of_all_events(self) -> t.Iterator[Prepared]:
        """Every callback."""
        return (prepared for scripts in self._prepared.values() for prepared in scripts)

    def of_transactions(self, verb: str) -> t.Iterator[Prepared]:
        """Callbacks that can run in the transaction of a script.

        :param verb: ``Migrate`` or ``Undo``.
        """
        events = [f"{when}Each{verb}{what}" for when in ("before", "after") for what in ("", "Statement")]
        for event in (*events, "afterVersioned", "beforeRepeatables"):
            yield from self.scripts(event)

    def inside(self, event: str) -> None:
        """Run an event's scripts in the transaction that is open, and leave the session as it was.

        :raises StatementFailedError: a statement fails.
        :raises GroundworkError: a callback released the run's lock.
        """
        for prepared in self._prepared.get(event, ()):
            self._send(prepared)
            self._note(prepared)
            self._leave(prepared, lambda: self._surroundings.leave(self._session))

    def between(self, event: str) -> None:
        """Run an event's scripts between two statements of another script, and leave that one's settings as they are.

        :raises StatementFailedError: a statement fails.
        """
        for prepared in self._prepared.get(event, ()):
            with self._surroundings.kept(self._session):
                self._send(prepared)
            self._note(prepared)

    def _send(self, prepared: Prepared) -> None:
        for statement in prepared.statements():
            send(self._session, statement, prepared)

    @staticmethod
    def _leave(prepared: Prepared, restore: t.Callable[[], None]) -> None:
        try:
            restore()
        except SqlError as error:
            raise session_failure(error, prepared, "what the run did before this callback") from None

    def run(self, event: str) -> None:
        """Run an event's scripts, each in a transaction of its own where its statements allow that.

        :raises GroundworkError: a script fails; what was done before it stays.
        """
        for prepared in self._prepared.get(event, ()):
            try:
                with unwritten_where_secret(self._session, self._surroundings, [prepared]):
                    self._run(prepared)
            except StatementFailedError as failed:
                raise failed.told("what the run did before this callback", "The callback was rolled back.") from None
            finally:
                rollback_quietly(self._session)
            self._note(prepared)

    def run_after_error(self, event: str) -> None:
        """The same while another error is on its way: that one is told, not what a callback makes of it."""
        try:
            self._surroundings.leave_session(self._session)
            self.run(event)
        except Exception:
            return

    def _run(self, prepared: Prepared) -> None:
        session, surroundings = self._session, self._surroundings
        session.script_encoding = UTF8
        if prepared.in_transaction:
            session.run_with_next(surroundings.begin(prepared.modes, prepared.takes_snapshot))
        else:
            session.run(surroundings.for_session())
        self._send(prepared)
        if prepared.in_transaction:
            end = f"{surroundings.end_of_script(last=True)}; SELECT {surroundings.checked()}; COMMIT"
            session.script_encoding = UTF8
            self._leave(prepared, lambda: session.run(end))
        else:
            self._leave(prepared, lambda: surroundings.leave_session(session))

    def _note(self, prepared: Prepared) -> None:
        if not self.ran or self.ran[-1] != prepared.script.path:
            self.ran.append(prepared.script.path)
