"""What a rule can ask: the statement, the live objects, and what the files before this statement have done."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..sql import model
from ..sql.cursor import Name
from ..sql.ddl import parse
from ..sql.statement import Statement
from ..sql.transaction_mode import ORDINARY, Decision, Mode
from .live import LiveObjects, TableSize, Thresholds
from .pending import PendingFile

_NO_FILE = PendingFile("", ())
_NO_STATEMENT = Statement("", "", 0, 1, 1, 1, 1)


@dataclasses.dataclass
class FileState:
    """What the statements of one file have done so far, inside the transaction that is open (or the whole file)."""

    modes: t.Sequence[Decision] = ()
    explicit_transaction: bool = False
    not_valid: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    enum_values: set[str] = dataclasses.field(default_factory=set)
    heavy_lock: str = ""
    dropped_tables: set[str] = dataclasses.field(default_factory=set)

    def new_transaction(self) -> None:
        self.not_valid.clear()
        self.enum_values.clear()
        self.heavy_lock = ""


@dataclasses.dataclass
class Context:
    """Handed to every rule.

    :ivar created: tables, views and indexes (by key) that this or an earlier file creates: nobody uses them yet.
    :ivar columns: column types of created tables and of live ones as changed so far.
    :ivar added_constraints: constraints that pending files added, as (table, name).
    :ivar proving_checks: of those, the CHECK (column IS NOT NULL): their column.
    :ivar checked: validated constraints CHECK (column IS NOT NULL) with their column, by table; those of the live
        database are in it from the first time that somebody asks.
    """

    live: LiveObjects
    thresholds: Thresholds
    naming: t.Mapping[str, str]
    file: PendingFile = _NO_FILE
    statement: Statement = _NO_STATEMENT
    decision: Decision = ORDINARY
    state: FileState = dataclasses.field(default_factory=FileState)
    created: set[str] = dataclasses.field(default_factory=set)
    created_types: set[str] = dataclasses.field(default_factory=set)
    columns: dict[str, dict[str, model.Type]] = dataclasses.field(default_factory=dict)
    dropped_columns: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    checked: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    parameters: set[str] = dataclasses.field(default_factory=set)
    added_constraints: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    proving_checks: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    index_tables: dict[str, str] = dataclasses.field(default_factory=dict)
    search_path: tuple[str, ...] | None = None

    def begin(self, file: PendingFile, state: FileState) -> None:
        """Turn to the next file; settings of the session are reset between files."""
        self.file = file
        self.state = state
        self.search_path = None
        self.parameters = set()

    def key(self, name: Name) -> str:
        """``schema.name`` of a table."""
        return self.live.key(name, _Either(self.created, self.live.tables), self.search_path)

    def is_new(self, name: Name) -> bool:
        """Whether a pending statement creates this table, view or index: then no lock on it harms anybody."""
        return self.live.key(name, self.created, self.search_path) in self.created

    def size(self, name: Name) -> TableSize | None:
        """The live size of a table."""
        return self.live.tables.get(self.key(name))

    def index_table(self, index: Name) -> Name | None:
        """The table of an index."""
        known = collections.ChainMap(self.index_tables, t.cast("dict[str, str]", self.live.indexes))
        table = known.get(self.live.key(index, known, self.search_path))
        return Name(tuple(table.split(".", 1))) if table else None

    def old_name_returns(self, name: Name) -> bool:
        """Whether a later statement of the file creates a view under this name."""
        for statement in self.file.statements[self.statement.number :]:
            ddl = parse(statement)
            if isinstance(ddl, model.Create) and ddl.kind == "view" and ddl.name.may_be(name):
                return True
        return False

    def not_null_checks(self, table: str) -> dict[str, str]:
        """The validated constraints that prove a column of the table (by key) to be NOT NULL, with that column."""
        return self.checked.setdefault(table, dict(self.live.not_null_checks.get(table, {})))

    @property
    def in_transaction(self) -> bool:
        """Whether the statement shares a transaction with others."""
        if self.state.explicit_transaction:
            return True
        if self.file.in_transaction is not None:
            return self.file.in_transaction
        return all(decision.mode is not Mode.OUTSIDE for decision in self.state.modes)


class _Either:
    """Both collections as one, without copying."""

    def __init__(self, *collections_: t.Container[str]) -> None:
        self._collections = collections_

    def __contains__(self, key: object) -> bool:
        return any(key in collection for collection in self._collections)
