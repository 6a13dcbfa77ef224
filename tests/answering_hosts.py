"""Runs a role for real on hosts that only answer: what they are asked, and what the run makes of their answers.

One run holds many cases: each has hosts of its own, which know nothing of the others, and Ansible is started once.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
CANARY = "the secret of the controller"
ADDED_BY_ANSIBLE = "_ansible_"
# How ansible-playbook ends when the run failed on a host.
HOSTS_FAILED = 2
RESULT = re.compile(r"[a-z]+: \[(?P<host>[^] ]+)")
RECAP = re.compile(r"(?P<host>\S+) +: ok=.* failed=(?P<failed>\d+)")

Answers = dict[str, dict[str, t.Any]]


class Case(t.NamedTuple):
    """Hosts with their variables, and what each answers to each module."""

    hosts: t.Mapping[str, dict[str, t.Any]]
    answers: Answers


class Outcome:
    """What a run printed of the hosts of one case, and what reached them.

    :ivar code: 2 when one of the hosts failed.
    :ivar everything: what the run printed of the hosts of all cases.
    """

    def __init__(self, code: int, output: str, everything: str, asked: list[dict[str, t.Any]]) -> None:
        self.code = code
        # A sentence is folded where the output is, not where it was written.
        self.output = " ".join(output.split())
        self.everything = " ".join(everything.split())
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


def canary(folder: Path) -> Path:
    """A file of the controller that no host may see."""
    path = folder / "controller.key"
    path.write_text(CANARY)
    return path


def run_role(folder: Path, role: str, cases: t.Mapping[str, Case]) -> dict[str, Outcome]:
    """Run a role on the hosts of all cases at once.

    :param folder: of the test's own; what is asked and answered is noted in it.
    """
    hosts: dict[str, t.Any] = {}
    answers: dict[str, t.Any] = {}
    for number, case in enumerate(cases.values()):
        hosts |= _marked(case, case.hosts, number)
        answers |= _marked(case, case.answers, number)
    printed = _run(folder, role, hosts, answers)
    asked = (folder / "asked.jsonl").read_text().splitlines()
    return {
        name: _outcome({f"{host}{_mark(number)}" for host in case.hosts}, _mark(number), printed, asked)
        for number, (name, case) in enumerate(cases.items())
    }


def _mark(number: int) -> str:
    return f"-case{number:02}"


def _marked(case: Case, values: t.Any, number: int) -> t.Any:
    """The values with the case's hosts under the names that they have in the run."""
    names = "|".join(re.escape(name) for name in case.hosts)
    return json.loads(re.sub(rf"\b({names})\b", rf"\1{_mark(number)}", json.dumps(values)))


def _run(folder: Path, role: str, hosts: dict[str, t.Any], answers: dict[str, t.Any]) -> str:
    (folder / "answers.json").write_text(json.dumps(answers))
    (folder / "asked.jsonl").write_text("")
    tasks = [{"include_role": {"name": f"groundwork.databases.{role}"}}]
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    common = {"ansible_connection": "answering", "ansible_python_interpreter": "/usr/bin/python3"}
    (folder / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {name: {**common, **each} for name, each in hosts.items()}}})
    )
    # Far more hosts than forks: the last of a case come to a task when the first have failed at it.
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-v", "-i", folder / "hosts.yml", folder / "play.yml"],
        cwd=CHECKOUT,
        env={
            **os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
            "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection_plugins"),
            "GROUNDWORK_ANSWERING": str(folder),
        },
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=1200,
    )  # fmt: skip
    assert done.returncode in (0, HOSTS_FAILED), done.stdout
    return done.stdout


def _outcome(hosts: set[str], mark: str, printed: str, asked: list[str]) -> Outcome:
    kept: list[str] = []
    task, wanted, failed = "", False, False
    for line in printed.splitlines():
        if line.startswith(("TASK [", "RUNNING HANDLER [", "PLAY ")):
            task, wanted = line, False
        elif line.startswith("["):
            # A warning or an error, of any host: it comes between a task's name and the results of the other hosts.
            wanted = False
        elif result := RESULT.match(line):
            wanted = result["host"] in hosts
            kept += [task, line] if wanted else []
        elif (recap := RECAP.match(line)) and recap["host"] in hosts:
            kept.append(line)
            failed = failed or recap["failed"] != "0"
        elif wanted:
            kept.append(line)
    calls = [json.loads(line.replace(mark, "")) for line in asked if json.loads(line)["host"] in hosts]
    return Outcome(HOSTS_FAILED if failed else 0, "\n".join(kept).replace(mark, ""), printed, calls)
