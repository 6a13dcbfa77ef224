"""A single mongod and a replica set of one, so that every test runs without and with transactions."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import typing as t
import uuid
from pathlib import Path

import pymongo
import pytest
from servers import Mongod


class ReplicaSet(Mongod):
    """A replica set of one member with authentication."""

    name = "rs0"

    def __init__(self) -> None:
        super().__init__()
        key = self.server.layout.home / "keyfile"
        key.write_text("dGhlIHRlc3RzJyBvd24ga2V5LCBub3QgYSBzZWNyZXQ=\n")
        key.chmod(0o400)
        self.account.own(key)
        security = {"authorization": "enabled", "keyFile": str(key)}
        settings = {"replication": {"replSetName": self.name, "oplogSizeMB": 50}, "security": security}
        self.configure(settings)

    @property
    def login(self) -> dict[str, t.Any]:
        return {**super().login, "login_host": self.host, "replica_set": self.name}

    def start(self) -> None:
        self.server.start()
        anonymous: t.Any = pymongo.MongoClient(self.host, self.port, directConnection=True)
        with contextlib.closing(anonymous):
            with contextlib.suppress(pymongo.errors.OperationFailure):
                members = [{"_id": 0, "host": f"{self.host}:{self.port}"}]
                anonymous.admin.command("replSetInitiate", {"_id": self.name, "members": members})
            deadline = time.monotonic() + 30
            while not anonymous.admin.command("hello")["isWritablePrimary"]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            with contextlib.suppress(pymongo.errors.OperationFailure):
                anonymous.admin.command("createUser", self.superuser, pwd=self.password, roles=["root"])


@pytest.fixture(scope="session")
def replica_set() -> t.Iterator[ReplicaSet]:
    server = ReplicaSet()
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.server.layout.servers)


@pytest.fixture(params=["single", "replica set"])
def server(request: pytest.FixtureRequest) -> Mongod:
    return t.cast(Mongod, request.getfixturevalue("mongod_server" if request.param == "single" else "replica_set"))


class Migrations:
    """One folder of change files and one database of the test's own."""

    def __init__(self, server: Mongod, folder: Path, run_module: t.Any, start_module: t.Any) -> None:
        self.server = server
        self.folder = folder
        self.name = f"test_{uuid.uuid4().hex[:12]}"
        self._run, self._start = run_module, start_module
        self.client = server.client()
        self.db = self.client[self.name]

    def write(self, name: str, *operations: dict[str, t.Any]) -> None:
        (self.folder / name).write_text(json.dumps({"operations": list(operations)}, indent=2))

    def arguments(self, **options: t.Any) -> dict[str, t.Any]:
        return {
            **self.server.login,
            "database": self.name,
            "locations": [str(self.folder)],
            "remote_src": True,
            "lock_lease": 3,
            "lock_timeout": 10,
            **options,
        }

    def run(self, check: bool = False, diff: bool = False, **options: t.Any) -> dict[str, t.Any]:
        return t.cast(
            "dict[str, t.Any]", self._run("mongo_migrations", self.arguments(**options), check=check, diff=diff)
        )

    def start(self, **options: t.Any) -> t.Any:
        return self._start("mongo_migrations", self.arguments(**options))

    def applied(self) -> list[str]:
        return [row["_id"] for row in self.db.groundwork_migrations.find({"success": True}).sort("installed_rank")]

    def everything(self) -> str:
        """All documents of all collections, as text."""
        names = sorted(self.db.list_collection_names())
        return repr({name: list(self.db[name].find().sort("_id")) for name in names})


@pytest.fixture
def migrations(server: Mongod, tmp_path: Path, run_module: t.Any, start_module: t.Any) -> t.Iterator[Migrations]:
    folder = tmp_path / "mongodb"
    folder.mkdir()
    found = Migrations(server, folder, run_module, start_module)
    yield found
    found.client.drop_database(found.name)
    found.client.close()
