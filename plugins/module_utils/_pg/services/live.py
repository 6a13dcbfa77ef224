"""The units as systemd knows them, and their servers as they say they are; nothing is changed."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from ..._host.service import show
from ..clusters.live import ask_server
from ..postmaster import running
from .plan import ALL, Unit, Wanted, Whole

_PROPERTIES = "ActiveState,NeedDaemonReload,ActiveEnterTimestampMonotonic,DropInPaths,UnitFileState,NoNewPrivileges"
DROP_IN_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/lib/systemd/system")
_STATE = """
SELECT split_part(current_setting('server_version'), ' ', 1), pg_is_in_recovery(),
       extract(epoch FROM pg_conf_load_time())
"""


def read_units(wanted: t.Sequence[Wanted]) -> tuple[dict[str, Unit], Whole]:
    """The units by cluster, and the one that stands for all of them."""
    shown = show([*(cluster.unit for cluster in wanted), ALL], _PROPERTIES)
    units = {cluster.name: _read_unit(cluster, shown[cluster.unit]) for cluster in wanted}
    # A unit that is not there yet has no state; its package enables it.
    whole = shown[ALL]
    return units, Whole(
        enabled=whole.get("UnitFileState", "") in ("enabled", ""), active=whole.get("ActiveState") == "active"
    )


def ask(port: int | None) -> tuple[str | None, bool, float]:
    """Version, whether it is a standby, and when the configuration was read, of the server on the port."""
    rows = ask_server(port, _STATE) if port else None
    if not rows:
        return None, False, 0.0
    version, standby, loaded_at = rows[0].split("|")
    return version, standby == "t", float(loaded_at)


def _read_unit(cluster: Wanted, shown: dict[str, str]) -> Unit:
    pid, port, _sockets = running(Path(cluster.data_directory))
    state = shown.get("ActiveState", "inactive")
    monotonic = int(shown.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    active = state in ("active", "reloading")
    drop_ins = shown.get("DropInPaths", "").split()
    version, standby, loaded_at = ask(port) if active else (None, False, 0.0)
    return Unit(
        state=state,
        needs_daemon_reload=shown.get("NeedDaemonReload") == "yes" or has_unread_drop_ins(cluster.unit, drop_ins),
        restricted=shown.get("NoNewPrivileges") != "yes" or not active or _has_no_new_privileges(pid),
        pid=pid,
        port=port,
        since=time.time() - time.monotonic() + monotonic if active else 0,
        version=version,
        standby=standby,
        loaded_at=loaded_at or None,
        drop_ins=written(path for path in drop_ins if is_for_a_restart(path, cluster.unit)),
        reload_for=written(cluster.reload_for),
    )


def has_unread_drop_ins(unit: str, read: t.Sequence[str], folders: t.Sequence[str] = DROP_IN_FOLDERS) -> bool:
    """systemd itself does not notice the first drop-in of a unit, as it looks for new folders only when it reloads.

    :param read: what systemd has read, which includes drop-ins for all instances and for all services.
    """
    on_disk: dict[str, Path] = {}
    for folder in folders:
        for path in Path(folder, f"{unit}.d").glob("*.conf"):
            # The first one of a name hides those in later folders; a link to /dev/null stands for none.
            on_disk.setdefault(path.name, path)
    return bool({path.resolve() for path in on_disk.values()} - {Path(path).resolve() for path in [*read, "/dev/null"]})


def is_for_a_restart(path: str, unit: str) -> bool:
    """Whether a newer drop-in is one that the server has to be restarted for.

    What is below /run for other units too was generated, and is written anew whenever systemd reloads; what
    ``systemctl set-property`` keeps is in force at once.
    """
    if "/system.control/" in path:
        return False
    return Path(path).parent.name == f"{unit}.d" or not path.startswith("/run/")


def _has_no_new_privileges(pid: int | None) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    return "NoNewPrivs:\t1" in status


def written(paths: t.Iterable[str]) -> dict[str, float]:
    return {path: Path(path).stat().st_mtime for path in paths if Path(path).is_file()}
