"""The table of options against the server's own executable, and live changes against a running one."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import time
import typing as t
import urllib.request
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._core.module import default_options
from ansible_collections.groundwork.databases.plugins.module_utils._local import port
from ansible_collections.groundwork.databases.plugins.module_utils._mongo import api, connection
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.configuration import (
    live,
    options,
    plan,
    process,
    settings,
)
from ansible_collections.groundwork.databases.plugins.module_utils._programs import archive
from servers import ReplicaSet

VALUES: dict[str, t.Any] = {
    "str": "x",
    "int": 1,
    "float": 1.5,
    "bool": True,
    "list": ["10.0.0.0/8"],
    "map": {"logLevel": 1},
}


@pytest.fixture
def release(mongod_server: t.Any) -> options.Release:
    return options.read_release(".".join(mongod_server.version.split(".")[:2]))


def outcome(server: t.Any, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "mongod.conf").write_text(text)
    command = [str(server.server.binary), "--config", str(folder / "mongod.conf"), "--outputConfig"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_server_knows_every_option_of_the_table(mongod_server, release, tmp_path):
    refused = {}
    for name, option in options.OPTIONS.items():
        if options.known(name, release):
            value = option.choices[0] if option.choices else VALUES[option.kind]
            answer = outcome(mongod_server, tmp_path, settings.render({name: value}))
            if answer.returncode != 0:
                refused[name] = answer.stdout + answer.stderr
    assert refused == {}


def test_the_server_knows_no_option_that_is_told_to_be_gone(mongod_server, release, tmp_path):
    gone = [name for name, where in options.REMOVED.items() if (0, 0) < where.since <= release]
    assert gone
    for name in gone:
        assert outcome(mongod_server, tmp_path, settings.render({name: "x"})).returncode != 0, name


def test_the_server_reads_a_whole_file_as_it_was_meant(mongod_server, release, tmp_path):
    flat = {
        "net.port": 27017, "net.bindIp": "127.0.0.1,::1", "systemLog.logAppend": True, "storage.dbPath": "/tmp/a b",
        "systemLog.destination": "file", "systemLog.path": "/tmp/x.log", "operationProfiling.mode": "off",
        "storage.wiredTiger.engineConfig.cacheSizeGB": 0.25, "replication.replSetName": "on",
        "setParameter": {"authenticationMechanisms": "SCRAM-SHA-256"}, "operationProfiling.slowOpSampleRate": 0.5,
    }
    answer = outcome(mongod_server, tmp_path, settings.render(flat))
    assert answer.returncode == 0, answer.stderr
    for line in ("bindIp: 127.0.0.1,::1", "dbPath: /tmp/a b", "cacheSizeGB: 0.25", "logAppend: true", 'mode: "?off"?'):
        assert re.search(line, answer.stdout), (line, answer.stdout)


@pytest.mark.parametrize(
    ("parameters", "word"), [({"cursorTimeoutMilis": 1}, "cursorTimeoutMilis"), ({"logLevel": "loud"}, "logLevel")]
)
def test_parameters_are_tried_by_the_executable(mongod_server, tmp_path, parameters, word):
    whole, trial = tmp_path / "whole.conf", tmp_path / "trial.conf"
    whole.write_text(settings.render({"setParameter": parameters}))
    trial.write_text(settings.render({"setParameter": parameters, "storage.dbPath": "/nonexistent/groundwork"}))
    with pytest.raises(GroundworkError, match=word):
        process.try_file(str(mongod_server.server.binary), str(whole), str(trial))


def test_a_good_file_passes_and_starts_nothing(mongod_server, tmp_path):
    whole, trial = tmp_path / "whole.conf", tmp_path / "trial.conf"
    whole.write_text(settings.render({"setParameter": {"logLevel": 1}}))
    trial.write_text(settings.render({"setParameter": {"logLevel": 1}, "storage.dbPath": "/nonexistent/groundwork"}))
    process.try_file(str(mongod_server.server.binary), str(whole), str(trial))
    assert process.version_of(str(mongod_server.server.binary)) == mongod_server.version


@pytest.fixture
def session(mongod_server: t.Any) -> t.Iterator[api.Server]:
    login = {**default_options(connection.connection_argument_spec()), **mongod_server.login}
    with contextlib.closing(api.connect_member(login)) as server:
        yield server


def test_live_changes_take_and_are_gone_from_the_next_plan(session):
    before = live.read(session)
    mebibytes = before.cache_bytes // 1024 // 1024
    wanted = {
        **before.started_with,
        plan.CACHE_SIZE: (mebibytes + 64) / 1024,
        "operationProfiling.slowOpThresholdMs": 77,
        "operationProfiling.slowOpSampleRate": 0.5,
        "systemLog.component.replication.election.verbosity": 1,
        "setParameter": {"cursorTimeoutMillis": "123456", "ttlMonitorEnabled": "false"},
    }
    difference = plan.compare(wanted, before)
    assert [change.step.name for change in difference.changes] == [
        "cursorTimeoutMillis", "ttlMonitorEnabled", "logComponentVerbosity", "operationProfiling", "wiredTiger",
    ]
    assert difference.reasons == ()
    for change in difference.changes:
        session.run("admin", change.command)
    assert plan.compare(wanted, live.read(session)) == plan.Difference()
    back = {**wanted, plan.CACHE_SIZE: mebibytes / 1024, "operationProfiling.slowOpThresholdMs": 100}
    back |= {"operationProfiling.slowOpSampleRate": 1, "systemLog.component.replication.election.verbosity": -1}
    back["setParameter"] = {"cursorTimeoutMillis": 600000, "ttlMonitorEnabled": True}
    for change in plan.compare(back, live.read(session)).changes:
        session.run("admin", change.command)


def test_what_the_server_was_started_with_is_what_it_was_given(session, mongod_server):
    state = live.read(session)
    assert state.started_with["net.port"] == mongod_server.port
    assert state.started_with["security.authorization"] == "enabled"
    assert state.feature_compatibility_version == ".".join(mongod_server.version.split(".")[:2])
    assert plan.compare(state.started_with, state) == plan.Difference()


def scraped(mongod_server: t.Any, folder: Path, password: str) -> str:
    """One page of the exporter, run as its unit runs it."""
    listen = port.free_port(0)
    configuration = {
        "host": mongod_server.host, "port": mongod_server.port, "user": mongod_server.superuser, "tls": {},
        "listen_address": "127.0.0.1", "listen_port": listen, "restart_after": [],
    }
    (folder / "exporter.json").write_text(json.dumps(configuration))
    program = folder / "mongodb_exporter.pyz"
    program.write_bytes(archive.program("mongodb_exporter"))
    environment = {**os.environ, "MONGODB_EXPORTER_PASSWORD": base64.b64encode(password.encode()).decode()}
    command = [sys.executable, "-I", str(program), str(folder / "exporter.json")]
    with subprocess.Popen(command, env=environment) as exporter:
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{listen}/metrics", timeout=15) as answer:
                        return str(answer.read().decode())
                except OSError:
                    assert time.monotonic() < deadline and exporter.poll() is None
                    time.sleep(0.1)
        finally:
            exporter.terminate()


def test_the_exporter_tells_of_the_server(mongod_server, tmp_path):
    page = scraped(mongod_server, tmp_path, mongod_server.password)
    assert re.search(r"(?m)^mongodb_up 1$", page)
    assert f'mongodb_version_info{{version="{mongod_server.version}"' in page
    for line in page.splitlines():
        assert line.startswith("# TYPE ") or re.fullmatch(r"[a-z_]+(\{[^}]*\})? -?[0-9.e+]+", line), line


def test_the_exporter_tells_a_refused_login_from_a_server_that_answers(mongod_server, tmp_path):
    page = scraped(mongod_server, tmp_path, "wrong")
    assert re.search(r"(?m)^mongodb_up 0$", page) and "mongodb_connections" not in page


def test_the_exporter_of_a_member_tells_of_its_set(run_module, tmp_path):
    one = ReplicaSet(2)
    try:
        hosts = [{"host": address} for address in one.addresses]
        first = {**one.members[0].login, "name": one.name, "member": one.members[0].address, "members": hosts}
        quick = {"heartbeat_interval_millis": 100}
        made = run_module("mongo_replica_set", {**first, "settings": quick, "wait_timeout": 60})
        assert not made.get("failed"), made.get("msg")
        for member in one.members:
            page = scraped(member, tmp_path, member.password)
            assert re.search(r"(?m)^mongodb_up 1$", page), page
            assert re.search(r"(?m)^mongodb_replica_set_primaries 1$", page)
            assert re.search(r"(?m)^mongodb_oplog_window_seconds \d", page)
            for other in one.members:
                itself = str(other is member).lower()
                assert f'mongodb_replication_lag_seconds{{member="{other.address}",self="{itself}"}}' in page
    finally:
        one.remove()
