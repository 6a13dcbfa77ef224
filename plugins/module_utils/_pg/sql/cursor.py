"""A place in a statement's tokens, and what one asks there: the next word, a name, a group in parentheses."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .lexer import STRING, SYMBOL, WORD, Token

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_OPENING = {"(": 1, "[": 1, ")": -1, "]": -1}


class NotUnderstoodError(Exception):
    """The tokens are not what this grammar expects. Told as a finding, never as a failure."""


@dataclasses.dataclass(frozen=True)
class Name:
    """A possibly qualified name, folded as the server folds it."""

    __slots__ = ("parts",)

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(quoted(part) for part in self.parts)

    @property
    def last(self) -> str:
        return self.parts[-1]

    @property
    def schema(self) -> str | None:
        return self.parts[-2] if len(self.parts) > 1 else None

    def may_be(self, other: Name) -> bool:
        """Whether both can mean one object; a missing schema matches every schema."""
        return self.last == other.last and (not self.schema or not other.schema or self.schema == other.schema)


def quoted(identifier: str) -> str:
    """Write an identifier as SQL."""
    return identifier if _PLAIN.match(identifier) else '"' + identifier.replace('"', '""') + '"'


class Cursor:
    """Reads tokens from left to right.

    :ivar position: index of the next token.
    """

    def __init__(self, tokens: t.Sequence[Token], position: int = 0) -> None:
        self.tokens = tokens
        self.position = position

    @property
    def done(self) -> bool:
        return self.position >= len(self.tokens)

    def peek(self, ahead: int = 0) -> Token | None:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def sees(self, *words: str) -> bool:
        """Whether the next tokens are these words, in order."""
        tokens, position = self.tokens, self.position
        if position + len(words) > len(tokens):
            return False
        for word in words:
            token = tokens[position]
            if token.value != word or token.kind != WORD:
                return False
            position += 1
        return True

    def sees_any(self, *words: str) -> bool:
        token = self.peek()
        return token is not None and token.is_word(*words)

    def accept(self, *words: str) -> bool:
        """Step over these words when they come next, in order."""
        if not self.sees(*words):
            return False
        self.position += len(words)
        return True

    def accept_any(self, *words: str) -> str | None:
        """Step over one of these words; return which."""
        token = self.peek()
        if token is None or not token.is_word(*words):
            return None
        self.position += 1
        return token.value

    def sees_symbol(self, value: str) -> bool:
        token = self.peek()
        return token is not None and token.is_symbol(value)

    def accept_symbol(self, value: str) -> bool:
        if not self.sees_symbol(value):
            return False
        self.position += 1
        return True

    def expect(self, *words: str) -> None:
        """Step over these words or raise ``NotUnderstoodError``."""
        if not self.accept(*words):
            raise NotUnderstoodError(" ".join(words))

    def next(self) -> Token:
        token = self.peek()
        if token is None:
            raise NotUnderstoodError("the statement ends early")
        self.position += 1
        return token

    def identifier(self) -> str:
        token = self.next()
        if not token.is_name:
            raise NotUnderstoodError(f"a name instead of {token.value!r}")
        return token.value

    def name(self) -> Name:
        """A qualified name."""
        parts = [self.identifier()]
        while self.accept_symbol("."):
            parts.append(self.identifier())
        return Name(tuple(parts))

    def names(self) -> list[Name]:
        """Qualified names between commas, each possibly with ONLY before or ``*`` behind it."""
        found = []
        while True:
            self.accept("only")
            found.append(self.name())
            self.accept_symbol("*")
            if not self.accept_symbol(","):
                return found

    def string(self) -> str:
        token = self.next()
        if token.kind != STRING:
            raise NotUnderstoodError(f"a string instead of {token.value!r}")
        return token.value

    def if_exists(self) -> bool:
        return self.accept("if", "exists")

    def if_not_exists(self) -> bool:
        return self.accept("if", "not", "exists")

    def group(self) -> list[Token]:
        """The tokens inside a pair of parentheses that opens here."""
        if not self.sees_symbol("("):
            raise NotUnderstoodError("(")
        start = self.position + 1
        self.skip_nested()
        return list(self.tokens[start : self.position - 1])

    def skip_nested(self) -> None:
        """Step over one token, or over everything between it and its closing partner."""
        depth = 0
        for position in range(self.position, len(self.tokens)):
            token = self.tokens[position]
            if token.kind == SYMBOL:
                depth += _OPENING.get(token.value, 0)
            if depth <= 0:
                self.position = position + 1
                return
        raise NotUnderstoodError("the statement ends early")

    def until(self, *words: str, symbol: str = ",") -> list[Token]:
        """Take tokens up to one of these words or the symbol, at this level of parentheses."""
        tokens, start = self.tokens, self.position
        while self.position < len(tokens):
            token = tokens[self.position]
            if token.kind == SYMBOL:
                if token.value == symbol:
                    break
                self.skip_nested()
            elif token.kind == WORD and token.value in words:
                break
            else:
                self.position += 1
        return list(tokens[start : self.position])

    def rest(self) -> list[Token]:
        found = list(self.tokens[self.position :])
        self.position = len(self.tokens)
        return found


def split(tokens: t.Sequence[Token], symbol: str = ",") -> list[list[Token]]:
    """Cut a group at a symbol, nested parentheses left whole."""
    cursor = Cursor(tokens)
    parts = []
    while not cursor.done:
        parts.append(cursor.until(symbol=symbol))
        cursor.accept_symbol(symbol)
    return parts


def top_level(tokens: t.Sequence[Token]) -> t.Iterator[Token]:
    """Yield the tokens outside all parentheses."""
    depth = 0
    for token in tokens:
        change = _OPENING.get(token.value, 0) if token.kind == SYMBOL else 0
        if not depth and not change:
            yield token
        depth = max(0, depth + change)


def options(tokens: t.Sequence[Token]) -> dict[str, str | None]:
    """Read a list such as ``(create_slot = false, verbose)``; values are lower case, None when left out."""
    found: dict[str, str | None] = {}
    for part in split(tokens):
        values = [token.value.lower() for token in part if not token.is_symbol("=")]
        if values:
            found[values[0]] = values[1] if len(values) > 1 else None
    return found


def is_on(value: str | None) -> bool:
    """A boolean option as DDL takes it: nothing, or anything but a word for false, is true."""
    return value is None or value not in ("false", "off", "no", "0")
