# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that changes nothing: CredForge's contents through pg_contents, and through community.postgresql's modules.

Both plays run in turn against the same server with the same ansible-playbook, connection local and pipelining. What
ansible-playbook needs for an empty play is measured too and subtracted. Prints medians and their ratio:

    python tests/bench/pg_contents.py [rounds]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "integration" / "pg_contents")]

# Puts the checkout on the ansible_collections path.
import conftest  # noqa: E402, F401  pylint: disable=unused-import
import credforge  # noqa: E402
from servers import Postgresql  # noqa: E402

LOGIN_OF_OTHERS = ("login_host", "login_port", "login_user", "login_password")


def one_task(server: Postgresql) -> list[dict[str, t.Any]]:
    return [{"name": "Contents", "groundwork.databases.pg_contents": {**server.login, **credforge.contents()}}]


def a_task_each(server: Postgresql) -> list[dict[str, t.Any]]:
    """The same set. community.postgresql 4 and 5 share these option names."""
    login = server.login
    database = {**login, "login_db": "cred_forge_db"}
    dml, usage = ",".join(credforge.DML), "USAGE,SELECT"
    user = {**database, "roles": "credforge_user"}
    defaults = {**user, "type": "default_privs", "schema": "public", "target_roles": "cred_forge_owner"}
    modules = [
        ("user", {**login, "name": "cred_forge_owner", "role_attr_flags": "NOLOGIN"}),
        ("user", {**login, "name": "credforge_user", "password": credforge.PASSWORD}),
        ("db", {**login, "name": "cred_forge_db", "owner": "cred_forge_owner"}),
        ("privs", {**database, "roles": "PUBLIC", "type": "database", "objs": "cred_forge_db", "privs": "ALL",
                   "state": "absent"}),
        ("privs", {**user, "type": "database", "objs": "cred_forge_db", "privs": "CONNECT"}),
        ("privs", {**user, "type": "schema", "objs": "public", "privs": "USAGE"}),
        ("privs", {**user, "type": "table", "schema": "public", "objs": "ALL_IN_SCHEMA", "privs": dml}),
        ("privs", {**user, "type": "sequence", "schema": "public", "objs": "ALL_IN_SCHEMA", "privs": usage}),
        ("privs", {**defaults, "objs": "TABLES", "privs": dml}),
        ("privs", {**defaults, "objs": "SEQUENCES", "privs": usage}),
    ]  # fmt: skip
    return [
        {"name": f"{number}: {module}", f"community.postgresql.postgresql_{module}": options}
        for number, (module, options) in enumerate(modules)
    ]


def seconds(folder: Path, name: str, tasks: list[dict[str, t.Any]]) -> tuple[float, str]:
    """How long one run of a play with these tasks takes, and its recap."""
    playbook = folder / f"{name}.yml"
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    playbook.write_text(json.dumps([play]))
    playbook.chmod(0o600)
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(TESTS.parent / "collections"),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(playbook)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    duration = time.perf_counter() - start
    recap = done.stdout.splitlines()[-2:] if done.returncode == 0 else [done.stdout, done.stderr]
    if done.returncode:
        raise SystemExit("\n".join(recap))
    return duration, " ".join(recap).strip()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    server = Postgresql()
    server.start()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            plays = {"empty": [], "pg_contents": one_task(server), "community.postgresql": a_task_each(server)}
            for play, tasks in plays.items():
                seconds(folder, play, tasks)
            times: dict[str, list[float]] = {play: [] for play in plays}
            for _round in range(rounds):
                for play, tasks in plays.items():
                    duration, recap = seconds(folder, play, tasks)
                    times[play].append(duration)
                    if _round == rounds - 1:
                        print(f"{play:22} {len(tasks):3} tasks  {recap}")
    finally:
        server.stop()
    medians = {play: statistics.median(values) for play, values in times.items()}
    for play, median in medians.items():
        print(f"{play:22} median {median:6.2f} s  (from {min(times[play]):.2f} to {max(times[play]):.2f})")
    ours, theirs = (medians[play] - medians["empty"] for play in ("pg_contents", "community.postgresql"))
    print(f"without ansible-playbook's own start: {ours:.2f} s and {theirs:.2f} s, ratio {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
