"""Carries the decisions out: RELOAD with its errors, restarts one by one, starts and stops; each is verified."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import time

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host.account import Account
from ..._host.service import Systemd, systemctl
from ..._pg.api import ServerUnreachable
from ..console import Console, ConsoleError
from ..instances import Instances
from ..known_settings import WAIT_FOR_CLIENTS_SINCE
from . import live, plan
from .dry_run import complaints
from .plan import Decision, Expected, Running
from .render import Layout

HEALTHY_SECONDS = 30
POLL_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Patience:
    """Seconds.

    :param drain: how long clients may go on by themselves while other processes take the new ones.
    :param release: how long transactions (in session mode: sessions) may take to end after that.
    :param force: whether what is left then is cut off; otherwise the process goes on serving it and the run fails.
    """

    drain: float
    release: float
    force: bool


class Applier:
    """Brings processes to what was decided.

    :param instances: unset where something else than systemd runs the processes, which can only be asked to reload.
    :param expected: by process number.
    :param processes: how many there shall be.
    """

    def __init__(
        self,
        layout: Layout,
        account: Account,
        instances: Instances | None,
        expected: dict[int, Expected],
        patience: Patience,
    ) -> None:
        self._layout = layout
        self._account = account
        self._instances = instances
        self._expected = expected
        self._patience = patience

    def run(self, decisions: list[Decision]) -> None:
        """Reload first: it is what everybody else waits for; then restart one by one, start, and stop."""
        for action, work in (
            (plan.RELOAD, self._reload),
            (plan.START, self._start),
            (plan.RESTART, self._restart),
            (plan.STOP, self._stop),
        ):
            for decision in decisions:
                if decision.action == action:
                    work(decision.process)

    def _reload(self, process: int) -> None:
        offset = live.log_size(self._layout, process)
        refused = ""
        with Console(self._layout.sockets(process), self._account) as console:
            try:
                console.command("RELOAD")
            except ConsoleError as error:
                refused = error.what
        # Before 1.25 only the log tells that a RELOAD failed, and later versions say no more than that it did.
        text = complaints(live.log_since(self._layout, process, offset, self._account))
        if refused or self._differences(process, self._running(process)):
            raise GroundworkError(
                f"Process {process} did not take its new configuration: {text or refused or 'it does not say why'}",
                where=self._layout.ini(process),
                untouched="connections; the process goes on serving",
                code=ErrorCode.RELOAD_FAILED,
                hint=f"Read {self._layout.logfile(process)}; run again when it is mended.",
            )
        live.write_stamp(self._layout, process, self._expected[process].digest)

    def _start(self, process: int) -> None:
        systemd = self._systemd(process)
        offset = live.log_size(self._layout, process)
        systemd.tell("enable", "--quiet")
        try:
            systemd.start()
        except GroundworkError as error:
            text = complaints(live.log_since(self._layout, process, offset, self._account))
            raise GroundworkError(
                f"Process {process} does not start: {text or error.what}",
                where=systemd.unit,
                untouched="the other processes",
                hint=error.hint,
                code=ErrorCode.NOT_STARTED,
            ) from None
        self._wait_until_healthy(process, systemd.unit)
        live.write_stamp(self._layout, process, self._expected[process].digest)

    def _restart(self, process: int) -> None:
        pid = live.pid_of(self._layout, process)
        try:
            self._shut_down(process)
        except GroundworkError as error:
            if error.code == ErrorCode.STILL_BUSY and pid is not None:
                self._required(process).start_when_gone(process, pid)
            raise
        self._start(process)

    def _stop(self, process: int) -> None:
        systemd = self._systemd(process)
        self._shut_down(process)
        systemd.tell("disable", "--quiet")

    def _shut_down(self, process: int) -> None:
        """End a process without cutting anybody off.

        First it only takes no new clients (others listen on the same port); those it has may leave by themselves. Then
        each client is let go when its transaction ends, or in session mode when nothing of it is on the server.
        """
        systemd = self._systemd(process)
        try:
            console = Console(self._layout.sockets(process), self._account)
        except ServerUnreachable:
            systemd.tell("stop")
            return
        pid = live.pid_of(self._layout, process)
        with contextlib.closing(console):
            version = console.version()
            can_wait = version is not None and version >= WAIT_FOR_CLIENTS_SINCE
            others = any(self._running(number) for number in self._expected if number != process)
            if self._patience.drain and others and can_wait:
                console.shut_down("WAIT_FOR_CLIENTS")
                if self._is_gone(pid, self._patience.drain):
                    systemd.wait_until_inactive(HEALTHY_SECONDS)
                    return
            if live.is_alive(pid):
                self._release(console, pid, can_wait)
        if not self._is_gone(pid, self._patience.release):
            if not self._patience.force:
                raise GroundworkError(
                    f"Process {process} still serves transactions after {self._patience.release:g} s; it takes no new "
                    "clients and ends with the last of them, to be started anew where it shall run on.",
                    where=systemd.unit,
                    untouched="those transactions, and the other processes",
                    hint="Run again later, raise restart_timeout, or set restart_force to cut them off.",
                    code=ErrorCode.STILL_BUSY,
                )
            # At once, with everything that is under way.
            systemctl("kill", "--signal=SIGQUIT", systemd.unit)
        systemd.wait_until_inactive(HEALTHY_SECONDS)

    @staticmethod
    def _release(console: Console, pid: int | None, can_wait: bool) -> None:
        """Let every client go when it holds no server connection; before 1.23 only a signal asks for that."""
        if pid is not None and not can_wait:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            return
        with contextlib.suppress(ConsoleError):
            console.shut_down("WAIT_FOR_SERVERS")

    @staticmethod
    def _is_gone(pid: int | None, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while live.is_alive(pid):
            if time.monotonic() > end:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _wait_until_healthy(self, process: int, where: str) -> None:
        end = time.monotonic() + HEALTHY_SECONDS
        while True:
            running = self._running(process)
            if running is not None:
                left = self._differences(process, running)
                if not left:
                    return
                raise GroundworkError(
                    f"Process {process} runs, and not as configured: {'; '.join(left)}",
                    where=where,
                    code=ErrorCode.NOT_APPLIED,
                    hint="Is it started with another file? Look at the unit.",
                )
            if time.monotonic() > end:
                raise GroundworkError(
                    f"Process {process} was started and does not answer on its socket.",
                    where=where,
                    code=ErrorCode.NOT_STARTED,
                    hint=f"Read {self._layout.logfile(process)}.",
                )
            time.sleep(POLL_SECONDS)

    def _running(self, process: int) -> Running | None:
        return live.read(self._layout, process, self._account)

    def _differences(self, process: int, running: Running | None) -> list[str]:
        """What RELOAD or a start left different; settings that need a restart are another matter while one runs."""
        if running is None:
            return ["it does not run any more"]
        expected = self._expected[process]
        found = [
            f"{name} is {before!r}, not {after!r}"
            for name, before, after, changeable in plan.different_settings(expected, running)
            if changeable
        ]
        missing = plan.different_databases(expected.trial.databases, running.databases)
        return found + [f"database {name} differs" for name in missing]

    def _systemd(self, process: int) -> Systemd:
        return self._required(process).service(process)

    def _required(self, process: int) -> Instances:
        if self._instances is None:
            raise GroundworkError(
                f"Process {process} has to be started by whoever runs it.",
                where="supervisor",
                untouched="the running processes",
                hint="Restart the container or process, then run again.",
                code=ErrorCode.RESTART_NEEDED,
            )
        return self._instances
