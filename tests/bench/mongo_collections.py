# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``mongo_collections`` costs, against the same work done with ``community.mongodb`` in the same run.

``python tests/bench/mongo_collections.py`` starts a mongod, deploys CredForge's 11 collections and 40 indexes, and
times the run after that, in which nothing changes: through this module, and through
``community.mongodb.mongodb_index`` with a task for each index, a task for each collection, and a single task. The
times are of ``ansible-playbook`` without the time of an empty play. Then 500 collections with 5 indexes each:
commands sent, and seconds to read and to plan.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

# Puts the checkout on the ansible_collections path.
import conftest  # noqa: E402, F401  pylint: disable=unused-import
import yaml  # noqa: E402
from servers import Mongod  # noqa: E402

CHECKOUT = TESTS.parent
RUNS = 3
DATABASE = "cred_forge_db"


def credforge() -> list[dict[str, t.Any]]:
    application = yaml.safe_load((CHECKOUT / "applications/credforge/application.yml").read_text())
    found = [node for node in walk(application) if isinstance(node, dict) and isinstance(node.get("collections"), list)]
    collections: list[dict[str, t.Any]] = found[0]["collections"]
    return collections


def walk(node: t.Any) -> t.Iterator[t.Any]:
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from walk(child)


def ours(login: dict[str, t.Any], collections: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    return [{"groundwork.databases.mongo_collections": {**login, "database": DATABASE, "collections": collections}}]


def theirs(
    login: dict[str, t.Any], collections: list[dict[str, t.Any]], per_task: t.Literal["index", "collection", "all"]
) -> list[dict[str, t.Any]]:
    entries = [
        [
            {
                "database": DATABASE,
                "collection": collection["name"],
                "keys": index["keys"],
                "options": {"name": "_".join(f"{field}_{direction}" for field, direction in index["keys"].items())},
                "state": "present",
            }
            for index in collection["indexes"]
        ]
        for collection in collections
    ]
    if per_task == "index":
        groups = [[entry] for group in entries for entry in group]
    elif per_task == "collection":
        groups = entries
    else:
        groups = [[entry for group in entries for entry in group]]
    return [{"community.mongodb.mongodb_index": {**login, "indexes": group}} for group in groups]


def play(folder: Path, name: str, tasks: list[dict[str, t.Any]]) -> Path:
    content = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": tasks,
        }
    ]
    path = folder / f"{name}.yml"
    path.write_text(json.dumps(content))
    return path


def seconds_of(playbook: Path) -> float:
    environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false"}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(playbook)]
    started = time.monotonic()
    outcome = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    elapsed = time.monotonic() - started
    if outcome.returncode:
        raise RuntimeError(outcome.stdout + outcome.stderr)
    return elapsed


def second_runs(server: Mongod, folder: Path) -> None:
    collections = credforge()
    indexes = sum(len(collection["indexes"]) for collection in collections)
    print(f"CredForge: {len(collections)} collections, {indexes} indexes; second run, nothing to change")
    empty = play(folder, "empty", [{"ansible.builtin.meta": "noop"}])
    candidates = {
        "groundwork.databases.mongo_collections, 1 task": ours(server.login, collections),
        "community.mongodb.mongodb_index, a task for each index": theirs(server.login, collections, "index"),
        "community.mongodb.mongodb_index, a task for each collection": theirs(server.login, collections, "collection"),
        "community.mongodb.mongodb_index, 1 task": theirs(server.login, collections, "all"),
    }
    playbooks = {name: play(folder, f"play{number}", tasks) for number, (name, tasks) in enumerate(candidates.items())}
    seconds_of(next(iter(playbooks.values())))
    base = statistics.median(seconds_of(empty) for _run in range(RUNS))
    times = {
        name: statistics.median(seconds_of(path) for _run in range(RUNS)) - base for name, path in playbooks.items()
    }
    own = next(iter(times.values()))
    print(f"  an empty play takes {base:.2f} s, which is taken off below (medians of {RUNS})")
    for name, seconds in times.items():
        print(f"  {seconds:7.2f} s  {seconds / own:6.1f} x  {name}")


def many_collections(server: Mongod, count: int = 500, per_collection: int = 5) -> None:
    collections = [
        {"name": f"c{number:03}", "indexes": [{"keys": {f"f{field}": 1}} for field in range(per_collection)]}
        for number in range(count)
    ]
    arguments = {**server.login, "database": "many", "collections": collections}
    print(f"{count} collections with {per_collection} indexes each")
    for title, options in (("create", {}), ("nothing to change", {}), ("check mode", {"_ansible_check_mode": True})):
        started = time.monotonic()
        outcome = subprocess.run(
            [sys.executable, str(TESTS / "module_runner.py"), "mongo_collections"],
            input=json.dumps({**arguments, **options}),
            capture_output=True,
            text=True,
            check=True,
        )
        elapsed = time.monotonic() - started
        facts = json.loads(outcome.stdout.splitlines()[-1])
        print(
            f"  {title}: {elapsed:.2f} s in all, {facts['statistics']['round_trips']} commands, "
            f"read {facts['statistics']['read_seconds']:.3f} s, plan {facts['statistics']['plan_seconds']:.3f} s, "
            f"{len(facts['actions'])} changes"
        )


def main() -> None:
    server = Mongod()
    server.start()
    folder = Path(tempfile.mkdtemp(prefix="groundwork-bench-"))
    try:
        print(f"mongod {server.version}, {os.cpu_count()} processors")
        second_runs(server, folder)
        many_collections(server)
    finally:
        server.stop()
        shutil.rmtree(server.server.layout.servers)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
