"""What the host offers to its clusters."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

# Two places where containers are limited: control groups version 2 and 1.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclasses.dataclass(frozen=True)
class Host:
    """Memory in MB, rounded down so that a kernel update does not move every setting that follows from it."""

    memory: int
    cpus: int
    shm: int


def read_host(memory: int | None, cpus: int | None) -> Host:
    """:param memory: MB, instead of what the machine says; likewise ``cpus``."""
    return Host(
        memory=memory or _rounded(_memory()),
        cpus=cpus or len(os.sched_getaffinity(0)),
        shm=disk_size(Path("/dev/shm")),  # noqa: S108
    )


def _memory() -> int:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total >> 20


def _rounded(megabytes: int) -> int:
    step = 256 if megabytes >= 4096 else 32
    return megabytes // step * step


def segment_size(wal: Path) -> int:
    """Size in MB of the segments in a folder of the write-ahead log; initdb's default when there are none yet."""
    for path in wal.glob("[0-9A-F]" * 24) if wal.is_dir() else ():
        return max(path.stat().st_size >> 20, 1)
    return 16


def disk_size(path: Path) -> int:
    """Size in MB of the file system that holds ``path``, or would when it is made; 0 when that is not known."""
    for folder in (path, *path.parents):
        try:
            facts = os.statvfs(folder)
        except OSError:
            continue
        return (facts.f_blocks * facts.f_frsize) >> 20
    return 0
