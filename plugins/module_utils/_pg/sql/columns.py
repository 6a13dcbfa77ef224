"""Read types, columns and constraints as CREATE TABLE and ALTER TABLE write them."""

from __future__ import annotations

import typing as t

from .cursor import Cursor, Name, NotUnderstoodError, split
from .lexer import QUOTED, Token
from .model import Column, Constraint, Type

_ALIASES = {
    "int": "integer",
    "int4": "integer",
    "int8": "bigint",
    "int2": "smallint",
    "varchar": "character varying",
    "char": "character",
    "bpchar": "character",
    "decimal": "numeric",
    "dec": "numeric",
    "bool": "boolean",
    "float8": "double precision",
    "float4": "real",
    "float": "double precision",
    "varbit": "bit varying",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "serial4": "serial",
    "serial8": "bigserial",
    "serial2": "smallserial",
}
_INTERVAL_FIELDS = ("year", "month", "day", "hour", "minute", "second")
_AFTER_A_VALUE = (
    "constraint", "not", "null", "default", "generated", "unique", "primary", "references", "check", "collate",
    "deferrable", "initially", "storage", "compression",
)  # fmt: skip
_TABLE_CONSTRAINT = ("constraint", "check", "unique", "primary", "foreign")


def read_type(cursor: Cursor) -> Type:
    """Read a type name."""
    cursor.accept("setof")
    token = cursor.peek()
    name = cursor.name()
    arguments: tuple[str, ...] = ()
    base = name.last if name.schema in (None, "pg_catalog") else str(name)
    if token is None or token.kind == QUOTED:
        full = base
    else:
        if base == "national":
            base = cursor.identifier()
        full = _ALIASES.get(base, base)
        if base == "double":
            cursor.expect("precision")
            full = "double precision"
        elif base in ("character", "char", "bit") and cursor.accept("varying"):
            full = "bit varying" if base == "bit" else "character varying"
        elif base == "interval":
            while cursor.accept_any(*_INTERVAL_FIELDS, "to"):
                pass
    if cursor.sees_symbol("("):
        arguments = tuple(token.value for token in cursor.group() if token.value != ",")
    if full in ("timestamp", "time"):
        zone = "with" if cursor.accept("with", "time", "zone") else "without"
        if zone == "without":
            cursor.accept("without", "time", "zone")
        full = f"{full} {zone} time zone"
    return Type(full, arguments, _read_array(cursor))


def _read_array(cursor: Cursor) -> bool:
    found = cursor.accept("array")
    while cursor.sees_symbol("["):
        cursor.skip_nested()
        found = True
    return found


def starts_constraint(cursor: Cursor) -> bool:
    """Whether a table constraint comes next, rather than a column."""
    if cursor.sees_any(*_TABLE_CONSTRAINT):
        return True
    following = cursor.peek(1)
    return cursor.sees("exclude") and following is not None and (following.is_symbol("(") or following.is_word("using"))


def read_constraint(cursor: Cursor) -> Constraint:
    """Read a table constraint, from CONSTRAINT or its kind on."""
    start = cursor.next().start
    cursor.position -= 1
    name = cursor.identifier() if cursor.accept("constraint") else None
    constraint = _constraint_body(cursor)
    not_valid = False
    while not cursor.done:
        if cursor.accept("not", "valid"):
            not_valid = True
        else:
            cursor.skip_nested()
    return constraint._replace(name=name, not_valid=not_valid, start=start)


def _constraint_body(cursor: Cursor) -> Constraint:
    if cursor.accept("check"):
        return Constraint("check", expression=tuple(cursor.group()))
    if cursor.accept("foreign", "key"):
        columns = _identifiers(cursor.group())
        cursor.expect("references")
        return Constraint("foreign key", columns=columns, references=cursor.name())
    if cursor.accept("exclude"):
        return Constraint("exclude")
    if cursor.accept("not", "null"):
        return Constraint("not null", columns=(cursor.identifier(),))
    kind = "primary key" if cursor.accept("primary", "key") else "unique"
    if kind == "unique":
        cursor.expect("unique")
        if cursor.accept("nulls"):
            cursor.accept("not")
            cursor.expect("distinct")
    if cursor.accept("using", "index"):
        return Constraint(kind, using_index=cursor.identifier())
    return Constraint(kind, columns=_identifiers(cursor.group()))


def _identifiers(tokens: list[Token]) -> tuple[str, ...]:
    return tuple(part[0].value for part in split(tokens) if part and part[0].is_name)


def read_column(cursor: Cursor) -> Column:
    """Read a column definition up to the end of the tokens."""
    start = cursor.position
    name = cursor.identifier()
    type_ = read_type(cursor)
    constraints: list[Constraint] = []
    given: dict[str, t.Any] = {}
    label: str | None = None
    while not cursor.done:
        begins = cursor.tokens[cursor.position].start
        if cursor.accept("constraint"):
            label = cursor.identifier()
            continue
        found = _column_part(cursor, given)
        if found:
            constraints.append(Constraint(**found, name=label, columns=(name,), start=begins))
            label = None
    return Column(name, type_, tuple(constraints), **given, start=cursor.tokens[start].start)


def _column_part(cursor: Cursor, given: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """Read one clause of a column definition.

    :param given: gets what the clause says of the column itself.
    :return: the fields of the constraint, when it is one.
    """
    if cursor.accept("not", "null"):
        given["not_null"] = True
        return {"kind": "not null"}
    if cursor.accept("null"):
        return None
    if cursor.accept("default"):
        start = cursor.position
        cursor.skip_nested()
        cursor.until(*_AFTER_A_VALUE, symbol=",")
        given["default"] = tuple(cursor.tokens[start : cursor.position])
        return None
    if cursor.accept("generated"):
        _read_generated(cursor, given)
        return None
    if cursor.accept("primary", "key"):
        _skip_index_parameters(cursor)
        given["not_null"] = True
        return {"kind": "primary key"}
    if cursor.accept("unique"):
        if cursor.accept("nulls"):
            cursor.accept("not")
            cursor.expect("distinct")
        _skip_index_parameters(cursor)
        return {"kind": "unique"}
    if cursor.accept("check"):
        expression = tuple(cursor.group())
        cursor.accept("no", "inherit")
        return {"kind": "check", "expression": expression}
    if cursor.accept("references"):
        return {"kind": "foreign key", "references": _read_reference(cursor)}
    if cursor.accept("collate"):
        cursor.name()
    elif cursor.accept_any("storage", "compression", "initially"):
        cursor.next()
    elif not (cursor.accept("deferrable") or cursor.accept("not", "deferrable")):
        if not cursor.accept("options"):
            raise NotUnderstoodError(f"a column constraint instead of {cursor.next().value!r}")
        cursor.group()
    return None


def _read_generated(cursor: Cursor, given: dict[str, t.Any]) -> None:
    if not cursor.accept("always"):
        cursor.expect("by", "default")
    cursor.expect("as")
    if cursor.accept("identity"):
        if cursor.sees_symbol("("):
            cursor.group()
        given.update(identity=True, not_null=True)
        return
    cursor.group()
    given["generated"] = cursor.accept_any("stored", "virtual") or "virtual"


def _skip_index_parameters(cursor: Cursor) -> None:
    if cursor.accept("include"):
        cursor.group()
    if cursor.accept("with"):
        cursor.group()
    if cursor.accept("using", "index", "tablespace"):
        cursor.identifier()


def _read_reference(cursor: Cursor) -> Name:
    name = cursor.name()
    if cursor.sees_symbol("("):
        cursor.group()
    while True:
        if cursor.accept("match"):
            cursor.next()
        elif cursor.accept("on"):
            cursor.next()
            if cursor.accept_any("no", "set"):
                cursor.next()
                if cursor.sees_symbol("("):
                    cursor.group()
            else:
                cursor.next()
        else:
            return name
