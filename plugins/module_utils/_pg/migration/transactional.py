# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts that run in one transaction together with their history row.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import time
import typing as t

from ..session import Session
from .blockers import Watch
from .callback import Callbacks
from .prepare import Prepared
from .sending import rollback_quietly, send
from .surroundings import Surroundings


class Transaction:
    """Runs prepared scripts; one transaction per call."""

    def __init__(self, session: Session, surroundings: Surroundings, callbacks: Callbacks, watch: Watch) -> None:
        self._session = session
        self._surroundings = surroundings
        self._callbacks = callbacks
        self._watch = watch

    def run(
        self, group: t.Sequence[Prepared], record: t.Callable[[Prepared, int], str], verb: str, execute: bool = True
    ) -> list[int]:
        """Run the scripts and record them; either all of it is there afterwards or nothing.

        :param record: gives the SQL that records a script, from the milliseconds it took.
        :param verb: ``Migrate`` or ``Undo``, as in the names of callback events.
        :param execute: False records without running.
        :return: milliseconds of each script.
        :raises StatementFailedError: the server refused a statement of a script.
        :raises SqlError: the server refused the record or the commit.
        """
        times: list[int] = []
        session = self._session
        try:
            session.run(self._surroundings.begin())
            for prepared in group:
                started = time.monotonic()
                if execute:
                    self._callbacks.inside(f"beforeEach{verb}")
                    self.execute(prepared, verb)
                times.append(int((time.monotonic() - started) * 1000))
                ending = "; COMMIT" if prepared is group[-1] and not self._callbacks.has(f"afterEach{verb}") else ""
                session.run(f"{self._surroundings.role}; {record(prepared, times[-1])}{ending}")
                if execute:
                    self._callbacks.inside(f"afterEach{verb}")
            if session.in_transaction:
                session.run("COMMIT")
        except BaseException:
            rollback_quietly(session)
            raise
        return times

    def execute(self, prepared: Prepared, verb: str) -> None:
        """Send every statement."""
        each = self._callbacks.has(f"beforeEach{verb}Statement") or self._callbacks.has(f"afterEach{verb}Statement")
        for statement in prepared.statements():
            if each:
                self._callbacks.inside(f"beforeEach{verb}Statement")
            self._watch.begin()
            send(self._session, statement, prepared)
            if each:
                self._callbacks.inside(f"afterEach{verb}Statement")
        self._watch.end()
