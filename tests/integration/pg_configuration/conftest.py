"""Clusters laid out as Debian lays them out: configuration, data and socket in folders of their own."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
import typing as t
from pathlib import Path

import psycopg2
import pytest

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS))

from ansible_collections.groundwork.databases.plugins.module_utils._local import artifact, port  # noqa: E402
from ansible_collections.groundwork.databases.plugins.module_utils._local.account import (  # noqa: E402
    Account,
    server_account,
)
from servers import installed, temporary_home  # noqa: E402

MAIN_FILE = """# What the package wrote.
data_directory = '{data}'
hba_file = '{config}/pg_hba.conf'
ident_file = '{config}/pg_ident.conf'
unix_socket_directories = '{sockets}'
port = {port}
listen_addresses = '127.0.0.1'
max_connections = 100
shared_buffers = 32MB
fsync = off
include_dir = 'conf.d'
"""
FIRST_HBA = "local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n"


class Cluster:
    """One cluster, which the tests start and stop with pg_ctl."""

    def __init__(self, home: Path, template: Path, bin_directory: Path, account: Account, name: str) -> None:
        self.name, self.account, self.bin = name, account, bin_directory
        self.config, self.data, self.sockets = home / "etc" / name, home / "data" / name, home / "run"
        self.drop_ins = self.config / "conf.d"
        self.state = home / "state"
        self.log = home / f"{name}.log"
        self.port = port.free_port(0)
        for folder in (self.drop_ins, self.sockets, self.data.parent):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(template, self.data)
        self.main_file = self.config / "postgresql.conf"
        self.main_file.write_text(MAIN_FILE.format(**vars(self)))
        self.hba_file = self.config / "pg_hba.conf"
        self.hba_file.write_text(FIRST_HBA)
        (self.config / "pg_ident.conf").write_text("")
        self.log.touch()
        for path in (home, *home.glob("**/*")):
            if not path.is_socket():
                account.own(path)

    def pg_ctl(self, *arguments: str) -> None:
        outcome = self.account.run(
            [str(self.bin / "pg_ctl"), *arguments, "-D", str(self.data), "-w", "-l", str(self.log),
             *(["-o", f"-c config_file={self.main_file}"] if "start" in arguments else [])]
        )  # fmt: skip
        assert outcome.ok, outcome.stdout + outcome.stderr + self.log.read_text()

    def start(self) -> Cluster:
        self.pg_ctl("start")
        return self

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.pg_ctl("stop", "-m", "immediate")

    def query(self, sql: str) -> list[tuple[t.Any, ...]]:
        """As the superuser over the Unix socket, by peer."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with self.account.acting():
                    connection = psycopg2.connect(
                        host=str(self.sockets), port=self.port, user=self.account.name, dbname="postgres"
                    )
                break
            except psycopg2.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def show(self, name: str) -> str:
        return self.query(f"SHOW {name}")[0][0]

    def started(self) -> t.Any:
        return self.query("SELECT pg_postmaster_start_time()")[0][0]

    def described(self, **options: t.Any) -> dict[str, t.Any]:
        """The cluster as an element of the module's option."""
        return {
            "name": self.name,
            "port": self.port,
            "config_directory": str(self.config),
            "data_directory": str(self.data),
            "socket_directory": str(self.sockets),
            **options,
        }

    def files(self) -> dict[str, tuple[str, int, float]]:
        """Everything below the configuration folder: content, mode and time of the last change."""
        found = [path for path in self.config.glob("**/*") if path.is_file()]
        return {
            str(path.relative_to(self.config)): (path.read_text(), path.stat().st_mode & 0o777, path.stat().st_mtime)
            for path in found
        }


@pytest.fixture(scope="session")
def account() -> Account:
    return server_account(None)


@pytest.fixture(scope="session")
def bin_directory(account: Account) -> Path:
    return installed(artifact.POSTGRESQL, account) / "bin"


@pytest.fixture(scope="session")
def template(account: Account, bin_directory: Path) -> t.Iterator[Path]:
    home = temporary_home(account)
    account.own(home)
    argv = ["--username", account.name, "--auth", "peer", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    outcome = account.run([str(bin_directory / "initdb"), "--pgdata", str(home / "data"), *argv])
    assert outcome.ok, outcome.stderr
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        (home / "data" / name).unlink()
    yield home / "data"
    shutil.rmtree(home)


@pytest.fixture
def new_cluster(account: Account, bin_directory: Path, template: Path) -> t.Iterator[t.Callable[[str], Cluster]]:
    home = temporary_home(account)
    made: list[Cluster] = []

    def make(name: str = "main") -> Cluster:
        made.append(Cluster(home, template, bin_directory, account, name))
        return made[-1]

    yield make
    for cluster in made:
        cluster.stop()
    shutil.rmtree(home)


@pytest.fixture
def cluster(new_cluster: t.Callable[..., Cluster]) -> Cluster:
    """A running cluster."""
    return new_cluster().start()


@pytest.fixture
def arguments_for(account: Account, bin_directory: Path) -> t.Callable[..., dict[str, t.Any]]:
    """The module's options for clusters: keywords are keys of the description of each, or with ``place`` options."""

    def call(*clusters: Cluster, place: dict[str, t.Any] | None = None, **given: t.Any) -> dict[str, t.Any]:
        return {
            "clusters": [cluster.described(**given) for cluster in clusters],
            "bin_directory": str(bin_directory),
            "owner": account.name,
            "state_directory": str(clusters[0].state),
            **(place or {}),
        }

    return call


@pytest.fixture
def configure(run_module: t.Callable[..., t.Any], arguments_for: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Run the module for clusters, with keywords as in ``arguments_for``."""

    def call(*clusters: Cluster, check: bool = False, diff: bool = False, **given: t.Any) -> t.Any:
        return run_module("pg_configuration", arguments_for(*clusters, **given), check=check, diff=diff)

    return call
