"""Flyway's placeholders: replaced everywhere in a script, names without regard to case, no escape."""

from __future__ import annotations

import copy
import re
import typing as t

from ...._core.errors import GroundworkError


class Placeholders:
    """The values of one run.

    :param values: name to value; the names of Flyway's own placeholders start with ``flyway:``.
    :param secrets: names of those whose values must not be shown.
    """

    def __init__(
        self,
        values: t.Mapping[str, str],
        prefix: str = "${",
        suffix: str = "}",
        separator: str = ":",
        secrets: t.Collection[str] = (),
    ) -> None:
        self._secrets = {name.lower() for name in secrets}
        self._values = {name.lower(): value for name, value in values.items()}
        self._prefix = prefix
        self._suffix = suffix
        self._own = f"flyway{separator}"
        self._pattern = re.compile(re.escape(prefix) + r"(.*?)" + re.escape(suffix), re.DOTALL)

    def with_values(self, values: t.Mapping[str, str]) -> Placeholders:
        """A copy with more values."""
        more = copy.copy(self)
        more._values = {**self._values, **{name.lower(): value for name, value in values.items()}}
        return more

    def lines(self, lines: t.Iterable[str], where: str) -> t.Iterator[str]:
        """Yield the lines with every placeholder replaced.

        :raises GroundworkError: a placeholder has no value.
        """
        for number, line in enumerate(lines, 1):
            yield self._replace(line, where, number) if self._prefix in line else line

    def has_secret(self, lines: t.Iterable[str]) -> bool:
        """Whether one of the lines has a placeholder whose value must not be shown."""
        if not self._secrets:
            return False
        names = (match.group(1).lower() for line in lines for match in self._pattern.finditer(line))
        return any(name in self._secrets for name in names)

    def _replace(self, line: str, where: str, number: int) -> str:
        def value(match: re.Match[str]) -> str:
            name = match.group(1).lower()
            if name in self._values:
                return self._values[name]
            own = name.startswith(self._own)
            raise GroundworkError(
                f"Failed to populate value for default placeholder: {match.group()}"
                if own
                else f"No value provided for placeholder: {match.group()}.  Check your configuration!",
                where=f"{where}:{number}:{match.start() + 1}",
                untouched="the database",
                hint="Add it to placeholders, or turn replacement off with placeholder_replacement=false or with "
                "placeholderReplacement=false in the script's .conf file.",
            )

        return self._pattern.sub(value, line)
