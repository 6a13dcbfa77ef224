"""The text of a description as values with the line that each of them stands in. Runs on the controller only."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .problem import Problem

_JINJA = re.compile(r"\{[{%#]")
_BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STANDARD = "tag:yaml.org,2002:"
_MERGE = f"{_STANDARD}merge"
_VAULT = ("!vault", "!vault-encrypted")
# What PyYAML quotes of the text could be a part of a password: its own names of tokens, and single signs, are not.
_QUOTED = re.compile(r" ?'(<[a-z ]+>|[^']?)?([^']*)'")


class Unreadable(Exception):
    """The text as a whole cannot be read; the problem says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


@dataclasses.dataclass(frozen=True)
class Located:
    """A value of the file.

    :ivar value: a scalar, a list of ``Located``, or a dictionary from keys to :class:`Entry`.
    :ivar line: where it begins, counted from 1.
    :ivar origin: ``plain``; ``unsafe`` and ``vault`` for a text with such a tag; ``resolved`` for what a template gave;
        ``unknown`` for what nothing can be said about, as a template that did not resolve.
    """

    value: t.Any
    line: int
    origin: str = "plain"

    @property
    def is_template(self) -> bool:
        return self.origin == "plain" and isinstance(self.value, str) and bool(_JINJA.search(self.value))

    @property
    def known(self) -> bool:
        return not self.is_template and self.origin not in ("unknown", "vault")

    def get(self, key: str) -> Located | None:
        """The value of a key; ``None`` where there is none, and where this is not a mapping."""
        entry = self.value.get(key) if isinstance(self.value, dict) else None
        return entry.value if entry else None

    def items(self, key: str) -> list[Located]:
        """The items of a key's list; empty where there is none."""
        found = self.get(key)
        return found.value if found and isinstance(found.value, list) else []

    def text(self, key: str) -> str | None:
        """A text that is known."""
        found = self.get(key)
        return found.value if found and found.known and isinstance(found.value, str) else None


@dataclasses.dataclass(frozen=True)
class Entry:
    """:ivar line: of the key."""

    line: int
    value: Located


def resolved(value: t.Any, line: int) -> Located:
    """A plain value, as a template gives it, all of it in the template's line."""
    if isinstance(value, t.Mapping):
        inner: t.Any = {key: Entry(line, resolved(item, line)) for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        inner = [resolved(item, line) for item in value]
    else:
        inner = value
    return Located(inner, line, "resolved")


def decode(content: bytes, file: str) -> str:
    """:raises Unreadable: it is not UTF-8."""
    for mark, name in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            raise Unreadable(Problem(file, 1, "", f"the file is {name}; save it as UTF-8"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = f"the byte 0x{content[error.start]:02X} is not UTF-8, the file is probably Latin-1; save it as UTF-8"
        raise Unreadable(Problem(file, line, "", text)) from None


def read(text: str, file: str) -> tuple[Located, list[Problem]]:
    """The mapping that a description is, and what is wrong with its keys and tags.

    :raises Unreadable: malformed YAML, or anything but one mapping with something in it.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        reader = loader(text)
        try:
            node = reader.get_single_node()
            if node is None:
                raise Unreadable(
                    Problem(file, 1, "", "the file is empty; write postgresql: or mongodb: with its contents")
                )
            conversion = _Conversion(reader, file)
            found = conversion.convert(node)
        finally:
            reader.dispose()
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_malformed(error, file)) from None
    except yaml.reader.ReaderError:
        raise Unreadable(_forbidden_character(text, file)) from None
    _expect_mapping(found, file)
    return found, conversion.problems


def _expect_mapping(found: Located, file: str) -> None:
    if isinstance(found.value, dict) and found.value:
        return
    if isinstance(found.value, dict) or found.value is None:
        text = "the file is empty; write postgresql: or mongodb: with its contents"
    else:
        text = f"the file is {kind(found.value)}, a mapping with postgresql: or mongodb: is expected"
    raise Unreadable(Problem(file, 1 if found.value is None else found.line, "", text))


def _forbidden_character(text: str, file: str) -> Problem:
    found = _NOT_YAML.search(text)
    line = text.count("\n", 0, found.start()) + 1 if found else 1
    character = f"U+{ord(found.group()):04X}" if found else "in this file"
    return Problem(file, line, "", f"the character {character} is not allowed in YAML")


def _malformed(error: t.Any, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    what = ", ".join(part for part in (error.context, error.problem) if part)
    return Problem(file, mark.line + 1 if mark else 1, "", f"malformed YAML: {_without_text(what)}")


def _without_text(message: str) -> str:
    return _QUOTED.sub(lambda quoted: "" if quoted.group(2) else quoted.group(), message)


def kind(value: t.Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    kinds: list[tuple[t.Any, str]] = [(dict, "a mapping"), (list, "a list"), (str, "text"), ((int, float), "a number")]
    return next((name for types, name in kinds if isinstance(value, types)), "a date or binary data")


class _Conversion:
    """From YAML nodes to located values; the reader makes values of scalars."""

    def __init__(self, reader: t.Any, file: str) -> None:
        self._reader = reader
        self._file = file
        self._open: set[int] = set()
        self.problems: list[Problem] = []

    def convert(self, node: t.Any, path: str = "", unsafe: bool = False) -> Located:
        unsafe = unsafe or node.tag == "!unsafe"
        line = node.start_mark.line + 1
        if node.id == "scalar":
            return self._scalar(node, line, path, unsafe)
        if id(node) in self._open:
            self._note(node, path, "the value contains itself")
            return Located(None, line, "unknown")
        if not unsafe and not node.tag.startswith(_STANDARD):
            self._note(node, path, f"the tag {node.tag} is unknown")
        self._open.add(id(node))
        if node.id == "sequence":
            value: t.Any = [self.convert(item, f"{path}[{i}]", unsafe) for i, item in enumerate(node.value)]
        else:
            value = self._mapping(node, path, unsafe)
        self._open.discard(id(node))
        return Located(value, line, "unsafe" if unsafe else "plain")

    def _scalar(self, node: t.Any, line: int, path: str, unsafe: bool) -> Located:
        if unsafe:
            return Located(node.value, line, "unsafe")
        if node.tag in _VAULT:
            return Located(node.value, line, "vault")
        if not node.tag.startswith(_STANDARD):
            self._note(node, path, f"the tag {node.tag} is unknown; !vault and !unsafe are known")
            return Located(None, line, "unknown")
        try:
            return Located(self._reader.construct_object(node), line)
        except (ValueError, self._reader_error()):
            self._note(node, path, f"the value cannot be read as {node.tag.removeprefix(_STANDARD)}; put it in quotes")
            return Located(None, line, "unknown")

    @staticmethod
    def _reader_error() -> type[Exception]:
        import yaml

        return t.cast("type[Exception]", yaml.constructor.ConstructorError)

    def _mapping(self, node: t.Any, path: str, unsafe: bool) -> dict[t.Any, Entry]:
        found: dict[t.Any, Entry] = {}
        merged: dict[t.Any, Entry] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = {**self._merged(value_node, path, unsafe), **merged}
                continue
            if key_node.id != "scalar":
                self._note(key_node, path, "a key is text, not a list or a mapping")
                continue
            key = self._key(key_node, path)
            below = f"{path}.{key}" if path else key
            if key in found:
                self._note(key_node, below, f"the key is there twice, first in line {found[key].line}")
            else:
                found[key] = Entry(key_node.start_mark.line + 1, self.convert(value_node, below, unsafe))
        return {**merged, **found}

    def _key(self, node: t.Any, path: str) -> str:
        if node.tag != f"{_STANDARD}str" and not (node.tag == f"{_STANDARD}int" and path):
            self._note(node, path, f"YAML does not read the key {node.value[:40]} as text; put it in quotes")
        return str(node.value)

    def _merged(self, node: t.Any, path: str, unsafe: bool) -> dict[t.Any, Entry]:
        nodes = node.value if node.id == "sequence" else [node]
        merged: dict[t.Any, Entry] = {}
        for one in nodes:
            if one.id != "mapping":
                self._note(one, path, "<< takes a mapping, or a list of mappings")
                continue
            converted = self.convert(one, path, unsafe).value
            merged = {**(converted or {}), **merged}
        return merged

    def _note(self, node: t.Any, path: str, text: str) -> None:
        self.problems.append(Problem(self._file, node.start_mark.line + 1, path, text))
