"""Processes of the local servers, kept apart from others that took over their number."""

from __future__ import annotations

import os
import signal
import time
import typing as t
from pathlib import Path

from .._core.errors import GroundworkError
from .._host.process import arguments

if t.TYPE_CHECKING:
    from .lifecycle import Engine

STOP_TIMEOUT_SECONDS = 60


def is_process(pid: int | None, argument: Path) -> bool:
    """Whether the process lives and was started with ``argument``, its data folder or configuration file."""
    if pid is None:
        return False
    try:
        return str(argument) in arguments(pid)
    except OSError:
        return False


def _lives(pid: int) -> bool:
    """Whether there is such a process; one that has ended and that nobody collects does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end_process(server: Engine, request: signal.Signals) -> None:
    """Ask the server to stop and wait until it has.

    :raises GroundworkError: it still runs after a minute; it is left alone, as killing it could cost data.
    """
    pid = server.pid()
    if pid is None:
        return
    os.kill(pid, request)
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    # A server removes its pid file, and the kernel its arguments, while it still holds its port and its data folder.
    while server.is_running() or _lives(pid):
        if time.monotonic() > deadline:
            raise GroundworkError(
                f"{server.product} did not stop within {STOP_TIMEOUT_SECONDS} s.",
                where=str(server.layout.log),
                untouched="the data folder",
                hint=f"Its process is {pid}.",
            )
        time.sleep(0.05)
