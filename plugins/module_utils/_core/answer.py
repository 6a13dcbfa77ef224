"""What a host's module returned, read field by field on the controller: only facts of the expected type and range.

The owner of a host decides what its modules return. So an answer is parsed into a typed record before anything uses it:
fields that are not asked for are dropped, and one that does not fit is refused.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from collections.abc import Mapping

from .error_codes import ErrorCode
from .errors import GroundworkError

REQUIRED: t.Any = object()

NAME = r"[^/\s]+"
VERSION = r"[0-9A-Za-z.+~:_-]+( \([^()]*\))?"
ADDRESS = r"[^\s/,@?]+:[0-9]{1,5}"
LONGEST = 4096
# The one fact that ansible-core adds to the answer of a module by itself.
_INTERPRETER = "discovered_interpreter_"
# A fact that is stored is a template again for ansible-core before 2.19.
_TEMPLATE = re.compile(r"\{[{%#]")


class Answer:
    """One record of an answer.

    Every reading method takes a field and raises :class:`GroundworkError` when its value does not fit. With
    ``default``, a field that is missing or null has that value.

    :param host: who answered.
    :param module: what was asked.
    """

    def __init__(self, host: str, module: str, value: t.Any, where: str = "") -> None:
        self.host = host
        self.module = module
        self._where = where
        if not isinstance(value, Mapping):
            raise self._refusal(where.rstrip(".") or "the answer", value, "a dictionary")
        self._value = value

    @classmethod
    def of(cls, host: str, module: str, value: t.Any) -> Answer:
        """The whole answer of a module.

        :raises GroundworkError: it is no dictionary, or has facts: as variables, they win over the inventory's.
        """
        answer = cls(host, module, value)
        facts = value.get("ansible_facts") or {}
        for key in facts if isinstance(facts, Mapping) else [facts]:
            if not str(key).startswith(_INTERPRETER):
                raise answer._refusal("ansible_facts", facts, "nothing")
        return answer

    def text(self, field: str, pattern: str = ".*", *, default: t.Any = REQUIRED) -> str:
        """A line of printable text that the pattern matches as a whole."""
        value = self._get(field, default)
        if value is default:
            return t.cast(str, value)
        if not _is_line(value) or not re.fullmatch(pattern, value):
            raise self.refusal(field, value, "one line of text" if pattern == ".*" else f"text like {pattern}")
        return t.cast(str, value)

    def path(self, field: str, *, default: t.Any = REQUIRED) -> str:
        """An absolute path without anything that leads back; with ``default``, empty is missing."""
        value = self._get(field, default)
        if value is default or (value == "" and default is not REQUIRED):
            return t.cast(str, default)
        if not _is_line(value) or not value.startswith("/") or ".." in value.split("/"):
            raise self.refusal(field, value, "an absolute path without control characters")
        return t.cast(str, value)

    def one_of(self, field: str, choices: t.Collection[str], *, default: t.Any = REQUIRED) -> str:
        value = self._get(field, default)
        if value is not default and (not isinstance(value, str) or value not in choices):
            raise self.refusal(field, value, f"one of {', '.join(choice or '(empty)' for choice in choices)}")
        return t.cast(str, value)

    def flag(self, field: str, *, default: t.Any = REQUIRED) -> bool:
        value = self._get(field, default)
        if value is not default and not isinstance(value, bool):
            raise self.refusal(field, value, "true or false")
        return t.cast(bool, value)

    def whole(self, field: str, least: int = 0, most: int = 2**63 - 1, *, default: t.Any = REQUIRED) -> int:
        value = self._get(field, default)
        if value is default:
            return t.cast(int, value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refusal(field, value, f"a whole number from {least} to {most}")
        return t.cast(int, value)

    def number(self, field: str, least: float = 0, *, default: t.Any = REQUIRED) -> float:
        """A finite number."""
        value = self._get(field, default)
        if value is default:
            return t.cast(float, value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < 2**63:
            raise self.refusal(field, value, f"a number from {least} on")
        return t.cast(float, value)

    def port(self, field: str, *, default: t.Any = REQUIRED) -> int:
        return self.whole(field, 1, 65535, default=default)

    def sentence(self, field: str, *, default: t.Any = REQUIRED) -> str:
        """Text that is only shown; what a terminal or a template would act upon is blanked."""
        value = self._get(field, default)
        if value is default:
            return t.cast(str, value)
        if not isinstance(value, str):
            raise self.refusal(field, value, "text")
        return harmless(value)

    def sentences(self, field: str, *, default: t.Any = REQUIRED) -> list[str]:
        return [harmless(value) for value in self._list(field, str, "a list of texts", default)]

    def names(self, field: str, pattern: str = NAME, *, default: t.Any = REQUIRED) -> list[str]:
        values = self._list(field, str, "a list of names", default)
        for value in values:
            if not _is_line(value) or not re.fullmatch(pattern, value):
                raise self.refusal(field, value, f"names like {pattern}")
        return values

    def records(self, field: str, *, default: t.Any = REQUIRED) -> list[Answer]:
        values = self._list(field, Mapping, "a list of dictionaries", default)
        return [Answer(self.host, self.module, value, f"{self._where}{field}[{i}].") for i, value in enumerate(values)]

    def record(self, field: str) -> Answer | None:
        """The record in a field, ``None`` for one that is missing or null."""
        value = self._value.get(field)
        return None if value is None else Answer(self.host, self.module, value, f"{self._where}{field}.")

    def by_name(self, field: str, described: t.Sequence[str]) -> dict[str, Answer]:
        """Records by their name, which has to be a described one and comes once.

        :raises GroundworkError: another name, or one that comes twice.
        """
        found: dict[str, Answer] = {}
        for record in self.records(field):
            name = record.one_of("name", described)
            if name in found:
                raise record.refusal("name", name, "every name once")
            found[name] = record
        return found

    def fields(self) -> list[str]:
        return [str(name) for name in self._value]

    def refusal(self, field: str, value: t.Any, expected: str) -> GroundworkError:
        return self._refusal(f"{self._where}{field}", value, expected)

    def _get(self, field: str, default: t.Any) -> t.Any:
        value = self._value.get(field)
        if value is not None:
            return value
        if default is REQUIRED:
            raise self.refusal(field, None, "a value")
        return default

    def _list(self, field: str, kind: type, expected: str, default: t.Any) -> list[t.Any]:
        values = self._get(field, default)
        if values is default:
            return list(values)
        if not isinstance(values, (list, tuple)) or not all(isinstance(value, kind) for value in values):
            raise self.refusal(field, values, expected)
        return list(values)

    def _refusal(self, field: str, value: t.Any, expected: str) -> GroundworkError:
        shown = harmless(ascii(value) if isinstance(value, str) else repr(value))
        return GroundworkError(
            f"The host {self.host} answered {field} = {shown[:80]}{'…' if len(shown) > 80 else ''} to {self.module},"
            f" which takes {expected}. It may be compromised, or run another version of this collection.",
            where=self.host,
            untouched="all that this answer would have decided: nothing was written because of it",
            hint="Look at that host before anything is run on it again.",
            code=ErrorCode.ANSWER_REFUSED,
        )


@dataclasses.dataclass(frozen=True)
class Action:
    """A step of a plan, as modules report it."""

    action: str
    kind: str
    name: str


def actions(records: t.Iterable[Answer]) -> list[Action]:
    """:raises GroundworkError: a field does not fit."""
    return [Action(found.sentence("action"), found.sentence("kind"), found.sentence("name")) for found in records]


def harmless(text: str) -> str:
    """The text, with what is not printable and the beginnings of templates blanked; at most 4096 characters."""
    if _is_line(text):
        return text
    return _TEMPLATE.sub("{ ", "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST]))


def _is_line(value: t.Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST and value.isprintable() and not _TEMPLATE.search(value)
