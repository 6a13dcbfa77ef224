# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many three-statement files: pg_schema_apply against ``psql -1`` on the same files, in turn, on the same server.

The two take turns, each on an empty database that is dropped afterwards, and the shortest run of either side counts:
what else the machine does makes a run longer, never shorter. What earlier runs left for the disk is written before each
run, because thousands of new and dropped files are a debt that the next one would pay. The shortest processor time of
the client processes is printed beside it: it says how much of the difference is the module's own work; the rest of a
run is the server's. Then what a run without pending files takes inside the module, and the largest resident size of a
run on a file with 200 MB of COPY data:

    python tests/bench/pg_schema_apply.py [files] [rounds]
"""

from __future__ import annotations

import json
import os
import resource
import shutil
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
from servers import Postgresql  # noqa: E402

SCRIPT = """CREATE TABLE t{0} (id bigint PRIMARY KEY, name text NOT NULL, created_at timestamptz DEFAULT now());
CREATE INDEX t{0}_name ON t{0} (name);
INSERT INTO t{0} (id, name) SELECT n, 'x' FROM generate_series(1, 3) n;
"""


def run_module(server: Postgresql, database: str, folder: Path) -> dict[str, t.Any]:
    arguments = {**server.login, "login_db": database, "locations": [str(folder)], "remote_src": True}
    done = subprocess.run(
        [sys.executable, str(TESTS / "module_runner.py"), "pg_schema_apply"],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
    )
    result: dict[str, t.Any] = json.loads(done.stdout.splitlines()[-1])
    if result.get("failed"):
        raise SystemExit(result["msg"])
    return result


class Cost(t.NamedTuple):
    """Seconds: on the wall, and on the processor by the child processes (the server is none of them)."""

    wall: float
    processor: float


def timed(function: t.Callable[[], object]) -> Cost:
    def processor() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    os.sync()
    wall, before = time.perf_counter(), processor()
    function()
    return Cost(time.perf_counter() - wall, processor() - before)


def shortest(costs: t.Sequence[Cost]) -> Cost:
    return Cost(min(cost.wall for cost in costs), min(cost.processor for cost in costs))


def many_files(server: Postgresql, folder: Path, count: int, rounds: int) -> None:
    files = [folder / f"V{number}__t{number}.sql" for number in range(1, count + 1)]
    for number, file in enumerate(files, 1):
        file.write_text(SCRIPT.format(number))
    psql_arguments = ["-q", "-1", "-v", "ON_ERROR_STOP=1", *(part for file in files for part in ("-f", str(file)))]
    psql, module, nothing = [], [], []
    for number in range(rounds):
        database = server.create_database(f"bench_{number}")
        psql.append(timed(lambda database=database: server.psql(database, *psql_arguments).check_returncode()))  # type: ignore[misc]
        server.drop_database(database)
        server.create_database(database)
        module.append(timed(lambda database=database: run_module(server, database, folder)))  # type: ignore[misc]
        nothing.append(run_module(server, database, folder)["execution_time"] / 1000)
        server.drop_database(database)
    first, second = shortest(psql), shortest(module)
    print(f"{count} files: psql -1 {first.wall:.2f} s, pg_schema_apply {second.wall:.2f} s,", end=" ")
    print(f"ratio {second.wall / first.wall:.2f}; processor {first.processor:.2f} s and {second.processor:.2f} s")
    print(f"nothing pending: {min(nothing):.3f} s inside the module")


def large_copy(server: Postgresql, folder: Path) -> None:
    line = "x" * 90 + "\t" + "y" * 8 + "\n"
    with (folder / "V1__copy.sql").open("w") as file:
        file.write("CREATE TABLE c (a text, b text);\nCOPY c FROM STDIN;\n")
        for _block in range(2000):
            file.write(line * 1000)
        file.write("\\.\n")
    spent = timed(lambda: run_module(server, server.create_database("bench_copy"), folder))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"200 MB of COPY data: {spent.wall:.1f} s, at most {peak:.0f} MB resident in any run")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    server = Postgresql({"max_locks_per_transaction": "1024"})
    server.start()
    try:
        for measure in (
            lambda folder: many_files(server, folder, count, rounds),
            lambda folder: large_copy(server, folder),
        ):
            with tempfile.TemporaryDirectory() as folder:
                measure(Path(folder))
    finally:
        server.stop()
        shutil.rmtree(server.server.layout.servers)


if __name__ == "__main__":
    main()
