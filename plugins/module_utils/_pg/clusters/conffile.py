"""Reading what postgresql-common and PostgreSQL keep in files, without asking either."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ..._host import filesystem

_LINE = re.compile(r"""^\s*([A-Za-z_][\w.]*)\s*(?:=\s*|\s+)('(?:[^']|'')*'|[^\s#']\S*)""")


def read_settings(path: Path, depth: int = 0) -> dict[str, str]:
    """The settings of a postgresql.conf with what it includes; the last one wins, as for the server."""
    settings: dict[str, str] = {}
    if depth > 10 or not path.is_file():
        return settings
    for line in path.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        name, value = found.group(1).lower(), _unquote(found.group(2))
        if name in ("include", "include_if_exists"):
            settings.update(read_settings(path.parent / value, depth + 1))
        elif name == "include_dir":
            for included in _included(path.parent / value):
                settings.update(read_settings(included, depth + 1))
        else:
            settings[name] = value
    return settings


def read_start(path: Path) -> str:
    """The one word of a start.conf; ``auto`` when there is none, as postgresql-common has it.

    :raises GroundworkError: root would have to follow a link of the servers' account.
    """
    text = (filesystem.read(path) or b"").decode(errors="replace")
    words = [line.split("#")[0].strip() for line in text.splitlines()]
    return next((word for word in words if word), "auto")


def with_start(text: str, word: str) -> str:
    """The text of a start.conf with another word."""
    lines = [line for line in text.splitlines() if not line.split("#")[0].strip()]
    return "\n".join([*lines, word]) + "\n"


def _included(folder: Path) -> t.Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.glob("*.conf") if not path.name.startswith("."))


def _unquote(value: str) -> str:
    return value[1:-1].replace("''", "'") if value.startswith("'") else value
