"""Runs a role for real against hosts that only answer: what they are asked, and what the run makes of their answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
CANARY = "the secret of the controller"
ADDED_BY_ANSIBLE = "_ansible_"

Answers = dict[str, dict[str, t.Any]]


class Outcome:
    """What ``ansible-playbook`` printed, and what reached the hosts."""

    def __init__(self, code: int, output: str, asked: list[dict[str, t.Any]]) -> None:
        self.code = code
        # A sentence is folded where the output is, not where it was written.
        self.output = " ".join(output.split())
        self.asked = asked

    @property
    def questions(self) -> list[tuple[str, str, dict[str, t.Any]]]:
        """Host, module and arguments of each call in turn, without what Ansible adds to every call."""
        return [
            (each["host"], each["module"],
             {name: value for name, value in each["arguments"].items() if not name.startswith(ADDED_BY_ANSIBLE)})
            for each in self.asked
        ]  # fmt: skip

    def arguments(self, module: str, host: str | None = None) -> list[dict[str, t.Any]]:
        return [found for asked, name, found in self.questions if name == module and host in (None, asked)]

    def modules(self, host: str | None = None) -> list[str]:
        return [name for asked, name, _arguments in self.questions if host in (None, asked)]

    @property
    def sent(self) -> str:
        """All that reached any host."""
        return json.dumps(self.asked)


class Play:
    """A role, its hosts with their variables, and a file of the controller that no host may see."""

    def __init__(self, folder: Path, role: str, hosts: t.Mapping[str, dict[str, t.Any]]) -> None:
        self.folder = folder
        self.role = role
        self.hosts = hosts
        self.canary = folder / "controller.key"
        self.canary.write_text(CANARY)

    def run(self, answers: Answers, *arguments: str, tasks_from: str = "main", **environment: str) -> Outcome:
        (self.folder / "answers.json").write_text(json.dumps(answers))
        (self.folder / "asked.jsonl").write_text("")
        role = {"name": f"groundwork.databases.{self.role}", "tasks_from": tasks_from}
        play = {"hosts": "all", "gather_facts": False, "tasks": [{"include_role": role}]}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        common = {"ansible_connection": "answering", "ansible_python_interpreter": "/usr/bin/python3"}
        hosts = {name: {**common, **variables} for name, variables in self.hosts.items()}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-i", self.folder / "hosts.yml", *arguments,
             self.folder / "play.yml"],
            cwd=CHECKOUT,
            env={
                **os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection_plugins"),
                "GROUNDWORK_ANSWERING": str(self.folder), **environment,
            },
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=600,
        )  # fmt: skip
        asked = [json.loads(line) for line in (self.folder / "asked.jsonl").read_text().splitlines()]
        return Outcome(done.returncode, done.stdout, asked)
