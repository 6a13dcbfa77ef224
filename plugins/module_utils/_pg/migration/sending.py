# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statements of scripts on their way to the server.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..._errors import GroundworkError
from .. import secret_statement
from ..session import DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE, Session, SqlError
from ..sql.statement import Statement
from .prepare import Prepared
from .sql_failure import failure

#: A comment may end a statement's text, so the semicolon needs a line of its own.
_SEPARATOR = "\n;\n"


def unwritten_where_secret(session: Session, scripts: t.Iterable[Prepared]) -> t.ContextManager[None]:
    """What to run the scripts in: the server keeps no text of their statements when one of them carries a secret."""
    secret = any(prepared.secret for prepared in scripts)
    return secret_statement.unwritten(session) if secret else contextlib.nullcontext()


def send(session: Session, statement: Statement, prepared: Prepared) -> None:
    """Send one statement, with its COPY data when it has any.

    :raises StatementFailedError: the server refuses it.
    """
    try:
        if statement.copy_data is not None:
            session.copy_in(statement.text, statement.copy_data)
        else:
            session.run(statement.text)
    except SqlError as error:
        raise StatementFailedError(error, statement, prepared) from None


def send_together(session: Session, statements: t.Sequence[Statement], prepared: Prepared) -> None:
    """Send all statements of a script in one message, which spares the way there and back for each of them.

    :raises StatementFailedError: the server refuses one and says where.
    :raises UnlocatedError: the server refuses one and does not say where: only sending them one by one tells which.
    """
    try:
        session.run(_SEPARATOR.join(statement.text for statement in statements))
    except SqlError as error:
        if error.lost or error.sqlstate in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED):
            # The next attempt sends one by one; a script that stops here has no statement to blame.
            raise StatementFailedError(error, statements[0], prepared) from None
        start = 0
        for statement in statements:
            if start < error.position <= start + len(statement.text):
                error.position -= start
                raise StatementFailedError(error, statement, prepared) from None
            start += len(statement.text) + len(_SEPARATOR)
        raise UnlocatedError from None


def can_go_together(statements: t.Sequence[Statement]) -> bool:
    """Whether one message means the same as many: the server splits a message by the setting it starts with."""
    return len(statements) > 1 and all(
        statement.copy_data is None and statement.standard_conforming_strings for statement in statements
    )


class UnlocatedError(Exception):
    """Something in a message failed, and the server does not say what."""


class StatementFailedError(Exception):
    """A statement of a script failed; whoever catches it knows what has been taken back."""

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
