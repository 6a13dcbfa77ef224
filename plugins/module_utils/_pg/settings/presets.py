"""A starting point for the settings that depend on the machine and on what the server is for.

The rules are those of pgtune (le0pard/pgtune, ``src/features/configuration/configurationSlice.js``), of the manual's
chapters 20.4 to 20.7, and of Pigsty's templates where pgtune says nothing:

- ``shared_buffers`` a quarter of the cluster's share of the memory (the manual: "a reasonable starting value"),
  ``effective_cache_size`` three quarters, ``maintenance_work_mem`` a sixteenth (olap: an eighth). At most 2GB of the
  latter, unlike pgtune's 8GB: each worker of autovacuum may take as much.
- ``work_mem`` is what is left beside shared_buffers, for all connections at once, three operations each. pgtune's floor
  of 4MB is left out: with a thousand connections it promises more memory than there is.
- ``random_page_cost`` and ``effective_io_concurrency`` follow the disk; statistics, parallel workers and the size of
  the write-ahead log follow the purpose, as in pgtune.
- ``max_wal_size`` at most a fifth and ``min_wal_size`` at most a twentieth of its disk (Pigsty), so that a small disk
  is never filled by the write-ahead log of a healthy server.
- Parallel queries keep their shared memory in /dev/shm, which containers limit to 64MB: below 256MB they are off, as
  they would fail with "could not resize shared memory segment".
"""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError

PURPOSES = ("oltp", "olap", "mixed", "tiny")
CONNECTIONS = {"oltp": 200, "olap": 50, "mixed": 100, "tiny": 50}
# Minimum and maximum size of the write-ahead log in MB.
WAL = {"oltp": (2048, 8192), "olap": (4096, 16384), "mixed": (1024, 4096), "tiny": (256, 1024)}
SMALL_SHM = 256
MEMORY_FLOOR = 128


@dataclasses.dataclass(frozen=True)
class Machine:
    """What one cluster may count on.

    :param memory: its share of the memory in MB.
    :param cpus: processors of the host.
    :param disk: ``ssd`` or ``hdd``.
    :param disk_size: size in MB of the file system that holds the write-ahead log, 0 when it is not known.
    :param shm: size of /dev/shm in MB, 0 when it is not known.
    :param segment: size in MB of a segment of the write-ahead log; the server wants room for two.
    """

    memory: int
    cpus: int
    disk: str = "ssd"
    disk_size: int = 0
    shm: int = 0
    segment: int = 16


def preset(purpose: str, machine: Machine, max_connections: int | None = None) -> dict[str, t.Any]:
    """Settings for a purpose on a machine; the same arguments always give the same settings.

    :param max_connections: what the user decided; the purpose decides otherwise.
    :raises GroundworkError: the share of the memory is too small for any server.
    """
    if machine.memory < MEMORY_FLOOR:
        raise GroundworkError(
            f"A cluster with {machine.memory}MB of memory cannot be tuned: it needs {MEMORY_FLOOR}MB at least.",
            hint="Give it a larger memory_percent, or no preset and settings of your own.",
            code=ErrorCode.SHARE_TOO_SMALL,
        )
    connections = max_connections or CONNECTIONS[purpose]
    return {
        "max_connections": connections,
        **_memory(purpose, machine.memory, connections),
        **_log(purpose, machine),
        **_disk(machine.disk),
        **_workers(purpose, machine),
        **_planner(purpose),
    }


def _memory(purpose: str, memory: int, connections: int) -> dict[str, t.Any]:
    shared = max(memory // 4, 16)
    maintenance = min(memory // (8 if purpose == "olap" else 16), 2048)
    work_kb = (memory - shared) * 1024 // (connections * 3)
    return {
        "shared_buffers": size(shared),
        "effective_cache_size": size(memory * 3 // 4),
        "maintenance_work_mem": size(max(maintenance, 8)),
        "work_mem": f"{work_kb // 1024}MB" if work_kb >= 1024 else f"{max(work_kb, 256)}kB",
    }


def _log(purpose: str, machine: Machine) -> dict[str, t.Any]:
    low, high = WAL[purpose]
    if machine.disk_size:
        low = min(low, machine.disk_size // 20)
        high = min(high, machine.disk_size // 5)
    return {
        "min_wal_size": size(max(low, 2 * machine.segment)),
        "max_wal_size": size(max(high, 4 * machine.segment)),
        # What the server chooses by itself for 512MB of shared_buffers and more.
        "wal_buffers": "16MB" if machine.memory >= 2048 else "4MB",
        "checkpoint_completion_target": 0.9,
        "checkpoint_timeout": "5min" if purpose == "tiny" else "15min",
    }


def _disk(disk: str) -> dict[str, t.Any]:
    return {
        "random_page_cost": 1.1 if disk == "ssd" else 4,
        "effective_io_concurrency": 200 if disk == "ssd" else 2,
    }


def _workers(purpose: str, machine: Machine) -> dict[str, t.Any]:
    # The server's own default of 8 worker processes is its floor: logical replication and extensions use them too.
    cpus = machine.cpus
    gather = math.ceil(cpus / 2) if purpose == "olap" else min(math.ceil(cpus / 2), 4)
    if purpose == "tiny" or 0 < machine.shm < SMALL_SHM or cpus == 1:
        gather = 0
    return {
        "max_worker_processes": max(cpus, 8),
        "max_parallel_workers": max(cpus, 1),
        "max_parallel_workers_per_gather": gather,
        "max_parallel_maintenance_workers": min(gather, 4),
    }


def _planner(purpose: str) -> dict[str, t.Any]:
    found: dict[str, t.Any] = {"default_statistics_target": 500 if purpose == "olap" else 100}
    if purpose in ("oltp", "tiny"):
        # Compiling a query of a few milliseconds takes longer than running it.
        found["jit"] = "off"
    return found


def size(megabytes: int) -> str:
    return f"{megabytes // 1024}GB" if megabytes % 1024 == 0 else f"{megabytes}MB"


def shares(wanted: dict[str, int | None], reserved: int = 0) -> dict[str, float]:
    """Percent of the host's memory for each cluster; who asks for nothing shares what the others leave.

    :param wanted: ``memory_percent`` by cluster.
    :raises GroundworkError: more than all of the memory is asked for.
    """
    said = sum(percent for percent in wanted.values() if percent)
    silent = [name for name, percent in wanted.items() if not percent]
    if said + reserved > 100 or (silent and said + reserved >= 100):
        raise GroundworkError(
            f"The clusters of this host ask for {said}% of its memory"
            + (f", which leaves nothing for {', '.join(silent)}." if silent else "."),
            untouched="the configuration of every cluster",
            hint="Lower their memory_percent; a cluster without one gets an equal part of what is left.",
            code=ErrorCode.MEMORY_OVERSUBSCRIBED,
        )
    rest = (100 - reserved - said) / len(silent) if silent else 0.0
    return {name: float(percent) if percent else rest for name, percent in wanted.items()}
