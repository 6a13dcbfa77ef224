"""Who holds the locks of apt and dpkg, and waiting until they are free.

apt's own waiting names no holder when it gives up, and does not cover the lock of the package lists.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..run_lock import command_of

LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
# struct flock of Linux on 64 bits: type, whence, start, length, pid.
_FLOCK = "hhqqi4x"
_POLL_SECONDS = 0.5


def holder() -> tuple[str, int] | None:
    """A lock that a process holds, and the process."""
    for lock in LOCKS:
        with contextlib.suppress(OSError):
            descriptor = os.open(lock, os.O_RDWR)
            try:
                question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
            finally:
                os.close(descriptor)
            if answer[0] != fcntl.F_UNLCK:
                return lock, answer[4]
    return None


def wait_until_free(timeout: float) -> None:
    """
    :param timeout: seconds.
    :raises GroundworkError: a lock is still held; names the process.
    """
    deadline = time.monotonic() + timeout
    while True:
        held = holder()
        if held is None:
            return
        if time.monotonic() >= deadline:
            raise busy(held, timeout)
        time.sleep(_POLL_SECONDS)


def busy(held: tuple[str, int], timeout: float) -> GroundworkError:
    lock, pid = held
    return GroundworkError(
        f"Another package run is at work: process {pid} ({command_of(pid)}) holds {lock}, for more than {timeout:g} s.",
        where=lock,
        untouched="every package of the host",
        hint="Wait until it ends, or raise lock_timeout. Do not kill dpkg, and do not remove the lock's file.",
        code=ErrorCode.PACKAGES_LOCKED,
        details={"holder": {"pid": pid, "command": command_of(pid), "lock": lock}},
    )
