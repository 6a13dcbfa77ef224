"""What the role mongodb_7 decides for the hosts of several sets in one run, before it touches any of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
DISABLED, ALLOW, PREFER, REQUIRE = (
    {"mode": mode, "cluster_auth_mode": "keyFile"} for mode in ("disabled", "allowTLS", "preferTLS", "requireTLS")
)
SET = ["a1", "a2", "a3"]
NOTED = {
    "stages": "__mongodb_7_stages | default([])",
    "stage": "__mongodb_7_stage | default({})",
    "tls": "__mongodb_7_tls | default(false)",
    "versions": "__mongodb_7_server_packages | map(attribute='version', default='') | list",
    "all_at_once": "__mongodb_7_all_at_once",
    "unready": "__mongodb_7_unready if __mongodb_7_restart is defined else []",
}
ROLE: dict[str, t.Any] = {"name": "groundwork.databases.mongodb_7", "public": True}


def found(host: str, now: dict[str, str]) -> dict[str, t.Any]:
    """What the role takes of the answer of the module mongo_tls."""
    return {"host": host, "running": True, "tls": now["mode"] != "disabled", **now}


class Play:
    """Runs task files of the role on hosts that are all this one, and reads what they noted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        members = [{"host": f"{name}:27017"} for name in SET]
        present = {"__mongodb_7_found": {"installed_version": "7.0.14"}, "mongodb_7_login_password": "x"}
        tls = {"mongodb_7_tls_mode": "requireTLS"}
        set_a = {**tls, "mongodb_7_tls_directory": str(folder / "a"), "mongodb_7_members": members}
        # The first host of the run has no TLS at all.
        self.hosts: dict[str, dict[str, t.Any]] = {"none": {**present}}
        for name in SET:
            answer = found(name, DISABLED)
            self.hosts[name] = {**present, **set_a, "__mongodb_7_tls_found": answer, "__mongodb_7_tls": False}
        self.hosts["b1"] = {
            **present, **tls, "mongodb_7_tls_directory": str(folder / "b"),
            "__mongodb_7_tls_found": found("b1", REQUIRE), "__mongodb_7_tls": True,
        }  # fmt: skip

    def run(self, *files: str, limit: str = "all", **variables: t.Any) -> str:
        tasks: list[dict[str, t.Any]] = [
            {
                "include_role": {**ROLE, "tasks_from": file},
                "when": file == "endpoint.yml" or "mongodb_7_tls_mode != 'disabled'",
            }
            for file in files
        ]
        noted = ", ".join(f"'{name}': {expression}" for name, expression in NOTED.items())
        file = f"{self.folder}/{{{{ inventory_hostname }}}}.json"
        tasks.append({"copy": {"dest": file, "content": f"{{{{ {{{noted}}} | to_json }}}}"}})
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks, "vars": variables}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": self.hosts, "vars": local}}))
        environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", self.folder / "hosts.yml", "--limit", limit,
             self.folder / "play.yml"],
            cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        # A sentence is folded where the output is, not where it was written.
        self.output = " ".join(done.stdout.split())
        return self.output

    def noted(self, host: str) -> dict[str, t.Any]:
        answer: dict[str, t.Any] = json.loads((self.folder / f"{host}.json").read_text())
        return answer

    def written(self, directory: str) -> list[str]:
        return sorted(path.stem for path in (self.folder / directory).glob("*.pem"))


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_every_set_takes_its_own_stages_and_has_its_own_certificates(play: Play) -> None:
    output = play.run("endpoint.yml", "tls.yml")
    assert "failed=1" not in output, output
    assert [play.noted(name)["stages"] for name in SET] == [[ALLOW, PREFER, REQUIRE]] * 3
    assert play.noted("b1")["stages"] == [REQUIRE]
    assert [play.noted(name)["tls"] for name in (*SET, "b1")] == [False, False, False, True]
    assert play.written("a") == SET
    assert play.written("b") == ["b1"]


def test_a_set_goes_where_its_slowest_member_is(play: Play) -> None:
    play.hosts["a1"]["__mongodb_7_tls_found"] = found("a1", ALLOW)
    play.run("endpoint.yml", "tls.yml")
    assert [play.noted(name)["stage"] for name in SET] == [ALLOW] * 3


def test_tls_does_not_change_without_all_members(play: Play) -> None:
    output = play.run("endpoint.yml", "tls.yml", limit="a1,a2,b1")
    assert "a3:27017 is not part of this run" in output
    assert play.written("a") == []
    assert play.noted("b1")["stages"] == [REQUIRE]


def test_a_set_that_is_there_may_be_run_in_parts(play: Play) -> None:
    for name in SET:
        play.hosts[name]["__mongodb_7_tls_found"] = found(name, REQUIRE)
    output = play.run("endpoint.yml", "tls.yml", limit="a2")
    assert "failed=0" in output and play.written("a") == ["a2"], output


def test_the_stages_end_where_a_restart_is_withheld(play: Play) -> None:
    for name in SET:
        play.hosts[name]["__mongodb_7_configuration"] = {"restart_needed": name == "a2"}
    output = play.run(
        "endpoint.yml", "tls.yml", "tls_stage.yml", limit="a1,a2,a3", mongodb_7_restart_policy="never",
        __mongodb_7_next=PREFER,
    )  # fmt: skip
    assert "mongod.conf stays at allowTLS" in output and "failed=0" in output, output
    assert [play.noted(name)["stage"] for name in SET] == [ALLOW] * 3
    assert [play.noted(name)["tls"] for name in SET] == [False] * 3


def test_a_member_that_failed_is_not_left_behind(play: Play) -> None:
    output = play.run("endpoint.yml", "tls_stage.yml", limit="a1,a2", __mongodb_7_stage=ALLOW, __mongodb_7_next=PREFER)
    assert "a3:27017 failed, so the other members stay at allowTLS" in output


def test_another_key_is_an_outage_of_all_members(play: Play) -> None:
    assert "restarts all members" in play.run("endpoint.yml", limit="a1,a2,a3", mongodb_7_replace_keyfile=True)
    both = {"mongodb_7_replace_keyfile": True, "mongodb_7_allow_outage": True}
    output = play.run("endpoint.yml", limit="a1", **both)
    assert "missing are a2:27017, a3:27017" in output, output
    output = play.run("endpoint.yml", limit="a1,a2,a3,b1", **both)
    assert "failed=0" in output and "failed=1" not in output, output
    assert play.noted("a1")["all_at_once"] is True
    assert play.noted("b1")["all_at_once"] is False


def test_the_next_release_is_asked_for(play: Play) -> None:
    cases = {"new": ("", ""), "kept": ("7.0.14", ""), "next": ("6.0.27", ""), "named": ("6.0.27", "7.0.14")}
    play.hosts = {
        name: {"__mongodb_7_found": {"installed_version": installed}, "mongodb_7_version": version}
        for name, (installed, version) in cases.items()
    }
    play.run("endpoint.yml", mongodb_7_packages=["mongodb-org", "other"])
    asked_for = {name: play.noted(name)["versions"] for name in cases}
    assert asked_for == {"new": [""], "kept": [""], "next": ["7.0.*"], "named": ["7.0.14"]}


def test_arbiters_are_refused(play: Play) -> None:
    members = [{"host": "a1:27017"}, {"host": "a2:27017", "arbiter_only": False}, {"host": "a3:27017"}]
    assert "failed=1" not in play.run("endpoint.yml", limit="a1", mongodb_7_members=members)
    members[2]["arbiter_only"] = True
    output = play.run("endpoint.yml", limit="a1", mongodb_7_members=members)
    assert "mongodb_7_members has an arbiter" in output and "failed=1" in output, output


def test_what_the_run_would_start_is_known_before_it_answers(play: Play) -> None:
    """Check mode asks the members of a list; those that are installed by the very run do not answer it."""
    for name, state in {"a1": "running", "a2": "would_create", "a3": "would_start"}.items():
        play.hosts[name] |= {
            "__mongodb_7_expected_state": state, "__mongodb_7_configuration": {"restart_needed": False},
            "mongodb_7_restart_policy": "needed",
        }  # fmt: skip
    output = play.run("endpoint.yml", "rolling_restart.yml", limit="a1,a2,a3")
    assert "failed=1" not in output, output
    assert [play.noted(name)["unready"] for name in SET] == [["a2:27017", "a3:27017"]] * 3
