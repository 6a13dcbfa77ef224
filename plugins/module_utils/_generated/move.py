# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving generated files out of the inventory, so that one of both places holds all of them at any moment.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import typing as t
from pathlib import Path

from .._errors import GroundworkError
from .state import KEYS, difference, generated_names

_SUFFIX = ".groundwork-new"
_OWNER_ONLY = stat.S_IRWXU


def move(former: Path, directory: Path, kind: str, check_mode: bool) -> list[str]:
    """Names of the files that were, or in check mode would be, moved. A folder that is left empty is removed.

    Everything is copied and synced before anything is removed: a run that is killed is completed by the next.

    :raises GroundworkError: both folders hold files that differ, or the system refuses.
    """
    try:
        with _one_move_at_a_time(former) as still_there:
            names = generated_names(former, kind) if still_there else []
            if names:
                _require_agreement(former, directory, kind)
            if names and not check_mode:
                _copy(former, directory, names, kind)
                _remove(former, names)
            return names
    except OSError as error:
        raise GroundworkError(
            f"The {kind} of {former} cannot be moved to {directory}: {error.strerror}.",
            where=str(error.filename or directory),
            untouched=f"{former}, unless {directory} has all of its files",
            hint="Both belong to the user who starts Ansible: give that user the folders and run again.",
            code="secrets_not_moved",
        ) from None  # fmt: skip


@contextlib.contextmanager
def _one_move_at_a_time(former: Path) -> t.Iterator[bool]:
    """Says whether the folder is there still: another run may have been faster."""
    try:
        descriptor = os.open(former, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield True
    finally:
        os.close(descriptor)


def _require_agreement(former: Path, directory: Path, kind: str) -> None:
    differs = difference(former, directory, kind)
    if differs:
        raise GroundworkError(
            f"The {kind} of {former} cannot be moved to {directory}: {differs}.", where=str(directory),
            untouched="everything", hint="Find out which of both the servers have, remove the other, and run again.",
            code="secrets_differ",
        )  # fmt: skip


def _copy(former: Path, directory: Path, names: list[str], kind: str) -> None:
    mask = _OWNER_ONLY if kind == KEYS else 0o777
    _make_directory(directory)
    for name in names:
        if (directory / name).exists():
            continue
        replacement = directory / f"{name}{_SUFFIX}"
        replacement.unlink(missing_ok=True)
        descriptor = os.open(replacement, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write((former / name).read_bytes())
            os.fchmod(descriptor, stat.S_IMODE((former / name).stat().st_mode) & mask)
            out.flush()
            os.fsync(descriptor)
        replacement.replace(directory / name)
    _sync(directory)


def _make_directory(directory: Path) -> None:
    for folder in reversed((directory, *directory.parents)):
        if not folder.exists():
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=_OWNER_ONLY)
                _sync(folder.parent)


def _remove(former: Path, names: list[str]) -> None:
    # What a killed run left half-written holds a key too.
    for path in [*(former / name for name in names), *former.glob(f"*{_SUFFIX}")]:
        path.unlink()
    _sync(former)
    for folder in (former, former.parent):
        if folder == former or folder.name in ("secrets", "certificates"):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
