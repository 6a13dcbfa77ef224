"""One run at a time, by a lock that no other account can take: its file lies in a folder of the caller's own."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import time
import typing as t
from pathlib import Path

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from . import filesystem
from .process import arguments

ROOTS = Path("/run/groundwork")
TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.05


@contextlib.contextmanager
def one_run(what: str, timeout: float | None = None) -> t.Iterator[None]:
    """Hold the lock of this name, such as a folder's path, while the block runs.

    :param timeout: seconds to wait for it.
    :raises GroundworkError: another run of this account still holds it; names the process.
    """
    timeout = TIMEOUT_SECONDS if timeout is None else timeout
    path = own_folder() / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise _busy(what, path, descriptor, timeout) from None
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def own_folder(*, make: bool = True) -> Path:
    """The folder of the caller's own, which no other account can write.

    :param make: whether it is made where it is missing.
    :raises GroundworkError: another account has a folder of that name.
    """
    if os.geteuid() == 0:
        if make:
            filesystem.make_directory(ROOTS, mode=0o700)
        return ROOTS
    home = Path(os.path.expanduser("~"), ".ansible")  # noqa: PTH111
    for folder in (home / "groundwork", Path(tempfile.gettempdir(), f"groundwork-{os.geteuid()}")):
        with contextlib.suppress(OSError):
            if make:
                filesystem.make_directory(folder, mode=0o700, parents=0o700 if folder.parent == home else None)
            facts = folder.lstat()
            if facts.st_uid == os.geteuid() and folder.is_dir() and not facts.st_mode & 0o077:
                return folder
    if not make:
        return home / "groundwork"
    raise GroundworkError(
        f"{folder} is not a closed folder of this account (uid {os.geteuid()}), so it can hold no lock.",
        where=str(folder), untouched="everything", hint="Remove it, or give this account a home that it can write.",
        code=ErrorCode.NO_LOCK_FOLDER,
    )  # fmt: skip


def command_of(pid: int) -> str:
    """What a process runs, as far as it can be seen."""
    try:
        words = arguments(pid)
    except OSError:
        return "a process that cannot be seen from here"
    return " ".join(word for word in words if word) or "unknown"


def _busy(what: str, path: Path, descriptor: int, timeout: float) -> GroundworkError:
    pid = _holder(os.fstat(descriptor).st_ino)
    who = f"process {pid} ({command_of(pid)})" if pid else "a process that cannot be seen from here"
    return GroundworkError(
        f"Another run is at work on {what}: {who} holds {path}, for more than {timeout:g} s.",
        where=str(path),
        untouched="everything",
        hint="Wait until it ends, then run again. Do not remove the lock's file.",
        code=ErrorCode.LOCKED,
        details={"holder": pid},
    )


def _holder(inode: int) -> int | None:
    """The process that holds a lock on the file, as the kernel lists it."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "->" not in fields and int(fields[5].rpartition(":")[2]) == inode:
                return int(fields[4])
    return None
