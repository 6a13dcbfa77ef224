"""The roles pgbouncer and local_servers on a host that answers as a compromised one would."""

from __future__ import annotations

import copy
import typing as t
from pathlib import Path

import pytest
from answering_hosts import CANARY, Answers, Case, Outcome, canary, run_role

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


UNFIT = [
    ("pools", [{**POOLER["pgbouncer_configuration"]["pools"][0], "sv_idle": "1"}]),
    ("ansible_facts", {"pgbouncer_auth_password": "intruder"}),
]


def with_additions(secret: Path) -> dict[str, t.Any]:
    lies = {
        "pgbouncer_client_tls": "given", "pgbouncer_tls_certificate_file": str(secret),
        "pgbouncer_tls_key_file": str(secret), "pgbouncer_repository_key_file": str(secret),
        "pgbouncer_users": [{"name": "intruder", "password": "x"}], "pgbouncer_databases": [],
    }  # fmt: skip
    answers = {name: {**answer, **lies} for name, answer in copy.deepcopy(POOLER).items()}
    answers["host_packages"]["ansible_facts"] = lies
    return answers


def unfit(field: str, value: t.Any) -> dict[str, t.Any]:
    answers = copy.deepcopy(POOLER)
    answers["pgbouncer_configuration"][field] = value
    return answers


@pytest.fixture(scope="module")
def poolers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("pgbouncer")
    described = {
        "pgbouncer_databases": [{"name": "shop", "host": "192.0.2.1"}], "pgbouncer_processes": 1,
        "pgbouncer_client_tls": "disabled", "pgbouncer_server_tls_mode": "prefer",
    }  # fmt: skip
    answers = {
        "true": POOLER, "additions": with_additions(canary(folder)),
        **{f"unfit {field}": unfit(field, value) for field, value in UNFIT},
    }  # fmt: skip
    cases = {name: Case({"pooler1": described}, {"pooler1": answer}) for name, answer in answers.items()}
    return run_role(folder, "pgbouncer", cases)


def test_what_a_pooler_adds_to_its_answers_changes_nothing(poolers: dict[str, Outcome]) -> None:
    true, false = poolers["true"], poolers["additions"]
    assert true.code == 0 and "pool shop/app: 1 clients served" in true.output, true.output
    assert false.code == 0, false.output
    assert CANARY not in false.sent + false.everything and "intruder" not in false.sent
    assert set(POOLER) <= set(true.modules())
    assert [false.arguments(module) for module in POOLER] == [true.arguments(module) for module in POOLER]


@pytest.mark.parametrize(("field", "value"), UNFIT)
def test_an_answer_of_a_pooler_that_does_not_fit_is_refused(
    poolers: dict[str, Outcome], field: str, value: t.Any
) -> None:
    outcome = poolers[f"unfit {field}"]
    assert "The host pooler1 answered " in outcome.output and f"{field}" in outcome.output, outcome.output
    assert "It may be compromised" in outcome.output and outcome.code == 2


def endpoint(engine: str, **facts: t.Any) -> Answers:
    server = {"state": "running", "host": "127.0.0.1", "port": 5432, "superuser": "postgres", "version": "16.15",
              "binary": f"/x/{engine}", "data": "/x/data", "log": "/x/log", "pid": 17}  # fmt: skip
    answer = {"changed": False, "actions": [], "server": {**server, **facts}}
    return {"laptop": {"local_server": answer, "local_secrets": {"changed": False}}}


@pytest.fixture(scope="module")
def laptops(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("local_servers")
    described = {
        "local_servers_directory": str(folder / "local"), "local_servers_engines": ["postgresql"],
        "local_servers_postgresql_port": 5499,
    }  # fmt: skip
    elsewhere = {"host": "192.0.2.66", "superuser": "intruder", "port": 1, "password_file": "/etc/shadow"}
    answers = {
        "elsewhere": endpoint("postgresql", **elsewhere), "unfit": endpoint("postgresql", state=["running"]),
    }  # fmt: skip
    cases = {name: Case({"laptop": described}, answer) for name, answer in answers.items()}
    return run_role(folder, "local_servers", cases)


def test_passwords_go_to_this_machine_only(laptops: dict[str, Outcome]) -> None:
    output = laptops["elsewhere"].output
    assert "host: 127.0.0.1 log: /x/log pid: 17 port: 5499" in output and "superuser: postgres" in output, output
    shown = output[output.index("PostgreSQL | Hand over how to reach it"):]
    assert "192.0.2.66" not in shown and "intruder" not in shown and "/etc/shadow" not in shown


def test_a_server_that_does_not_fit_is_refused(laptops: dict[str, Outcome]) -> None:
    output = laptops["unfit"].output
    assert "The host laptop answered server.state = " in output and "failed=1" in output, output
