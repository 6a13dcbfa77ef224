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
# What the rules of a locale change, of all that MongoDB 6.0 knows: each was created and read back. An index takes all
# of it, a collection ``backwards`` only: the server fills in its own defaults before it asks for those of the locale.
_NORMALIZED = "as bn el fa fa_AF gu he hi ig km kn kok mr my or pa ps si ta te vi yi yo"
_OF_LOCALE: dict[str, dict[str, t.Any]] = {
    **{locale: {"normalization": True} for locale in _NORMALIZED.split()},
    "da": {"caseFirst": "upper"},
    "fr_CA": {"backwards": True},
    "mt": {"caseFirst": "upper"},
    "th": {"alternate": "shifted", "normalization": True},
}
_OF_COLLECTIONS = ("backwards",)
FIELDS = ("locale", *DEFAULTS)


def of_index(collation: dict[str, t.Any] | None) -> dict[str, t.Any] | None:
    """The collation that ``createIndexes`` makes of it; ``None`` for simple binary comparison."""
    return _filled(collation, DEFAULTS)


def of_collection(collation: dict[str, t.Any] | None) -> dict[str, t.Any] | None:
    """The collation that ``create`` makes of it; ``None`` for simple binary comparison."""
    return _filled(collation, _OF_COLLECTIONS)


def _filled(collation: dict[str, t.Any] | None, of_locale: t.Container[str]) -> dict[str, t.Any] | None:
    """
    The ICU version that a server adds depends on its build and says nothing about what was asked for.

    :param of_locale: the fields whose default the locale decides.
    """
    if not collation or collation.get("locale") == "simple":
        return None
    locale = collation["locale"]
    own = _OF_LOCALE.get(str(locale).partition("@")[0], {})
    filled = {"locale": locale, **DEFAULTS, **{name: value for name, value in own.items() if name in of_locale}}
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


def problem_of_index(collation: dict[str, t.Any]) -> str | None:
    """What ``createIndexes`` would refuse because of what the locale adds."""
    filled = of_index(collation)
    if not filled or filled["caseFirst"] == "off" or filled["caseLevel"] or filled["strength"] > 2:
        return None
    return (
        f"the locale {filled['locale']} has caseFirst {filled['caseFirst']}, which needs a strength above 2;"
        " give caseFirst: 'off'"
    )
