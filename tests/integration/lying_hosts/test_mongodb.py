"""The role mongodb_7 on a set of which one member answers as a compromised one would."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from answering_hosts import CANARY, Answers, Case, Outcome, canary, run_role

HOSTS = ("db1", "db2", "db3")
LIAR = "db3"
FACTS = {"distribution": "Debian", "distribution_version": "12", "distribution_release": "bookworm"}


def honest(mode: str) -> dict[str, t.Any]:
    return {
        "setup": {"changed": False, "ansible_facts": {f"ansible_{name}": value for name, value in FACTS.items()}},
        "mongo_tls": {
            "changed": False, "actions": [], "running": True, "tls": mode != "disabled", "mode": mode,
            "cluster_auth_mode": "keyFile", "restart_needed": False,
        },
        "mongod_upgrade_check": {
            "changed": False, "installed_version": "7.0.14", "running_version": "7.0.14", "authentication": True,
            "server_process": True, "driver": True, "packages": {}, "feature_compatibility_version": "7.0",
        },
        "host_files": {"changed": False, "changed_files": []},
        "host_kernel": {"changed": False, "not_permitted": []},
        "mongod_configuration": {
            "changed": False, "actions": [], "running": True, "restart_needed": False, "restart_reasons": [],
        },
        "mongo_replica_set": {
            "changed": False, "actions": [], "postponed": [], "unhealthy": [], "unmanaged": [], "primary": "db1:27017",
            "members": [{"host": f"{name}:27017", "state": "SECONDARY"} for name in HOSTS], "server_version": "7.0.14",
            "feature_compatibility_version": "7.0",
        },
        "mongo_users": {"changed": False, "actions": [], "server_version": "7.0.14"},
    }  # fmt: skip


def lying(present: str, module: str, /, **fields: t.Any) -> Answers:
    answers = {name: honest(present) for name in HOSTS}
    answers[LIAR][module].update(fields)
    return answers


# Which mode the set is at, and what is wrong with the answer.
FAR_AWAY = [("requireTLS", "disabled"), ("disabled", "requireTLS")]
UNFIT = [
    ("mongo_tls", "mode", ["disabled"]),
    ("mongod_upgrade_check", "installed_version", "{{ lookup('ansible.builtin.file', '/etc/shadow') }}"),
]


def without_a_primary() -> Answers:
    answers = {name: honest("requireTLS") for name in HOSTS}
    answers["db1"]["mongo_replica_set"]["primary"] = {"host": "db1"}
    return answers


def answers_by_case(secret: Path) -> dict[str, Answers]:
    stages = [{"mode": "disabled", "cluster_auth_mode": "keyFile"}] * 5
    facts = {"mongodb_7_tls_certificate": str(secret), "mongodb_7_keyfile": "intruder"}
    return {
        "stages": lying("requireTLS", "mongo_tls", stages=stages, wanted="disabled"),
        "wishes": lying("disabled", "mongo_tls", stages=[{"mode": "requireTLS", "cluster_auth_mode": "x509"}]),
        **{f"far away {lie}": lying(present, "mongo_tls", mode=lie) for present, lie in FAR_AWAY},
        **{f"unfit {field}": lying("requireTLS", module, **{field: value}) for module, field, value in UNFIT},
        "speaker": without_a_primary(),
        "files": lying(
            "requireTLS", "mongod_configuration", mongodb_7_tls_certificate=str(secret), keyfile=str(secret),
            settings={"net": {"bindIpAll": True}}, ansible_facts=facts,
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("mongodb_7")
    (folder / "server.pem").write_text("certificate and key")
    (folder / "ca.crt").write_text("authority")
    described = {
        "mongodb_7_members": [{"host": f"{name}:27017"} for name in HOSTS],
        "mongodb_7_bind_ip": ["127.0.0.1", "192.0.2.1"],
        "mongodb_7_login_password": "x",
        "mongodb_7_tls_mode": "requireTLS",
        "mongodb_7_tls_certificate": str(folder / "server.pem"),
        "mongodb_7_tls_ca": str(folder / "ca.crt"),
        "mongodb_7_repository_key": "key",
        "mongodb_7_keyfile": "x" * 40,
        "mongodb_7_kernel": False,
        "mongodb_7_exporter": False,
        "mongodb_7_settings": {"net": {"maxIncomingConnections": 500}},
    }
    hosts = {name: dict(described) for name in HOSTS}
    cases = answers_by_case(canary(folder))
    return run_role(folder, "mongodb_7", {name: Case(hosts, answers) for name, answers in cases.items()})


def modes(outcome: Outcome, host: str) -> list[str]:
    """The stages that a host was brought to, in order."""
    return [
        each["settings"].get("net", {}).get("tls", {}).get("mode", "disabled")
        for each in outcome.arguments("mongod_configuration", host)
    ]


def test_stages_of_a_host_are_no_facts(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["stages"]
    assert outcome.code == 0, outcome.output
    assert {name: modes(outcome, name) for name in HOSTS} == {name: ["requireTLS"] for name in HOSTS}


def test_a_set_goes_up_through_every_stage_whatever_a_host_wishes(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["wishes"]
    assert outcome.code == 0, outcome.output
    assert modes(outcome, "db1") == ["allowTLS", "preferTLS", "requireTLS"]
    auth = [each["settings"]["security"]["clusterAuthMode"] for each in outcome.arguments("mongod_configuration")]
    assert set(auth) == {"keyFile"}


@pytest.mark.parametrize(("present", "lie"), FAR_AWAY)
def test_a_stage_too_far_away_is_refused_before_anything_is_written(
    outcomes: dict[str, Outcome], present: str, lie: str
) -> None:
    outcome = outcomes[f"far away {lie}"]
    assert f"{LIAR} is at {lie}, keyFile" in outcome.output and "may be compromised" in outcome.output
    assert "nothing was written" in outcome.output and outcome.code == 2
    assert "mongo_tls" in outcome.modules()
    assert not {"mongod_configuration", "host_files", "host_packages"} & set(outcome.modules())


@pytest.mark.parametrize(("module", "field", "value"), UNFIT)
def test_an_answer_that_does_not_fit_ends_the_run_for_its_host(
    outcomes: dict[str, Outcome], module: str, field: str, value: t.Any
) -> None:
    """The others go on as if it were away: TLS of the set does not change, and nothing else is asked of it."""
    outcome = outcomes[f"unfit {field}"]
    assert f"The host {LIAR} answered {field} = " in outcome.output and outcome.code == 2, outcome.output
    assert module in outcome.modules(LIAR)
    assert not {"mongod_configuration", "host_files"} & set(outcome.modules(LIAR))
    assert modes(outcome, "db1") == modes(outcome, "db2") == ["requireTLS"]


def test_the_one_who_speaks_is_read_the_same_way(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["speaker"]
    assert "The host db1 answered primary = " in outcome.output and outcome.code == 2, outcome.output
    assert "mongo_users" not in outcome.modules()


def test_no_file_of_the_controller_is_read_for_a_host(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["files"]
    assert f"The host {LIAR} answered ansible_facts = " in outcome.output, outcome.output
    assert CANARY not in outcome.sent + outcome.everything
    assert modes(outcome, "db1") == ["requireTLS"]
