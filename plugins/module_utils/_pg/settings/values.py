"""A value from YAML as the server will understand it: its text for a file, and its meaning to compare by."""

from __future__ import annotations

import re
import typing as t

from ..quoting import NAME_LISTS
from . import units
from .catalogue import Setting

# The settings whose value is a list without quotes.
PLAIN_LISTS = frozenset((
    "createrole_self_grant", "datestyle", "debug_io_direct", "listen_addresses", "log_destination", "pgaudit.log",
    "restrict_nonsystem_relation_kind", "synchronous_standby_names", "wal_consistency_checking",
))  # fmt: skip
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_PLAIN_NAME = re.compile(r"[a-z_/][a-z0-9_$./-]*")


class BadValue(ValueError):
    """The value is nothing that the setting can take; the message says what it can."""


def text(name: str, setting: Setting | None, value: t.Any) -> str:
    """What to write between the quotes of a configuration file.

    :param setting: ``None`` for a setting that nothing is known about.
    :raises BadValue: not of the setting's type, range or choices.
    """
    if isinstance(value, (list, tuple)):
        return _joined(name, value)
    if isinstance(value, dict):
        raise BadValue("it is a dictionary; a setting takes one value or a list")
    written = ("on" if value else "off") if isinstance(value, bool) else str(value)
    if "\0" in written:
        raise BadValue("it holds a zero byte")
    if setting is not None:
        _check(setting, value, written)
    if name.lower().endswith("preload_libraries"):
        _check_libraries(written)
    return written


def meaning(setting: Setting | None, written: str) -> t.Any:
    """Equal for two texts that the server takes for the same value, such as ``1GB`` and ``1048576kB``."""
    if setting is None:
        return written
    if setting.name.lower() in NAME_LISTS:
        return tuple(names(written))
    try:
        if setting.kind == "bool":
            return boolean(written)
        if setting.kind in ("integer", "real"):
            return units.parse(written, setting.unit, setting.kind == "integer")
    except ValueError:
        return written
    if setting.kind == "enum":
        choice = _choice(setting, written) or written.lower()
        # The one choice that has two names.
        return "pglz" if setting.name == "wal_compression" and choice == "on" else choice
    return written


def boolean(written: str) -> bool:
    """As ``parse_bool``: any unambiguous beginning of true, false, yes, no, on, off, and 1 and 0."""
    word = written.strip().lower()
    for answer, words in ((True, _TRUE), (False, _FALSE)):
        if word and any(known.startswith(word) and word != "o" for known in words):
            return answer
    raise BadValue("it is neither on nor off")


def names(written: str) -> list[str]:
    """The members of a list of names: commas separate, double quotes protect, bare words become lower case."""
    found = re.findall(r'\s*("(?:[^"]|"")*"|[^,]*)\s*(?:,|$)', written.strip()) if written.strip() else []
    members = [item.strip() for item in found]
    if members and not members[-1]:
        members.pop()
    return [m[1:-1].replace('""', '"') if m.startswith('"') else m.lower() for m in members]


def _check(setting: Setting, value: t.Any, written: str) -> None:
    if setting.kind == "bool":
        boolean(written)
    elif setting.kind == "enum":
        if _choice(setting, written) is None:
            raise BadValue(f"it is none of {', '.join(setting.choices)}")
    elif setting.kind in ("integer", "real"):
        _check_number(setting, value, written)
    elif isinstance(value, bool):
        raise BadValue("it is a text setting, and YAML has read a boolean: put the value in quotes")


def _check_number(setting: Setting, value: t.Any, written: str) -> None:
    if isinstance(value, bool):
        raise BadValue("it wants a number, and YAML has read a boolean")
    try:
        number = units.parse(written, setting.unit, setting.kind == "integer")
    except units.BadNumber as error:
        raise BadValue(f"{error}; {describe(setting)}") from None
    low = -float("inf") if setting.low is None else setting.low
    high = float("inf") if setting.high is None else setting.high
    if not low <= number <= high:
        raise BadValue(f"it is out of range; {describe(setting)}")


def describe(setting: Setting) -> str:
    """What the setting takes, for messages."""
    if setting.kind == "enum":
        return f"it takes {', '.join(setting.choices)}"
    if setting.kind not in ("integer", "real"):
        return f"it takes a {setting.kind}"
    low, high = (units.text(limit, setting.unit) if limit is not None else "" for limit in (setting.low, setting.high))
    accepted = f" (units {', '.join(units.family(setting.unit))}; without one: {setting.unit})" if setting.unit else ""
    return f"it takes {'a whole number' if setting.kind == 'integer' else 'a number'} from {low} to {high}{accepted}"


def _choice(setting: Setting, written: str) -> str | None:
    """The spelling of ``pg_settings``, also for the boolean words that enums with on and off accept."""
    word = written.lower()
    for choice in setting.choices:
        if choice.lower() == word:
            return choice
    if "on" in setting.choices and word in _TRUE:
        return "on"
    return "off" if "off" in setting.choices and word in _FALSE else None


def _joined(name: str, members: t.Iterable[t.Any]) -> str:
    written = [str(member) for member in members]
    if name.lower() in NAME_LISTS:
        joined = ", ".join(m if _PLAIN_NAME.fullmatch(m) else '"' + m.replace('"', '""') + '"' for m in written)
        if name.lower().endswith("preload_libraries"):
            _check_libraries(joined)
        return joined
    if name.lower() in PLAIN_LISTS or "." in name:
        return ", ".join(written)
    raise BadValue("it is a list, and this setting takes one value")


def _check_libraries(written: str) -> None:
    """The mistake that keeps a server from starting: one name with a comma in it, from too many quotes."""
    for library in names(written):
        if "," in library or " " in library or "'" in library or '"' in library or not library:
            raise BadValue(
                f'the server would look for one library called "{library}"; write a YAML list, or the names with '
                "commas and without inner quotes"
            )
