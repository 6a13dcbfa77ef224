"""The site playbook on the local inventory, as a user runs it, in a folder of the test's own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import psycopg2
import pymongo
import pytest
import servers
from ansible_collections.groundwork.databases.plugins.module_utils._local import port

CHECKOUT = Path(__file__).resolve().parents[3]
SECRETS = ("postgresql_superuser", "mongodb_admin", "credforge_postgresql", "credforge_mongodb")


class Outcome:
    """What ``ansible-playbook`` printed and how it ended."""

    def __init__(self, code: int, output: str) -> None:
        self.code = code
        self.output = output

    @property
    def changed(self) -> int:
        return sum(int(number) for number in re.findall(r"changed=(\d+)", self.output))

    @property
    def diff_headers(self) -> list[str]:
        return re.findall(r"^\+\+\+ after: (.*)$", self.output, re.M)


class Site:
    """One local environment: its own servers, its own copy of the applications."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.local = home / "local"
        self.applications = home / "applications"
        # The usual ports are for whoever comes first, such as another test while a server here is down.
        self.ports = {engine: port.free_port(0) for engine in ("postgresql", "mongodb")}
        shutil.copytree(CHECKOUT / "applications", self.applications)

    def command(self, playbook: str, *arguments: str) -> list[str]:
        return [
            str(Path(sys.executable).with_name("ansible-playbook")),
            playbook,
            "-i",
            "inventories/local",
            "-e",
            f"local_servers_directory={self.local}",
            "-e",
            f"applications_directory={self.applications}",
            *(f"-elocal_servers_{engine}_port={number}" for engine, number in self.ports.items()),
            # Every test run shares the downloads.
            "-e",
            f"local_servers_cache={servers.CACHE / 'downloads'}",
            *arguments,
        ]

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "tests" / "callback_plugins"),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def run(self, *arguments: str, playbook: str = "site.yml") -> Outcome:
        done = subprocess.run(
            self.command(playbook, *arguments),
            cwd=CHECKOUT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return Outcome(done.returncode, done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The playbook in a process group of its own, to be killed."""
        return subprocess.Popen(
            self.command("site.yml", *arguments),
            cwd=CHECKOUT,
            env=self.environment(),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def secret(self, name: str) -> str:
        return (self.local / "secrets" / name).read_text().strip()

    def port(self, engine: str) -> int:
        record = (self.local / "servers" / engine / "server.json").read_text()
        found = re.search(r'"port": (\d+)', record)
        assert found
        return int(found.group(1))

    def connect(self, database: str = "cred_forge_db", user: str = "postgres") -> t.Any:
        password = self.secret("postgresql_superuser" if user == "postgres" else "credforge_postgresql")
        session = psycopg2.connect(
            host="127.0.0.1", port=self.port("postgresql"), dbname=database, user=user, password=password
        )
        session.autocommit = True
        return session

    def query(self, sql: str, database: str = "cred_forge_db", user: str = "postgres") -> list[tuple[t.Any, ...]]:
        with contextlib.closing(self.connect(database, user)) as session, session.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def mongo(self, user: str = "admin") -> t.Any:
        password = self.secret("mongodb_admin" if user == "admin" else "credforge_mongodb")
        return pymongo.MongoClient("127.0.0.1", self.port("mongodb"), username=user, password=password)

    def migration(self, name: str, sql: str) -> Path:
        """Add a migration to this environment's copy of the application."""
        path = self.applications / "credforge" / "postgresql" / name
        path.write_text(sql)
        return path


@pytest.fixture(scope="session")
def virgin_site() -> t.Iterator[Site]:
    """An environment in which nothing was deployed yet."""
    home = servers.temporary_home(servers.server_account(None))
    site = Site(home)
    yield site
    destroyed = site.run(playbook="playbooks/local_destroy.yml")
    shutil.rmtree(home)
    assert destroyed.code == 0, destroyed.output


@pytest.fixture(scope="session")
def first_run(virgin_site: Site) -> tuple[Outcome, Outcome, bool]:
    """The check-mode run on the virgin environment, the first run, and whether the former left anything behind."""
    predicted = virgin_site.run("--check", "--diff")
    left_something = virgin_site.local.exists()
    return predicted, virgin_site.run("-vvv", "--diff"), left_something


@pytest.fixture(scope="session")
def second_run(site: Site) -> Outcome:
    """A run that has nothing to do, with everything that Ansible can be asked to print."""
    return site.run("-vvv", "--diff")


@pytest.fixture(scope="session")
def site(virgin_site: Site, first_run: tuple[Outcome, Outcome, bool]) -> Site:
    """The environment after its first run."""
    assert first_run[1].code == 0, first_run[1].output
    return virgin_site
