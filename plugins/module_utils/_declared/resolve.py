"""A description with its templates resolved by the variables of one host."""

from __future__ import annotations

import typing as t

from .located import Entry, Located, resolved
from .problem import Problem


class Unresolved(Exception):
    """:ivar reason: what to say; it quotes no value."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


# Gives the value of a template, or of an encrypted text; ``None`` for one that is omitted.
Resolver = t.Callable[[Located], t.Any]


def resolve(found: Located, resolver: Resolver, file: str, path: str, problems: list[Problem]) -> Located:
    """The same with the values of its templates. One that does not resolve is a problem, and unknown.

    :param resolver: raises :class:`Unresolved`.
    """
    if found.is_template or found.origin == "vault":
        try:
            value = resolver(found)
        except Unresolved as error:
            problems.append(Problem(file, found.line, path, error.reason))
            return Located(None, found.line, "unknown")
        # What is encrypted stays unknown to all but the server.
        return found if found.origin == "vault" else resolved(value, found.line)
    if isinstance(found.value, dict):
        inner: t.Any = {
            key: Entry(entry.line, resolve(entry.value, resolver, file, f"{path}.{key}", problems))
            for key, entry in found.value.items()
        }
    elif isinstance(found.value, list):
        inner = [resolve(item, resolver, file, f"{path}[{i}]", problems) for i, item in enumerate(found.value)]
    else:
        return found
    return Located(inner, found.line, found.origin)
