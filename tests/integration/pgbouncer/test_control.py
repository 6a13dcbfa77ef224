"""Pausing real processes: clients wait instead of failing, a pause has a limit and an end."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._programs import archive
from poolers import Poolers
from servers import CHECKOUT

PASSWORD = "control-password"
GUARD = base64.b64encode(archive.program("pgbouncer_resume")).decode()
Control = t.Callable[..., t.Any]


@pytest.fixture
def pair(poolers: Poolers) -> Poolers:
    """Two processes in transaction mode."""
    poolers.succeed(
        processes=2,
        databases=[poolers.database()],
        users=[{"name": "app", "scram_secret": poolers.secret("app", PASSWORD)}],
        settings={"pool_mode": "transaction"},
    )
    poolers.start(1)
    poolers.start(2)
    return poolers


@pytest.fixture
def control(pair: Poolers, run_module: t.Callable[..., t.Any]) -> t.Iterator[Control]:
    def run(state: str, check: bool = False, **options: t.Any) -> t.Any:
        arguments = {"runtime_directory": str(pair.home / "run"), "account": pair.account.name, "state": state}
        arguments["_guard_program"] = GUARD
        return run_module("pgbouncer_control", {**arguments, **options}, check=check)

    yield run
    run("resumed")


def paused(poolers: Poolers) -> list[str]:
    return [dict(poolers.console(process, "SHOW STATE"))["paused"] for process in (1, 2)]


def clients(poolers: Poolers) -> list[tuple[t.Any, ...]]:
    return [row for process in (1, 2) for row in poolers.console(process, "SHOW CLIENTS")]


def test_clients_wait_through_a_pause(pair: Poolers, control: Control) -> None:
    assert control("paused", check=True)["changed"]
    assert paused(pair) == ["no", "no"]
    result = control("paused")
    assert [entry["paused"] for entry in result["processes"]] == [True, True]
    assert not control("paused")["changed"]
    answers: list[t.Any] = []

    def ask() -> None:
        with contextlib.closing(pair.connect("app", PASSWORD)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 42")
            answers.append(cursor.fetchone()[0])

    client = threading.Thread(target=ask)
    client.start()
    deadline = time.monotonic() + 60
    while not any({"app", "waiting"} <= set(row) for row in clients(pair)):
        assert time.monotonic() < deadline, f"the client never came to wait: {clients(pair)}"
        time.sleep(0.02)
    assert answers == []
    assert control("resumed")["changed"]
    client.join(60)
    assert answers == [42]
    assert not control("resumed")["changed"]


def test_pause_that_takes_too_long_is_taken_back(pair: Poolers, control: Control) -> None:
    with contextlib.closing(pair.connect("app", PASSWORD, application_name="report")) as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            result = control("paused", time_limit=1)
            assert result["failed"]
            assert result["error_code"] == "STILL_BUSY"
            assert "app@app" in result["msg"]
            assert paused(pair) == ["no", "no"]
            cursor.execute("SELECT 2")
            assert cursor.fetchone()[0] == 2


def test_pause_ends_by_itself(pair: Poolers, control: Control) -> None:
    """The module's process is long gone when the guard resumes."""
    begun = time.monotonic()
    result = control("paused", time_limit=1, resume_after=3)
    assert not result.get("failed"), result
    assert paused(pair) == ["yes", "yes"]
    while "yes" in paused(pair):
        assert time.monotonic() - begun < 120
        time.sleep(0.1)
    assert time.monotonic() - begun > 2.5


def test_only_one_database(pair: Poolers, control: Control) -> None:
    assert control("paused", databases=["app"])["changed"]
    assert paused(pair) == ["no", "no"]
    rows = pair.console(1, "SHOW DATABASES")
    assert [row[-2] for row in rows if row[0] == "app"] == [1]
    assert control("resumed", databases=["app"])["changed"]


def test_a_resume_of_everything_ends_the_pause_of_a_database_too(pair: Poolers, control: Control) -> None:
    assert control("paused", databases=["app"])["changed"]
    result = control("resumed")
    assert [step["action"] for step in result["actions"]] == ["resume", "resume", "disarm"]
    assert [row[-2] for row in pair.console(1, "SHOW DATABASES") if row[0] == "app"] == [0]
    assert not control("resumed")["changed"]


def test_what_else_is_paused_keeps_its_guard(pair: Poolers, control: Control) -> None:
    begun = time.monotonic()
    assert control("paused")["changed"]
    assert control("paused", databases=["app"], time_limit=1, resume_after=4)["changed"] is False
    assert control("paused", databases=["app"])["guard"]
    assert control("resumed", databases=["app"])["changed"] is False
    assert paused(pair) == ["yes", "yes"]
    assert control("resumed")["changed"]
    assert control("paused", databases=["app"], time_limit=1, resume_after=3)["changed"]
    while [row[-2] for row in pair.console(1, "SHOW DATABASES") if row[0] == "app"] == [1]:
        assert time.monotonic() - begun < 120
        time.sleep(0.1)


def test_reconnect_replaces_server_connections(pair: Poolers, control: Control) -> None:
    with contextlib.closing(pair.connect("app", PASSWORD)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        before = cursor.fetchone()[0]
        assert control("reconnected")["changed"]
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != before


def test_guard_must_outlast_the_limit(control: Control) -> None:
    result = control("paused", time_limit=60, resume_after=60)
    assert "must be longer" in result["msg"]


def test_a_pause_without_its_guard_is_refused(pair: Poolers, control: Control) -> None:
    result = control("paused", _guard_program="")
    assert result["failed"] and "did not come with the module" in result["msg"]
    assert paused(pair) == ["no", "no"]


def test_the_guard_comes_with_the_module(pair: Poolers, control: Control, tmp_path: Path) -> None:
    """As Ansible runs it: the action packs the guard, which then resumes by itself."""
    options = {"state": "paused", "time_limit": 1, "resume_after": 3, "account": pair.account.name}
    task = {"groundwork.databases.pgbouncer_control": {**options, "runtime_directory": str(pair.home / "run")}}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [task]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local",
         "-e", f"ansible_python_interpreter={sys.executable}", tmp_path / "play.yml"],
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}, cwd=CHECKOUT,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and "changed=1" in done.stdout, done.stdout + done.stderr
    deadline = time.monotonic() + 60
    while "yes" in paused(pair):
        assert time.monotonic() < deadline
        time.sleep(0.1)
