"""What the scanner hands out: statements, the text between them, COPY data, and its one error."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from . import lexer

_END_OF_DATA = frozenset(("\\.\n", "\\.\r\n", "\\.", "\\.\r"))


class ScanError(GroundworkError):
    """A file that cannot be cut into statements.

    :ivar file, line, column: where the trouble begins (for an open quote: where it was opened), 1-based.
    """

    def __init__(self, what: str, file: str, line: int, column: int, hint: str | None = None) -> None:
        self.file = file
        self.line = line
        self.column = column
        super().__init__(
            what,
            where=f"{file}:{line}:{column}",
            untouched="the file was refused while it was read; no statement of it was sent",
            hint=hint,
            code=ErrorCode.SCAN_ERROR,
            details={"file": file, "line": line, "column": column},
        )


@dataclasses.dataclass(frozen=True)
class Filler:
    """Text that is never sent: white space, comments, semicolons, ``\\restrict`` lines.

    :ivar line: 1-based line of its first character.
    """

    __slots__ = ("line", "text")

    text: str
    line: int


class Place(t.NamedTuple):
    """A position in a file and the line it is on.

    :ivar line, column: 1-based.
    :ivar shown: that line as far as the statement covers it.
    :ivar caret: 0-based offset in ``shown``.
    """

    line: int
    column: int
    shown: str
    caret: int


class CopyData:
    """The lines between ``COPY ... FROM STDIN;`` and ``\\.``, read from the file while somebody asks for them.

    Works once: as the file object of ``cursor.copy_expert`` (``read``) or as an iterable of lines. What nobody read is
    skipped when the scanner goes on. Raises ``ScanError`` when the file ends first.

    :ivar first_line: 1-based file line of the first data line; the server's line n is file line first_line + n - 1.
    :ivar separator: what stood between the statement and its data.
    :ivar terminator: the line that ended the data, empty until it was met.
    """

    def __init__(self, lines: t.Iterator[str], file: str, opened: tuple[int, int]) -> None:
        self._lines = lines
        self._file = file
        self._opened = opened
        self._left = ""
        self.first_line = 0
        self.lines_read = 0
        self.separator = ""
        self.terminator = ""

    def __iter__(self) -> t.Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.terminator:
            raise StopIteration
        line = next(self._lines, None)
        if line is None:
            raise ScanError(
                "the data of COPY FROM STDIN has no end",
                self._file,
                *self._opened,
                hint="end the data with a line that holds only \\.",
            )
        self.lines_read += 1
        if len(line) <= 4 and line in _END_OF_DATA:
            self.terminator = line
            raise StopIteration
        return line

    def read(self, size: int = -1) -> str:
        """Return about ``size`` characters (never fewer than one while data is left), or all of it."""
        parts = [self._left]
        length = len(self._left)
        self._left = ""
        while size < 0 or length < size:
            line = next(self, None)
            if line is None:
                break
            parts.append(line)
            length += len(line)
        text = "".join(parts)
        if 0 <= size < length:
            text, self._left = text[:size], text[size:]
        return text

    def skip(self) -> None:
        """Read on to the end of the data and forget it."""
        self._left = ""
        for _line in self:
            pass


@dataclasses.dataclass(frozen=True)
class Statement:
    """One statement as it is to be sent, without its semicolon.

    :ivar text: from the first token to the semicolon (comments inside kept, so that positions stay true).
    :ivar file: the name given to the scanner.
    :ivar number: 1-based position among the file's statements.
    :ivar line, column: 1-based place of the first token.
    :ivar end_line, end_column: 1-based place of the character after the last one.
    :ivar terminated: False for a last statement without semicolon.
    :ivar copy_data: the inline data of a ``COPY ... FROM STDIN``.
    :ivar standard_conforming_strings: the setting it was read with.
    """

    text: str
    file: str
    number: int
    line: int
    column: int
    end_line: int
    end_column: int
    terminated: bool = True
    copy_data: CopyData | None = None
    standard_conforming_strings: bool = True

    @functools.cached_property
    def tokens(self) -> list[lexer.Token]:
        """The tokens, comments left out."""
        return lexer.tokenise(self.text, self.standard_conforming_strings)

    @functools.cached_property
    def first_token(self) -> lexer.Token | None:
        """The first token, found without reading the megabytes of an INSERT; ``None`` when there is none."""
        return next(lexer.iterate(self.text, self.standard_conforming_strings), None)

    def place(self, position: int) -> Place:
        """Map a server's error position (``Diagnostics.statement_position``: 1-based, in characters) into the file."""
        offset = max(0, min(position - 1, len(self.text)))
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        line = self.line + self.text.count("\n", 0, offset)
        column = offset - start + (self.column if start == 0 else 1)
        shown = self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")
        return Place(line, column, shown, offset - start)

    @property
    def where(self) -> str:
        """``file:line`` for messages."""
        return f"{self.file}:{self.line}"


Piece = t.Union[Filler, Statement]  # noqa: UP007 (pylint takes the shorter form for arithmetic)
