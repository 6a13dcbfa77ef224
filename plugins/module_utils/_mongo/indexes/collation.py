"""Collations with every default filled in, as the server stores them."""

from __future__ import annotations

import typing as t

DEFAULTS: dict[str, t.Any] = {
    "caseLevel": False,
    "caseFirst": "off",
    "strength": 3,
    "numericOrdering": False,
    "alternate": "non-ignorable",
    "maxVariable": "punct",
    "normalization": False,
    "backwards": False,
}
# The one locale whose defaults differ, of the hundred that MongoDB 6.0 knows (each was created and read back).
LOCALE_DEFAULTS: dict[str, dict[str, t.Any]] = {"fr_CA": {"backwards": True}}
FIELDS = ("locale", *DEFAULTS)


def normalised(collation: dict[str, t.Any] | None) -> dict[str, t.Any] | None:
    """The collation that the server makes of it; ``None`` for simple binary comparison.

    The ICU version that a server adds depends on its build and says nothing about what was asked for.
    """
    if not collation or collation.get("locale") == "simple":
        return None
    locale = collation["locale"]
    filled = {"locale": locale, **DEFAULTS, **LOCALE_DEFAULTS.get(str(locale), {})}
    given = {name: value for name, value in collation.items() if name in filled}
    return {**filled, **{name: _typed(value, filled[name]) for name, value in given.items()}}


def _typed(value: t.Any, default: t.Any) -> t.Any:
    if isinstance(default, bool):
        return bool(value)
    return int(value) if isinstance(default, int) else value


def problem(collation: dict[str, t.Any]) -> str | None:
    """What the server would refuse, in words; ``None`` when nothing."""
    unknown = sorted(set(collation) - set(FIELDS))
    if unknown:
        return f"unknown collation field {unknown[0]}; known are {', '.join(FIELDS)}"
    if not isinstance(collation.get("locale"), str) or not collation["locale"]:
        return "a collation needs a locale"
    return None
