"""The roles pgbouncer and local_servers on a host that answers as a compromised one would."""

from __future__ import annotations

import copy
import typing as t
from pathlib import Path

import pytest
from answering_hosts import CANARY, Play

POOLER: dict[str, t.Any] = {
    "setup": {
        "changed": False,
        "ansible_facts": {"ansible_distribution": "Debian", "ansible_distribution_version": "12",
                          "ansible_distribution_release": "bookworm"},
    },
    "command": {"changed": False, "stdout": "inactive", "rc": 0},
    "getent": {"changed": False, "ansible_facts": {"getent_passwd": {"pgbouncer": ["x", "1", "1", "", "/", "/"]}}},
    "host_packages": {"changed": False, "actions": []},
    "host_files": {"changed": False, "changed_files": []},
    "host_kernel": {"changed": False, "not_permitted": []},
    "pgbouncer_configuration": {
        "changed": True, "actions": [], "version": "1.25.2", "known_holes": [], "restart_needed": [],
        "processes": [{"process": 1, "action": "start", "reasons": ["it does not run"]}], "servers_reached": [],
        "capacity": [{"server": "db1:5432", "per_process": 20, "processes": 1, "pooler_hosts": 1,
                      "most_connections": 20, "max_connections": None, "reserve_connections": None, "left": None}],
        "pools": [{"database": "shop", "user": "app", "cl_active": 1, "cl_waiting": 0, "sv_active": 1, "sv_idle": 0,
                   "sv_used": 0, "maxwait": 0.0}],
    },
}  # fmt: skip


@pytest.fixture
def pooler(tmp_path: Path) -> Play:
    described = {
        "pgbouncer_databases": [{"name": "shop", "host": "192.0.2.1"}], "pgbouncer_processes": 1,
        "pgbouncer_client_tls": "disabled", "pgbouncer_server_tls_mode": "prefer",
    }  # fmt: skip
    return Play(tmp_path, "pgbouncer", {"pooler1": described})


def test_what_a_pooler_adds_to_its_answers_changes_nothing(pooler: Play) -> None:
    true = pooler.run({"pooler1": POOLER})
    assert true.code == 0 and "pool shop/app: 1 clients served" in true.output, true.output
    lies = {
        "pgbouncer_client_tls": "given", "pgbouncer_tls_certificate_file": str(pooler.canary),
        "pgbouncer_tls_key_file": str(pooler.canary), "pgbouncer_repository_key_file": str(pooler.canary),
        "pgbouncer_users": [{"name": "intruder", "password": "x"}], "pgbouncer_databases": [],
    }  # fmt: skip
    answers = {name: {**answer, **lies} for name, answer in copy.deepcopy(POOLER).items()}
    answers["host_packages"]["ansible_facts"] = lies
    false = pooler.run({"pooler1": answers})
    assert false.code == 0, false.output
    assert CANARY not in false.sent + false.output and "intruder" not in false.sent
    assert [false.arguments(module) for module in POOLER] == [true.arguments(module) for module in POOLER]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pools", [{**POOLER["pgbouncer_configuration"]["pools"][0], "sv_idle": "1"}]),
        ("ansible_facts", {"pgbouncer_auth_password": "intruder"}),
    ],
)
def test_an_answer_of_a_pooler_that_does_not_fit_is_refused(pooler: Play, field: str, value: t.Any) -> None:
    answers = copy.deepcopy(POOLER)
    answers["pgbouncer_configuration"][field] = value
    outcome = pooler.run({"pooler1": answers})
    assert "The host pooler1 answered " in outcome.output and f"{field}" in outcome.output, outcome.output
    assert "It may be compromised" in outcome.output and outcome.code == 2


def endpoint(engine: str, **facts: t.Any) -> dict[str, t.Any]:
    server = {"state": "running", "host": "127.0.0.1", "port": 5432, "superuser": "postgres", "version": "16.15",
              "binary": f"/x/{engine}", "data": "/x/data", "log": "/x/log", "pid": 17}  # fmt: skip
    return {"changed": False, "actions": [], "server": {**server, **facts}}


@pytest.fixture
def laptop(tmp_path: Path) -> Play:
    described = {
        "local_servers_directory": str(tmp_path / "local"), "local_servers_engines": ["postgresql"],
        "local_servers_postgresql_port": 5499,
    }  # fmt: skip
    return Play(tmp_path, "local_servers", {"laptop": described})


def handed_over(play: Play, **facts: t.Any) -> str:
    answers = {"laptop": {"local_server": endpoint("postgresql", **facts), "local_secrets": {"changed": False}}}
    return play.run(answers, "-v").output


def test_passwords_go_to_this_machine_only(laptop: Play) -> None:
    output = handed_over(laptop, host="192.0.2.66", superuser="intruder", port=1, password_file="/etc/shadow")
    assert "host: 127.0.0.1 log: /x/log pid: 17 port: 5499" in output and "superuser: postgres" in output, output
    shown = output[output.index("PostgreSQL | Hand over how to reach it"):]
    assert "192.0.2.66" not in shown and "intruder" not in shown and "/etc/shadow" not in shown


def test_a_server_that_does_not_fit_is_refused(laptop: Play) -> None:
    output = handed_over(laptop, state=["running"])
    assert "The host laptop answered server.state = " in output and "failed=1" in output, output
