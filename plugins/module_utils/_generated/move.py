"""Moving generated files out of the inventory, so that one of both places holds all of them at any moment."""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from .._host import filesystem
from .._host.run_lock import one_run
from .state import KEYS, difference, generated_names

_OWNER_ONLY = stat.S_IRWXU


def move(former: Path, directory: Path, kind: str, check_mode: bool) -> list[str]:
    """Names of the files that were, or in check mode would be, moved. A folder that is left empty is removed.

    Everything is copied and synced before anything is removed: a run that is killed is completed by the next.

    :raises GroundworkError: both folders hold files that differ, or the system refuses.
    """
    try:
        with contextlib.nullcontext() if check_mode or not former.is_dir() else one_run(str(former)):
            # Another run may have been faster.
            names = generated_names(former, kind) if former.is_dir() else []
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
            code=ErrorCode.SECRETS_NOT_MOVED,
        ) from None  # fmt: skip


def _require_agreement(former: Path, directory: Path, kind: str) -> None:
    differs = difference(former, directory, kind)
    if differs:
        raise GroundworkError(
            f"The {kind} of {former} cannot be moved to {directory}: {differs}.", where=str(directory),
            untouched="everything", hint="Find out which of both the servers have, remove the other, and run again.",
            code=ErrorCode.SECRETS_DIFFER,
        )  # fmt: skip


def _copy(former: Path, directory: Path, names: list[str], kind: str) -> None:
    mask = _OWNER_ONLY if kind == KEYS else 0o777
    filesystem.make_directory(directory, mode=_OWNER_ONLY, parents=_OWNER_ONLY)
    for name in names:
        if not (directory / name).exists():
            mode = stat.S_IMODE((former / name).stat().st_mode) & mask
            filesystem.write(directory / name, (former / name).read_bytes(), mode=mode)


def _remove(former: Path, names: list[str]) -> None:
    # What a killed run left half-written holds a key too.
    for path in [*(former / name for name in names), *former.glob(f"*{filesystem.SUFFIX}")]:
        filesystem.remove(path)
    for folder in (former, former.parent):
        if folder == former or folder.name in ("secrets", "certificates"):
            with contextlib.suppress(OSError):
                filesystem.remove(folder)
