"""Puts files in place: each whole or not at all, and none before all of them are on the disk."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import filesystem
from ..run_lock import one_run
from .plan import Change


def apply_changes(changes: list[Change]) -> None:
    """Make the folders, write every new file next to its place, then put them all in place and remove.

    :raises GroundworkError: the system refuses; says what was done by then. Nothing is done by halves: until every new
        file is on the disk, everything is undone.
    """
    done: list[str] = []
    prepared: dict[str, int] = {}
    with contextlib.ExitStack() as undo:
        for change in changes:
            with _reported(change.path, "every file of this call"):
                if change.verb == "make":
                    if filesystem.make_directory(change.path, mode=change.mode or 0, owner=_owners(change)):
                        undo.callback(_rmdir, change.path)
                    done.append(change.path)
                elif change.verb == "write":
                    undo.callback(filesystem.discard, change.path)
                    content, mode = change.content or b"", change.mode or 0
                    prepared[change.path] = filesystem.prepare(
                        change.path, content, mode=mode, owner=_owners(change)
                    )
        undo.pop_all()
    for change in changes:
        with _reported(change.path, f"what follows it; in place are: {', '.join(done) or 'none'}"):
            _put(change, prepared)
        done.append(change.path)


def _put(change: Change, prepared: dict[str, int]) -> None:
    if change.verb == "write":
        filesystem.commit(change.path, prepared[change.path])
    elif change.verb == "adjust":
        filesystem.set_attributes(change.path, mode=change.mode or 0, owner=_owners(change))
    elif change.verb == "link":
        filesystem.link(change.path, change.target or "")
    elif change.verb == "remove":
        filesystem.remove(change.path)


def _owners(change: Change) -> filesystem.Owner:
    if change.uid is None or change.gid is None:
        raise ValueError("only check mode plans for accounts that do not exist")
    return change.uid, change.gid


def _rmdir(path: str) -> None:
    with contextlib.suppress(OSError):
        filesystem.remove(path)


@contextlib.contextmanager
def _reported(path: str, untouched: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GroundworkError(
            f"{path} could not be brought to state: {error.strerror or error}.",
            where=path,
            untouched=untouched,
            hint="Remove the cause (full disk, read-only file system, attributes) and run again.",
            code=ErrorCode.NOT_WRITTEN,
        ) from error


@contextlib.contextmanager
def one_run_at_a_time(changes: list[Change]) -> t.Iterator[None]:
    """Hold the lock of each folder, in one order for every run, so that two runs do not use one candidate name."""
    with contextlib.ExitStack() as stack:
        for folder in sorted({str(Path(change.path).parent) for change in changes}):
            stack.enter_context(one_run(folder))
        yield
