"""Taking migrations back: which undo scripts, in which order, and whether they are still the ones that were shipped."""

from __future__ import annotations

import dataclasses
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._migration.version import Target, Version
from ...quoting import literal as quote_text
from ...session import Session
from ..files.resolve import Resolved
from ..files.script import Script
from ..history import progress
from ..history import table as history
from ..history.side_table import PREFIX, SideTable
from ..history.table import Row, Table

_COLUMNS = (
    "version text NOT NULL, script text NOT NULL, checksum integer NOT NULL, PRIMARY KEY (history_table, version)"
)


@dataclasses.dataclass(frozen=True)
class Undo:
    """One migration to take back."""

    row: Row
    script: Script


def select(resolved: Resolved, rows: t.Sequence[Row], target: Target) -> list[Undo]:
    """Return what to take back, last applied first: the target's version and everything above it, as in Flyway.

    :raises GroundworkError: no version is given, or an undo script is missing.
    """
    if target.version is None:
        raise GroundworkError(
            "state=undone needs a version as target: the lowest version that is to be taken back.",
            untouched="the database",
        )
    applied = standing(rows)
    wanted = [row for row in applied if row.version and row.version >= target.version]
    missing = [row.version_text for row in wanted if row.version not in resolved.undos]
    if missing:
        raise GroundworkError(
            f"There is no undo script for version {', '.join(map(str, missing))}.",
            untouched="the database; nothing was undone",
            code=ErrorCode.UNDO_SCRIPT_MISSING,
            hint="Write U<version>__<description>.sql for each of them, or choose a higher target.",
        )
    return [Undo(row, resolved.undos[t.cast(Version, row.version)]) for row in reversed(wanted)]


def standing(rows: t.Sequence[Row]) -> list[Row]:
    """The versioned migrations that are applied and not taken back, by rank."""
    applied: list[Row] = []
    for row in rows:
        if row.version is None or not row.success or row.is_baseline or row.type == history.SCHEMA:
            continue
        if row.type == history.DELETE or row.is_undo:
            last = next((i for i in range(len(applied) - 1, -1, -1) if applied[i].version == row.version), None)
            if last is not None:
                del applied[last]
        else:
            applied.append(row)
    return applied


def row_of(undo: Undo, rank: int, installed_by: str, milliseconds: int, row_type: str) -> Row:
    """The row that records it: ``DELETE``, which every Flyway understands, or paid Flyway's ``UNDO_SQL``."""
    if row_type == "delete":
        return history.delete_row(undo.row, rank, installed_by)
    return history.row_for(undo.script, rank, installed_by, milliseconds)


def identity(undo: Undo) -> str:
    return f"undo {progress.identity(undo.row)}"


class UndoRecord:
    """The checksums of the undo scripts that came with the migrations when these were applied."""

    def __init__(self, session: Session, table: Table) -> None:
        self.table = SideTable(session, table, f"{PREFIX}undo", _COLUMNS)

    def write(self, script: Script) -> str:
        """The SQL that records an undo script beside its migration."""
        name, version, path = map(quote_text, (self.table.history.name, progress.identity(script), script.path))
        return (
            f"INSERT INTO {self.table.qualified} (history_table, version, script, checksum)"  # noqa: S608
            f" VALUES ({name}, {version}, {path}, {script.checksum})"
            " ON CONFLICT (history_table, version) DO UPDATE SET script = excluded.script, checksum = excluded.checksum"
        )

    def check(self, undos: t.Sequence[Undo], accept_changed: bool) -> list[str]:
        """Compare with what was recorded; scripts of migrations that were applied without record pass.

        :return: warnings.
        :raises GroundworkError: an undo script is not the one that came with its migration.
        """
        if not undos or not self.table.exists():
            return []
        query = f"SELECT version, checksum FROM {self.table.qualified} WHERE {self.table.mine}"  # noqa: S608
        recorded = dict(self.table.session.rows(query))
        warnings = []
        for undo in undos:
            checksum = recorded.get(progress.identity(undo.script), undo.script.checksum)
            if checksum == undo.script.checksum:
                continue
            what = (
                f"Undo script {undo.script.path} is not the one that came with its migration.\n"
                f"-> Recorded            : {checksum}\n-> Resolved locally    : {undo.script.checksum}"
            )
            if not accept_changed:
                raise GroundworkError(
                    what,
                    where=undo.script.label,
                    untouched="the database; nothing was undone",
                    code=ErrorCode.UNDO_CHECKSUM_MISMATCH,
                    hint="Read the script again; if it is right for this database, set accept_changed_undo=true.",
                )
            warnings.append(what)
        return warnings
