"""Files in the form of postgresql.conf: read as guc-file.l reads them, and written."""

from __future__ import annotations

import re
import typing as t

from ..settings import check

HEADER = "# Written by groundwork.databases; changes made here are undone by its next run.\n"
# The server splits a name from its value at white space or one equals sign; a value may stand in single quotes.
_LINE = re.compile(
    r"""\s*(?P<name>[A-Za-z_][A-Za-z0-9_$]*(?:\.[A-Za-z_][A-Za-z0-9_$]*)*)
        \s*=?\s*
        (?P<value>'(?:''|\\.|[^'\\\n])*'|[^\s'#]+)?
        \s*(?:\#.*)?""",
    re.VERBOSE,
)
_BARE = re.compile(r"-?[0-9]+(\.[0-9]+)?|on|off")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Entry(t.NamedTuple):
    """One line that says something."""

    name: str
    text: str
    line: int


def parse(content: str) -> list[Entry]:
    """The settings and include directives of a file, in order; lines that the server would refuse are passed over."""
    entries = []
    for number, line in enumerate(content.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match and match["value"] is not None:
            entries.append(Entry(match["name"].lower(), _unquoted(match["value"]), number))
    return entries


def _unquoted(value: str) -> str:
    if not value.startswith("'"):
        return value
    return re.sub(r"''|\\([0-7]{1,3}|.)", _unescaped, value[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    if match[0] == "''":
        return "'"
    escaped = match[1]
    return chr(int(escaped, 8)) if escaped[0] in "01234567" else _ESCAPES.get(escaped, escaped)


def quoted(text: str) -> str:
    """A value as it stands in a file."""
    if _BARE.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def render(texts: t.Mapping[str, str], purpose: str) -> str:
    """One drop-in, its settings in the order in which they were said."""
    lines = [HEADER, f"# {purpose}\n" if purpose else "", "\n"]
    return "".join([*lines, *(f"{name} = {quoted(text)}\n" for name, text in texts.items())])


def shown(content: str) -> str:
    """A file fit for a diff: passwords and the like are left out."""
    lines = []
    for line in content.splitlines(keepends=True):
        match = _LINE.fullmatch(line.rstrip("\n"))
        if match and match["value"]:
            text = _unquoted(match["value"])
            hidden = check.hidden(match["name"], text)
            line = line if hidden == text else line.replace(match["value"], quoted(hidden))
        lines.append(line)
    return "".join(lines)
