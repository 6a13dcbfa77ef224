"""A file that is to be linted: its statements and the comments that speak to the linter."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..sql.scanner import pieces
from ..sql.statement import Filler, Statement
from ..sql.transaction_mode import Decision

_COMMENT = re.compile(r"--[^\n\r]*|/\*.*?\*/", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Comment:
    """One comment; ``statement`` is the number of the statement it precedes or stands in."""

    text: str
    line: int
    statement: int


@dataclasses.dataclass(frozen=True)
class PendingFile:
    """A file that will be applied.

    :ivar path: as findings shall name it.
    :ivar in_transaction: how the file will be run: True for one transaction, False for one statement at a time, None
        for "one transaction unless a statement cannot".
    :ivar out_of_order: whether a higher version is applied already.
    :ivar decisions: the transaction mode of each statement where they are known already.
    """

    path: str
    statements: t.Sequence[Statement]
    comments: t.Sequence[Comment] = ()
    in_transaction: bool | None = None
    out_of_order: bool = False
    decisions: t.Sequence[Decision] | None = None

    @classmethod
    def read(
        cls,
        path: str,
        source: t.Iterable[str],
        *,
        standard_conforming_strings: bool = True,
        in_transaction: bool | None = None,
        out_of_order: bool = False,
        see: t.Callable[[Statement], None] | None = None,
    ) -> PendingFile:
        """Scan a file. COPY data is passed over, not kept.

        :param see: gets each statement while its COPY data can still be read.
        :raises ScanError: when the file cannot be cut into statements.
        """
        statements: list[Statement] = []
        comments: list[Comment] = []
        for piece in pieces(source, path, standard_conforming_strings):
            if isinstance(piece, Filler):
                comments += _comments(piece.text, piece.line, len(statements) + 1)
            else:
                statements.append(piece)
                if see:
                    see(piece)
                comments += _inner_comments(piece)
        return cls(path, statements, comments, in_transaction, out_of_order)


def _comments(text: str, line: int, statement: int) -> t.Iterator[Comment]:
    for match in _COMMENT.finditer(text):
        yield Comment(match.group(), line + text.count("\n", 0, match.start()), statement)


def _inner_comments(statement: Statement) -> t.Iterator[Comment]:
    """Comments between the tokens, so never a string that looks like one."""
    if "-ignore" not in statement.text and ":ignore" not in statement.text:
        return
    end = 0
    for token in [*statement.tokens, None]:
        gap = statement.text[end : token.start if token else None]
        yield from _comments(gap, statement.line + statement.text.count("\n", 0, end), statement.number)
        end = token.end if token else end
