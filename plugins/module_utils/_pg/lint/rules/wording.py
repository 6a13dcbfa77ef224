"""Texts that several rules need."""

from __future__ import annotations

from ...sql.lexer import Token
from ..context import Context

LONGEST = 160


def with_word(context: Context, after: str, word: str) -> str:
    """The statement on one line, with ``word`` put behind the first word ``after``."""
    text = context.statement.text
    for token in context.statement.tokens:
        if token.is_word(after):
            text = f"{text[: token.end]} {word}{text[token.end :]}"
            break
    return shortened(" ".join(text.split()))


def source(context: Context, tokens: tuple[Token, ...]) -> str:
    """These tokens as they stand in the file."""
    return shortened(context.statement.text[tokens[0].start : tokens[-1].end]) if tokens else ""


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
