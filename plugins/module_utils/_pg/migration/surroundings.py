# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every script finds when it starts: role, search path, timeouts.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import time

from ..quoting import identifier as quote_name
from ..quoting import literal as quote_text
from ..session import Session, SqlError
from .database import Facts
from .settings import Settings


class Surroundings:
    """What every script finds when it starts, restored after whatever the script before it did to the session."""

    def __init__(self, settings: Settings, facts: Facts, deadline: float | None) -> None:
        self.role = self.set_role(settings.session_role)
        path = quote_name(facts.default_schema)
        if facts.search_path.startswith((f"{path},", f"{facts.default_schema},")) or facts.search_path == path:
            path = facts.search_path
        elif facts.search_path:
            path += f", {facts.search_path}"
        self.restore = f"{self.role}; SET search_path = {path}"
        self._lock_timeout = settings.lock_timeout
        self._statement_timeout = settings.statement_timeout
        self._deadline = deadline

    @staticmethod
    def set_role(role: str | None) -> str:
        return f"SET ROLE {quote_name(role)}" if role else "RESET ROLE"

    def begin(self) -> str:
        """Open a transaction. Timeouts are local to it: a rollback takes them away, so each attempt sets them again.

        The commit does not wait for the disk: the history row is in the same transaction as the changes, so a crash of
        the server can lose both but never one of them, and ``flush`` waits once at the end.
        """
        return f"BEGIN; {self.restore}; SET LOCAL synchronous_commit = off{self._timeouts('SET LOCAL')}"

    def for_session(self) -> str:
        """The same for scripts that run outside a transaction."""
        return f"{self.restore}{self._timeouts('SET')}"

    def seconds_left(self) -> float | None:
        """Until the deadline; ``None`` without one."""
        return None if self._deadline is None else self._deadline - time.monotonic()

    def _timeouts(self, verb: str) -> str:
        parts = [f"; {verb} lock_timeout = {quote_text(self._lock_timeout)}"]
        if self._deadline is not None:
            left = max(1, int((self._deadline - time.monotonic()) * 1000))
            parts.append(f"; {verb} statement_timeout = {left}")
        elif self._statement_timeout:
            parts.append(f"; {verb} statement_timeout = {quote_text(self._statement_timeout)}")
        return "".join(parts)


def flush(session: Session) -> None:
    """Wait until everything that was committed is on disk (and, where configured, on the standbys)."""
    session.run("BEGIN; SELECT pg_catalog.txid_current(); COMMIT")


def flush_quietly(session: Session) -> None:
    """The same where another failure is to be told: scripts that succeeded before it are reported as done, so they
    must last.
    """
    with contextlib.suppress(SqlError):
        flush(session)
