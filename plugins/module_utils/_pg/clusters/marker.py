"""A note that a cluster's creation has begun, removed when it has ended.

A data folder beside such a note never served anybody and may be removed; one without is never touched.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..._host import filesystem
from .model import MAJOR

NOTES = Path(f"/var/lib/groundwork/postgresql_{MAJOR}/creating")


def write(name: str, folders: list[str]) -> None:
    filesystem.make_directory(NOTES, parents=0o755)
    filesystem.write(NOTES / name, json.dumps(folders).encode() + b"\n", mode=0o644)


def remove(name: str) -> None:
    filesystem.remove(NOTES / name)


def read() -> dict[str, tuple[str, ...]]:
    """The clusters whose creation never ended, with the folders that it was given."""
    if not NOTES.is_dir():
        return {}
    return {note.name: _folders(note) for note in sorted(NOTES.glob("[!.]*"))}


def _folders(note: Path) -> tuple[str, ...]:
    try:
        return tuple(str(folder) for folder in json.loads(note.read_text()))
    except ValueError:
        # The note itself was cut off, so nothing of the cluster was made yet.
        return ()
