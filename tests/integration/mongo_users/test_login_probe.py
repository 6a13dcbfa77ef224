"""Passwords on a server that does not show stored keys: Amazon DocumentDB's way, on a mongod that is told to refuse."""

from __future__ import annotations

import shutil
import typing as t

import pytest
from servers import Mongod

Run = t.Callable[..., dict[str, t.Any]]
PASSWORD = "probe-Secret-canary-1"


@pytest.fixture(scope="module")
def server() -> t.Iterator[Mongod]:
    server = Mongod({"setParameter": {"enableTestCommands": True}})
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.server.layout.servers)


def refuse_credentials(server: Mongod, times: int) -> None:
    """Let the next ``usersInfo`` commands of the module fail: those in which it asks for credentials."""
    with server.client() as client:
        client.admin.command(
            {
                "configureFailPoint": "failCommand",
                "mode": {"times": times},
                "data": {"failCommands": ["usersInfo"], "errorCode": 13, "appName": "groundwork mongo_users"},
            }
        )


def credentials(server: Mongod) -> t.Any:
    with server.client() as client:
        return client.admin.command({"usersInfo": "app", "showCredentials": True})["users"][0]["credentials"]


def test_login_tells_whether_the_password_fits(run_module: Run, server: Mongod) -> None:
    with server.client() as client:
        client.admin.command("createUser", "app", pwd=PASSWORD, roles=[], mechanisms=["SCRAM-SHA-256"])
    before = credentials(server)
    options = {**server.login, "users": [{"name": "app", "password": PASSWORD, "roles": []}]}

    refuse_credentials(server, 2)
    same = run_module("mongo_users", options)
    assert not same["changed"] and same["password_checks"] == {"app@admin": "login"}
    assert credentials(server) == before

    changed = {**server.login, "users": [{"name": "app", "password": PASSWORD + "2"}]}
    refuse_credentials(server, 2)
    promised = run_module("mongo_users", changed, check=True)
    assert promised["changed"] and credentials(server) == before
    refuse_credentials(server, 2)
    done = run_module("mongo_users", changed)
    assert done["actions"] == promised["actions"]
    with server.client("app", PASSWORD + "2") as client:
        client.admin.command("ping")
    assert PASSWORD not in promised.output + done.output  # type: ignore[attr-defined]
