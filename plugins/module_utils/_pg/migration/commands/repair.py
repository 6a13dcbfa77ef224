"""Flyway's repair: what it changes in the history, decided from rows and files."""

from __future__ import annotations

import dataclasses
import typing as t

from ...._core.plan import Plan, Step
from ...._migration.version import Target
from ...quoting import literal as quote_text
from ..files.resolve import Resolved
from ..files.script import Script
from ..history import table as history
from ..history.table import Row, Table
from ..planning import state
from .settings import Settings

_MISSING = (state.MISSING_SUCCESS, state.MISSING_FAILED, state.FUTURE_SUCCESS, state.FUTURE_FAILED)


@dataclasses.dataclass(frozen=True)
class Repair:
    """What to do.

    :ivar removed: failed rows to delete.
    :ivar deleted: rows of migrations without script, to be taken back with a DELETE row.
    :ivar aligned: rows to bring in line with their script.
    """

    removed: list[Row]
    deleted: list[Row]
    aligned: list[tuple[Row, Script]]

    def plan(self, database: str) -> Plan:
        steps = [Step("remove", "failed row", _name(database, row), before=_facts(row)) for row in self.removed]
        steps += [Step("mark as deleted", "row", _name(database, row), before=_facts(row)) for row in self.deleted]
        for row, script in self.aligned:
            after = {
                **_facts(row),
                "description": script.description,
                "checksum": script.stored_checksum,
                "type": script.row_type,
            }
            steps.append(Step("align", "row", _name(database, row), before=_facts(row), after=after))
        return Plan(tuple(steps))

    def statements(self, table: Table, next_rank: int, installed_by: str) -> list[str]:
        """The SQL, to be run in one transaction."""
        where = f'DELETE FROM {table.qualified} WHERE "success" = FALSE AND "installed_rank" = '  # noqa: S608
        sql = [f"{where}{row.installed_rank}" for row in self.removed]
        for number, row in enumerate(self.deleted):
            sql.append(table.insert(history.delete_row(row, next_rank + number, installed_by)))
        for row, script in self.aligned:
            sql.append(
                f'UPDATE {table.qualified} SET "description" = {quote_text(script.description)},'  # noqa: S608
                f' "type" = {quote_text(script.row_type)}, "checksum" = {script.stored_checksum}'
                f' WHERE "installed_rank" = {row.installed_rank}'
            )
        return sql


def repair(settings: Settings, resolved: Resolved, rows: t.Sequence[Row]) -> Repair:
    """Decide. Failed rows go first; what is missing or differs is judged without them, as Flyway does."""
    removed = [row for row in rows if not row.success]
    left = [row for row in rows if row.success]
    situation = state.survey(resolved, left, Target("latest"), out_of_order=True)
    deleted, aligned = [], []
    for info in situation.infos:
        row, script = info.row, info.script
        if row is None or row.is_synthetic or row.is_undo:
            continue
        ignored = any(pattern.matches(info) for pattern in settings.ignore_patterns)
        if info.state in _MISSING and not ignored:
            deleted.append(row)
        elif script and info.state in (state.SUCCESS, state.OUT_OF_ORDER) and _differs(row, script):
            aligned.append((row, script))
    return Repair(removed, deleted, aligned)


def _differs(row: Row, script: Script) -> bool:
    if row.version is None:
        return row.checksum != script.stored_checksum
    return (
        not script.checksum_matches(row.checksum)
        or row.description != script.description
        or row.type != script.row_type
    )


def _name(database: str, row: Row) -> str:
    return f"{database}: {row.version_text or row.description} (installed_rank {row.installed_rank})"


def _facts(row: Row) -> dict[str, t.Any]:
    return {"description": row.description, "type": row.type, "script": row.script, "checksum": row.checksum}
