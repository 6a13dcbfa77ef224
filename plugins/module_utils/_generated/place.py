"""Where the controller keeps what roles generate: never below an inventory, whose files Ansible reads as host names."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path

# Folders of these names hold inventories, so secrets lie next to them. One file of the first is one inventory.
_FOLDER_OF_INVENTORIES, _FOLDER_OF_ONE = "inventories", "inventory"
# Where earlier versions kept them, below the inventory's folder.
_FORMER = {
    "postgresql": ("tls", "secrets/postgresql"),
    "pgbouncer": ("certificates", "secrets/pgbouncer"),
    "mongodb": ("secrets/mongodb", "certificates/mongodb"),
}
PARTS = tuple(_FORMER)


@dataclasses.dataclass(frozen=True)
class Inventory:
    """Where a host comes from.

    :ivar directory: its ``inventory_dir``; empty for a host that is in no file.
    :ivar file: its ``inventory_file``.
    :ivar sources: what Ansible was started with, ``ansible_inventory_sources``.
    """

    directory: str
    file: str = ""
    sources: tuple[str, ...] = ()

    @property
    def shares_its_folder(self) -> bool:
        """Whether other inventories may be files of the same folder."""
        return Path(os.path.realpath(self.directory)).name == _FOLDER_OF_INVENTORIES and bool(self.file)


def from_variables(variables: t.Mapping[str, t.Any]) -> Inventory:
    """The inventory of the host that has these variables.

    Ansible gives a host of ``-i host,`` the text ``None`` for a directory, and one of ``add_host`` the value.
    """
    directory = str(variables.get("inventory_dir") or "")
    return Inventory(
        directory if Path(directory).is_absolute() else "",
        str(variables.get("inventory_file") or ""),
        tuple(str(source) for source in variables.get("ansible_inventory_sources") or ()),
    )


def secrets_directory(inventory: Inventory, part: str = "") -> str:
    """The folder of an inventory's secrets, the same from wherever and however Ansible is started; empty without one.

    ``/srv/site/inventories/uat/hosts`` has ``/srv/site/.secrets/inventories/uat``.
    """
    if not inventory.directory:
        return ""
    folder = Path(os.path.realpath(inventory.directory))
    known = (each for each in (folder, *folder.parents) if each.name in (_FOLDER_OF_INVENTORIES, _FOLDER_OF_ONE))
    site = next(known, folder).parent
    name = folder.relative_to(site)
    if inventory.shares_its_folder:
        name /= Path(inventory.file).stem
    return str(site / ".secrets" / name / part)


def former_directories(inventory: Inventory, part: str) -> list[Path]:
    """Where earlier versions kept this part."""
    return [Path(inventory.directory) / name for name in _FORMER[part]] if inventory.directory else []


def present_file(path: str, inventory: Inventory) -> str:
    """Where a generated file is now that ``path`` names: at a former place until it is moved from there, and at its new
    place since, also for those who still name the former one.
    """
    if not path or Path(path).exists():
        return path
    name, folder = Path(path).name, _without_dots(Path(path).absolute().parent)
    for part in PARTS:
        former = [_without_dots(place.absolute()) for place in former_directories(inventory, part)]
        moved_to = Path(secrets_directory(inventory, part))
        other_places = former if folder == moved_to else [moved_to] if folder in former else []
        for place in other_places:
            if (place / name).is_file():
                return str(place / name)
    return path


def is_to_come(path: str, check_mode: bool) -> bool:
    """Whether a check before the first run finds a file not generated yet: it will come, what is in it is not known.

    A relative path is looked up in the folders of the play, by the lookup that reads it.
    """
    return check_mode and Path(path).is_absolute() and not Path(path).is_file()


def inventory_folder_above(directory: str, inventory: Inventory) -> str:
    """The folder that Ansible reads, or would read, as an inventory and that holds this directory; empty for none."""
    folders = [inventory.directory, *(source for source in inventory.sources if Path(source).is_dir())]
    for folder in filter(None, folders):
        for resolve in (Path.absolute, Path.resolve):
            if _without_dots(resolve(Path(directory))).is_relative_to(_without_dots(resolve(Path(folder)))):
                return str(_without_dots(Path(folder).absolute()))
    return ""


def _without_dots(path: Path) -> Path:
    """``..`` taken out as Ansible does it, without a look at links."""
    return Path(os.path.normpath(path))
