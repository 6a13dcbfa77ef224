"""Parts of secret placeholders in what the server says of a statement.

A secret with a quotation mark in it ends its literal early, and the server quotes the rest; a long text is cut
anywhere.
"""

from __future__ import annotations

import typing as t

# Shorter runs of characters are in every other word.
_SHORTEST = 6
_HIDDEN = "********"


def without_parts(value: t.Any, secrets: t.Iterable[t.Any]) -> t.Any:
    """The texts of a result, without any run of at least six characters of a secret."""
    runs = {text[at : at + _SHORTEST] for text in map(str, secrets) for at in range(len(text) - _SHORTEST + 1)}
    return _without(value, runs) if runs else value


def _without(value: t.Any, runs: set[str]) -> t.Any:
    if isinstance(value, dict):
        return {name: _without(item, runs) for name, item in value.items()}
    if isinstance(value, list):
        return [_without(item, runs) for item in value]
    return _hidden(value, runs) if isinstance(value, str) else value


def _hidden(text: str, runs: set[str]) -> str:
    kept, end = [], 0
    for at in range(len(text)):
        if text[at : at + _SHORTEST] in runs:
            kept += [_HIDDEN] if at >= end else []
            end = at + _SHORTEST
        elif at >= end:
            kept.append(text[at])
    return "".join(kept)
