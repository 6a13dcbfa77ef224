"""A project in the layout that the guides show: inventories/local, and an application that is written by a test."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import psycopg2
import pytest
import servers
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._local import port

CHECKOUT = Path(__file__).resolve().parents[3]


class Project:
    """A folder with an inventory of local servers and the application ``shop``."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.description = home / "applications/shop/application.yml"
        self.ports = {engine: port.free_port(0) for engine in ("postgresql", "mongodb")}
        shutil.copytree(CHECKOUT / "inventories/local", home / "inventories/local")
        for folder in ("postgresql", "mongodb"):
            (home / "applications/shop" / folder).mkdir(parents=True)
        self.inventory({"applications": ["shop"]})

    def inventory(self, changes: dict[str, t.Any], without: str = "") -> None:
        """Set variables of all hosts."""
        path = self.home / "inventories/local/group_vars/all/applications.yml"
        variables = {**yaml.safe_load(path.read_text()), **changes}
        variables.pop(without, None)
        path.write_text(yaml.safe_dump(variables))

    def describe(self, text: str | bytes) -> None:
        self.description.write_bytes(text if isinstance(text, bytes) else text.encode())

    def migration(self, name: str, sql: str) -> None:
        (self.description.parent / "postgresql" / name).write_text(sql)

    def run(self, *arguments: str, playbook: str = "site.yml") -> subprocess.CompletedProcess[str]:
        """The playbook as a user runs it; ``stdout`` has all that it printed."""
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                str(CHECKOUT / playbook),
                "-i",
                "inventories/local",
                *(f"-elocal_servers_{engine}_port={number}" for engine, number in self.ports.items()),
                f"-elocal_servers_cache={servers.CACHE / 'downloads'}",
                *arguments,
            ],
            cwd=self.home,
            env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )

    def contents(self) -> dict[str, bytes]:
        """Every file of the project, to see that none was made or changed."""
        return {str(path): path.read_bytes() for path in sorted(self.home.rglob("*")) if path.is_file()}

    def query(self, sql: str, database: str = "shop") -> list[tuple[t.Any, ...]]:
        secret = (self.home / ".local/secrets/postgresql_superuser").read_text().strip()
        where = {"host": "127.0.0.1", "port": self.ports["postgresql"], "user": "postgres"}
        with contextlib.closing(psycopg2.connect(dbname=database, password=secret, **where)) as session:
            session.autocommit = True
            with session.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture
def project() -> t.Iterator[Project]:
    """A project in which no server was started yet."""
    home = servers.temporary_home(servers.server_account(None))
    project = Project(home)
    yield project
    if (home / ".local").exists():
        project.run(playbook="playbooks/local_destroy.yml")
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def served_project() -> t.Iterator[Project]:
    """A project for tests that start servers, which go with it."""
    home = servers.temporary_home(servers.server_account(None))
    project = Project(home)
    yield project
    destroyed = project.run(playbook="playbooks/local_destroy.yml")
    shutil.rmtree(home)
    assert destroyed.returncode == 0, destroyed.stdout
