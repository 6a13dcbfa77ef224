"""The tasks of the role mongodb_7 read the plan of a host; what it decides is tested with the plan."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from cryptography import x509

CHECKOUT = Path(__file__).resolve().parents[3]
DISABLED, ALLOW, PREFER, REQUIRE = (
    {"mode": mode, "cluster_auth_mode": "keyFile"} for mode in ("disabled", "allowTLS", "preferTLS", "requireTLS")
)
SET = ["a1", "a2", "a3"]
NOTED = {
    "stages": "__mongodb_7_stages | default([], true)",
    "stage": "__mongodb_7_stage | default({}, true)",
    "tls": "__mongodb_7_tls | default(false, true)",
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
        present = {"mongodb_7_login_password": "x"}
        tls = {"mongodb_7_tls_mode": "requireTLS"}
        set_a = {**tls, "mongodb_7_tls_directory": str(folder / "a"), "mongodb_7_members": members}
        # The first host of the run has no TLS at all.
        self.hosts: dict[str, dict[str, t.Any]] = {"none": {**present}}
        for name in SET:
            answer = found(name, DISABLED)
            self.hosts[name] = {**present, **set_a, "facts": {"tls_found": answer, "tls": False}}
        self.hosts["b1"] = {
            **present, **tls, "mongodb_7_tls_directory": str(folder / "b"), "mongodb_7_member": "[fd00::11]:27017",
            "mongodb_7_members": [{"host": "[fd00::11]:27017"}],
            "facts": {"tls_found": found("b1", REQUIRE), "tls": True},
        }  # fmt: skip

    def run(self, *files: str, limit: str = "all", **variables: t.Any) -> str:
        # Facts, as the role notes them: its own variables win over those of an inventory.
        facts = {f"__mongodb_7_{name}": f"{{{{ facts.{name} }}}}" for name in ("tls_found", "tls", "configuration")}
        tasks: list[dict[str, t.Any]] = [
            *({"set_fact": {name: value}, "when": f"{value[3:-3]} is defined"} for name, value in facts.items()),
        ]
        tasks += [
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
    made = x509.load_pem_x509_certificate((play.folder / "b/b1.pem").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == ["b1", "localhost"]
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert sorted(addresses) == ["127.0.0.1", "fd00::11"]


def test_tls_does_not_change_without_all_members(play: Play) -> None:
    output = play.run("endpoint.yml", "tls.yml", limit="a1,a2,b1")
    assert "a3:27017 is not part of this run" in output
    assert play.written("a") == []
    assert play.noted("b1")["stages"] == [REQUIRE]


def test_the_stages_end_where_a_restart_is_withheld(play: Play) -> None:
    for name in SET:
        play.hosts[name]["facts"]["configuration"] = {
            "changed": False, "running": True, "restart_needed": name == "a2", "restart_reasons": [],
        }  # fmt: skip
    output = play.run(
        "endpoint.yml", "tls.yml", "tls_stage.yml", limit="a1,a2,a3", mongodb_7_restart_policy="never",
        __mongodb_7_next=PREFER,
    )  # fmt: skip
    assert "mongod.conf stays at allowTLS" in output and "failed=0" in output, output
    assert [play.noted(name)["stage"] for name in SET] == [ALLOW] * 3
    assert [play.noted(name)["tls"] for name in SET] == [False] * 3
