"""What is known about settings: PostgreSQL 16's own, and what a running server says about its own."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from .postgresql_16 import PGAUDIT, ROWS
from .retired import ADVICE

TYPES = {"b": "bool", "i": "integer", "r": "real", "e": "enum", "s": "string"}


@dataclasses.dataclass(frozen=True)
class Setting:
    """One setting as ``pg_settings`` describes it.

    :param kind: ``bool``, ``integer``, ``real``, ``enum`` or ``string``.
    :param context: ``postmaster`` (restart), ``sighup`` and the rest (reload), ``internal`` (cannot be set).
    :param unit: unit that the numbers are counted in, such as ``8kB`` or ``ms``; empty for none.
    :param boot: the built-in default in that unit; empty when it depends on the build.
    """

    name: str
    kind: str
    context: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    boot: str = ""
    choices: tuple[str, ...] = ()

    @property
    def needs_restart(self) -> bool:
        return self.context == "postmaster"


class Catalogue:
    """Settings by name, whatever the case of the letters, as the server looks them up."""

    def __init__(self, settings: t.Iterable[Setting], retired: dict[str, str]) -> None:
        self._settings = {setting.name.lower(): setting for setting in settings}
        self._retired = retired
        self._prefixes = {name.split(".")[0] for name in self._settings if "." in name}

    def get(self, name: str) -> Setting | None:
        return self._settings.get(name.lower())

    def __iter__(self) -> t.Iterator[Setting]:
        return iter(self._settings.values())

    def with_live(self, live: t.Iterable[Setting]) -> Catalogue:
        """The same, where what a running server says of its settings wins."""
        return Catalogue([*self, *live], self._retired)

    def retired(self, name: str) -> str | None:
        """What to do instead of a setting that PostgreSQL 16 does not have (any more, or yet)."""
        return self._retired.get(name.lower())

    def is_custom(self, name: str) -> bool:
        """A name with a dot of a library that nothing is known about: the server takes any."""
        prefix = name.lower().split(".")[0]
        return "." in name and prefix not in self._prefixes

    def nearest(self, name: str) -> str | None:
        found = difflib.get_close_matches(name.lower(), self._settings, n=1, cutoff=0.6)
        return self._settings[found[0]].name if found else None


def postgresql_16() -> Catalogue:
    """The settings of PostgreSQL 16, of its contrib libraries and of pgaudit."""
    lines = [*ROWS.strip().splitlines(), *PGAUDIT.strip().splitlines()]
    return Catalogue(map(_from_row, lines), ADVICE)


def _from_row(line: str) -> Setting:
    name, kind, context, unit, low, high, boot, choices = line.split("|")
    return Setting(
        name,
        TYPES[kind],
        context,
        unit,
        _number(low),
        _number(high),
        boot,
        tuple(choices.split(",")) if choices else (),
    )


def from_pg_settings(rows: t.Iterable[tuple[t.Any, ...]]) -> list[Setting]:
    """Rows of ``SELECT name, vartype, context, unit, min_val, max_val, boot_val, enumvals FROM pg_settings``."""
    return [
        Setting(name, kind, context, unit or "", _number(low), _number(high), boot or "", tuple(choices or ()))
        for name, kind, context, unit, low, high, boot, choices in rows
    ]


def _number(text: str | None) -> float | None:
    return float(text) if text else None
