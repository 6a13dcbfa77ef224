"""Statements of scripts on their way to the server."""

from __future__ import annotations

import contextlib
import typing as t

from ...._core.errors import GroundworkError
from ... import secret_statement
from ...session import Session, SqlError
from ...sql import client_encoding
from ...sql.client_encoding import MismatchError
from ...sql.statement import CopyData, Statement
from ..planning.prepare import Prepared
from ..planning.session_check import encoding_hint
from .session_settings import Surroundings
from .sql_failure import failure

#: A comment may end a statement's text, so the semicolon needs a line of its own.
_SEPARATOR = "\n;\n"


@contextlib.contextmanager
def unwritten_where_secret(
    session: Session, surroundings: Surroundings, scripts: t.Iterable[Prepared]
) -> t.Iterator[None]:
    """What to run the scripts in: the server keeps no text of their statements when one of them carries a secret."""
    if not any(prepared.secret for prepared in scripts):
        yield
        return
    with secret_statement.unwritten(session) as settings, surroundings.keeping(settings):
        yield


def send(session: Session, statement: Statement, prepared: Prepared) -> None:
    """Send one statement, with its COPY data when it has any.

    :raises StatementFailedError: the server refuses it, or would store other characters than those of the file.
    """
    wire = Wire(session, prepared)
    try:
        if statement.copy_data is not None:
            wire.copy(statement.text, statement.copy_data)
        else:
            session.run_script(wire.encoded(statement.text))
    except SqlError as error:
        raise StatementFailedError(error, statement, prepared) from None


class Wire:
    """Text of one script on its way into a session whose ``client_encoding`` the script may have changed."""

    def __init__(self, session: Session, prepared: Prepared) -> None:
        self._session = session
        self._script = prepared.script
        self._encoding = session.script_encoding
        self._data: CopyData | None = None
        self._refused: SqlError | None = None

    def encoded(self, text: str) -> bytes:
        """:raises SqlError: the server would read other characters."""
        if self._encoding == client_encoding.UTF8:
            return text.encode()
        server = self._session.reported("server_encoding")
        try:
            return client_encoding.to_bytes(text, self._script.encoding, self._encoding, server)
        except MismatchError as mismatch:
            raise self._mismatch(mismatch.position) from None

    def copy(self, text: str, data: CopyData) -> None:
        """Send a COPY with its data.

        :raises SqlError: as ``encoded``, or the server refuses it.
        """
        self._data = data
        try:
            self._session.copy_in(self.encoded(text), self)
        except SqlError as error:
            raise self._refused or error from None

    def read(self, size: int = -1) -> bytes:
        """The next COPY data, for the driver. It reports an error of its caller as the server's, so it is kept."""
        data = t.cast(CopyData, self._data)
        if self._encoding == client_encoding.UTF8:
            return data.read(size).encode()
        text = bytearray()
        try:
            while len(text) < max(size, 1) and (line := next(data, None)) is not None:
                text += self.encoded(line)
        except SqlError as error:
            error.context, error.position = f"COPY data, line {data.lines_read}", 0
            self._refused = error
            raise
        return bytes(text)

    def _mismatch(self, position: int) -> SqlError:
        error = SqlError(
            f"the file was read as {self._script.encoding}, but client_encoding is {self._encoding} here: the server "
            "would store other characters",
            lost=False,
        )
        error.position = position + 1
        error.advice = encoding_hint(self._script, self._encoding)
        return error


def send_together(session: Session, statements: t.Sequence[Statement], prepared: Prepared) -> None:
    """Send all statements of a script in one message, which spares the way there and back for each of them.

    :raises StatementFailedError: the server refuses one and says where.
    :raises UnlocatedError: the server refuses one and does not say where: only sending them one by one tells which.
    """
    text = _SEPARATOR.join(statement.text for statement in statements)
    try:
        session.run_script(text.encode())
    except SqlError as error:
        if error.lost or error.gave_way:
            # The next attempt sends one by one; a script that stops here has no statement to blame.
            raise StatementFailedError(error, statements[0], prepared) from None
        start = 0
        for statement in statements:
            if start < error.position <= start + len(statement.text):
                error.position -= start
                raise StatementFailedError(error, statement, prepared) from None
            start += len(statement.text) + len(_SEPARATOR)
        raise UnlocatedError from None
    if session.script_encoding != client_encoding.UTF8 and not text.isascii():
        # A function has changed it. What followed in the message was read with the encoding before.
        raise UnlocatedError


def can_go_together(session: Session, statements: t.Sequence[Statement], prepared: Prepared) -> bool:
    """Whether one message means the same as many: the server reads a message by the settings it starts with."""
    if prepared.sets_encoding or session.script_encoding != client_encoding.UTF8:
        return False
    return len(statements) > 1 and all(
        statement.copy_data is None and statement.standard_conforming_strings for statement in statements
    )


class UnlocatedError(Exception):
    """Something in a message failed, and the server does not say what."""


class StatementFailedError(Exception):
    """A statement of a script failed; the caller that catches it knows what has been rolled back."""

    def __init__(self, error: SqlError, statement: Statement, prepared: Prepared) -> None:
        self.error = error
        self.statement = statement
        self.prepared = prepared
        super().__init__(error.text)

    def told(self, untouched: str, outcome: str, hint: str | None = None) -> GroundworkError:
        """The error for people."""
        script = self.prepared.script
        name = f"version {script.version} - {script.description}" if script.version else script.description
        if script.name.event:
            name = f"callback {script.path}"
        return failure(self.error, self.statement, f"Migration {name} failed! {outcome}", untouched, hint)


def rollback_quietly(session: Session) -> None:
    """Roll back where that is still possible; the failure that led here is the one to tell."""
    try:
        session.rollback()
    except SqlError:
        return
