"""What the kernel shows of a process."""

from __future__ import annotations

from pathlib import Path


def arguments(pid: int | str) -> list[str]:
    """The words that a process was started with, its program first.

    :raises OSError: there is no such process, or it cannot be seen from here.
    """
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
