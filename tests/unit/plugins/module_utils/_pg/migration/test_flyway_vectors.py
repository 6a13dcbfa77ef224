"""Names, order, checksums and history rows of a folder are what a real Flyway recorded for it."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible_collections.groundwork.databases.plugins.module_utils._migration import source
from ansible_collections.groundwork.databases.plugins.module_utils._migration.filename import Naming
from ansible_collections.groundwork.databases.plugins.module_utils._migration.version import Target
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.files import resolve
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.files.placeholder import Placeholders
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.history import table
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.planning import state

sys.path.insert(0, str(Path(__file__).resolve().parents[5]))

from flyway_vectors import PLACEHOLDERS, SCHEMAS, files, vectors


def told(row: table.Row) -> dict[str, str]:
    return {
        "installed_rank": str(row.installed_rank),
        "version": row.version_text or "",
        "description": row.description,
        "type": row.type,
        "script": row.script,
        "checksum": "" if row.checksum is None else str(row.checksum),
    }


def test_rows(tmp_path: Path) -> None:
    for name, content in files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    found, warnings = source.from_folders([str(tmp_path)], True)
    assert warnings == []
    resolved = resolve.bind(
        resolve.resolve(found, resolve.Reading(Naming(), "UTF-8", True, True)), Placeholders(PLACEHOLDERS)
    )
    rows = [table.schema_row(SCHEMAS, table.next_rank([], table.SCHEMA), "x")]
    for script in state.survey(resolved, rows, Target.parse("latest"), False).pending:
        rows.append(table.row_for(script, table.next_rank(rows, script.row_type), "x", 0))
    assert [told(row) for row in rows] == vectors()
