"""Carrying out a plan for the units: orders to systemd, and waiting for the servers."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan
from ..._host import command
from ..._host.account import require_account
from ..._host.service import Systemd, read_units_again, show
from ..clusters.model import MAJOR, OWNER, PROGRAMS, SOCKETS
from ..postmaster import running
from .live import ask, written
from .plan import Wanted

_LINES_OF_A_LOG = 15


def apply_plan(plan: Plan, wanted: t.Sequence[Wanted], timeout: int) -> None:
    """Carry out the steps. A server that does not start does not keep the next one from being started.

    :raises GroundworkError: what failed, after everything was tried.
    """
    by_name = {cluster.name: cluster for cluster in wanted}
    failed: list[GroundworkError] = []
    for step in plan:
        if step.kind == "systemd":
            read_units_again()
        elif step.action == "enable":
            Systemd(step.name).tell("enable")
        elif step.action == "start" and step.kind == "unit":
            Systemd(step.name).tell("start", "--job-mode=ignore-dependencies")
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
    try:
        # systemd itself waits for as long as the recovery takes; what is waited for here has an end.
        Systemd(cluster.unit).start("--no-block")
    except GroundworkError as error:
        return [_start_failed(cluster, f"does not start: {error.what.rstrip('.')}")]
    while True:
        state = show([cluster.unit], "ActiveState")[cluster.unit]["ActiveState"]
        port = running(Path(cluster.data_directory)).port
        if state == "active" and port and _answers(port, cluster):
            return []
        if state == "failed":
            return [_start_failed(cluster, "does not start")]
        if time.monotonic() > deadline:
            return [_start_failed(cluster, f"does not answer after {timeout} seconds")]
        time.sleep(0.2)


def _reload(cluster: Wanted) -> None:
    Systemd(cluster.unit).tell("reload")
    # The signal is sent when systemctl returns; reading the configuration takes the server a moment longer.
    newest = max(written(cluster.reload_for).values(), default=0.0)
    for _attempt in range(50):
        if ask(running(Path(cluster.data_directory)).port)[2] > newest:
            return
        time.sleep(0.1)


def _answers(port: int, cluster: Wanted) -> bool:
    result = command.run([f"{PROGRAMS}/pg_isready", "--quiet", f"--host={SOCKETS}", f"--port={port}", "--timeout=5"])
    # 1 is a server that lives and lets nobody in, which is all that a standby without hot_standby ever does.
    standby = Path(cluster.data_directory, "standby.signal").exists()
    return result.ok or (result.code == 1 and standby)


def _start_failed(cluster: Wanted, how: str) -> GroundworkError:
    log = Path(f"/var/log/postgresql/postgresql-{MAJOR}-{cluster.name}.log")
    lines = require_account(OWNER).read_log(log).splitlines()[-_LINES_OF_A_LOG:]
    return GroundworkError(
        f"The server of cluster {cluster.name} {how}. Its log ends with:\n" + "\n".join(f"  {line}" for line in lines),
        where=f"{log}; journalctl -u {cluster.unit}",
        untouched="its data and the other servers",
        hint="Fix the cause that the log names and run again.",
        code=ErrorCode.START_FAILED,
    )
