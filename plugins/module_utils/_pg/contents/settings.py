"""Settings of roles and databases: compared with what pg_db_role_setting holds, written as ALTER ... SET."""

from __future__ import annotations

import typing as t

from ..quoting import NAME_LISTS, identifier, literal
from .steps import SqlStep, sql_step

BOOLEANS = {"on": "on", "true": "on", "yes": "on", "off": "off", "false": "off", "no": "off"}


def items(text: str) -> list[str]:
    """The members of a stored or written list: commas separate, double quotes protect, bare words become lower case."""
    members: list[str] = []
    current, quoted, was_quoted = "", False, False
    for char in text + ",":
        if char == '"':
            if not quoted and was_quoted:  # a doubled quote inside quotes is one quote
                current += '"'
            quoted = not quoted
            was_quoted = True
        elif quoted:
            current += char
        elif char == ",":
            if current.strip() or was_quoted:
                members.append(current if was_quoted else current.strip().lower())
            current, was_quoted = "", False
        elif not (was_quoted and char.isspace()):
            current += char
        if not was_quoted:
            current = current.lstrip()
    return members


def wanted_text(name: str, value: t.Any) -> str | list[str]:
    """A value from YAML as PostgreSQL would store it; a list for the settings that are lists of identifiers."""
    if name.lower() in NAME_LISTS:
        members = [str(member) for member in value] if isinstance(value, (list, tuple)) else items(str(value))
        # SQL has no way to set an empty list; PostgreSQL keeps the one empty name that stands for it.
        return members or [""]
    if isinstance(value, (list, tuple)):
        return ", ".join(str(member) for member in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def same(name: str, stored: str | None, wanted: str | list[str]) -> bool:
    if stored is None:
        return False
    if isinstance(wanted, list):
        return items(stored) == wanted
    return _canonical(stored) == _canonical(wanted)


def _canonical(text: str) -> str:
    return BOOLEANS.get(text.lower(), text)


def assignment(name: str, wanted: str | list[str]) -> str:
    target = ".".join(identifier(part) for part in name.split("."))
    value = ", ".join(literal(member) for member in wanted) if isinstance(wanted, list) else literal(wanted)
    return f"SET {target} TO {value}"


def steps(
    owner: str, kind: str, name: str, wanted: dict[str, t.Any] | None, stored: dict[str, str], purge: bool
) -> list[SqlStep]:
    """:param owner: the statement up to SET, such as ``ALTER ROLE "x"``.
    A value of null takes the setting away.
    """
    if wanted is None:
        return []
    found: list[SqlStep] = []
    for setting, value in sorted(wanted.items()):
        before = stored.get(setting.lower())
        if value is None:
            if before is not None:
                found.append(_reset(owner, kind, name, setting, before))
            continue
        text = wanted_text(setting, value)
        if not same(setting, before, text):
            found.append(
                sql_step(
                    "set",
                    kind,
                    f"{name}: {setting}",
                    f"{owner} {assignment(setting, text)}",
                    before=None if before is None else {setting: before},
                    after={setting: text},
                )
            )
    if purge:
        found += [_reset(owner, kind, name, setting, stored[setting]) for setting in unlisted(wanted, stored)]
    return found


def unlisted(wanted: dict[str, t.Any], stored: dict[str, str]) -> list[str]:
    return sorted(stored.keys() - {setting.lower() for setting in wanted})


def _reset(owner: str, kind: str, name: str, setting: str, before: str) -> SqlStep:
    target = ".".join(identifier(part) for part in setting.split("."))
    return sql_step("reset", kind, f"{name}: {setting}", f"{owner} RESET {target}", before={setting: before})
