"""The process that serves a data folder, as it notes itself in postmaster.pid."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .._host.process import arguments


class Postmaster(t.NamedTuple):
    """
    :ivar pid: unset when none runs.
    :ivar port: unset as long as it only begins to start.
    """

    pid: int | None = None
    port: int | None = None
    sockets: str | None = None


def noted(data: Path) -> Postmaster:
    """What was noted at the last start, whether or not it runs any more."""
    try:
        lines = [*(line.strip() for line in (data / "postmaster.pid").read_text().splitlines()), *[""] * 5]
        return Postmaster(int(lines[0]), int(lines[3]) if lines[3].isdigit() else None, lines[4] or None)
    except (OSError, ValueError):
        return Postmaster()


def running(data: Path) -> Postmaster:
    """The server that runs on the data folder; a number that a stranger got since does not count."""
    found = noted(data)
    return found if found.pid and _serves(found.pid, data) else Postmaster()


def _serves(pid: int, data: Path) -> bool:
    try:
        words = arguments(pid)
        if str(data) in words or str(data.resolve()) in words:
            return True
        # Containers often keep root from seeing this of another account's process.
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except OSError:
        return False
