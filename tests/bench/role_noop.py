# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that changes nothing costs on hosts that a Molecule scenario has converged.

    molecule converge -s SCENARIO
    python tests/bench/role_noop.py SCENARIO [--rounds 3] [--peer]

Runs the scenario's converge.yml and a calibration play of 20 pings on the same hosts in turn, as whole ansible-playbook
commands with Molecule's settings (docker connection, pipelining), and prints the least of each and their ratio. Exits
with 1 when the ratio is above the budget, and refuses to count a run that changed something.

``--peer`` adds a play with as many tasks of the same kinds as the role geerlingguy.postgresql runs on a converged
Debian or Ubuntu host with one database and one user, on a host where PostgreSQL runs. Its tasks were counted in that
role's public source (tasks/variables, setup-Debian, initialize, configure, main, databases, users, users_props), and
stand here by kind, in the same order: fact gathering, 12 local ``set_fact``, two ``apt``, one ``locale_gen``, one
``template`` (``copy`` here: both send the content and compare), two ``file``, one ``stat``, two ``lineinfile`` (its two
default options), one ``template`` for pg_hba.conf, one ``file`` for the socket's folder, one ``service``, and of
community.postgresql one ``postgresql_db``, two ``postgresql_user`` and one ``postgresql_privs`` as the user postgres.
The tasks ask for what is there already, or write below /root/peer, so that the host stays as it was converged (but for
the locale en_US.UTF-8 and that folder). What is measured is the cost of that many tasks, not that role's quality.
"""

from __future__ import annotations

import argparse
import configparser
import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
SCENARIOS = CHECKOUT / "extensions/molecule"
PINGS = 20
BUDGET = 1.5
_FOLDER = "/root/peer"
_CHANGED = re.compile(r"\b(?:changed|failed|unreachable)=[1-9]")


@dataclasses.dataclass
class Play:
    """A playbook, and how long its runs took in seconds."""

    name: str
    playbook: Path
    seconds: list[float] = dataclasses.field(default_factory=list)

    @property
    def least(self) -> float:
        return min(self.seconds)


class Bench:
    def __init__(self, scenario: str, configuration: Path) -> None:
        self.scenario = scenario
        folder = SCENARIOS / scenario
        if not (folder / "converge.yml").is_file():
            sys.exit(f"role_noop: there is no scenario {scenario}")
        self.inventories = [f"--inventory={SCENARIOS}/inventory/", f"--inventory={folder}/inventory/"]
        self.environment = {
            **os.environ,
            "MOLECULE_SCENARIO_NAME": scenario,
            "MOLECULE_PROJECT_DIRECTORY": str(CHECKOUT),
            "MOLECULE_SCENARIO_DIRECTORY": str(folder),
            "ANSIBLE_CONFIG": str(configuration),
            "ANSIBLE_NOCOLOR": "true",
        }

    def run(self, play: Play) -> tuple[float, str]:
        command = [str(Path(sys.executable).with_name("ansible-playbook")), *self.inventories, str(play.playbook)]
        start = time.perf_counter()
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=self.environment, stdin=subprocess.DEVNULL
        )
        return time.perf_counter() - start, done.stdout + done.stderr

    def warm_up(self, play: Play) -> None:
        _seconds, output = self.run(play)
        if re.search(r"\b(?:failed|unreachable)=[1-9]", output) or "PLAY RECAP" not in output:
            sys.exit(f"role_noop: {play.name} failed; is the scenario converged?\n{output[-3000:]}")

    def measure(self, play: Play) -> None:
        seconds, output = self.run(play)
        if _CHANGED.search(output) or "PLAY RECAP" not in output:
            sys.exit(f"role_noop: {play.name} changed something or failed; converge first\n{output[-3000:]}")
        play.seconds.append(seconds)


def write_configuration(path: Path) -> None:
    """What Molecule gives every scenario, as a file for Ansible."""
    text = (SCENARIOS / "config.yml").read_text().replace("${MOLECULE_PROJECT_DIRECTORY}", str(CHECKOUT))
    written = configparser.ConfigParser(interpolation=None)
    written.read_dict(yaml.safe_load(text)["ansible"]["cfg"])
    written.set("defaults", "collections_path", str(CHECKOUT / "collections"))
    with path.open("w") as out:
        written.write(out)


def calibration() -> list[dict[str, t.Any]]:
    return [{"name": f"Ping {number}", "ansible.builtin.ping": {}} for number in range(1, PINGS + 1)]


def peer_tasks() -> list[dict[str, t.Any]]:
    """See the module's description."""
    postgres = {"become": True, "become_user": "postgres"}
    login = {"login_unix_socket": "/var/run/postgresql"}
    folder = {"state": "directory", "mode": "0700"}
    tasks: list[dict[str, t.Any]] = [{"ansible.builtin.setup": {}}]
    tasks += [{"ansible.builtin.set_fact": {f"peer_{number}": number}} for number in range(12)]
    tasks += [{"ansible.builtin.apt": {"name": "python3-psycopg2", "state": "present"}}]
    tasks += [{"ansible.builtin.apt": {"name": ["postgresql-16", "postgresql-client-16"], "state": "present"}}]
    tasks += [{"community.general.locale_gen": {"name": "en_US.UTF-8"}}]
    tasks += [{"ansible.builtin.file": {"path": _FOLDER, **folder}}]
    tasks += [{"ansible.builtin.copy": {"content": "export A=1\n", "dest": f"{_FOLDER}/profile.sh", "mode": "0644"}}]
    tasks += [{"ansible.builtin.stat": {"path": f"{_FOLDER}/PG_VERSION"}}]
    tasks += [{"ansible.builtin.file": {"path": f"{_FOLDER}/log", **folder}}]
    for option in ("unix_socket_directories", "log_directory"):
        line = {"regexp": f"^#?{option}.+$", "line": f"{option} = 'x'", "create": True, "mode": "0644"}
        tasks += [{"ansible.builtin.lineinfile": {"path": f"{_FOLDER}/postgresql.conf", **line}}]
    rules = "".join(f"host all all 10.0.0.{number}/32 scram-sha-256\n" for number in range(4))
    tasks += [{"ansible.builtin.copy": {"content": rules, "dest": f"{_FOLDER}/pg_hba.conf", "mode": "0600"}}]
    tasks += [{"ansible.builtin.file": {"path": f"{_FOLDER}/socket", **folder}}]
    tasks += [{"ansible.builtin.service": {"name": "dbus", "state": "started"}}]
    tasks += [{"community.postgresql.postgresql_db": {"name": "postgres", **login}, **postgres}]
    tasks += [{"community.postgresql.postgresql_user": {"name": "postgres", **login}, **postgres} for _two in range(2)]
    grant = {"login_db": "postgres", "roles": "PUBLIC", "type": "database", "objs": "postgres", "privs": "CONNECT"}
    tasks += [{"community.postgresql.postgresql_privs": {**grant, **login}, **postgres}]
    return [{"name": f"Task {number}", **task} for number, task in enumerate(tasks, 1)]


def written(folder: Path, name: str, tasks: list[dict[str, t.Any]]) -> Play:
    playbook = folder / f"{name}.yml"
    playbook.write_text(json.dumps([{"name": name, "hosts": "test_hosts", "gather_facts": False, "tasks": tasks}]))
    return Play(name, playbook)


def main() -> int:
    parser = argparse.ArgumentParser(description="What a run that changes nothing costs.")
    parser.add_argument("scenario")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", action="store_true", help="also a play with the tasks of geerlingguy.postgresql")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="role-noop-") as name:
        folder = Path(name)
        write_configuration(folder / "ansible.cfg")
        bench = Bench(options.scenario, folder / "ansible.cfg")
        pings = written(folder, f"{PINGS} pings", calibration())
        role = Play(f"converge.yml of {options.scenario}", SCENARIOS / options.scenario / "converge.yml")
        plays = [role, pings]
        if options.peer:
            plays.append(written(folder, "as many tasks as geerlingguy.postgresql", peer_tasks()))
        for play in plays:
            bench.warm_up(play)
        for _round in range(options.rounds):
            for play in plays:
                bench.measure(play)
    for play in plays:
        runs = " ".join(f"{seconds:.2f}" for seconds in play.seconds)
        print(f"{play.name:45} {play.least:6.2f} s  ({runs})  {play.least / pings.least:.2f} of the pings")
    ratio = role.least / pings.least
    print(f"a run that changes nothing: {ratio:.2f} x {PINGS} pings, budget {BUDGET}")
    return 0 if ratio <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
