# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pooler costs and what it gives: pgbench through it and directly, and 2,000 client connections held.

Real PostgreSQL and real PgBouncer on this machine, one process in transaction mode, SCRAM on both sides. Prints medians
and their ratio:

    python tests/bench/pgbouncer.py [rounds]
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
import typing as t
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

# Puts the checkout on the ansible_collections path.
import conftest  # noqa: E402, F401  pylint: disable=unused-import
from poolers import Poolers  # noqa: E402
from servers import Postgresql  # noqa: E402

PASSWORD = "bench-password"
CLIENTS = 8
SECONDS = 5
HELD = 2000
ASKING = 20


def run_module(name: str, arguments: dict[str, t.Any], **_modes: t.Any) -> dict[str, t.Any]:
    done = subprocess.run(
        [sys.executable, str(TESTS / "module_runner.py"), name],
        input=json.dumps(arguments), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def transactions_per_second(server: Postgresql, port: int, database: str, *arguments: str) -> float:
    command = [
        str(server.bin / "pgbench"), "-n", "-S", "-M", "simple", "-c", str(CLIENTS), "-T", str(SECONDS),
        *arguments, f"host=127.0.0.1 port={port} user=app dbname={database} sslmode=disable",
    ]  # fmt: skip
    environment = {**os.environ, "PGPASSWORD": PASSWORD}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if not failed or failed[1] != "0":
        raise RuntimeError(done.stdout)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if not found:
        raise RuntimeError(done.stdout)
    return float(found[1])


def hold_connections(poolers: Poolers) -> tuple[float, float, int, int]:
    """Seconds to open 2,000, seconds for a query on each, server connections used, kilobytes of the pooler's memory."""
    with contextlib.ExitStack() as stack:
        begun = time.perf_counter()
        held = []
        for _number in range(HELD):
            connection = poolers.connect("app", PASSWORD, sslmode="disable")
            stack.callback(connection.close)
            held.append(connection)
        opened = time.perf_counter() - begun
        begun = time.perf_counter()
        for connection in held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        asked = time.perf_counter() - begun
        (servers,) = poolers.server.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'")[0]
        pid = (poolers.home / "run/1/pgbouncer.pid").read_text().strip()
        status = Path(f"/proc/{pid}/status").read_text()
        memory = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    return opened, asked, servers, memory


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    server = Postgresql()
    server.start()
    poolers = Poolers(server, run_module)
    try:
        poolers.succeed(
            databases=[poolers.database(pool_size=ASKING)],
            users=[{"name": "app", "scram_secret": poolers.secret("app", PASSWORD)}],
            settings={"pool_mode": "transaction", "max_client_conn": HELD + 100, "log_connections": False,
                      "log_disconnections": False},
        )  # fmt: skip
        poolers.start()
        server.query("GRANT CREATE ON SCHEMA public TO app")
        options = ["-i", "-q", "-s", "5", "-n", f"host=127.0.0.1 port={server.port} user=app dbname=postgres"]
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        subprocess.run([str(server.bin / "pgbench"), *options], check=True, capture_output=True, env=environment)
        for title, arguments in (("kept connections", ()), ("a connection per transaction", ("-C",))):
            direct, pooled = [], []
            for _round in range(rounds):
                direct.append(transactions_per_second(server, server.port, "postgres", *arguments))
                pooled.append(transactions_per_second(server, poolers.port, "app", *arguments))
            ours, theirs = statistics.median(pooled), statistics.median(direct)
            print(f"{title}, {CLIENTS} clients: direct {theirs:.0f} tps, pooled {ours:.0f} tps, {ours / theirs:.2f} x")
        opened, asked, servers, memory = hold_connections(poolers)
        print(
            f"{HELD} client connections held: opened in {opened:.1f} s, a query on each in {asked:.1f} s, "
            f"{servers} server connections, {memory / 1024:.0f} MB in the pooler"
        )
    finally:
        poolers.close()
        server.stop()


if __name__ == "__main__":
    main()
