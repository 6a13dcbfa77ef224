"""What a schema statement says, as far as a judgement about it needs to know.


``start`` is everywhere the 0-based offset in the statement's text, for ``Statement.place(start + 1)``.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .cursor import Name
from .lexer import Token


class Type(t.NamedTuple):
    """A column type under its long SQL name (``character varying``), aliases resolved, serial types as written."""

    name: str
    arguments: tuple[str, ...] = ()
    is_array: bool = False

    def __str__(self) -> str:
        arguments = f"({', '.join(self.arguments)})" if self.arguments else ""
        head, _with, tail = self.name.partition(" with")
        text = f"{head}{arguments} with{tail}" if head in ("timestamp", "time") else self.name + arguments
        return text + ("[]" if self.is_array else "")


class Constraint(t.NamedTuple):
    """A table or column constraint.

    :ivar kind: ``primary key``, ``unique``, ``check``, ``foreign key``, ``exclude`` or ``not null``.
    """

    kind: str
    name: str | None = None
    columns: tuple[str, ...] = ()
    references: Name | None = None
    expression: tuple[Token, ...] = ()
    using_index: str | None = None
    not_valid: bool = False
    start: int = 0


class Column(t.NamedTuple):
    """A column definition; ``generated`` is ``stored`` or ``virtual`` for computed columns."""

    name: str
    type: Type
    constraints: tuple[Constraint, ...] = ()
    not_null: bool = False
    default: tuple[Token, ...] = ()
    generated: str | None = None
    identity: bool = False
    start: int = 0

    def has(self, kind: str) -> bool:
        return any(constraint.kind == kind for constraint in self.constraints)


@dataclasses.dataclass(frozen=True)
class Ddl:
    """Base of everything that ``ddl.parse`` returns."""


@dataclasses.dataclass(frozen=True)
class Unknown(Ddl):
    """A statement that the parser does not understand; ``reason`` says where it stopped."""

    reason: str


@dataclasses.dataclass(frozen=True)
class Other(Ddl):
    """A statement that is known, and of which no more needs to be known than its first words, in upper case."""

    command: str


@dataclasses.dataclass(frozen=True)
class CreateTable(Ddl):
    name: Name
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    temporary: bool = False
    if_not_exists: bool = False
    partition_of: Name | None = None
    partitioned: bool = False
    from_query: bool = False


@dataclasses.dataclass(frozen=True)
class Action:
    """One subcommand of ALTER TABLE.

    :ivar kind: its first words in lower case, such as ``add column``, ``alter column type``, ``detach partition``.
    :ivar name: the column, constraint, partition or new table name it is about.
    """

    kind: str
    name: str = ""
    new_name: str = ""
    column: Column | None = None
    constraint: Constraint | None = None
    type: Type | None = None
    using: bool = False
    if_exists: bool = False
    cascade: bool = False
    concurrently: bool = False
    partition: Name | None = None
    start: int = 0


@dataclasses.dataclass(frozen=True)
class AlterTable(Ddl):
    """ALTER of a table or of something like it; ``relation`` says of what, in lower case."""

    name: Name
    actions: tuple[Action, ...] = ()
    relation: str = "table"
    if_exists: bool = False


@dataclasses.dataclass(frozen=True)
class CreateIndex(Ddl):
    table: Name
    name: str | None = None
    columns: tuple[str, ...] = ()
    unique: bool = False
    concurrently: bool = False
    if_not_exists: bool = False
    only: bool = False


@dataclasses.dataclass(frozen=True)
class Drop(Ddl):
    """``kind`` is ``table``, ``index``, ``schema``, ``database``, ``view``... in lower case."""

    kind: str
    names: tuple[Name, ...] = ()
    if_exists: bool = False
    concurrently: bool = False
    cascade: bool = False


@dataclasses.dataclass(frozen=True)
class Reindex(Ddl):
    kind: str
    name: Name | None
    concurrently: bool


@dataclasses.dataclass(frozen=True)
class Rewrite(Ddl):
    """VACUUM FULL or CLUSTER; ``tables`` is empty for the whole database."""

    command: str
    tables: tuple[Name, ...] = ()


@dataclasses.dataclass(frozen=True)
class Truncate(Ddl):
    tables: tuple[Name, ...]
    cascade: bool = False


@dataclasses.dataclass(frozen=True)
class Change(Ddl):
    """UPDATE or DELETE."""

    command: str
    table: Name
    has_where: bool


@dataclasses.dataclass(frozen=True)
class Copy(Ddl):
    """COPY; ``server_side`` when the server itself reads or writes a file or runs a program."""

    target: str
    from_: bool
    server_side: bool


@dataclasses.dataclass(frozen=True)
class AlterEnum(Ddl):
    """ALTER TYPE ... ADD VALUE or RENAME VALUE."""

    name: Name
    value: str
    new_value: str | None = None
    ordered: bool = False


@dataclasses.dataclass(frozen=True)
class CreateEnum(Ddl):
    name: Name
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Domain(Ddl):
    """CREATE DOMAIN or ALTER DOMAIN."""

    name: Name
    constrained: bool
    created: bool
    not_valid: bool = False


@dataclasses.dataclass(frozen=True)
class RenameSchema(Ddl):
    name: Name
    new_name: str


@dataclasses.dataclass(frozen=True)
class Create(Ddl):
    """Creation of something else with a name: schema, view, sequence, type, function..."""

    kind: str
    name: Name
    if_not_exists: bool = False
    or_replace: bool = False


@dataclasses.dataclass(frozen=True)
class Refresh(Ddl):
    """REFRESH MATERIALIZED VIEW."""

    name: Name
    concurrently: bool
    with_data: bool


@dataclasses.dataclass(frozen=True)
class Lock(Ddl):
    """LOCK TABLE; ``mode`` in upper case."""

    tables: tuple[Name, ...]
    mode: str


@dataclasses.dataclass(frozen=True)
class Set(Ddl):
    """SET or RESET of a run-time parameter."""

    parameter: str
    values: tuple[str, ...]
    local: bool = False
