"""What a schema's history, files and catalogue say together, without changing anything."""

from __future__ import annotations

import datetime
import typing as t

from ...session import Session
from ..files.resolve import Resolved
from ..history.fingerprint import Fingerprint
from ..history.table import Row
from ..planning import state, validate
from ..planning.state import Info
from ..running import lock
from ..running.context import Live
from .migrate import Run


class Look(Run):
    """Reads one database or schema; ``look`` returns the module's result."""

    def look(self, with_drift: bool) -> dict[str, t.Any]:
        """Read everything.

        :param with_drift: compare the catalogue with the stored fingerprint.
        :raises GroundworkError: no session could be opened; files or history cannot be read.
        """
        session = self.open()
        try:
            return self._look(session, with_drift)
        finally:
            session.close()

    def _look(self, session: Session, with_drift: bool) -> dict[str, t.Any]:
        self.enter(session)
        live, resolved = self.read(session)
        rows = live.rows
        situation = state.survey(resolved, rows, self.settings.target, self.settings.out_of_order)
        invalid = validate.validate(situation, self.settings.ignore_patterns, ignore_pending=True)
        drift: dict[str, t.Any] = {}
        if with_drift:
            drift = Fingerprint(session, live.table).drift(rows[-1].installed_rank if rows else 0)
        return {
            "database": live.facts.database,
            "schema_name": live.facts.default_schema,
            "schema_version": str(situation.current) if situation.current else None,
            "history_table_exists": live.table_exists,
            "all_schemas_empty": not live.facts.filled_schemas,
            "migrations": [entry(info, resolved) for info in situation.infos],
            "pending": [entry(info, resolved) for info in situation.infos if info.state == state.PENDING],
            "validation_successful": not invalid,
            "invalid_migrations": [item.output() for item in invalid],
            "unfinished": _unfinished(live),
            "run_lock_holders": [holder.facts() for holder in lock.holders(session, live.table)],
            "drift": drift,
        }


def entry(info: Info, resolved: Resolved) -> dict[str, t.Any]:
    """One migration with the names of Flyway's InfoOutput."""
    row, script = info.row, info.script
    undo = resolved.undos.get(info.version) if info.version else None
    return {
        "category": info.category,
        "version": str(info.version) if info.version else "",
        "raw_version": str(info.version) if info.version else "",
        "description": info.description,
        "type": info.type,
        "state": info.state,
        "installed_rank": row.installed_rank if row else None,
        "installed_on_utc": _timestamp(row),
        "installed_by": row.installed_by if row else "",
        "execution_time": row.execution_time if row else 0,
        "checksum": row.checksum if row else (script.stored_checksum if script else None),
        "undoable": "Yes" if undo else "No",
        "filepath": script.label if script else "",
        "undo_filepath": undo.label if undo else "",
    }


def _timestamp(row: Row | None) -> str:
    if row is None or row.installed_on is None:
        return ""
    return row.installed_on.replace(tzinfo=datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def _unfinished(live: Live) -> list[dict[str, t.Any]]:
    return [
        {"script": script, "statements_finished": sum(step.state == "finished" for step in steps)}
        for script, steps in sorted(live.unfinished.items())
    ]
