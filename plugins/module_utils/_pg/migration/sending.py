# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One statement of a script on its way to the server.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

from ..._errors import GroundworkError
from ..session import Session, SqlError
from ..sql.statement import Statement
from .prepare import Prepared
from .sql_failure import failure


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
