"""The admin console of one process, entered through its Unix socket as the account that runs it: no password is needed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import typing as t
from pathlib import Path

from .._core.errors import GroundworkError
from .._host.account import Account
from .._pg.api import ServerUnreachable
from .._pg.quoting import identifier
from .._pg.session import Session, SqlError
from .configuration.declared import CONSOLE
from .known_settings import Version, parse_version

Row = dict[str, t.Any]


class ConsoleError(GroundworkError):
    """The console refused a command."""


def socket_port(folder: str | Path) -> int | None:
    """The port in the name of the socket that a process listens on, which need not be the configured one yet."""
    for path in sorted(Path(folder).glob(".s.PGSQL.*")):
        suffix = path.name.rpartition(".")[2]
        if suffix.isdigit() and path.is_socket() and _somebody_listens(path):
            return int(suffix)
    return None


def _somebody_listens(path: Path) -> bool:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(2)
    with contextlib.closing(probe):
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


class _ConsoleSession(Session):
    """A session that returns rows by column: their number and order differ from version to version."""

    def rows_by_column(self, sql: str) -> list[Row]:
        rows = self.rows(sql)
        return [dict(zip((column[0] for column in self._cursor.description), row, strict=True)) for row in rows]

    def break_off(self) -> None:
        """End the connection below a statement that another thread waits for."""
        with contextlib.closing(socket.socket(fileno=os.dup(self._connection.fileno()))) as connection:
            connection.shutdown(socket.SHUT_RDWR)


class Console:
    """One session on the console."""

    def __init__(self, folder: str | Path, account: Account, timeout: int = 5) -> None:
        self.folder = str(folder)
        port = socket_port(folder)
        if port is None:
            raise ServerUnreachable("No pooler listens.", where=self.folder)
        options = {
            "login_host": self.folder,
            "login_port": port,
            "login_user": CONSOLE,
            "login_password": None,
            "login_unix_socket": "",
            "ssl_mode": "disable",
            "ca_cert": None,
            "ssl_cert": None,
            "ssl_key": None,
            "connect_timeout": timeout,
        }
        with account.acting():
            self._session = t.cast("_ConsoleSession", _ConsoleSession.open(options, CONSOLE, "groundwork"))

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def break_off(self) -> None:
        """Give up a command that another thread waits for: PgBouncer leaves a PAUSE that was resumed unanswered."""
        self._session.break_off()

    def command(self, command: str, database: str | None = None) -> None:
        """Run ``RELOAD``, ``PAUSE``, ...

        :raises ConsoleError: with the console's words.
        """
        text = f"{command} {identifier(database)}" if database else command
        try:
            self._session.run(text)
        except SqlError as error:
            raise ConsoleError(f"PgBouncer refused {text}: {error.text}", where=self.folder) from None

    def shut_down(self, mode: str = "") -> None:
        """``SHUTDOWN``; the session may end before there is an answer."""
        try:
            self._session.run(f"SHUTDOWN {mode}".strip())
        except SqlError as error:
            if not error.lost:
                raise ConsoleError(f"PgBouncer refused to shut down: {error.text}", where=self.folder) from None

    def show(self, what: str) -> list[Row]:
        try:
            return self._session.rows_by_column(f"SHOW {what}")
        except SqlError as error:
            raise ConsoleError(f"PgBouncer refused SHOW {what}: {error.text}", where=self.folder) from None

    def config(self) -> dict[str, Row]:
        """``SHOW CONFIG`` by setting, each with ``value`` and ``changeable``."""
        return {row["key"]: row for row in self.show("CONFIG")}

    def version(self) -> Version | None:
        rows = self.show("VERSION")
        return parse_version(str(next(iter(rows[0].values())))) if rows else None

    def paused_databases(self) -> list[str]:
        return [row["name"] for row in self.show("DATABASES") if row["paused"] and row["name"] != CONSOLE]

    def is_paused(self) -> bool:
        """Whether a PAUSE of everything is in force or under way. Versions before SHOW STATE do not tell."""
        try:
            state = self.show("STATE")
        except ConsoleError:
            return False
        return any(row["key"] == "paused" and row["value"] == "yes" for row in state)
