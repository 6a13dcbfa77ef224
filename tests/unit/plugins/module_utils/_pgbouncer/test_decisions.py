"""RELOAD where it can, restart where it must, nothing where nothing is different."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration.dry_run import Trial
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration.plan import (
    Expected,
    Running,
    decide,
)

VERSION = (1, 25, 2)


def config(**values: str) -> dict[str, dict[str, t.Any]]:
    settings = {"max_client_conn": "100", "listen_backlog": "128", "listen_addr": "*", "conffile": "x", **values}
    restart = ("listen_backlog", "listen_addr")
    return {
        name: {"key": name, "value": value, "default": None, "changeable": "no" if name in restart else "yes"}
        for name, value in settings.items()
    }


def database(name: str, **values: t.Any) -> dict[str, t.Any]:
    return {"name": name, "host": "db1", "port": 5432, "database": name, "pool_size": 20, "paused": 0, **values}


EXPECTED = Expected(
    version=VERSION,
    trial=Trial(config(listen_addr=""), [database("shop"), database("pgbouncer")]),
    own={"listen_addr": "*"},
    digest="d1",
    changed_at=1000.0,
)
RUNNING = Running(VERSION, config(conffile="y"), [database("shop")], stamp="d1", started_at=500.0)


@pytest.mark.parametrize(
    ("running", "action", "reason"),
    [
        ({}, "none", ""),
        ({"config": config(max_client_conn="50")}, "reload", "max_client_conn: '50' -> '100'"),
        ({"config": config(listen_backlog="64")}, "restart", "listen_backlog: '64' -> '128'"),
        ({"config": config(listen_addr="127.0.0.1")}, "restart", "listen_addr: '127.0.0.1' -> '*'"),
        ({"config": config(new_in_another_version="1")}, "none", ""),
        ({"databases": []}, "reload", "database shop"),
        ({"databases": [database("shop", pool_size=3)]}, "reload", "database shop"),
        ({"databases": [database("shop", paused=1), database("other")]}, "none", ""),
        ({"version": (1, 25, 1)}, "restart", "runs 1.25.1, installed is 1.25.2"),
        ({"stamp": "d0"}, "reload", "its files changed after it read them"),
        ({"stamp": None}, "reload", "its files changed after it read them"),
        ({"stamp": None, "started_at": 1001.0}, "none", ""),
        ({"stamp": None, "started_at": None}, "reload", "its files changed after it read them"),
    ],
)
def test_one_process(running: dict[str, t.Any], action: str, reason: str) -> None:
    decision = decide(1, EXPECTED, dataclasses.replace(RUNNING, **running))
    assert decision.action == action
    assert reason in "; ".join(decision.reasons)


def test_unit_that_changed_after_the_start() -> None:
    expected = dataclasses.replace(EXPECTED, unit_changed_at=600.0)
    assert decide(1, expected, RUNNING).action == "restart"


def test_what_is_left_without_a_restart() -> None:
    running = dataclasses.replace(RUNNING, config=config(listen_backlog="64", max_client_conn="50"))
    decision = decide(1, EXPECTED, running)
    assert decision.action == "restart"
    assert decision.without_restart().action == "reload"
    assert decide(1, EXPECTED, None).without_restart().action == "none"
