# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed modules and servers, a primary that steps down, two runs at once: the next run converges, no index is lost.

The servers have MongoDB's own fail points, so that an index build stands still exactly when a test needs it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import time
import typing as t

import pymongo
import pymongo.errors
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._mongo import api
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections import build_progress
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.connection import connection_argument_spec
from mongo_subject import verbs
from servers import Mongod, start_together

DATABASE = "faults"
BEFORE = {"name": "subject", "indexes": [{"keys": {"a": 1}}]}
AFTER = {"name": "subject", "indexes": [{"keys": {"a": 1}, "sparse": True}, {"keys": {"b": 1}}]}
STOP_BUILDS = "hangAfterStartingIndexBuild"
FAULTY = {"security": {"authorization": "disabled"}, "setParameter": {"enableTestCommands": True}}
QUICK = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 100}
REPLICATED = {**FAULTY, "replication": {"replSetName": "groundwork"}}


def open_client(server: Mongod, **options: t.Any) -> t.Any:
    return pymongo.MongoClient(
        server.host,
        server.port,
        directConnection=True,
        serverSelectionTimeoutMS=5000,
        **options,
    )


@pytest.fixture(scope="module")
def single_server() -> t.Iterator[Mongod]:
    server = Mongod(FAULTY)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.server.layout.servers)


@pytest.fixture
def single(single_server: Mongod) -> t.Iterator[Mongod]:
    """A server that runs, holds nothing up and has no database of these tests, before each of them."""
    yield single_server
    if not single_server.server.is_running():
        single_server.start()
    with open_client(single_server) as client:
        for point in (STOP_BUILDS, "failCommand"):
            client.admin.command("configureFailPoint", point, mode="off")
        client.drop_database(DATABASE)


@pytest.fixture(scope="module")
def members() -> t.Iterator[list[Mongod]]:
    """Three members of one replica set."""
    servers = [Mongod(REPLICATED) for _number in range(3)]
    start_together(server.server for server in servers)
    hosts = [{"_id": number, "host": f"127.0.0.1:{server.port}"} for number, server in enumerate(servers)]
    with open_client(servers[0]) as client:
        config = {"_id": "groundwork", "members": hosts, "settings": QUICK}
        client.admin.command("replSetInitiate", config)
    primary_of(servers)
    yield servers
    for server in servers:
        server.kill()
        shutil.rmtree(server.server.layout.servers)


def primary_of(servers: list[Mongod]) -> Mongod:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for server in servers:
            with contextlib.suppress(pymongo.errors.PyMongoError), open_client(server) as client:
                if client.admin.command("hello")["isWritablePrimary"]:
                    return server
        time.sleep(0.05)
    raise AssertionError("no primary within 60 s")


def arguments(server: Mongod, *collections: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    login = {"login_host": server.host, "login_port": server.port, "connect_timeout": 5}
    return {**login, "database": DATABASE, "collections": list(collections), **options}


def of_the_set(servers: list[Mongod], *collections: dict[str, t.Any]) -> dict[str, t.Any]:
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    login = {"login_host": hosts, "replica_set": "groundwork", "connect_timeout": 30}
    return {**login, "database": DATABASE, "collections": list(collections)}


def prepare(client: t.Any) -> None:
    client.drop_database(DATABASE)
    client[DATABASE].subject.insert_many({"a": number, "b": number} for number in range(1000))


def names(client: t.Any) -> set[str]:
    return {index["name"] for index in client[DATABASE].subject.list_indexes()} - {"_id_"}


def hold_builds(client: t.Any, hold: bool) -> None:
    client.admin.command("configureFailPoint", STOP_BUILDS, mode="alwaysOn" if hold else "off")


def wait_until(client: t.Any, operation: dict[str, t.Any], number: int = 1) -> None:
    """Until so many operations of the server are as described."""
    deadline = time.monotonic() + 60
    while len(client.admin.command({"currentOp": 1, **operation})["inprog"]) < number:
        assert time.monotonic() < deadline, f"no such operation within 60 s: {operation}"
        time.sleep(0.05)


def wait_for_build(client: t.Any) -> None:
    wait_until(client, {"msg": {"$regex": "^Index Build"}})


def result_of(process: t.Any) -> dict[str, t.Any]:
    output, errors = process.communicate(timeout=180)
    lines = [line for line in output.splitlines() if line.startswith("{")]
    assert lines, output + errors
    result: dict[str, t.Any] = json.loads(lines[-1])
    return result


def test_a_killed_module_leaves_the_old_index_and_the_next_run_converges(
    single: Mongod, run_module: t.Callable[..., t.Any], start_module: t.Callable[..., t.Any]
) -> None:
    with open_client(single) as client:
        prepare(client)
        run_module("mongo_collections", arguments(single, BEFORE))
        hold_builds(client, True)
        process = start_module("mongo_collections", arguments(single, AFTER))
        wait_for_build(client)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert "a_1" in names(client)
        hold_builds(client, False)
        again = run_module("mongo_collections", arguments(single, AFTER))
        assert not again.get("failed"), again
        assert names(client) == {"a_1__sparse", "b_1"}
        assert verbs(run_module("mongo_collections", arguments(single, AFTER))) == []


def test_a_killed_server_is_told_and_the_next_run_converges(
    single: Mongod, run_module: t.Callable[..., t.Any], start_module: t.Callable[..., t.Any]
) -> None:
    with open_client(single) as client:
        prepare(client)
        run_module("mongo_collections", arguments(single, BEFORE))
        hold_builds(client, True)
        process = start_module("mongo_collections", arguments(single, AFTER))
        wait_for_build(client)
    # Only then: a client that is closed looks for its server first.
    single.kill()
    result = result_of(process)
    assert result["failed"] and "No primary answered within 5 s" in result["msg"], result
    assert "Run again" in result["msg"]
    single.start()
    with open_client(single) as client:
        assert "a_1" in names(client)
        again = run_module("mongo_collections", arguments(single, AFTER))
        assert not again.get("failed"), again
        assert names(client) == {"a_1__sparse", "b_1"}
        assert client[DATABASE].subject.count_documents({}) == 1000


def test_a_step_down_in_mid_plan_is_survived_by_the_same_run(
    members: list[Mongod], run_module: t.Callable[..., t.Any], start_module: t.Callable[..., t.Any]
) -> None:
    primary = primary_of(members)
    with open_client(primary) as client:
        prepare(client)
        run_module("mongo_collections", of_the_set(members, BEFORE))
        hold_builds(client, True)
        process = start_module("mongo_collections", of_the_set(members, AFTER))
        wait_for_build(client)
        assert "a_1" in names(client)
        with contextlib.suppress(pymongo.errors.AutoReconnect):
            client.admin.command("replSetStepDown", 30, secondaryCatchUpPeriodSecs=10, force=True)
        hold_builds(client, False)
    result = result_of(process)
    assert not result.get("failed"), result
    successor = primary_of(members)
    assert successor is not primary
    with open_client(successor) as client:
        assert names(client) == {"a_1__sparse", "b_1"}
    assert verbs(run_module("mongo_collections", of_the_set(members, AFTER))) == []


def without_primary(servers: list[Mongod], seconds: int) -> None:
    """No member stands for election for so long."""
    primary = primary_of(servers)
    for server in servers:
        with open_client(server) as client, contextlib.suppress(pymongo.errors.AutoReconnect):
            if server is primary:
                client.admin.command("replSetStepDown", seconds, secondaryCatchUpPeriodSecs=0, force=True)
            else:
                client.admin.command("replSetFreeze", seconds)


def test_a_run_that_begins_during_an_election_waits_for_its_end(
    members: list[Mongod], run_module: t.Callable[..., t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_client(primary_of(members)) as client:
        prepare(client)
    impatient = {**of_the_set(members, AFTER), "connect_timeout": 1}
    without_primary(members, 8)
    defaults = {name: option.get("default") for name, option in connection_argument_spec().items()}
    monkeypatch.setattr(api, "ELECTION_SECONDS", 1)
    with pytest.raises(api.ServerUnreachable, match=r"No primary answered within 1 s.*(\n.*)*a majority of its voting"):
        api.connect({**defaults, **impatient})
    result = run_module("mongo_collections", impatient)
    assert not result.get("failed"), result
    with open_client(primary_of(members)) as client:
        assert names(client) == {"a_1", "b_1"}


def test_two_runs_at_once_both_end_well(
    single: Mongod, run_module: t.Callable[..., t.Any], start_module: t.Callable[..., t.Any]
) -> None:
    fresh = [
        {"name": name, "indexes": [{"keys": {"a": 1}}, {"keys": {"b": 1}, "unique": True}]}
        for name in ("subject", "c", "d")
    ]
    with open_client(single) as client:
        for wanted, prepared in ((fresh, None), ([AFTER], BEFORE)):
            client.drop_database(DATABASE)
            if prepared:
                prepare(client)
                run_module("mongo_collections", arguments(single, prepared))
            processes = [start_module("mongo_collections", arguments(single, *wanted)) for _run in range(3)]
            results = [result_of(process) for process in processes]
            assert not any(result.get("failed") for result in results), results
            assert verbs(run_module("mongo_collections", arguments(single, *wanted))) == []
        assert names(client) == {"a_1__sparse", "b_1"}


def test_a_rebuild_that_was_interrupted_anywhere_is_finished_by_the_next_run(
    single: Mongod, run_module: t.Callable[..., t.Any]
) -> None:
    """What an interruption leaves behind is made by hand, for every point between two commands."""
    new = {"name": "subject", "indexes": [{"keys": {"a": 1}, "name": "n"}]}
    bridge = {"key": {"a": 1, "_id": 1}, "name": "groundwork_bridge_n"}
    leftovers: list[tuple[list[dict[str, t.Any]], list[str]]] = [
        ([{"key": {"a": 1}, "name": "n", "sparse": True}, bridge], ["drop n", "rebuild n", "drop groundwork_bridge_n"]),
        ([bridge], ["create n", "drop groundwork_bridge_n"]),
        ([{"key": {"a": 1}, "name": "n"}, bridge], ["drop groundwork_bridge_n"]),
    ]
    with open_client(single) as client:
        prepare(client)
        for left, expected in leftovers:
            client[DATABASE].command({"dropIndexes": "subject", "index": "*"})
            client[DATABASE].command({"createIndexes": "subject", "indexes": left})
            result = run_module("mongo_collections", arguments(single, new, allow_rebuild=True))
            assert [verb.replace("subject.", "") for verb in verbs(result)] == expected
            assert names(client) == {"n"}


def test_a_second_run_waits_for_the_build_of_the_first_before_it_drops_anything(
    single: Mongod, run_module: t.Callable[..., t.Any], start_module: t.Callable[..., t.Any]
) -> None:
    with open_client(single) as client:
        prepare(client)
        run_module("mongo_collections", arguments(single, BEFORE))
        hold_builds(client, True)
        first = start_module("mongo_collections", arguments(single, AFTER))
        wait_for_build(client)
        seen = run_module("mongo_collections", arguments(single, AFTER), check=True)
        assert verbs(seen) == ["await subject.a_1__sparse", "await subject.b_1", "drop subject.a_1"]
        second = start_module("mongo_collections", arguments(single, AFTER))
        # What builds is an operation too, but has no client.
        wait_until(client, {"command.createIndexes": {"$exists": True}, "client": {"$exists": True}}, number=2)
        assert second.poll() is None and "a_1" in names(client)
        hold_builds(client, False)
        assert not result_of(first).get("failed") and not result_of(second).get("failed")
        assert names(client) == {"a_1__sparse", "b_1"}


def test_a_step_that_the_server_refuses_tells_what_is_done_and_what_is_not(
    single: Mongod, run_module: t.Callable[..., t.Any]
) -> None:
    with open_client(single) as client:
        prepare(client)
        client[DATABASE].subject.create_index([("a", 1)])
        client.admin.command(
            "configureFailPoint",
            "failCommand",
            mode={"times": 1},
            data={"failCommands": ["dropIndexes"], "errorCode": 8000},
        )
        result = run_module("mongo_collections", arguments(single, AFTER))
        assert result["failed"] and "The server refuses to drop index faults.subject.a_1" in result["msg"], result
        assert "2 earlier ones are made" in result["msg"] and result["changed"] is True
        assert (result["error_code"], result["server_code"]) == ("SERVER_REFUSED", 8000)
        assert [item["name"] for item in result["actions"]] == ["faults.subject.a_1__sparse", "faults.subject.b_1"]
        assert names(client) == {"a_1", "a_1__sparse", "b_1"}
        again = run_module("mongo_collections", arguments(single, AFTER))
        assert verbs(again) == ["drop subject.a_1"]


def test_the_progress_of_a_long_build_is_told(single: Mongod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_progress, "INTERVAL_SECONDS", 0.2)
    options = {name: spec.get("default") for name, spec in connection_argument_spec().items()}
    server = api.connect({**options, "login_host": single.host, "login_port": single.port})
    lines: list[str] = []
    with open_client(single) as client:
        prepare(client)
        hold_builds(client, True)

        def note(line: str) -> None:
            lines.append(line)
            if len(lines) >= 2 and "(100 %, 1000 of 1000)" in line:
                hold_builds(client, False)

        release = threading.Timer(60, hold_builds, (client, False))  # only so that nothing hangs
        release.start()
        command = {"createIndexes": "subject", "indexes": [{"key": {"a": 1}, "name": "a_1"}]}
        try:
            with build_progress.BuildProgress(server, DATABASE, command, note):
                server.run(DATABASE, command, write=True)
        finally:
            release.cancel()
            server.close()
    assert len(lines) >= 2 and lines[0].startswith("faults.subject: Index Build: scanning collection"), lines
    assert any("(100 %, 1000 of 1000)" in line for line in lines), lines


def test_a_commit_quorum_is_used_in_a_replica_set_and_refused_elsewhere(
    single: Mongod, members: list[Mongod], run_module: t.Callable[..., t.Any]
) -> None:
    refused = run_module("mongo_collections", arguments(single, BEFORE, commit_quorum="majority"))
    assert refused["failed"] and "A commit quorum needs a replica set" in refused["msg"]
    with open_client(primary_of(members)) as client:
        prepare(client)
    for quorum in ("majority", "2"):
        wanted = {"name": f"subject{quorum}", "indexes": [{"keys": {"a": 1}}]}
        result = run_module("mongo_collections", {**of_the_set(members, wanted), "commit_quorum": quorum})
        assert not result.get("failed"), result
        assert (
            f'"commitQuorum": {json.dumps(int(quorum) if quorum.isdigit() else quorum)}'
            in result["actions"][-1]["statement"]
        )


def test_an_index_build_that_takes_too_long_is_given_up(single: Mongod, start_module: t.Callable[..., t.Any]) -> None:
    with open_client(single) as client:
        prepare(client)
        client[DATABASE].subject.create_index([("a", 1)])
        hold_builds(client, True)
        process = start_module("mongo_collections", arguments(single, AFTER, build_timeout=1))
        wait_for_build(client)
        result = result_of(process)
        hold_builds(client, False)
        assert result["failed"] and "exceeded time limit" in result["msg"], result
        assert names(client) == {"a_1"}
