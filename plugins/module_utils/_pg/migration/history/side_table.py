"""Tables of this module's own beside Flyway's: Flyway, and everything else that reads its table, never sees them."""

from __future__ import annotations

from ...quoting import identifier as quote_name
from ...quoting import literal as quote_text
from ...session import Session
from .access import restrict_to_owner
from .table import Table

PREFIX = "pg_schema_apply_"


class SideTable:
    """One such table in the schema of a history table; rows of several history tables live in it side by side.

    :param columns: the column definitions after ``history_table``.
    """

    def __init__(self, session: Session, table: Table, name: str, columns: str) -> None:
        self.session = session
        self.history = table
        self.name = name
        self.qualified = f"{quote_name(table.schema)}.{quote_name(name)}"
        self.mine = f"history_table = {quote_text(table.name)}"
        self._columns = columns

    def exists(self) -> bool:
        return bool(
            self.session.value(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                "c.relnamespace"
                " WHERE n.nspname = %s AND c.relname = %s AND c.relkind = 'r')",
                self.history.schema,
                self.name,
            )
        )

    def create(self) -> None:
        """Create the table when it is missing, its owner's alone."""
        if self.exists():
            return
        self.session.run(f"CREATE TABLE {self.qualified} (history_table text NOT NULL, {self._columns})")
        restrict_to_owner(self.session, self.history.schema, self.name)
