"""Which generated files are where, and what is wrong with that."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import typing as t
from pathlib import Path

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from .place import Inventory, former_directories, inventory_folder_above, secrets_directory

CERTIFICATES, KEYS = "certificates", "keys"
KINDS = (CERTIFICATES, KEYS)
_KEY_FILE = re.compile(r".+[.](keyfile|exporter)")
_CERTIFICATE_FILE = re.compile(r"(.+)[.](key|crt|pem)")


@dataclasses.dataclass(frozen=True)
class State:
    """
    :ivar directory: where the files are to be.
    :ivar present: where they are now; a run in check mode reads them there.
    :ivar former: where they have to be moved away from; empty when they need not.
    :ivar problem: why this cannot work, a sentence; empty when it can.
    """

    directory: str
    present: str
    former: str = ""
    problem: str = ""


def generated_names(folder: Path, kind: str) -> list[str]:
    """Names of the files of this kind in the folder itself, sorted.

    Certificates are those with their key. Any other, such as that of a foreign authority, was put there by a person.

    :raises GroundworkError: the folder cannot be read.
    """
    with _readable(folder):
        try:
            names = {entry.name for entry in os.scandir(folder) if not entry.is_dir(follow_symlinks=False)}
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(_keys(names) if kind == KEYS else _certificates(folder, names))


@contextlib.contextmanager
def _readable(folder: Path) -> t.Iterator[None]:
    """:raises GroundworkError: what the block reads cannot be read."""
    try:
        yield
    except OSError as error:
        raise GroundworkError(
            f"{error.filename or folder} cannot be read: {error.strerror}.", where=str(folder), untouched="everything",
            hint="Give the folder to the user who starts Ansible, and remove links that lead nowhere.",
            code=ErrorCode.UNREADABLE_SECRETS,
        ) from None  # fmt: skip


def _keys(names: set[str]) -> set[str]:
    return {name for name in names if _KEY_FILE.fullmatch(name)}


def _certificates(folder: Path, names: set[str]) -> set[str]:
    parts = {name: match.groups() for name in names if (match := _CERTIFICATE_FILE.fullmatch(name))}
    with_key = {
        stem for name, (stem, ending) in parts.items()
        if ending == "key" or (ending == "pem" and b"PRIVATE KEY-----" in (folder / name).read_bytes())
    }  # fmt: skip
    return {name for name, (stem, _ending) in parts.items() if stem in with_key or (with_key and name == "ca.crt")}


def read_state(inventory: Inventory, part: str, kind: str, directory: str, option: str) -> State:
    """
    :param option: the variable that says ``directory``, for messages.
    :raises GroundworkError: a folder cannot be read.
    """
    if not directory:
        return State("", "", problem=_without_place(option))
    above = inventory_folder_above(directory, inventory)
    if above:
        return State(directory, directory, problem=_below(directory, above, inventory, part, option))
    holding = [folder for folder in former_directories(inventory, part) if generated_names(folder, kind)]
    if not holding:
        return State(directory, directory, problem=_unwritable(directory, option))
    former = str(holding[0])
    problem = _why_not_movable(inventory, holding, directory, kind, option)
    complete = not problem and set(generated_names(Path(former), kind)) <= set(generated_names(Path(directory), kind))
    return State(directory, directory if complete else former, former, problem or _unwritable(directory, option))


def difference(former: Path, directory: Path, kind: str) -> str:
    """Why the files of both folders cannot become one set, empty when they can.

    They can while one of the folders holds all that the other does: so it is after a move that was interrupted.

    :raises GroundworkError: a file cannot be read.
    """
    old, new = generated_names(former, kind), generated_names(directory, kind)
    for name in sorted(set(old) & set(new)):
        with _readable(former):
            differs = (former / name).read_bytes() != (directory / name).read_bytes()
        if differs:
            return f"both hold another {name}"
    if set(old) - set(new) and set(new) - set(old):
        only_old, only_new = sorted(set(old) - set(new))[0], sorted(set(new) - set(old))[0]
        return f"{only_old} is in the first only, {only_new} in the second only"
    return ""


def _why_not_movable(inventory: Inventory, holding: list[Path], directory: str, kind: str, option: str) -> str:
    former = holding[0]
    read = f"{former} is below the inventory, where Ansible reads the {kind} in it as names of hosts"
    links = [
        path for path in (former.parent, former, *(former / name for name in generated_names(former, kind)))
        if path.is_symlink() and path.is_relative_to(inventory.directory) and path != Path(inventory.directory)
    ]  # fmt: skip
    if links:
        return (
            f"{read}. It is not moved, because {links[0]} is a link. Let {option} name the folder that it leads to,"
            " and remove the link. Nothing was changed."
        )
    if inventory.shares_its_folder:
        return (
            f"{read}. It is not moved, because other inventories of {inventory.directory} may use it too. Copy it to"
            f" {directory}, for the others to theirs, and remove it. Nothing was changed."
        )
    other = (f"{holding[1]}", "another set of them") if len(holding) > 1 else (directory, "")
    differs = difference(former, Path(other[0]), kind)
    if differs or other[1]:
        return (
            f"{read}. It is not moved to {directory}, because {other[0]} holds {kind} too"
            f"{': ' + differs if differs else ''}. Find out which of both the servers have, remove the other, and run"
            " again. Nothing was changed."
        )
    return ""


def _without_place(option: str) -> str:
    return (
        f"{option} is empty: this host is in no inventory file, so there is no default for the folder of what is"
        f" generated on the controller. Set {option} to a folder that outlasts the run. Nothing was changed."
    )


def _below(directory: str, above: str, inventory: Inventory, part: str, option: str) -> str:
    default = secrets_directory(inventory, part)
    advice = f"Set {option} to a folder outside of it"
    if default and not inventory_folder_above(default, inventory):
        advice = (
            f"Leave {option} out, which means {default} (what lies at an earlier default is moved there), or set it to"
            " another folder outside of the inventory"
        )
    return (
        f"{option} is {directory}, below the inventory {above}: Ansible reads the files there as names of hosts, and"
        f" shows keys and passwords as such. {advice}. Nothing was changed."
    )


def _unwritable(directory: str, option: str) -> str:
    folder = Path(directory).absolute()
    if folder.is_dir():
        return ""
    existing = next((each for each in folder.parents if each.exists()), folder)
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return ""
    return (
        f"{directory} cannot be written: the user who starts Ansible may not write to {existing}. Give that user the"
        f" folder, or set {option} to another one outside of the inventory. Nothing was changed."
    )
