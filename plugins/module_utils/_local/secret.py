"""Passwords of the local environment: one file each, generated once, readable by their owner only."""

from __future__ import annotations

import secrets
from pathlib import Path

from .._core.errors import GroundworkError
from .._host import filesystem

RANDOM_BYTES = 24


def read_secret(path: Path) -> str:
    """The password in the file.

    :raises GroundworkError: the file is missing or empty.
    """
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        text = ""
    if not text:
        raise GroundworkError(
            "A password file is missing or empty.",
            where=str(path),
            untouched="everything",
            hint="Put the file back; without it, run playbooks/local_destroy.yml and start anew.",
        )
    return text


def write_secret(path: Path) -> None:
    """Generate a password; a file that is cut short by a crash never gets the final name."""
    filesystem.make_directory(path.parent, mode=0o700, parents=0o755)
    filesystem.write(path, f"{secrets.token_urlsafe(RANDOM_BYTES)}\n".encode(), mode=0o600)
