"""What is at a path now."""

from __future__ import annotations

import dataclasses
import fnmatch
import grp
import os
import pwd
import stat
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import filesystem, reaching
from .declared import UNTOUCHED, Purge


@dataclasses.dataclass(frozen=True)
class Live:
    """
    :ivar kind: ``absent``, ``file``, ``directory``, ``link`` or ``other`` (device, socket, pipe).
    :ivar content: of a file.
    :ivar target: of a link.
    :ivar leads_to_directory: whether a link does.
    :ivar parent: kind of the folder around it, ``directory`` for a link to one.
    :ivar empty: of a directory: whether it holds nothing.
    """

    kind: str
    content: bytes | None = None
    target: str | None = None
    leads_to_directory: bool = False
    uid: int = 0
    gid: int = 0
    mode: int = 0
    parent: str = "directory"
    parent_writable: bool = True
    empty: bool = True


def read_path(path: str) -> Live:
    """
    :raises GroundworkError: it is there and cannot be read, or root would have to follow another account's link.
    """
    place = Path(path)
    parent = _parent_kind(place.parent)
    writable = parent != "directory" or os.access(place.parent, os.W_OK | os.X_OK)
    try:
        if parent == "directory":
            reaching.require_reachable(place.parent)
        return dataclasses.replace(_read(place), parent=parent, parent_writable=writable)
    except (FileNotFoundError, NotADirectoryError):
        return Live("absent", parent=parent, parent_writable=writable)
    except OSError as error:
        raise GroundworkError(
            f"{path} cannot be read: {error.strerror}.",
            where=path,
            untouched=UNTOUCHED,
            hint="Run as root (become), or look at the folders above it.",
            code=ErrorCode.UNREADABLE_FILE,
        ) from None


def _read(place: Path) -> Live:
    facts = place.lstat()
    if stat.S_ISLNK(facts.st_mode):
        leads_to_directory = place.is_dir()
        if leads_to_directory:
            reaching.require_reachable(place)
        end = place.stat() if leads_to_directory else facts
        return Live(
            "link",
            target=str(place.readlink()),
            leads_to_directory=leads_to_directory,
            uid=end.st_uid,
            gid=end.st_gid,
            mode=stat.S_IMODE(end.st_mode),
        )
    bare = Live("other", uid=facts.st_uid, gid=facts.st_gid, mode=stat.S_IMODE(facts.st_mode))
    if stat.S_ISREG(facts.st_mode):
        return dataclasses.replace(bare, kind="file", content=filesystem.read(place))
    if stat.S_ISDIR(facts.st_mode):
        return dataclasses.replace(bare, kind="directory", empty=not any(place.iterdir()))
    return bare


def _parent_kind(parent: Path) -> str:
    try:
        return "directory" if parent.is_dir() else ("other" if parent.exists() else "absent")
    except OSError:
        return "absent"


def matching(purge: Purge) -> list[str]:
    """Paths of the files and links that a purge is about, sorted; none where the folder is not there."""
    folder = Path(purge.directory)
    if not folder.is_dir():
        return []
    return sorted(
        str(entry)
        for entry in folder.iterdir()
        if fnmatch.fnmatchcase(entry.name, purge.pattern) and not _is_real_directory(entry)
    )


def _is_real_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


class Accounts:
    """Names and numbers of the host's users and groups."""

    def uid(self, owner: str) -> int | None:
        if owner.isdigit():
            return int(owner)
        try:
            return pwd.getpwnam(owner).pw_uid
        except KeyError:
            return None

    def gid(self, group: str) -> int | None:
        if group.isdigit():
            return int(group)
        try:
            return grp.getgrnam(group).gr_gid
        except KeyError:
            return None

    def owner(self, uid: int) -> str:
        try:
            return pwd.getpwuid(uid).pw_name
        except KeyError:
            return str(uid)

    def group(self, gid: int) -> str:
        try:
            return grp.getgrgid(gid).gr_name
        except KeyError:
            return str(gid)
