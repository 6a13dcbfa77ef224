"""A primary and standbys, real servers on one machine, made and handled by the modules themselves."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import servers
from ansible_collections.groundwork.databases.plugins.module_utils._local import port
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.names import (
    connection_string,
    password_file_line,
)

REPLICATION_PASSWORD = "test:replication\\password"
ROLE = "replicator"


class Cluster:
    """Members on ports of 127.0.0.1; the modules' options for each."""

    password = REPLICATION_PASSWORD

    def __init__(self, run_module: t.Callable[..., t.Any]) -> None:
        self.run_module = run_module
        self.settings = {"wal_retrieve_retry_interval": "200ms", "max_slot_wal_keep_size": "128MB"}
        self.first = servers.Postgresql(settings={**self.settings, "fsync": "off"})
        self.account = self.first.account
        self.homes: dict[str, Path] = {"one": self.first.server.layout.home}
        self.ports: dict[str, int] = {"one": self.first.port}
        for name in ("two", "three"):
            self.homes[name] = servers.temporary_home(self.account)
            self.account.own(self.homes[name])
            self.ports[name] = port.free_port(0)
        self.passfile = self.homes["one"] / "replication.pgpass"
        self.passfile.write_text(password_file_line("*", ROLE, REPLICATION_PASSWORD) + "\n")
        self.passfile.chmod(0o600)
        self.account.own(self.passfile)
        for name in self.members:
            self.configure(name)

    @property
    def members(self) -> list[str]:
        return ["one", "two", "three"]

    @property
    def hosts(self) -> list[str]:
        return [f"127.0.0.1:{self.ports[name]}" for name in self.members]

    def data(self, name: str) -> Path:
        return self.first.data if name == "one" else self.homes[name] / "data"

    def configure(self, name: str, **more: str) -> None:
        """Write a member's settings: the same whatever its part is at the moment."""
        conninfo = connection_string(
            {
                "host": ",".join(["127.0.0.1"] * 3),
                "port": ",".join(str(self.ports[member]) for member in self.members),
                "user": ROLE,
                "passfile": str(self.passfile),
                "application_name": name,
                "target_session_attrs": "primary",
                "connect_timeout": 5,
            }
        )
        own = {"primary_conninfo": conninfo, "primary_slot_name": name, **self.settings, **more}
        config = self.homes[name] / "local.conf"
        text = self.first.server.render_config(self.ports[name], {**servers.FAST_SETTINGS, **own})
        config.write_text(text)
        self.account.own(config)

    def options(self, name: str) -> dict[str, t.Any]:
        return {
            "data_directory": str(self.data(name)),
            "bin_directory": str(self.first.bin),
            "port": self.ports[name],
            "login_host": "127.0.0.1",
            "login_password": servers.PASSWORD,
            "account": self.account.name,
        }

    def state(self, name: str, **options: t.Any) -> dict[str, t.Any]:
        result = self.run_module("pg_replication_info", {**self.options(name), **options})
        assert not result.get("failed"), result["msg"]
        return result["member"]

    def states(self, **options: t.Any) -> dict[str, dict[str, t.Any]]:
        return {name: self.state(name, **options) for name in self.members}

    def keep(self, name: str, *, check: bool = False, **options: t.Any) -> t.Any:
        arguments = {
            **self.options(name),
            "name": name,
            "members": self.members,
            "user": ROLE,
            "password": REPLICATION_PASSWORD,
            **options,
        }
        return self.run_module("pg_replication", arguments, check=check, diff=True)

    def standby_arguments(self, name: str, **options: t.Any) -> dict[str, t.Any]:
        return {
            **self.options(name),
            "hosts": self.hosts,
            "user": ROLE,
            "passfile": str(self.passfile),
            "slot": name,
            **options,
        }

    def make_standby(self, name: str, *, check: bool = False, **options: t.Any) -> t.Any:
        return self.run_module("pg_standby", self.standby_arguments(name, **options), check=check, diff=True)

    def hand_over(self, source: str, target: str, *, check: bool = False, **options: t.Any) -> t.Any:
        return self.run_module("pg_switchover", self.switchover_arguments(source, target, **options), check=check)

    def switchover_arguments(self, source: str, target: str, **options: t.Any) -> dict[str, t.Any]:
        return {
            **self.options(source),
            "step": "hand_over",
            "target": target,
            "target_host": "127.0.0.1",
            "target_port": self.ports[target],
            "user": ROLE,
            "passfile": str(self.passfile),
            **options,
        }

    def start(self, name: str) -> None:
        log = self.homes[name] / "data.log"
        outcome = self.account.run(
            [str(self.first.bin / "pg_ctl"), "start", "-D", str(self.data(name)), "-w", "-l", str(log)]
        )
        assert outcome.ok, log.read_text()

    def stop(self, name: str, mode: str = "fast") -> None:
        self.account.run([str(self.first.bin / "pg_ctl"), "stop", "-D", str(self.data(name)), "-w", "-m", mode])

    def connect(self, name: str) -> t.Any:
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.ports[name], user="postgres", password=servers.PASSWORD, dbname="postgres"
        )
        connection.autocommit = True
        return connection

    def query(self, name: str, sql: str) -> list[tuple[t.Any, ...]]:
        with contextlib.closing(self.connect(name)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def build(self, names: t.Iterable[str] = ("two", "three")) -> None:
        """The primary in order, and standbys that stream."""
        self.first.start()
        assert not self.keep("one").get("failed")
        for name in names:
            made = self.make_standby(name)
            assert not made.get("failed"), made["msg"]
            self.start(name)
        # A copy ends where a segment does. An idle primary may write nothing, and so send nothing, for long.
        self.query("one", "SELECT pg_log_standby_snapshot()")
        for name in names:
            assert self.state(name, wait_streaming=60)["receiver"]["status"] == "streaming"

    @staticmethod
    def wait_until(condition: t.Callable[[], bool], seconds: float = 120.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "condition not reached in time"
            time.sleep(0.1)

    def destroy(self) -> None:
        for name in self.members:
            self.stop(name, "immediate")
        for home in self.homes.values():
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def cluster(run_module) -> t.Iterator[Cluster]:
    made = Cluster(run_module)
    yield made
    made.destroy()


@pytest.fixture(scope="session")
def built(run_module: t.Callable[..., t.Any]) -> t.Iterator[dict[str, Path]]:
    """The data folders of a primary and two standbys that streamed, stopped in order."""
    made = Cluster(run_module)
    try:
        made.build()
        for name in made.members:
            made.stop(name)
        assert made.password not in made.first.log.read_text()
        yield {name: made.data(name) for name in made.members}
    finally:
        made.destroy()


@pytest.fixture
def replicated(cluster, built) -> Cluster:
    """A primary and two standbys that stream: copies of those that were built once."""
    shutil.rmtree(cluster.first.data)
    for name, data in built.items():
        servers.copy_folder(data, cluster.data(name))
    cluster.first.start()
    for name in ("two", "three"):
        cluster.start(name)
    for name in ("two", "three"):
        assert cluster.state(name, wait_streaming=60)["receiver"]["status"] == "streaming"
    return cluster
