"""Real PgBouncer processes for the tests, run as an unprivileged account in a temporary folder.

The program is the current one that the test mirror serves, or what ``PGBOUNCER_BINARY`` names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import psycopg2
from ansible_collections.groundwork.databases.plugins.module_utils._local import port
from ansible_collections.groundwork.databases.plugins.module_utils._local.account import reachable_directory
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram
from servers import CACHE, CHECKOUT, Postgresql, temporary_home

sys.path.insert(0, str(CHECKOUT / "tests/mirror"))

from pgbouncer import NEWEST, unpack

PATIENCE_SECONDS = 120


def binary(account: t.Any) -> str:
    """The PgBouncer to test with, where the account can reach it."""
    given = os.environ.get("PGBOUNCER_BINARY")
    if given:
        return given
    folder = reachable_directory(CACHE / "servers", account)
    folder.mkdir(parents=True, exist_ok=True)
    return str(unpack(folder.resolve() / f"pgbouncer-{NEWEST}", CACHE / "downloads"))


class Poolers:
    """A configuration folder and the processes that the test starts from it."""

    def __init__(self, server: Postgresql, run_module: t.Callable[..., t.Any]) -> None:
        self.server = server
        self.account = server.account
        self.binary = binary(self.account)
        self.home = temporary_home(self.account)
        for folder in ("etc", "run", "run/1", "run/2", "log"):
            (self.home / folder).mkdir()
            self.account.own(self.home / folder)
        self.port = port.free_port(0)
        self._run_module = run_module
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def secret(self, user: str, password: str) -> str:
        """Make a login role and return the secret that the server holds of it."""
        secret = scram.make_secret(password, salt=user.encode().ljust(16))
        self.server.query(f'DROP ROLE IF EXISTS "{user}"')
        self.server.query(f"CREATE ROLE \"{user}\" LOGIN PASSWORD '{secret}'")
        return secret

    def arguments(self, **options: t.Any) -> dict[str, t.Any]:
        return {
            "binary": self.binary,
            "account": self.account.name,
            "directory": str(self.home / "etc"),
            "runtime_directory": str(self.home / "run"),
            "log_directory": str(self.home / "log"),
            "minimum_version": "1.16",
            "listen_port": self.port,
            "processes": 1,
            "supervisor": "external",
            "hba": [
                {"type": "local", "method": "scram-sha-256"},
                {"type": "host", "address": "127.0.0.1/32", "method": "scram-sha-256"},
            ],
            **options,
        }

    def database(self, **options: t.Any) -> dict[str, t.Any]:
        return {"name": "app", "host": self.server.host, "port": self.server.port, "dbname": "postgres", **options}

    def apply(self, *, check: bool = False, diff: bool = False, **options: t.Any) -> t.Any:
        return self._run_module("pgbouncer_configuration", self.arguments(**options), check=check, diff=diff)

    def succeed(self, **options: t.Any) -> t.Any:
        result = self.apply(**options)
        assert not result.get("failed"), result["msg"]
        return result

    def fail(self, **options: t.Any) -> t.Any:
        """A run that must fail and must not have touched anything."""
        before = self.everything()
        result = self.apply(**options)
        assert result.get("failed"), result
        assert self.everything() == before
        return result

    def everything(self) -> dict[str, t.Any]:
        """All files, and what the running processes say of themselves."""
        found: dict[str, t.Any] = {str(path): path.read_bytes() for path in (self.home / "etc").iterdir()}
        for process in self._processes:
            found[f"config {process}"] = self.console(process, "SHOW CONFIG")
        return found

    def start(self, process: int = 1) -> None:
        identity: dict[str, t.Any] = {}
        if self.account.drop:
            identity = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        self._processes[process] = subprocess.Popen(
            [self.binary, "-q", str(self.home / f"etc/pgbouncer-{process}.ini")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **identity,
        )
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.console(process, "SHOW VERSION")
            except psycopg2.OperationalError:
                assert time.monotonic() < end, "pgbouncer does not answer"
                time.sleep(0.05)
            else:
                return

    def stop(self, process: int = 1) -> None:
        running = self._processes.pop(process)
        running.send_signal(signal.SIGQUIT)
        running.wait(20)

    def console(self, process: int, command: str) -> list[tuple[t.Any, ...]]:
        """Rows of one command of the admin console, entered as the account that runs it."""
        os.seteuid(self.account.uid)
        try:
            connection = psycopg2.connect(
                host=str(self.home / f"run/{process}"), port=self.port, user="pgbouncer", dbname="pgbouncer"
            )
        finally:
            os.seteuid(os.getuid())
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(command)
            return list(cursor.fetchall()) if cursor.description else []

    def setting(self, name: str, process: int = 1) -> str:
        return next(str(row[1]) for row in self.console(process, "SHOW CONFIG") if row[0] == name)

    def connect(self, user: str, password: str, database: str = "app", **options: t.Any) -> t.Any:
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=user, password=password, dbname=database, **options
        )
        connection.autocommit = True
        return connection

    def close(self) -> None:
        for process in list(self._processes):
            self.stop(process)
        shutil.rmtree(self.home)


def log_of(poolers: Poolers, process: int = 1) -> str:
    return Path(poolers.home, f"log/pgbouncer-{process}.log").read_text()
