"""Asking systemd and the servers, and telling systemd what to do."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan
from ..._host.account import find_account
from ..clusters.live import ask_server, read_postmaster
from ..clusters.model import MAJOR, OWNER, PROGRAMS, SOCKETS
from .plan import ALL, Unit, Wanted, Whole

_PROPERTIES = "Id,ActiveState,NeedDaemonReload,ActiveEnterTimestampMonotonic,DropInPaths,UnitFileState,NoNewPrivileges"
DROP_IN_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/lib/systemd/system")
_STATE = """
SELECT split_part(current_setting('server_version'), ' ', 1), pg_is_in_recovery(),
       extract(epoch FROM pg_conf_load_time())
"""
_LINES_OF_A_LOG, _BYTES_OF_A_LOG = 15, 65536


def read_units(wanted: t.Sequence[Wanted]) -> tuple[dict[str, Unit], Whole]:
    """The units by cluster, and the one that stands for all of them."""
    shown = _show([*(cluster.unit for cluster in wanted), ALL])
    units = {cluster.name: _read_unit(cluster, shown.get(cluster.unit, {})) for cluster in wanted}
    # A unit that is not there yet has no state; its package enables it.
    whole = shown.get(ALL, {})
    return units, Whole(
        enabled=whole.get("UnitFileState", "") in ("enabled", ""), active=whole.get("ActiveState") == "active"
    )


def apply_plan(plan: Plan, wanted: t.Sequence[Wanted], timeout: int) -> None:
    """Carry out the steps. A server that does not start does not keep the next one from being started.

    :raises GroundworkError: what failed, after everything was tried.
    """
    by_name = {cluster.name: cluster for cluster in wanted}
    failed: list[GroundworkError] = []
    for step in plan:
        if step.kind == "systemd":
            _run("daemon-reload")
        elif step.action == "enable":
            _run("enable", step.name)
        elif step.action == "start" and step.kind == "unit":
            _run("start", "--job-mode=ignore-dependencies", step.name)
        elif step.action == "start":
            failed += _start(by_name[step.name], timeout)
        elif step.action == "reload":
            _reload(by_name[step.name])
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise GroundworkError("\n".join(error.message for error in failed), code=ErrorCode.START_FAILED)


def _start(cluster: Wanted, timeout: int) -> list[GroundworkError]:
    deadline = time.monotonic() + timeout
    subprocess.run(["/usr/bin/systemctl", "reset-failed", cluster.unit], capture_output=True, check=False)
    # systemd itself waits for as long as the recovery takes; what is waited for here has an end.
    subprocess.run(["/usr/bin/systemctl", "start", "--no-block", cluster.unit], capture_output=True, check=False)
    while True:
        state = _show([cluster.unit]).get(cluster.unit, {}).get("ActiveState", "")
        _pid, port = read_postmaster(Path(cluster.data_directory))
        if state == "active" and port and _answers(port, cluster):
            return []
        if state == "failed":
            return [_start_failed(cluster, "does not start")]
        if time.monotonic() > deadline:
            return [_start_failed(cluster, f"does not answer after {timeout} seconds")]
        time.sleep(0.2)


def _reload(cluster: Wanted) -> None:
    _run("reload", cluster.unit)
    # The signal is sent when systemctl returns; reading the configuration takes the server a moment longer.
    newest = max(_written(cluster.reload_for).values(), default=0.0)
    for _attempt in range(50):
        if _ask(read_postmaster(Path(cluster.data_directory))[1])[2] > newest:
            return
        time.sleep(0.1)


def _ask(port: int | None) -> tuple[str | None, bool, float]:
    """Version, whether it is a standby, and when the configuration was read, of the server on the port."""
    rows = ask_server(port, _STATE) if port else None
    if not rows:
        return None, False, 0.0
    version, standby, loaded_at = rows[0].split("|")
    return version, standby == "t", float(loaded_at)


def _answers(port: int, cluster: Wanted) -> bool:
    outcome = subprocess.run(
        [f"{PROGRAMS}/pg_isready", "--quiet", f"--host={SOCKETS}", f"--port={port}", "--timeout=5"], check=False
    )
    # 1 is a server that lives and lets nobody in, which is all that a standby without hot_standby ever does.
    standby = Path(cluster.data_directory, "standby.signal").exists()
    return outcome.returncode == 0 or (outcome.returncode == 1 and standby)


def _start_failed(cluster: Wanted, how: str) -> GroundworkError:
    log = Path(f"/var/log/postgresql/postgresql-{MAJOR}-{cluster.name}.log")
    lines = _last_lines(log)
    return GroundworkError(
        f"The server of cluster {cluster.name} {how}. Its log ends with:\n" + "\n".join(f"  {line}" for line in lines),
        where=f"{log}; journalctl -u {cluster.unit}",
        untouched="its data and the other servers",
        hint="Fix the cause that the log names and run again.",
        code=ErrorCode.START_FAILED,
    )


def _last_lines(log: Path) -> list[str]:
    """As the account, which may have put a link in the log's place."""
    account = find_account(OWNER)
    with (
        account.acting() if account else contextlib.nullcontext(),
        contextlib.suppress(OSError),
        log.open("rb") as file,
    ):
        file.seek(max(file.seek(0, os.SEEK_END) - _BYTES_OF_A_LOG, 0))
        return file.read().decode(errors="replace").splitlines()[-_LINES_OF_A_LOG:]
    return []


def _show(units: t.Sequence[str]) -> dict[str, dict[str, str]]:
    outcome = subprocess.run(
        ["/usr/bin/systemctl", "show", f"--property={_PROPERTIES}", "--", *units],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if outcome.returncode:
        raise GroundworkError(
            f"systemd does not answer: {outcome.stderr.strip()}", untouched="everything",
            hint="The servers run as systemd units; this host has to be booted with systemd.",
            code=ErrorCode.NO_SYSTEMD,
        )  # fmt: skip
    blocks = (dict(_pairs(block)) for block in outcome.stdout.split("\n\n") if block.strip())
    return {block["Id"]: block for block in blocks}


def _pairs(block: str) -> t.Iterator[tuple[str, str]]:
    for line in block.splitlines():
        name, _equals, value = line.partition("=")
        yield name, value


def _read_unit(cluster: Wanted, shown: dict[str, str]) -> Unit:
    pid, port = read_postmaster(Path(cluster.data_directory))
    state = shown.get("ActiveState", "inactive")
    monotonic = int(shown.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    running = state in ("active", "reloading")
    drop_ins = shown.get("DropInPaths", "").split()
    version, standby, loaded_at = _ask(port) if running else (None, False, 0.0)
    return Unit(
        state=state,
        needs_daemon_reload=shown.get("NeedDaemonReload") == "yes" or has_unread_drop_ins(cluster.unit, drop_ins),
        restricted=shown.get("NoNewPrivileges") != "yes" or not running or _has_no_new_privileges(pid),
        pid=pid,
        port=port,
        since=time.time() - time.monotonic() + monotonic if running else 0,
        version=version,
        standby=standby,
        loaded_at=loaded_at or None,
        drop_ins=_written(path for path in drop_ins if is_for_a_restart(path, cluster.unit)),
        reload_for=_written(cluster.reload_for),
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


def _written(paths: t.Iterable[str]) -> dict[str, float]:
    return {path: Path(path).stat().st_mtime for path in paths if Path(path).is_file()}


def _run(*arguments: str) -> None:
    outcome = subprocess.run(["/usr/bin/systemctl", *arguments], capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise GroundworkError(
            f"systemctl {' '.join(arguments)} failed: {outcome.stderr.strip()}",
            untouched="the servers that run",
            hint="Fix the cause and run again.",
            code=ErrorCode.COMMAND_FAILED,
        )
