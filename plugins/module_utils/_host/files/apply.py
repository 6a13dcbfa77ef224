# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts files in place: each whole or not at all, and none before all of them are on the disk.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t
from pathlib import Path

from ..._errors import GroundworkError
from .planning import Change

_SUFFIX = ".groundwork-new"


def apply_changes(changes: list[Change]) -> None:
    """Make the folders, write every new file beside its place, then put them all in place and remove.

    :raises GroundworkError: the system refuses; says what was done by then. Nothing is done by halves: until every new
        file is on the disk, everything is undone.
    """
    done: list[str] = []
    with contextlib.ExitStack() as undo:
        made = _prepare(changes, undo)
        done += [str(path) for path in made]
        undo.pop_all()
    for change in changes:
        with _told(change.path, f"what follows it; in place are: {', '.join(done) or 'none'}"):
            _put(change)
        done.append(change.path)
    for folder in {Path(change.path).parent for change in changes}:
        _flush_directory(folder)


def _prepare(changes: list[Change], undo: contextlib.ExitStack) -> list[Path]:
    made = []
    for change in changes:
        path = Path(change.path)
        if change.verb == "make":
            with _told(change.path, "every file of this call"):
                path.mkdir(mode=0o700, exist_ok=True)
                undo.callback(_rmdir, path)
                _set_attributes(path, change)
            made.append(path)
        elif change.verb == "write":
            with _told(change.path, "every file of this call"):
                undo.callback(_candidate(path).unlink, missing_ok=True)
                _write_candidate(path, change)
    return made


def _put(change: Change) -> None:
    path = Path(change.path)
    if change.verb == "write":
        _candidate(path).replace(path)
    elif change.verb == "adjust":
        _set_attributes(path, change)
    elif change.verb == "link":
        candidate = _candidate(path)
        candidate.unlink(missing_ok=True)
        candidate.symlink_to(change.target or "")
        candidate.replace(path)
    elif change.verb == "remove":
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


def _candidate(path: Path) -> Path:
    # A name of its own for each file, so that the next run replaces what a killed one left; hidden, so that no
    # server that reads a whole folder takes it for its configuration.
    return path.with_name(f".{path.name}{_SUFFIX}")


def _write_candidate(path: Path, change: Change) -> None:
    candidate = _candidate(path)
    candidate.unlink(missing_ok=True)
    descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(change.content or b"")
        out.flush()
        os.fchown(descriptor, *_owners(change))
        os.fchmod(descriptor, change.mode or 0)
        os.fsync(descriptor)


def _set_attributes(path: Path, change: Change) -> None:
    # Owner first: a change of owner clears the set-user-ID bit.
    os.chown(path, *_owners(change))
    path.chmod(change.mode or 0)


def _owners(change: Change) -> tuple[int, int]:
    if change.uid is None or change.gid is None:
        raise ValueError("only check mode plans for accounts that do not exist")
    return change.uid, change.gid


def _rmdir(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.rmdir()


def _flush_directory(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _told(path: str, untouched: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GroundworkError(
            f"{path} could not be brought to state: {error.strerror or error}.",
            where=path,
            untouched=untouched,
            hint="Remove the cause (full disk, read-only file system, attributes) and run again.",
            code="file_not_written",
        ) from error


@contextlib.contextmanager
def one_run_at_a_time(changes: list[Change]) -> t.Iterator[None]:
    """Hold the folders that exist, in one order for every run, so that two runs do not use one candidate name."""
    with contextlib.ExitStack() as stack:
        for folder in sorted({str(Path(change.path).parent) for change in changes}):
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            except OSError:
                continue
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
