# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts that run in one transaction together with their history row.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import time
import typing as t

from ..._errors import GroundworkError
from ..session import Session, SqlError, quote_name, quote_text
from ..sql.statement import Statement
from . import history
from .database import Facts
from .history import Table
from .prepare import Prepared
from .settings import Settings
from .sql_failure import failure


class Surroundings:
    """What every script finds when it starts, restored after whatever the script before it did to the session."""

    def __init__(self, settings: Settings, facts: Facts) -> None:
        self.role = self.set_role(settings.session_role)
        path = quote_name(facts.default_schema)
        if facts.search_path and not facts.search_path.startswith((f"{path},", f"{facts.default_schema},")):
            path += f", {facts.search_path}"
        elif facts.search_path:
            path = facts.search_path
        self.restore = f"{self.role}; SET search_path = {path}"
        self.timeouts = {"lock_timeout": settings.lock_timeout, "statement_timeout": settings.statement_timeout}

    @staticmethod
    def set_role(role: str | None) -> str:
        return f"SET ROLE {quote_name(role)}" if role else "RESET ROLE"

    def begin(self) -> str:
        """Open a transaction. Timeouts are local to it: a rollback takes them away, so each attempt sets them again.

        The commit does not wait for the disk: the history row is in the same transaction as the changes, so a crash of
        the server can lose both but never one of them, and ``flush`` waits once at the end.
        """
        parts = ["BEGIN", self.restore, "SET LOCAL synchronous_commit = off"]
        parts += [f"SET LOCAL {name} = {quote_text(value)}" for name, value in self.timeouts.items() if value]
        return "; ".join(parts)


def flush(session: Session) -> None:
    """Wait until everything that was committed is on disk (and, where configured, on the standbys)."""
    session.run("BEGIN; SELECT pg_catalog.txid_current(); COMMIT")


class Transaction:
    """Runs prepared scripts; one transaction per call."""

    def __init__(self, session: Session, table: Table, surroundings: Surroundings, installed_by: str) -> None:
        self._session = session
        self._table = table
        self._surroundings = surroundings
        self._installed_by = installed_by

    def run(self, group: t.Sequence[Prepared], first_rank: int, execute: bool = True) -> list[int]:
        """Run the scripts and record them; either all of it is there afterwards or nothing.

        :param execute: False records without running.
        :return: milliseconds of each script.
        :raises GroundworkError: the server refused a statement, the record or the commit.
        """
        times: list[int] = []
        session = self._session
        try:
            session.run(self._surroundings.begin())
            for rank, prepared in enumerate(group, first_rank):
                started = time.monotonic()
                if execute:
                    self.execute(prepared)
                times.append(int((time.monotonic() - started) * 1000))
                row = history.row_for(prepared.script, rank, self._installed_by, times[-1])
                session.run(f"{self._surroundings.role}; {self._table.insert(row)}")
            session.run("COMMIT")
        except BaseException:
            _rollback(session)
            raise
        return times

    def execute(self, prepared: Prepared) -> None:
        """Send every statement."""
        for statement in prepared.statements():
            send(self._session, statement, prepared)


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
        return failure(self.error, self.statement, f"Migration {name} failed! {outcome}", untouched, hint)


def _rollback(session: Session) -> None:
    try:
        session.rollback()
    except SqlError:
        return
