"""Flyway's schema history table: its DDL, its rows, its place."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import typing as t

from ...._migration.version import InvalidVersionError, Version
from ...quoting import identifier as quote_name
from ...quoting import literal as quote_text
from ...session import Session
from ..files.script import Script

SCHEMA = "SCHEMA"
BASELINE = "BASELINE"
DELETE = "DELETE"
SYNTHETIC = frozenset((SCHEMA, BASELINE, DELETE))
SCHEMA_DESCRIPTION = "<< Flyway Schema Creation >>"

_COLUMNS = (
    "installed_rank", "version", "description", "type", "script", "checksum", "installed_by", "installed_on",
    "execution_time", "success",
)  # fmt: skip
_WRITTEN = tuple(name for name in _COLUMNS if name != "installed_on")


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the history table.

    :ivar version: ``None`` for repeatables and for text that is no version (which is then kept in ``version_text``).
    :ivar execution_time: milliseconds.
    """

    installed_rank: int
    version_text: str | None
    description: str
    type: str
    script: str
    checksum: int | None
    installed_by: str
    installed_on: datetime.datetime | None
    execution_time: int
    success: bool
    version: Version | None = None

    @property
    def is_synthetic(self) -> bool:
        return self.type in SYNTHETIC

    @property
    def is_undo(self) -> bool:
        return self.type.startswith("UNDO_")

    @property
    def is_baseline(self) -> bool:
        return self.type == BASELINE or self.type.endswith("_BASELINE")


def row_from(values: t.Sequence[t.Any]) -> Row:
    """Make a row from the ten columns; types that nobody here writes (JDBC, SCRIPT, UNDO_SQL, ...) are read like any
    other.
    """
    version = None
    if values[1] is not None:
        try:
            version = Version.parse(values[1])
        except InvalidVersionError:
            version = None
    row = Row(*values)
    return dataclasses.replace(row, version=version) if version else row


@dataclasses.dataclass(frozen=True)
class Table:
    """The history table of one schema.

    :ivar tablespace: for the table and its indexes when it is created; empty for the default.
    """

    schema: str
    name: str
    tablespace: str = ""

    @property
    def qualified(self) -> str:
        return f"{quote_name(self.schema)}.{quote_name(self.name)}"

    def ddl(self) -> str:
        """The statements that create the table, exactly Flyway's."""
        space = f" TABLESPACE {quote_name(self.tablespace)}" if self.tablespace else ""
        return (
            f"CREATE TABLE {self.qualified} (\n"
            '    "installed_rank" INT NOT NULL,\n'
            '    "version" VARCHAR(50),\n'
            '    "description" VARCHAR(200) NOT NULL,\n'
            '    "type" VARCHAR(20) NOT NULL,\n'
            '    "script" VARCHAR(1000) NOT NULL,\n'
            '    "checksum" INTEGER,\n'
            '    "installed_by" VARCHAR(100) NOT NULL,\n'
            '    "installed_on" TIMESTAMP NOT NULL DEFAULT now(),\n'
            '    "execution_time" INTEGER NOT NULL,\n'
            '    "success" BOOLEAN NOT NULL\n'
            f"){space}"
        )

    def index_ddl(self) -> str:
        """What follows the BASELINE row, when there is one."""
        index_space = f" USING INDEX TABLESPACE {quote_name(self.tablespace)}" if self.tablespace else ""
        space = f" TABLESPACE {quote_name(self.tablespace)}" if self.tablespace else ""
        key, index = quote_name(f"{self.name}_pk"), quote_name(f"{self.name}_s_idx")
        return (
            f'ALTER TABLE {self.qualified} ADD CONSTRAINT {key} PRIMARY KEY ("installed_rank"){index_space};\n'
            f'CREATE INDEX {index} ON {self.qualified} ("success"){space}'
        )

    def insert(self, row: Row, number: t.Callable[[int], str] = str) -> str:
        """The statement that writes ``row``.

        ``installed_on`` has no time zone; it is written as UTC, whatever the session's time zone is.

        :param number: how its rank is written.
        """
        values = ", ".join(
            _literal(value)
            for value in (
                row.version_text,
                row.description,
                row.type,
                row.script,
                row.checksum,
                row.installed_by,
                row.execution_time,
                row.success,
            )
        )
        return f"{self._insert_into} VALUES ({number(row.installed_rank)}, {values}, now() AT TIME ZONE 'UTC')"

    @functools.cached_property
    def _insert_into(self) -> str:
        columns = ", ".join(quote_name(name) for name in (*_WRITTEN, "installed_on"))
        return f"INSERT INTO {self.qualified} ({columns})"

    def exists(self, session: Session) -> bool:
        """Flyway's own test: an ordinary table; a view or partitioned table of that name does not count."""
        return bool(
            session.value(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                "c.relnamespace"
                " WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'r')",
                self.schema,
                self.name,
            )
        )

    def read(self, session: Session) -> list[Row]:
        """Every row, by rank. The comment keeps pgpool from asking a standby (Flyway does the same)."""
        columns = ", ".join(quote_name(name) for name in _COLUMNS)
        query = f'/*NO LOAD BALANCE*/ SELECT {columns} FROM {self.qualified} ORDER BY "installed_rank"'  # noqa: S608
        return [row_from(values) for values in session.rows(query)]


def next_rank(rows: t.Sequence[Row], row_type: str) -> int:
    """The rank of the next row: one more than the last; the first row gets 1, a first SCHEMA row 0."""
    if rows:
        return rows[-1].installed_rank + 1
    return 0 if row_type == SCHEMA else 1


def row_for(script: Script, rank: int, installed_by: str, execution_time: int, success: bool = True) -> Row:
    """The row that says that ``script`` ran."""
    return Row(
        rank,
        script.version.text if script.version else None,
        script.description,
        script.row_type,
        script.path,
        script.stored_checksum,
        installed_by,
        None,
        execution_time,
        success,
        script.version,
    )


def schema_row(schemas: t.Sequence[str], rank: int, installed_by: str) -> Row:
    """The row that says that these schemas were created."""
    names = ",".join(quote_name(name) for name in schemas)
    return Row(rank, None, SCHEMA_DESCRIPTION, SCHEMA, names, None, installed_by, None, 0, True)


def baseline_row(version: Version, description: str, installed_by: str) -> Row:
    """The row that says where an existing schema starts; its rank is always 1."""
    return Row(1, version.text, description, BASELINE, description, None, installed_by, None, 0, True, version)


def delete_row(row: Row, rank: int, installed_by: str) -> Row:
    """The row that takes ``row`` back: the only kind that every edition of Flyway understands."""
    return dataclasses.replace(
        row,
        installed_rank=rank,
        type=DELETE,
        installed_by=installed_by,
        installed_on=None,
        execution_time=0,
        success=True,
    )


def _literal(value: t.Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, int) else quote_text(str(value))
