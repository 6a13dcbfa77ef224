"""Cut a migration file into statements, by psql's rules (src/fe_utils/psqlscan.l of PostgreSQL 16), in one pass.


    with open(path, encoding="utf-8", newline="") as stream:
        for statement in statements(stream, "V1__x.sql"):
            ...                        # statement.text, .line, .copy_data, .place(error_position), .tokens

``pieces`` yields the text between the statements too: joined, the pieces are the file (a COPY statement is followed by
its ``copy_data``: separator, lines, terminator). Memory holds one statement, and of COPY data one line. Open files with
``newline=""``, otherwise line ends are not what the file has.

Where this reads otherwise than psql, psql is wrong about what the server takes for one statement:

- a string continued on the next line keeps its kind (psql forgets an ``E`` prefix at the end of a line);
- only ``BEGIN ATOMIC`` opens a function body (psql counts every word ``begin``), and ``t.end`` or ``AS end`` closes
  nothing;
- empty lines stay (psql drops those outside quotes, so its error positions drift).

Refused, with the place: every meta-command but ``\\restrict`` and ``\\unrestrict`` between statements, text behind a
``COPY ... FROM STDIN;`` on its line (psql reads the data first and that text later), whatever is left open at the end.
psql's variables (``:name``) are not replaced: nothing sets any, and ``:name$$`` opens no dollar quote.
"""

from __future__ import annotations

import itertools
import re
import typing as t

from . import lexer
from .statement import CopyData, Filler, Piece, ScanError, Statement

_TOKEN = re.compile(
    rf"""
      (?P<space>[{lexer.SPACE}]+|--[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<escape>[eE]')
    | (?P<bits>[bBxX]')
    | (?P<unicode>[uU]&')
    | (?P<unicode_name>[uU]&")
    | (?P<word>{lexer.LETTER}{lexer.IN_WORD}*)
    | (?P<dollar>\$(?:{lexer.LETTER}{lexer.LETTER_OR_DIGIT}*)?\$)
    | (?P<quote>')
    | (?P<name>")
    | (?P<open>\()
    | (?P<close>\))
    | (?P<end>;)
    | (?P<command>\\)
    | (?P<other>\$[0-9]+(?:{lexer.LETTER}{lexer.IN_WORD}*)?|{lexer.DIGITS}|.)
    """,
    re.VERBOSE | re.DOTALL,
)
#: Many harmless tokens in one match. Bounded, because the matcher keeps a note per repetition.
_RUN = re.compile(
    rf"""(?:[{lexer.SPACE}]+|--[^\n\r]*|{lexer.LETTER}{lexer.IN_WORD}*(?!{lexer.IN_WORD}|['"&])
    |{lexer.DIGITS}|[,.=<>\[\]+*:%!|]){{1,400}}""",
    re.VERBOSE,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_BACKSLASH_END = re.compile(r"['\\]")
_COMMAND = re.compile(r"\\(\S*)")
_SETTING = "standard_conforming_strings"
_FUNCTION_HEADS = tuple(
    head for kind in ("function", "procedure") for head in (("create", kind), ("create", "or", "replace", kind))
)


def statements(source: t.Iterable[str], file: str, standard_conforming_strings: bool = True) -> t.Iterator[Statement]:
    """Yield the statements of ``source`` (lines or chunks of any size).

    :raises ScanError: at the first thing that cannot be read; statements before it have been yielded by then.
    """
    for piece in pieces(source, file, standard_conforming_strings):
        if isinstance(piece, Statement):
            yield piece


def pieces(source: t.Iterable[str], file: str, standard_conforming_strings: bool = True) -> t.Iterator[Piece]:
    """Yield everything that is in ``source``, in order."""
    lines = _lines(source)
    scanner = _Scanner(lines, file, standard_conforming_strings)
    for line in lines:
        scanner.read(line)
        waiting, scanner.out = scanner.out, []
        yield from waiting
        copy = scanner.copy
        if copy is not None:
            data = t.cast(CopyData, copy.copy_data)
            yield copy
            data.skip()
            scanner.after_copy(data)
    scanner.finish()
    yield from scanner.out


def _lines(source: t.Iterable[str]) -> t.Iterator[str]:
    """Re-cut chunks at line feeds, and only there."""
    held: list[str] = []
    for chunk in source:
        start = 0
        while (end := chunk.find("\n", start) + 1) > 0:
            if held:
                held.append(chunk[start:end])
                yield "".join(held)
                held.clear()
            else:
                yield chunk[start:end]
            start = end
        if start < len(chunk):
            held.append(chunk[start:])
    if held:
        yield "".join(held)


class _Scanner:
    """The state that psql's lexer keeps from line to line."""

    def __init__(self, lines: t.Iterator[str], file: str, standard_conforming_strings: bool) -> None:
        self.out: list[Piece] = []
        self.copy: Statement | None = None
        self._lines = lines
        self._file = file
        self._default_strings = self._standard_strings = standard_conforming_strings
        self._line_number = 0
        self._line = ""
        self._mark = 0
        self._parts: list[str] = []
        self._parts_line = 1
        self._inside: t.Callable[[int], int] | None = None
        self._string_kind = "quote"
        self._tag = ""
        self._opened = (1, 1)
        self._opened_what = ""
        self._comment_depth = 0
        self._new_line_seen = False
        self._count = 0
        self._reset()

    def _reset(self) -> None:
        self._started: tuple[int, int] | None = None
        self._head: list[str] = []
        self._settled = False
        self._is_function = False
        self._previous = ""
        self._parentheses = 0
        self._parenthesis_opened = (1, 1)
        self._bodies: list[tuple[int, int]] = []
        self._strings_at_start = self._standard_strings

    # -- lines in, pieces out

    def read(self, line: str) -> None:
        """Take one line (its line feed included) in."""
        self._line_number += 1
        self._line = line
        self._mark = position = 0
        if self._line_number == 1 and line.startswith("\ufeff"):
            position = 1
        if "\0" in line:
            raise ScanError("a NUL character cannot be sent to PostgreSQL", *self._at(line.index("\0")))
        end = len(line)
        while position < end:
            position = self._inside(position) if self._inside else self._plain(position)
        self._keep(end)

    def finish(self) -> None:
        """Hand out what is left at the end of the file."""
        if self._inside and self._inside != self._after_string:
            raise ScanError(f"{self._opened_what} is never closed", self._file, *self._opened)
        if self._bodies:
            raise ScanError("a BEGIN ATOMIC or CASE has no END", self._file, *self._bodies[-1])
        if self._parentheses:
            raise ScanError("a parenthesis is never closed", self._file, *self._parenthesis_opened)
        if self._started:
            self._end_statement(len(self._line), terminated=False)
            if self.copy:
                next(t.cast(CopyData, self.copy.copy_data))
        elif self._parts:
            self.out.append(Filler("".join(self._parts), self._parts_line))

    def after_copy(self, data: CopyData) -> None:
        """Go on behind COPY data that the reader has taken out of the line iterator."""
        self._line_number += data.lines_read
        self._parts_line = self._line_number + 1
        self.copy = None

    def _at(self, position: int) -> tuple[str, int, int]:
        return (self._file, *self._spot(position))

    def _spot(self, position: int) -> tuple[int, int]:
        with_mark = self._line_number == 1 and self._line.startswith("\ufeff")
        return self._line_number, position + (0 if with_mark else 1)

    def _keep(self, position: int) -> None:
        """Move the line up to ``position`` into the piece that is being built."""
        if self.copy:
            t.cast(CopyData, self.copy.copy_data).separator += self._line[self._mark : position]
        elif self._mark < position:
            if not self._parts:
                self._parts_line = self._line_number
            self._parts.append(self._line[self._mark : position])
        self._mark = position

    def _start_statement(self, position: int) -> None:
        if self.copy:
            raise ScanError(
                "text behind COPY ... FROM STDIN; on its line",
                *self._at(position),
                hint="put it behind the line \\. that ends the data",
            )
        self._keep(position)
        if self._parts:
            self.out.append(Filler("".join(self._parts), self._parts_line))
            self._parts = []
        self._reset()
        self._started = self._spot(position)

    def _end_statement(self, position: int, terminated: bool = True) -> None:
        self._keep(position)
        text = "".join(self._parts)
        self._parts = []
        self._count += 1
        line, column = t.cast("tuple[int, int]", self._started)
        copy_data = None
        if self._head[:1] == ["copy"] and reads_stdin(lexer.tokenise(text, self._strings_at_start)):
            copy_data = CopyData(self._lines, self._file, (line, column))
            copy_data.first_line = self._line_number + 1
        end = self._spot(position) if terminated or text[-1] != "\n" else (self._line_number + 1, 1)
        statement = Statement(
            text,
            self._file,
            self._count,
            line,
            column,
            *end,
            terminated=terminated,
            copy_data=copy_data,
            standard_conforming_strings=self._strings_at_start,
        )
        if copy_data:
            self.copy = statement
        else:
            self.out.append(statement)
        if self._head[:1] in (["set"], ["reset"]):
            self._follow_setting(statement)
        self._reset()

    def _follow_setting(self, statement: Statement) -> None:
        words = [token.value.lower() for token in statement.tokens]
        if words[0] == "reset" and words[1:] in ([_SETTING], ["all"]):
            self._standard_strings = self._default_strings
        words = [word for word in words if word not in ("session", "local")]
        if words[:2] == ["set", _SETTING] and len(words) == 4:
            value = words[3]
            on = value in ("on", "true", "yes", "1")
            self._standard_strings = self._default_strings if value == "default" else on

    # -- between quotes and comments

    def _plain(self, position: int) -> int:
        """Read from ``position`` to the next quote, comment or end of the line; return where."""
        line, end = self._line, len(self._line)
        while position < end:
            if self._settled and (run := _RUN.match(line, position)):
                position = run.end()
                continue
            match = t.cast("re.Match[str]", _TOKEN.match(line, position))
            kind, start, position = match.lastgroup, position, match.end()
            if kind == "space":
                continue
            if kind == "comment":
                self._comment_depth = 1
                self._enter(self._comment, start, "a comment")
                return position
            if kind == "end":
                self._semicolon(start)
                continue
            if kind == "command":
                position = self._command(start)
                continue
            if self._started is None:
                self._start_statement(start)
            if kind == "word":
                self._word(match.group().lower(), start)
                continue
            self._previous = match.group()
            if kind == "open":
                if not self._parentheses:
                    self._parenthesis_opened = self._spot(start)
                self._parentheses += 1
            elif kind == "close":
                self._parentheses = max(0, self._parentheses - 1)
            elif kind != "other":
                self._open_quote(t.cast(str, kind), match.group(), start)
                return position
            self._settled = not self._is_function and bool(self._head)
        return position

    def _enter(self, inside: t.Callable[[int], int], position: int, what: str) -> None:
        self._inside = inside
        self._opened_what = what
        self._opened = self._spot(position)

    def _open_quote(self, kind: str, text: str, position: int) -> None:
        self._settled = not self._is_function and bool(self._head)
        if kind == "dollar":
            self._tag = text
            self._enter(self._dollar, position, f"the dollar quote {text}")
        elif kind in ("name", "unicode_name"):
            self._enter(self._name, position, "a quoted name")
        else:
            self._string_kind = "escape" if kind == "quote" and not self._standard_strings else kind
            self._enter(self._string, position, "a string")

    def _semicolon(self, position: int) -> None:
        if self._started is None:
            return
        self._previous = ";"
        if not self._parentheses and not self._bodies:
            self._end_statement(position)

    def _command(self, position: int) -> int:
        match = t.cast("re.Match[str]", _COMMAND.match(self._line, position))
        name = match.group(1)
        if name in ("restrict", "unrestrict") and self._started is None and not self.copy:
            return len(self._line)
        if name.startswith((";", ":")):
            what, hint = f"psql's \\{name[0]} joins or escapes text for psql only", f"write {name[0]} alone"
        elif name.startswith("."):
            what, hint = "\\. stands outside COPY data", "remove the line, or give it a COPY ... FROM STDIN"
        else:
            what = f"psql's meta-command \\{name} means nothing to the server"
            hint = "say it in SQL, or run this file with psql"
        raise ScanError(what, *self._at(position), hint=hint)

    def _word(self, word: str, position: int) -> None:
        """Watch the first words, and the nesting inside a function body."""
        previous, self._previous = self._previous, word
        if len(self._head) < 4 and not self._settled:
            self._head.append(word)
            self._is_function = self._is_function or tuple(self._head) in _FUNCTION_HEADS
            self._settled = not self._is_function and not any(
                head[: len(self._head)] == tuple(self._head) for head in _FUNCTION_HEADS
            )
        if not self._is_function or self._parentheses:
            return
        if word == "atomic" and previous == "begin":
            self._bodies.append(self._spot(position))
        elif self._bodies and previous not in (".", "as"):
            if word == "case":
                self._bodies.append(self._spot(position))
            elif word == "end":
                self._bodies.pop()

    # -- inside quotes and comments: each returns a position behind the one it got, or leaves the state

    def _comment(self, position: int) -> int:
        edge = _COMMENT_EDGE.search(self._line, position)
        if edge is None:
            return len(self._line)
        self._comment_depth += 1 if edge.group() == "/*" else -1
        if not self._comment_depth:
            self._inside = None
        return edge.end()

    def _dollar(self, position: int) -> int:
        found = self._line.find(self._tag, position)
        if found < 0:
            return len(self._line)
        self._inside = None
        return found + len(self._tag)

    def _name(self, position: int) -> int:
        # A doubled quote closes and opens again: the same place in the end.
        found = self._line.find('"', position)
        if found < 0:
            return len(self._line)
        self._inside = None
        return found + 1

    def _string(self, position: int) -> int:
        if self._string_kind == "escape":
            match = _BACKSLASH_END.search(self._line, position)
            if match is None:
                return len(self._line)
            if match.group() == "\\":
                return min(match.end() + 1, len(self._line))
            found = match.start()
        else:
            found = self._line.find("'", position)
            if found < 0:
                return len(self._line)
        if self._line[found + 1 : found + 2] == "'" and self._string_kind != "bits":
            return found + 2
        self._inside = self._after_string
        self._new_line_seen = False
        return found + 1

    def _after_string(self, position: int) -> int:
        """Behind a closing quote: white space with a line end in it, then a quote, goes on with the same string."""
        match = lexer.SPACE_OR_COMMENT.match(self._line, position)
        if match:
            self._new_line_seen = self._new_line_seen or "\n" in match.group() or "\r" in match.group()
            return match.end()
        if self._new_line_seen and self._line[position] == "'":
            self._enter(self._string, position, "a string")
            return position + 1
        self._inside = None
        return position


def reads_stdin(tokens: t.Sequence[lexer.Token]) -> bool:
    """Whether these tokens are a ``COPY ... FROM STDIN`` (the grammar takes STDOUT for the same)."""
    depth = 0
    for token, following in itertools.pairwise(tokens):
        if token.kind == lexer.SYMBOL:
            depth += {"(": 1, ")": -1}.get(token.value, 0)
        if not depth and token.is_word("from"):
            return tokens[0].is_word("copy") and following.is_word("stdin", "stdout")
    return False
