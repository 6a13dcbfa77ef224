"""How root gets to a folder or file without following a link that another account can have put in the way.

Step by step, by descriptors. A link is followed only in folders that root alone can change. Any other caller follows
links as usual: it has no more than its own rights.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import stat
import typing as t
from pathlib import Path

from .._core.answer import harmless
from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MOST_LINKS = 40


@contextlib.contextmanager
def folder(path: Path | str) -> t.Iterator[int]:
    """The descriptor of a folder.

    :raises GroundworkError: root would have to follow a link that another account can change.
    :raises OSError: there is no such folder.
    """
    descriptor, _trusted = _reach(Path(path))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def require_reachable(path: Path | str) -> None:
    """:raises GroundworkError: see :func:`folder`; for a run to refuse before its first write, in check mode too."""
    with contextlib.suppress(OSError), folder(path):
        pass


@contextlib.contextmanager
def around(path: Path) -> t.Iterator[int]:
    """The folder that holds the path; errors name the path instead of its last part."""
    try:
        with folder(path.parent) as descriptor:
            yield descriptor
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


@contextlib.contextmanager
def opened(path: Path) -> t.Iterator[int]:
    """The descriptor of a file or folder, which root did not reach through a link of another account."""
    try:
        descriptor = _open(path, _MOST_LINKS)
    except OSError as error:
        error.filename = str(path)
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path, links: int) -> int:
    # A pipe must not keep the run waiting.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    if os.geteuid() != 0:
        return os.open(path, flags)
    parent, trusted = _reach(path.parent)
    try:
        facts = os.stat(path.name or ".", dir_fd=parent, follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode):
            return _reach(path)[0]
        if stat.S_ISLNK(facts.st_mode):
            if not trusted or facts.st_uid != 0 or not links:
                raise _refused_link(path, parent)
            return _open(path.parent / os.readlink(path.name, dir_fd=parent), links - 1)
        descriptor = os.open(path.name, flags | os.O_NOFOLLOW, dir_fd=parent)
        if not trusted and os.fstat(descriptor).st_nlink > 1:
            os.close(descriptor)
            raise _refused(path, "has a second name elsewhere", parent, "has that name")
        return descriptor
    finally:
        os.close(parent)


def _reach(path: Path) -> tuple[int, bool]:
    """Open a folder; says whether only root, or the caller who is not root, can have made what is in it."""
    if os.geteuid() != 0:
        return os.open(path, FOLDER), True
    left = [*reversed(Path(os.path.abspath(path)).parts[1:])]  # noqa: PTH100
    current, at, links = os.open("/", FOLDER), Path("/"), _MOST_LINKS
    # Whether no other account can put another folder in the place of one of those that led here.
    held = True
    try:
        while left:
            name, here = left.pop(), os.fstat(current)
            facts = os.stat(name, dir_fd=current, follow_symlinks=False)
            if stat.S_ISLNK(facts.st_mode):
                if not held or not _only_root_writes(here) or facts.st_uid != 0:
                    raise _refused_link(at / name, current)
                links -= 1
                if not links:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                target = Path(os.readlink(name, dir_fd=current))
                left += reversed([part for part in target.parts if part != "/"])
                if not target.is_absolute():
                    continue
                following, held, at = os.open("/", FOLDER), True, Path("/")
            else:
                following, at = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=current), at / name
                sticky = here.st_uid == 0 and here.st_mode & stat.S_ISVTX and os.fstat(following).st_uid == 0
                held = held and (_only_root_writes(here) or bool(sticky))
            os.close(current)
            current = following
    except BaseException as error:
        os.close(current)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise
    return current, held and _only_root_writes(os.fstat(current))


def _only_root_writes(facts: os.stat_result) -> bool:
    writers = stat.S_IWOTH | (stat.S_IWGRP if facts.st_gid != 0 else 0)
    return facts.st_uid == 0 and not facts.st_mode & writers


def _refused_link(path: Path, parent: int) -> GroundworkError:
    target = harmless(os.readlink(path.name, dir_fd=parent))
    return _refused(path, f"is a link to {target}", parent, "the link leads to")


def _refused(path: Path, what: str, parent: int, kept: str) -> GroundworkError:
    facts = os.fstat(parent)
    try:
        owner = pwd.getpwuid(facts.st_uid).pw_name
    except KeyError:
        owner = str(facts.st_uid)
    who = f"the account {owner}" if facts.st_uid else "another account than root"
    return GroundworkError(
        f"{harmless(str(path))} {what}, in a folder that {who} can change: root does not follow it.",
        where=harmless(str(path)),
        untouched=f"what {kept}",
        hint="Find out who made it. Put a folder or file of its own there, or describe the path that is really meant.",
        code=ErrorCode.LINK_REFUSED,
    )
