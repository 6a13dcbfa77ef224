"""The tokens of one SQL statement, by PostgreSQL 16's own lexical rules (scan.l).


Used on text that the scanner has already cut into statements: whoever decides something about a statement (its
transaction mode, a lint rule) reads tokens and never searches the text.
"""

from __future__ import annotations

import re
import typing as t

#: Flex reads bytes and takes every one above 127 as a letter, so every character above ASCII is one here. These sets
#: say what they leave out: sets that reach up to the last character cost much to compile, and more to match.
LETTER = r"[^\x00-@\[-^`{-\x7f]"
LETTER_OR_DIGIT = r"[^\x00-/:-@\[-^`{-\x7f]"
IN_WORD = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
#: A number, and what sticks to it: flex takes a name (dollars included) or an exponent's sign into the same token, for
#: the server to refuse.
DIGITS = f"[0-9]+(?:(?:_?[0-9])*[eE][+-]|{LETTER}{IN_WORD}*)?"
SPACE = " \\t\\n\\r\\f\\v"

WORD = "word"
QUOTED = "quoted"
STRING = "string"
NUMBER = "number"
PARAMETER = "parameter"
SYMBOL = "symbol"

_TOKEN = re.compile(
    rf"""
    (?:[{SPACE}]+|--[^\n\r]*)*
    (?:
      (?P<nothing>\Z)
    | (?P<block>/\*)
    | (?P<escape>[eE]')
    | (?P<bits>[bBxX]')
    | (?P<unicode>[uU]&')
    | (?P<unicode_name>[uU]&")
    | (?P<national>[nN](?='))
    | (?P<word>{LETTER}{IN_WORD}*)
    | (?P<dollar>\$(?:{LETTER}{LETTER_OR_DIGIT}*)?\$)
    | (?P<parameter>\$[0-9]+(?:{LETTER}{IN_WORD}*)?)
    | (?P<number>(?:{DIGITS}(?:\.(?!\.)(?:{DIGITS})?)?|\.{DIGITS})(?:(?<=[eE][+-])[0-9]+)?)
    | (?P<quote>')
    | (?P<name>")
    | (?P<symbol>::|:=|=>|\.\.|[,()\[\].;:]|(?:(?!--|/\*)[~!@\#^&|`?+\-*/%<>=])+)
    | (?P<other>.)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
#: Groups whose text is the token's value, and the kind of that token.
_AS_WRITTEN = {"symbol": SYMBOL, "other": SYMBOL, "number": NUMBER, "parameter": PARAMETER}
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_NO_BACKSLASH_END = re.compile(r"[^']*(?:''[^']*)*'")
_BACKSLASH_END = re.compile(r"[^'\\]*(?:(?:''|\\.)[^'\\]*)*'", re.DOTALL)
_STRING_ENDS = {
    "quote": _NO_BACKSLASH_END, "escape": _BACKSLASH_END, "bits": _NO_BACKSLASH_END, "unicode": _NO_BACKSLASH_END,
}  # fmt: skip
_STRING_ENDS_WITH_BACKSLASHES = {**_STRING_ENDS, "quote": _BACKSLASH_END}
_NAME_END = re.compile(r'[^"]*(?:""[^"]*)*"')
SPACE_OR_COMMENT = re.compile(rf"[{SPACE}]+|--[^\n\r]*")


class Token(t.NamedTuple):
    """One token.

    :ivar kind: one of the constants of this module.
    :ivar value: a word folded to lower case, a quoted name without its quotes, a string's content as written (quotes
        taken off, escapes left alone), the text itself otherwise.
    :ivar start: 0-based offset of the first character in the statement's text.
    :ivar end: offset after the last one.
    """

    kind: str
    value: str
    start: int
    end: int

    def is_word(self, *values: str) -> bool:
        """Whether this is one of these key words (never so for a quoted name)."""
        return self.kind == WORD and self.value in values

    def is_symbol(self, value: str) -> bool:
        return self.kind == SYMBOL and self.value == value

    @property
    def is_name(self) -> bool:
        """Whether this can be an identifier."""
        return self.kind in (WORD, QUOTED)


def tokenise(text: str, standard_conforming_strings: bool = True) -> list[Token]:
    """Return the tokens of ``text``, comments and white space left out.

    Text that ends inside a quote or comment is no error here (the scanner refuses it): the last token runs to the end.
    """
    return list(iterate(text, standard_conforming_strings))


def iterate(text: str, standard_conforming_strings: bool = True) -> t.Iterator[Token]:
    """Yield what ``tokenise`` returns."""
    position, length, token_at = 0, len(text), _TOKEN.match
    string_ends = _STRING_ENDS if standard_conforming_strings else _STRING_ENDS_WITH_BACKSLASHES
    while position < length:
        match = token_at(text, position)
        if match is None or match.lastgroup is None:
            return
        kind = match.lastgroup
        start, position = match.span(kind)
        if kind == "word":
            word = text[start:position]
            yield Token(WORD, word.lower() if word.isascii() else fold(word), start, position)
        elif kind in _AS_WRITTEN:
            yield Token(_AS_WRITTEN[kind], text[start:position], start, position)
        elif kind == "block":
            position = _comment_end(text, position)
        elif kind in string_ends:
            opened = position
            position = _string_end(text, position, string_ends[kind])
            yield Token(STRING, text[opened : max(opened, position - 1)], start, position)
        elif kind == "dollar":
            tag = match[kind]
            closed = text.find(tag, position)
            body_end, end = (closed, closed + len(tag)) if closed >= 0 else (len(text), len(text))
            yield Token(STRING, text[position:body_end], start, end)
            position = end
        elif kind in ("name", "unicode_name"):
            opened = position
            closed_name = _NAME_END.match(text, position)
            position = closed_name.end() if closed_name else len(text)
            yield Token(QUOTED, text[opened : max(opened, position - 1)].replace('""', '"'), start, position)


def fold(word: str) -> str:
    """Fold an unquoted identifier as the server does in a UTF-8 database: ASCII letters only."""
    return word.lower() if word.isascii() else "".join(c.lower() if c.isascii() else c for c in word)


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return len(text)
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def _string_end(text: str, position: int, end: re.Pattern[str]) -> int:
    """Return where the literal ends, the parts that continue it on later lines included."""
    while True:
        closed = end.match(text, position)
        if closed is None:
            return len(text)
        position = closed.end()
        ahead, new_line = position, False
        while gap := SPACE_OR_COMMENT.match(text, ahead):
            ahead = gap.end()
            new_line = new_line or "\n" in gap.group() or "\r" in gap.group()
        if not new_line or text[ahead : ahead + 1] != "'":
            return position
        position = ahead + 1
