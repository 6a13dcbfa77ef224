"""The running processes, read through their consoles and pid files."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path

from ..._core.errors import GroundworkError
from ..._host import filesystem, run_lock
from ..._host.account import Account
from ..._pg.api import ServerUnreachable
from ..console import Console
from .plan import Running
from .render import Layout

STAMP = "groundwork.loaded"
_POOL_COUNTS = ("cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used")


def read(layout: Layout, process: int, account: Account) -> Running | None:
    """One process, ``None`` when nobody listens in its folder."""
    folder = layout.sockets(process)
    try:
        with Console(folder, account) as console:
            return Running(
                console.version(),
                console.config(),
                console.show("DATABASES"),
                stamp=read_stamp(layout, process),
                started_at=started_at(layout, process),
            )
    except ServerUnreachable as error:
        if "No pooler listens" in error.what:
            return None
        raise GroundworkError(
            f"Process {process} runs, and its console does not let the account {account.name} in: {error.what}",
            where=folder,
            untouched="everything",
            hint="Does it run as another account, or is it shutting down?",
        ) from None


def pid_of(layout: Layout, process: int) -> int | None:
    try:
        return int(Path(layout.pidfile(process)).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None


def is_alive(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}").exists()


def started_at(layout: Layout, process: int) -> float | None:
    """When a process had read its files for the first time, as a time stamp: it writes its pid file right after that.

    /proc knows the start to the second only, which is too coarse to compare with a file's time.
    """
    try:
        return Path(layout.pidfile(process)).stat().st_ctime
    except OSError:
        return None


def read_stamp(layout: Layout, process: int) -> str | None:
    """The fingerprint noted for the process that runs now."""
    try:
        pid, digest = _stamp(run_lock.own_folder(make=False), layout, process).read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return digest if pid == str(pid_of(layout, process)) else None


def write_stamp(layout: Layout, process: int, digest: str) -> None:
    content = f"{pid_of(layout, process)} {digest}\n"
    filesystem.write(_stamp(run_lock.own_folder(), layout, process), content.encode("ascii"), mode=0o600)


def _stamp(folder: Path, layout: Layout, process: int) -> Path:
    # Not in the pooler's own folder: what its account can write proves nothing, and may be a link.
    return folder / f"{hashlib.sha256(layout.sockets(process).encode()).hexdigest()[:24]}.{STAMP}"


def pools(layout: Layout, processes: t.Iterable[int], account: Account) -> list[dict[str, t.Any]]:
    """``SHOW POOLS`` of all processes added up by database and user; ``maxwait`` is the longest one, in seconds."""
    sums: dict[tuple[str, str], dict[str, t.Any]] = {}
    for process in processes:
        with Console(layout.sockets(process), account) as console:
            for row in console.show("POOLS"):
                if row["database"] == "pgbouncer":
                    continue
                pool = sums.setdefault(
                    (row["database"], row["user"]),
                    {
                        "database": row["database"],
                        "user": row["user"],
                        **dict.fromkeys(_POOL_COUNTS, 0),
                        "maxwait": 0.0,
                    },
                )
                for count in _POOL_COUNTS:
                    pool[count] += int(row[count])
                waited = int(row["maxwait"]) + int(row.get("maxwait_us") or 0) / 1e6
                pool["maxwait"] = max(pool["maxwait"], round(waited, 3))
    return [sums[key] for key in sorted(sums)]


def log_size(layout: Layout, process: int) -> int:
    try:
        return Path(layout.logfile(process)).stat().st_size
    except OSError:
        return 0


def log_since(layout: Layout, process: int, offset: int, account: Account) -> str:
    """What a process wrote to its log since it had this size."""
    return account.read_log(Path(layout.logfile(process)), offset)
