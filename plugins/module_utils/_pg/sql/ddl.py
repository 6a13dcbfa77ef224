"""Read a statement into what it does to a schema. Tolerant: what it does not understand, it says.


    parse(statement) -> model.CreateTable | model.AlterTable | ... | model.Other | model.Unknown
"""

from __future__ import annotations

import itertools
import typing as t

from . import alter_table, columns, lexer, model
from .cursor import Cursor, NotUnderstoodError, is_on, options, split, top_level
from .statement import Statement

#: Commands about which only their name matters; their text, which may be megabytes of data, is not read.
_UNREAD = frozenset(
    (
        "select", "insert", "with", "values", "table", "merge", "grant", "revoke", "comment", "security", "analyze",
        "explain", "show", "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare",
        "execute", "deallocate", "declare", "fetch", "move", "close", "listen", "unlisten", "notify", "do", "call",
        "checkpoint", "load", "discard", "import", "reassign",
    )
)  # fmt: skip
_NAMED = (
    "schema", "view", "materialized view", "recursive view", "sequence", "type", "function", "procedure", "trigger",
    "constraint trigger", "event trigger", "extension", "policy", "role", "user", "group", "rule", "aggregate", "cast",
    "collation", "conversion", "database", "foreign data wrapper", "foreign table", "server", "user mapping",
    "language", "trusted language", "procedural language", "operator class", "operator family", "operator",
    "publication", "subscription", "statistics", "tablespace", "text search configuration", "text search dictionary",
    "text search parser", "text search template", "transform", "access method", "owned", "domain", "index", "table",
    "routine", "default privileges", "system", "large object",
)  # fmt: skip
_SET_WITHOUT_PARAMETER = (
    "transaction", "constraints", "characteristics", "authorization", "role", "names", "schema", "seed", "xml",
)  # fmt: skip
_DROPPED_BY_NAME = (
    "table", "index", "view", "materialized view", "schema", "database", "sequence", "type", "foreign table",
)  # fmt: skip
_KINDS = tuple(tuple(kind.split()) for kind in sorted(_NAMED, key=lambda kind: -len(kind.split())))


def parse(statement: Statement) -> model.Ddl:
    """Read one statement."""
    first = statement.first_token
    if first is None or first.kind != lexer.WORD:
        return model.Other("SELECT") if first and first.is_symbol("(") else model.Unknown("it begins with no command")
    if first.value in _UNREAD:
        return model.Other(first.value.upper())
    read = _READERS.get(first.value)
    if read is None:
        return model.Unknown(f"there is no command {first.value.upper()}")
    cursor = Cursor(statement.tokens, 1)
    try:
        return read(cursor)
    except NotUnderstoodError as error:
        return model.Unknown(f"expected {error}")


def _kind(cursor: Cursor) -> str:
    for words in _KINDS:
        if cursor.accept(*words):
            return " ".join(words)
    raise NotUnderstoodError("the kind of an object")


# -- CREATE


def _create(cursor: Cursor) -> model.Ddl:
    or_replace = cursor.accept("or", "replace")
    cursor.accept_any("global", "local")
    temporary = cursor.accept_any("temp", "temporary") is not None
    cursor.accept("unlogged")
    if cursor.accept("table"):
        return _create_table(cursor, temporary)
    unique = cursor.accept("unique")
    if cursor.accept("index"):
        return _create_index(cursor, unique)
    cursor.accept("trusted")
    kind = _kind(cursor)
    if kind == "domain":
        return _create_domain(cursor)
    if_not_exists = cursor.if_not_exists()
    if kind == "schema" and cursor.accept("authorization"):
        return model.Create(kind, cursor.name(), if_not_exists)
    if kind in ("cast", "operator", "user mapping", "transform", "statistics"):
        return model.Other(f"CREATE {kind.upper()}")
    name = cursor.name()
    if kind == "type" and cursor.accept("as", "enum"):
        values = tuple(token.value for token in cursor.group() if token.kind == lexer.STRING)
        return model.CreateEnum(name, values)
    return model.Create(kind, name, if_not_exists, or_replace)


def _create_table(cursor: Cursor, temporary: bool) -> model.CreateTable:
    if_not_exists = cursor.if_not_exists()
    name = cursor.name()
    found: list[model.Column] = []
    constraints: list[model.Constraint] = []
    partition_of = None
    if cursor.accept("partition", "of"):
        partition_of = cursor.name()
    elif cursor.sees_symbol("(") and not _is_query(cursor):
        for part in split(cursor.group()):
            inner = Cursor(part)
            if columns.starts_constraint(inner):
                constraints.append(columns.read_constraint(inner))
            elif not inner.sees("like"):
                found.append(columns.read_column(inner))
    outside = [token.value for token in top_level(cursor.rest()) if token.kind == lexer.WORD]
    return model.CreateTable(
        name,
        tuple(found),
        tuple(constraints),
        temporary=temporary,
        if_not_exists=if_not_exists,
        partition_of=partition_of,
        partitioned="partition" in outside,
        from_query="as" in outside,
    )


def _is_query(cursor: Cursor) -> bool:
    """Whether the parentheses hold column names for CREATE TABLE ... AS, so nothing but names and commas."""
    behind_first = cursor.peek(2)
    if behind_first is None or behind_first.value not in (",", ")"):
        return False
    ahead = Cursor(cursor.tokens, cursor.position)
    group = ahead.group()
    return all(len(part) == 1 for part in split(group)) and not ahead.done


def _create_index(cursor: Cursor, unique: bool) -> model.CreateIndex:
    concurrently = cursor.accept("concurrently")
    if_not_exists = cursor.if_not_exists()
    name = None if cursor.sees("on") else cursor.identifier()
    cursor.expect("on")
    only = cursor.accept("only")
    table = cursor.name()
    if cursor.accept("using"):
        cursor.identifier()
    parts = split(cursor.group())
    return model.CreateIndex(
        table,
        name,
        tuple(part[0].value for part in parts if part),
        unique=unique,
        concurrently=concurrently,
        if_not_exists=if_not_exists,
        only=only,
    )


def _create_domain(cursor: Cursor) -> model.Domain:
    name = cursor.name()
    cursor.accept("as")
    columns.read_type(cursor)
    words = [token.value for token in top_level(cursor.rest()) if token.kind == lexer.WORD]
    constrained = "check" in words or ("not", "null") in itertools.pairwise(words)
    return model.Domain(name, constrained, created=True)


# -- ALTER


def _alter(cursor: Cursor) -> model.Ddl:
    relation = alter_table.read_relation(cursor)
    if relation:
        if cursor.accept("all", "in", "tablespace"):
            return model.Other(f"ALTER {relation.upper()} ALL IN TABLESPACE")
        if_exists = cursor.if_exists()
        cursor.accept("only")
        name = cursor.name()
        cursor.accept_symbol("*")
        actions = (model.Action("sequence"),) if relation == "sequence" else alter_table.read_actions(cursor.rest())
        return model.AlterTable(name, actions, relation, if_exists)
    if cursor.accept("type"):
        return _alter_type(cursor)
    if cursor.accept("domain"):
        name = cursor.name()
        words = [token.value for token in top_level(cursor.rest()) if token.kind == lexer.WORD]
        constrained = words[:1] == ["add"] or words[:3] == ["set", "not", "null"]
        return model.Domain(name, constrained, created=False, not_valid=words[-2:] == ["not", "valid"])
    if cursor.accept("schema"):
        name = cursor.name()
        if cursor.accept("rename", "to"):
            return model.RenameSchema(name, cursor.identifier())
        return model.Other("ALTER SCHEMA")
    return model.Other(f"ALTER {_kind(cursor).upper()}")


def _alter_type(cursor: Cursor) -> model.Ddl:
    name = cursor.name()
    if cursor.accept("add", "value"):
        cursor.if_not_exists()
        value = cursor.string()
        return model.AlterEnum(name, value, ordered=cursor.accept_any("before", "after") is not None)
    if cursor.accept("rename", "value"):
        value = cursor.string()
        cursor.expect("to")
        return model.AlterEnum(name, value, cursor.string())
    return model.Other("ALTER TYPE")


# -- everything else


def _drop(cursor: Cursor) -> model.Ddl:
    kind = _kind(cursor)
    concurrently = cursor.accept("concurrently")
    if_exists = cursor.if_exists()
    names = tuple(cursor.names()) if kind in _DROPPED_BY_NAME else ()
    cascade = cursor.tokens[-1].is_word("cascade")
    return model.Drop(kind, names, if_exists, concurrently, cascade)


def _reindex(cursor: Cursor) -> model.Reindex:
    given = options(cursor.group()) if cursor.sees_symbol("(") else {}
    cursor.accept("verbose")
    kind = cursor.accept_any("index", "table", "schema", "database", "system")
    if kind is None:
        raise NotUnderstoodError("INDEX, TABLE, SCHEMA, DATABASE or SYSTEM")
    concurrently = cursor.accept("concurrently") or ("concurrently" in given and is_on(given["concurrently"]))
    return model.Reindex(kind, None if cursor.done else cursor.name(), concurrently)


def _cluster(cursor: Cursor) -> model.Rewrite:
    if cursor.sees_symbol("("):
        cursor.group()
    cursor.accept("verbose")
    if cursor.done:
        return model.Rewrite("CLUSTER")
    name = cursor.name()
    return model.Rewrite("CLUSTER", (cursor.name() if cursor.accept("on") else name,))


def _vacuum(cursor: Cursor) -> model.Ddl:
    given = options(cursor.group()) if cursor.sees_symbol("(") else {}
    full = "full" in given and is_on(given["full"])
    while word := cursor.accept_any("full", "freeze", "verbose", "analyze", "analyse"):
        full = full or word == "full"
    tables = []
    while not cursor.done:
        tables.append(cursor.name())
        if cursor.sees_symbol("("):
            cursor.group()
        cursor.accept_symbol(",")
    return model.Rewrite("VACUUM FULL", tuple(tables)) if full else model.Other("VACUUM")


def _truncate(cursor: Cursor) -> model.Truncate:
    cursor.accept("table")
    tables = tuple(cursor.names())
    return model.Truncate(tables, any(token.is_word("cascade") for token in cursor.rest()))


def _update(cursor: Cursor) -> model.Change:
    cursor.accept("only")
    table = cursor.name()
    return model.Change("UPDATE", table, any(token.is_word("where") for token in top_level(cursor.rest())))


def _delete(cursor: Cursor) -> model.Change:
    cursor.expect("from")
    cursor.accept("only")
    table = cursor.name()
    return model.Change("DELETE", table, any(token.is_word("where") for token in top_level(cursor.rest())))


def _copy(cursor: Cursor) -> model.Copy:
    cursor.accept("binary")
    target = "a query" if cursor.sees_symbol("(") else str(cursor.name())
    if cursor.sees_symbol("("):
        cursor.group()
    direction = cursor.accept_any("from", "to")
    if direction is None:
        raise NotUnderstoodError("FROM or TO")
    return model.Copy(target, direction == "from", not cursor.sees_any("stdin", "stdout"))


def _refresh(cursor: Cursor) -> model.Refresh:
    cursor.expect("materialized", "view")
    concurrently = cursor.accept("concurrently")
    return model.Refresh(cursor.name(), concurrently, not cursor.accept("with", "no", "data"))


def _lock(cursor: Cursor) -> model.Lock:
    cursor.accept("table")
    tables = tuple(cursor.names())
    mode = "ACCESS EXCLUSIVE"
    if cursor.accept("in"):
        mode = " ".join(token.value.upper() for token in cursor.until("mode"))
    return model.Lock(tables, mode)


def _set(cursor: Cursor) -> model.Ddl:
    local = cursor.accept("local")
    cursor.accept("session")
    if cursor.sees_any(*_SET_WITHOUT_PARAMETER) or cursor.sees("time", "zone"):
        return model.Other("SET")
    parameter = str(cursor.name())
    if not cursor.accept_symbol("="):
        cursor.expect("to")
    return model.Set(parameter, tuple(token.value for token in cursor.rest() if token.value != ","), local)


def _reset(cursor: Cursor) -> model.Ddl:
    return model.Set(str(cursor.name()), ())


_READERS: dict[str, t.Callable[[Cursor], model.Ddl]] = {
    "create": _create,
    "alter": _alter,
    "drop": _drop,
    "reindex": _reindex,
    "cluster": _cluster,
    "vacuum": _vacuum,
    "truncate": _truncate,
    "update": _update,
    "delete": _delete,
    "copy": _copy,
    "refresh": _refresh,
    "lock": _lock,
    "set": _set,
    "reset": _reset,
}
