"""Reading the mappings of a specification, whose options have MongoDB's names and ours."""

from __future__ import annotations

import difflib
import math
import typing as t

from .._core.problems import Problems

TRUE_WORDS = frozenset({"true", "yes", "on", "1"})
FALSE_WORDS = frozenset({"false", "no", "off", "0"})


class Fields:
    """Takes the fields of one mapping by their snake_case name or by MongoDB's own camelCase name.

    :param path: where the mapping stands in the specification, such as ``collections[3].indexes[1]``.
    :param known: all accepted names in snake_case.
    """

    def __init__(self, value: dict[str, t.Any], path: str, known: dict[str, str], problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self._values: dict[str, t.Any] = {}
        self._written: dict[str, str] = {}
        by_server_name = {server: name for name, server in known.items()}
        for written, item in value.items():
            name = written if written in known else by_server_name.get(written)
            if name is None:
                problems.add(f"{path}.{written}", f"unknown option{_suggestion(str(written), known)}")
            elif name in self._values:
                problems.add(f"{path}.{written}", f"the same option is already given as {self._written[name]}")
            elif item is not None:
                self._values[name] = item
                self._written[name] = str(written)

    def where(self, name: str) -> str:
        return f"{self.path}.{self._written.get(name, name)}"

    def has(self, name: str) -> bool:
        return name in self._values

    def any(self, name: str) -> t.Any:
        return self._values.get(name)

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return value
        self.problems.add(self.where(name), f"a text is expected, not {_kind(value)}")
        return None

    def flag(self, name: str) -> bool | None:
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in TRUE_WORDS or word in FALSE_WORDS:
            return word in TRUE_WORDS
        self.problems.add(self.where(name), f"true or false is expected, not {value!r}")
        return None

    def whole(self, name: str, low: int | None = None, high: int | None = None) -> int | None:
        value = self._values.get(name)
        if value is None:
            return None
        number = as_number(value)
        if number is None or number != int(number):
            self.problems.add(self.where(name), f"a whole number is expected, not {value!r}")
            return None
        if (low is not None and number < low) or (high is not None and number > high):
            self.problems.add(self.where(name), f"{value} is outside {low} to {high}")
            return None
        return int(number)

    def number(self, name: str) -> float | int | None:
        value = self._values.get(name)
        if value is None:
            return None
        number = as_number(value)
        if number is None:
            self.problems.add(self.where(name), f"a number is expected, not {value!r}")
        return number

    def mapping(self, name: str) -> dict[str, t.Any] | None:
        value = self._values.get(name)
        if value is None or isinstance(value, dict):
            return value
        self.problems.add(self.where(name), f"a mapping is expected, not {_kind(value)}")
        return None

    def sequence(self, name: str) -> list[t.Any] | None:
        value = self._values.get(name)
        if value is None or isinstance(value, list):
            return value
        self.problems.add(self.where(name), f"a list is expected, not {_kind(value)}")
        return None

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        value = self._values.get(name)
        if value is None or value in choices:
            return value
        self.problems.add(self.where(name), f"{value!r} is none of {', '.join(choices)}")
        return None


def as_number(value: t.Any) -> float | int | None:
    """A number, also when templating made a text of it; ``None`` for anything else. Whole numbers come back as int."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value == int(value) else value
    return value if isinstance(value, int) else None


def _kind(value: t.Any) -> str:
    return {dict: "a mapping", list: "a list", str: "a text", bool: "true or false"}.get(type(value), "a number")


def _suggestion(written: str, known: dict[str, str]) -> str:
    if written in {"background", "dropDups", "drop_dups", "ns", "v"}:
        return ": it has had no effect since MongoDB 4.2, remove it"
    close = difflib.get_close_matches(written, [*known, *known.values()], n=1)
    return f", did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}"
