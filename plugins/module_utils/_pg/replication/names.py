"""Names, connection strings and lists of standbys as PostgreSQL writes them; used on the controller too."""

from __future__ import annotations

import re
import typing as t

MAXIMUM_NAME_LENGTH = 63


def slot_name(member: str) -> str:
    """The slot and application name of a member: slots allow lower case letters, digits and underscores only."""
    return re.sub(r"[^a-z0-9_]", "_", member.lower())[:MAXIMUM_NAME_LENGTH]


def colliding_names(members: t.Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of members whose slots would bear one name."""
    seen: dict[str, str] = {}
    return [(seen[name], member) for member in members if seen.setdefault(name := slot_name(member), member) != member]


def connection_string(parameters: dict[str, t.Any]) -> str:
    """A libpq connection string; unset and empty values are left out, as in the manual's section 34.1.1.1."""
    return " ".join(f"{name}={_value(str(value))}" for name, value in parameters.items() if value not in (None, ""))


def _value(text: str) -> str:
    if re.fullmatch(r"[^\s'\\]+", text):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def synchronous_standby_names(mode: str, number: int, members: t.Iterable[str]) -> str:
    """The value of the setting; every name quoted, as a name such as ``first`` or ``1`` means something else bare."""
    if mode == "off":
        return ""
    names = ", ".join('"' + slot_name(member).replace('"', '""') + '"' for member in members)
    return f"{mode.upper()} {number} ({names})"


def password_file_line(port: int | str, user: str, password: str) -> str:
    """A line of a password file for one user on any host; ``:`` and backslashes are escaped as libpq wants it."""
    escaped = (re.sub(r"([\\:])", r"\\\1", part) for part in (str(port), user, password))
    port_text, user_text, password_text = escaped
    return f"*:{port_text}:*:{user_text}:{password_text}"
