"""Read the subcommands of ALTER TABLE."""

from __future__ import annotations

import typing as t

from . import columns
from .cursor import Cursor, NotUnderstoodError, split
from .lexer import Token
from .model import Action

_RELATIONS = (
    ("table",), ("foreign", "table"), ("view",), ("materialized", "view"), ("index",), ("sequence",),
)  # fmt: skip
#: Subcommands of which nothing but the name is read.
_PLAIN = (
    ("alter", "constraint"), ("attach", "partition"), ("owner", "to"), ("set", "schema"), ("set", "tablespace"),
    ("set", "logged"), ("set", "unlogged"), ("set", "access", "method"), ("set", "without"), ("set",), ("reset",),
    ("enable",), ("disable",), ("force",), ("no", "force"), ("no", "inherit"), ("inherit",), ("cluster", "on"),
    ("replica", "identity"), ("not", "of"), ("of",), ("no", "depends"), ("depends",), ("options",),
    ("restart",), ("increment",), ("owned", "by"), ("cache",), ("cycle",), ("no",), ("maxvalue",), ("minvalue",),
    ("start",), ("as",),
)  # fmt: skip


def read_relation(cursor: Cursor) -> str | None:
    """Step over the kind of relation behind ALTER; None when it is something else."""
    for words in _RELATIONS:
        if cursor.accept(*words):
            return " ".join(words)
    return None


def read_actions(tokens: t.Sequence[Token]) -> tuple[Action, ...]:
    """Read everything behind the relation's name."""
    parts = split(tokens)
    if not parts:
        raise NotUnderstoodError("the statement ends early")
    return tuple(_read_action(Cursor(part)) for part in parts)


def _read_action(cursor: Cursor) -> Action:
    start = cursor.next().start
    cursor.position -= 1
    if cursor.accept("add"):
        return _read_add(cursor, start)
    if cursor.accept("drop"):
        return _read_drop(cursor, start)
    if cursor.sees("alter") and not cursor.sees("alter", "constraint"):
        cursor.next()
        return _read_alter(cursor, start)
    if cursor.accept("rename"):
        return _read_rename(cursor, start)
    if cursor.accept("validate", "constraint"):
        return Action("validate constraint", cursor.identifier(), start=start)
    if cursor.accept("detach", "partition"):
        name = cursor.name()
        return Action(
            "detach partition", str(name), partition=name, concurrently=cursor.accept("concurrently"), start=start
        )
    if cursor.accept("attach", "partition"):
        name = cursor.name()
        return Action("attach partition", str(name), partition=name, start=start)
    for words in _PLAIN:
        if cursor.accept(*words):
            token = cursor.peek()
            return Action(" ".join(words), token.value if token else "", start=start)
    raise NotUnderstoodError(f"a subcommand of ALTER TABLE instead of {cursor.next().value!r}")


def _read_add(cursor: Cursor, start: int) -> Action:
    if columns.starts_constraint(cursor):
        constraint = columns.read_constraint(cursor)
        return Action("add constraint", constraint.name or "", constraint=constraint, start=start)
    if cursor.accept("value") or cursor.accept("attribute"):
        raise NotUnderstoodError("a subcommand of ALTER TABLE")
    cursor.accept("column")
    missing_only = cursor.if_not_exists()
    column = columns.read_column(cursor)
    return Action("add column", column.name, column=column, if_exists=missing_only, start=start)


def _read_drop(cursor: Cursor, start: int) -> Action:
    kind = "drop constraint" if cursor.accept("constraint") else "drop column"
    if kind == "drop column":
        cursor.accept("column")
    if_exists = cursor.if_exists()
    name = cursor.identifier()
    cascade = cursor.accept("cascade")
    return Action(kind, name, if_exists=if_exists, cascade=cascade, start=start)


def _read_alter(cursor: Cursor, start: int) -> Action:
    cursor.accept("column")
    name = cursor.next().value
    if cursor.accept("set", "data", "type") or cursor.accept("type"):
        type_ = columns.read_type(cursor)
        if cursor.accept("collate"):
            cursor.name()
        return Action("alter column type", name, type=type_, using=cursor.sees("using"), start=start)
    for words in (
        ("set", "not", "null"), ("drop", "not", "null"), ("set", "default"), ("drop", "default"),
        ("set", "statistics"), ("set", "storage"), ("set", "compression"), ("set", "expression"),
        ("drop", "expression"), ("drop", "identity"), ("add", "generated"), ("set", "generated"),
        ("set",), ("reset",), ("restart",), ("options",),
    ):  # fmt: skip
        if cursor.accept(*words):
            return Action("alter column " + " ".join(words), name, start=start)
    raise NotUnderstoodError(f"a change of column {name}")


def _read_rename(cursor: Cursor, start: int) -> Action:
    if cursor.accept("to"):
        new_name = cursor.identifier()
        return Action("rename", new_name=new_name, start=start)
    kind = "rename constraint" if cursor.accept("constraint") else "rename column"
    if kind == "rename column":
        cursor.accept("column")
    name = cursor.identifier()
    cursor.expect("to")
    return Action(kind, name, cursor.identifier(), start=start)
