"""How large WiredTiger's cache may be.

mongod's own default is 50 % of the memory less 1 GiB, of the host's memory: it sees a container's limit, but not what
else runs on the host.
"""

from __future__ import annotations

from pathlib import Path

GIB = 1024**3
MIB = 1024**2
# The server's own bounds for wiredTigerCacheSizeGB.
SMALLEST_CACHE, LARGEST_CACHE = 256 * MIB, 10000 * GIB


def cache_size(memory: int, percent: int) -> int:
    """Bytes of cache, whole MiB.

    :param memory: bytes that this host or its container may use.
    :param percent: the share of it that is MongoDB's; what is left belongs to other servers.
    """
    share = memory * percent // 100
    cache = max(SMALLEST_CACHE, (share - GIB) // 2)
    return min(cache, LARGEST_CACHE) // MIB * MIB


def gigabytes(size: int) -> float:
    """Bytes as the number that ``cacheSizeGB`` takes: the server cuts it to whole MiB again."""
    value = round(size / GIB, 4)
    return int(value) if value.is_integer() else value


def usable_memory(root: Path = Path("/")) -> int:
    """Bytes: the host's memory, or the limit of the control group that this process is in when that is less."""
    total = _total(root / "proc/meminfo")
    return min([total, *_limits(root)])


def _total(meminfo: Path) -> int:
    for line in meminfo.read_text().splitlines():
        name, _separator, rest = line.partition(":")
        if name == "MemTotal":
            return int(rest.split()[0]) * 1024
    return 0


def _limits(root: Path) -> list[int]:
    """The limits of every control group from this process's up, of either version of the interface."""
    folders = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/memory"]
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        groups = []
    for line in groups:
        _number, controllers, path = line.split(":", 2)
        base = root / "sys/fs/cgroup" if not controllers else root / "sys/fs/cgroup/memory"
        if controllers in ("", "memory"):
            folder = base / path.lstrip("/")
            folders += [folder, *(parent for parent in folder.parents if base in parent.parents)]
    found = []
    for folder in folders:
        for name in ("memory.max", "memory.limit_in_bytes"):
            found += _limit(folder / name)
    return found


def _limit(file: Path) -> list[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return []
    return [int(text)] if text.isdigit() else []
