"""One thing that is wrong with a description, with its place."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t


@dataclasses.dataclass(frozen=True, order=True)
class Problem:
    """:ivar line: counted from 1. :ivar path: such as ``postgresql.roles[0].name``; empty for the file as a whole."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {f'{self.path}: ' if self.path else ''}{self.text}"


def suggestion(written: str, known: t.Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(written.lower(), names, n=1)
    return names[close[0]] if close else None
