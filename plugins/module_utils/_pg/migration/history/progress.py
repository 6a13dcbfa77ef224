"""How far a script has come that runs statement by statement."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ...quoting import literal as quote_text
from ...session import Session
from ..files.script import Script
from .side_table import PREFIX, SideTable
from .table import Row, Table

STARTED = "started"
FINISHED = "finished"
_COLUMNS = (
    "script text NOT NULL, statement integer NOT NULL, sha256 text NOT NULL, state text NOT NULL, note text NOT NULL,"
    " changed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (history_table, script, statement)"
)


@dataclasses.dataclass(frozen=True)
class Step:
    """One statement of a script.

    :ivar number: 1-based.
    :ivar note: what was known before it started, to judge later whether it took effect.
    """

    number: int
    sha256: str
    state: str
    note: dict[str, t.Any]


def identity(item: Script | Row) -> str:
    """The script's name in the table: its version or description, because files may be moved between two runs."""
    if item.version is not None:
        return "version " + (".".join(map(str, item.version.parts)) or "0")
    return f"repeatable {item.description}"


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


class Progress:
    """The notes of one history table."""

    def __init__(self, session: Session, table: Table) -> None:
        self.table = SideTable(session, table, f"{PREFIX}progress", _COLUMNS)

    def read(self) -> dict[str, list[Step]]:
        """Every unfinished script's steps, by number."""
        steps: dict[str, list[Step]] = {}
        if not self.table.exists():
            return steps
        rows = self.table.session.rows(
            f"SELECT script, statement, sha256, state, note FROM {self.table.qualified}"  # noqa: S608
            f" WHERE {self.table.mine} ORDER BY script, statement"
        )
        for script, number, sha256, state, note in rows:
            steps.setdefault(script, []).append(Step(number, sha256, state, json.loads(note)))
        return steps

    def write(self, script: str, step: Step) -> str:
        """The SQL that records ``step``."""
        values = (self.table.history.name, script, step.sha256, step.state, json.dumps(step.note))
        name, quoted_script, sha256, state, note = map(quote_text, values)
        return (
            f"INSERT INTO {self.table.qualified} (history_table, script, statement, sha256, state, note)"  # noqa: S608
            f" VALUES ({name}, {quoted_script}, {step.number}, {sha256}, {state}, {note})"
            " ON CONFLICT (history_table, script, statement)"
            " DO UPDATE SET sha256 = excluded.sha256, state = excluded.state, note = excluded.note, changed_at = now()"
        )

    def withdraw(self, script: str, number: int) -> str:
        """The SQL that removes the announcement of one statement, which the server refused to begin."""
        return (
            f"DELETE FROM {self.table.qualified} WHERE {self.table.mine} AND script = {quote_text(script)}"  # noqa: S608
            f" AND statement = {number} AND state = {quote_text(STARTED)}"
        )

    def forget(self, script: str) -> str:
        """The SQL that removes a script's steps."""
        return f"DELETE FROM {self.table.qualified} WHERE {self.table.mine} AND script = {quote_text(script)}"  # noqa: S608
