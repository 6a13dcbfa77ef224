"""The drop-ins of a unit that its server last started with, kept for the day that it does not start with newer ones."""

from __future__ import annotations

import json
from pathlib import Path

from ..._host import filesystem

UNITS = Path("/etc/systemd/system")
KEPT = "last_unit.json"


def take(unit: str, units: Path = UNITS) -> dict[str, str]:
    """What the drop-ins say, by the name of the file."""
    return {
        path.name: path.read_text(errors="surrogateescape")
        for path in sorted((units / f"{unit}.d").glob("*.conf"))
        if path.is_file()
    }


def keep(unit: str, folder: Path, units: Path = UNITS) -> None:
    """Note in a folder that the server runs with the drop-ins as they are."""
    found = take(unit, units)
    if found == kept(folder):
        return
    filesystem.make_directory(folder, mode=0o700, parents=0o755)
    filesystem.write(folder / KEPT, json.dumps(found).encode(), mode=0o600)


def kept(folder: Path) -> dict[str, str] | None:
    """The drop-ins that were noted; ``None`` when none ever were."""
    try:
        found = json.loads((folder / KEPT).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def put_back(unit: str, folder: Path, units: Path = UNITS) -> bool:
    """Make the drop-ins what was noted; returns whether they were anything else."""
    good = kept(folder)
    found = take(unit, units)
    if good is None or good == found:
        return False
    place = units / f"{unit}.d"
    filesystem.make_directory(place)
    for name in [name for name in found if name not in good]:
        filesystem.remove(place / name)
    for name, text in good.items():
        if found.get(name) != text:
            filesystem.write(place / name, text.encode(errors="surrogateescape"), mode=0o644)
    return True
