"""Statements that change a setting of their session or transaction."""

from __future__ import annotations

import re
import typing as t

from .cursor import Cursor, NotUnderstoodError, split
from .lexer import STRING, Token
from .statement import Statement

_FIRST = re.compile(r"(?:set|reset|select)\b", re.IGNORECASE)
#: A longer ``SELECT`` is a query, not the call of set_config by which dumps change a setting.
_LONGEST_CALL = 1000


class Change(t.NamedTuple):
    """One changed setting.

    :ivar name: lower case; ``all`` for RESET ALL.
    :ivar value: as written; ``None`` when it goes back to its default, or is not a constant.
    :ivar local: only until the end of the transaction.
    """

    name: str
    value: str | None
    local: bool = False


def change_of(statement: Statement) -> Change | None:
    """The setting that ``SET``, ``RESET`` or a ``SELECT set_config(...)`` changes; ``None`` for other statements."""
    if not _FIRST.match(statement.text):
        return None
    if statement.text[:6].lower() == "select" and len(statement.text) > _LONGEST_CALL:
        return None
    try:
        return _change(Cursor(statement.tokens))
    except NotUnderstoodError:
        return None


def transaction_modes(statement: Statement) -> str:
    """What ``BEGIN``, ``START TRANSACTION`` or ``SET TRANSACTION`` says about its transaction, in lower case."""
    cursor = Cursor(statement.tokens)
    if not (cursor.accept("start", "transaction") or cursor.accept("set", "transaction")):
        if not cursor.accept("begin"):
            return ""
        cursor.accept_any("work", "transaction")
    return " ".join(token.value for token in cursor.rest()).replace(" ,", ",")


def _change(cursor: Cursor) -> Change | None:
    if cursor.accept("reset"):
        return Change(_name(cursor), None)
    if cursor.accept("select"):
        return _set_config(cursor)
    cursor.expect("set")
    local = cursor.accept_any("session", "local") == "local"
    if cursor.accept("names"):
        value = cursor.next()
        return Change("client_encoding", None if value.is_word("default") else value.value, local)
    name = _name(cursor)
    if not (cursor.accept("to") or cursor.accept_symbol("=")):
        return Change(name, None, local)
    value = cursor.next()
    return Change(name, None if value.is_word("default") else value.value, local)


def _name(cursor: Cursor) -> str:
    return ".".join(part.lower() for part in cursor.name().parts)


def _set_config(cursor: Cursor) -> Change | None:
    if cursor.accept("pg_catalog") and not cursor.accept_symbol("."):
        return None
    if not cursor.accept("set_config") or not cursor.sees_symbol("("):
        return None
    arguments = split(cursor.group())
    if not cursor.done or len(arguments) != 3:
        return None
    name, value = (_constant(argument) for argument in arguments[:2])
    return Change(name.lower(), value, _is_true(arguments[2])) if name else None


def _constant(argument: t.Sequence[Token]) -> str | None:
    return argument[0].value if len(argument) == 1 and argument[0].kind == STRING else None


def _is_true(argument: t.Sequence[Token]) -> bool:
    return len(argument) == 1 and argument[0].value.lower() in ("true", "t", "on", "yes", "1")
