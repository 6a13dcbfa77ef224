"""One PostgreSQL server on this host: its folder, its process, its programs, and a session of its superuser."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import time
import typing as t
from pathlib import Path

from ..._core.errors import GroundworkError
from ..._host.account import Account, find_account
from ..._host.service import PgCtl, Systemd
from ..postmaster import noted, running
from .control import Control, parse_control

if t.TYPE_CHECKING:
    from ..session import Session

STANDBY_SIGNAL = "standby.signal"
POLL_SECONDS = 0.01


def server_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Options of every module that works on the folder of a server: keep in step with doc_fragments/_replication.py."""
    return {
        "data_directory": {"type": "path", "required": True},
        "bin_directory": {"type": "path", "default": "/usr/lib/postgresql/16/bin"},
        "port": {"type": "int", "default": 5432},
        "login_host": {"type": "str", "default": "/var/run/postgresql"},
        "login_user": {"type": "str", "default": "postgres"},
        "login_password": {"type": "str", "no_log": True},
        "account": {"type": "str", "default": "postgres"},
        "service": {"type": "str"},
        "config_file": {"type": "path"},
        "connect_timeout": {"type": "int", "default": 10},
    }


@dataclasses.dataclass(frozen=True)
class Server:
    """A data folder and what belongs to it; nothing of it needs to exist.

    :ivar service: the systemd unit that runs the server; without one it is started and stopped by pg_ctl.
    """

    data: Path
    bin: Path
    account: Account | None
    service: str | None
    config_file: Path | None
    login: dict[str, t.Any]

    @classmethod
    def from_params(cls, params: dict[str, t.Any]) -> Server:
        login = {
            "login_host": params["login_host"],
            "login_port": params["port"],
            "login_user": params["login_user"],
            "login_password": params["login_password"],
            "login_unix_socket": "",
            "ssl_mode": "prefer",
            "ca_cert": None,
            "ssl_cert": None,
            "ssl_key": None,
            "connect_timeout": params["connect_timeout"],
        }
        config = params["config_file"]
        return cls(
            data=Path(params["data_directory"]),
            bin=Path(params["bin_directory"]),
            account=find_account(params["account"]),
            service=params["service"] or None,
            config_file=Path(config) if config else None,
            login=login,
        )

    @property
    def where(self) -> str:
        return str(self.data)

    @property
    def owner(self) -> Account:
        """The account, where there has to be one.

        :raises GroundworkError: there is none.
        """
        if self.account is None:
            raise GroundworkError(
                "The account that owns the server does not exist.", where=self.where, untouched="everything",
                hint="Install PostgreSQL first; its package makes the account.",
            )
        return self.account

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").is_file()

    def is_standby(self) -> bool:
        """Whether the server is, or would come up as, a standby."""
        return (self.data / STANDBY_SIGNAL).exists()

    def pid(self) -> int | None:
        """The postmaster, unless it is gone."""
        return running(self.data).pid

    def port(self) -> int:
        """The port that the running server listens on; the configured one when it does not run."""
        return noted(self.data).port or int(self.login["login_port"])

    def control(self) -> Control:
        """The control file, as pg_controldata reads it.

        :raises GroundworkError: it cannot.
        """
        result = self.owner.run([str(self.bin / "pg_controldata"), "-D", str(self.data)])
        try:
            return parse_control(result.stdout)
        except (KeyError, ValueError):
            raise GroundworkError(
                f"pg_controldata cannot read the data folder: {result.said}",
                where=self.where, untouched="everything",
                hint="The folder may be damaged or half-copied; see the server's log.",
            ) from None

    def session(self, application_name: str) -> Session:
        """A session of the superuser; raises what ``api.connect`` raises.

        A port that was configured since the start is not in the way: that of the running server is used.
        """
        from ..session import Session

        with self.owner.acting():
            return Session.open({**self.login, "login_port": self.port()}, "postgres", application_name)

    def start(self, timeout: float = 60) -> None:
        """Start the server and wait until it answers (a standby: until it is consistent).

        :raises GroundworkError: it does not start.
        """
        service: Systemd | PgCtl
        if self.service:
            service = Systemd(self.service)
        else:
            log = self.data.parent / f"{self.data.name}.log"
            service = PgCtl(self.bin / "pg_ctl", self.data, self.owner, log, self.config_file, int(timeout))
        try:
            service.start()
        except GroundworkError as error:
            raise self._start_failed(error.what) from None
        deadline = time.monotonic() + timeout
        while self.pid() is None and time.monotonic() < deadline and self.service:
            time.sleep(POLL_SECONDS)
        if self.pid() is None:
            raise self._start_failed("its process is gone")

    def _start_failed(self, why: str) -> GroundworkError:
        return GroundworkError(
            f"The server does not start: {why}", where=self.where, untouched="the data folder",
            hint="The end of its log says why.",
        )

    def stop(self, timeout: float, request: signal.Signals = signal.SIGINT) -> bool:
        """Ask for a fast shutdown, which ends sessions and ships all WAL, and wait.

        :returns: whether the server is gone in time.
        """
        pid = self.pid()
        if pid is None:
            return True
        os.kill(pid, request)
        deadline = time.monotonic() + timeout
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def stop_service(self) -> None:
        """Have systemd notice a stopped server, so that a later start is one."""
        if self.service:
            with contextlib.suppress(GroundworkError):
                Systemd(self.service).tell("stop")
