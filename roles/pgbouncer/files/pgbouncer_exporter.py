# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of all PgBouncer processes of a host for Prometheus, with the driver that the host has anyway.

Why not the distributions' prometheus-pgbouncer-exporter 1.7: it asks for columns that PgBouncer took away in 1.8
(``total_requests``) and 1.24 (``reserve_pool``) and answers every scrape with an error; and it knows one process only.
Names follow prometheus-community's exporter, with the label ``process``.

Runs as the account of the pooler, which the console lets in without a password.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import os
import pathlib
import socket
import threading
import time
import typing as t

import psycopg2

Row = dict[str, t.Any]
POOLS = {
    "cl_active": "client_active_connections",
    "cl_waiting": "client_waiting_connections",
    "sv_active": "server_active_connections",
    "sv_idle": "server_idle_connections",
    "sv_used": "server_used_connections",
    "sv_tested": "server_testing_connections",
    "sv_login": "server_login_connections",
}
TOTALS = {
    "total_xact_count": ("sql_transactions_pooled_total", 1),
    "total_query_count": ("queries_pooled_total", 1),
    "total_received": ("received_bytes_total", 1),
    "total_sent": ("sent_bytes_total", 1),
    "total_xact_time": ("server_in_transaction_seconds_total", 1e-6),
    "total_query_time": ("queries_duration_seconds_total", 1e-6),
    "total_wait_time": ("client_wait_seconds_total", 1e-6),
}
CONSOLE = "pgbouncer"


class Page:
    """Samples in the text format of Prometheus, each metric's together."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def add(self, kind: str, name: str, value: t.Any, **labels: t.Any) -> None:
        """One sample."""
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines = self._lines.setdefault(name, [f"# TYPE {name} {kind}"])
        lines.append(f"{name}{{{shown}}} {float(value):.17g}")

    def text(self) -> str:
        return "".join(line + "\n" for lines in self._lines.values() for line in lines)


def _escaped(text: t.Any) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def scrape(runtime_directory: str) -> str:
    """The metrics of every process that has a folder, whether it answers or not."""
    page = Page()
    for folder in sorted(pathlib.Path(runtime_directory).glob("[0-9]*")):
        process = folder.name
        try:
            with contextlib.closing(connect(folder)) as connection:
                read(connection, process, page)
        except (psycopg2.Error, OSError, StopIteration):
            page.add("gauge", "pgbouncer_up", 0, process=process)
        else:
            page.add("gauge", "pgbouncer_up", 1, process=process)
    return page.text()


def connect(folder: pathlib.Path) -> t.Any:
    """A session on the console of the process that listens in this folder."""
    port = next(iter(sorted(folder.glob(".s.PGSQL.*")))).name.rpartition(".")[2]
    connection = psycopg2.connect(host=str(folder), port=int(port), user=CONSOLE, dbname=CONSOLE, connect_timeout=3)
    connection.autocommit = True
    return connection


def show(connection: t.Any, what: str) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {what}")
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def read(connection: t.Any, process: str, page: Page) -> None:
    """Everything of one process."""
    config = {row["key"]: row["value"] for row in show(connection, "CONFIG")}
    databases = {row["name"]: row for row in show(connection, "DATABASES")}
    state = {row["key"]: row["value"] for row in show(connection, "STATE")}
    users = {row["name"]: row for row in show(connection, "USERS")}
    lists = {row["list"]: row["items"] for row in show(connection, "LISTS")}
    version = str(next(iter(show(connection, "VERSION")[0].values())))
    page.add("gauge", "pgbouncer_version_info", 1, process=process, version=version)
    page.add("gauge", "pgbouncer_paused", state.get("paused") == "yes", process=process)
    page.add("gauge", "pgbouncer_config_max_client_connections", config["max_client_conn"], process=process)
    for name in ("used_clients", "login_clients", "used_servers", "free_servers"):
        page.add("gauge", f"pgbouncer_{name}", lists.get(name, 0), process=process)
    for row in show(connection, "POOLS"):
        if row["database"] != CONSOLE:
            add_pool(page, row, process, databases.get(row["database"], {}), users.get(row["user"], {}))
    for row in show(connection, "STATS"):
        for column, (name, factor) in TOTALS.items():
            if row["database"] != CONSOLE and column in row:
                value = float(row[column]) * factor
                page.add("counter", f"pgbouncer_stats_{name}", value, process=process, database=row["database"])
    for name, row in databases.items():
        if name != CONSOLE:
            page.add("gauge", "pgbouncer_databases_paused", row["paused"], process=process, database=name)
            page.add("gauge", "pgbouncer_databases_current_connections", row["current_connections"], process=process,
                     database=name)


def add_pool(page: Page, row: Row, process: str, database: Row, user: Row) -> None:
    labels = {"process": process, "database": row["database"], "user": row["user"]}
    for column, name in POOLS.items():
        page.add("gauge", f"pgbouncer_pools_{name}", row[column], **labels)
    waited = float(row["maxwait"]) + float(row.get("maxwait_us") or 0) / 1e6
    page.add("gauge", "pgbouncer_pools_client_maxwait_seconds", waited, **labels)
    size = user.get("pool_size") or database.get("pool_size") or 0
    reserve = database.get("reserve_pool_size", database.get("reserve_pool")) or 0
    page.add("gauge", "pgbouncer_pools_size", float(size) + float(reserve), **labels)


class Handler(http.server.BaseHTTPRequestHandler):
    """``/metrics``, and nothing else."""

    runtime_directory = "/run/pgbouncer"

    def do_GET(self) -> None:
        if self.path.split("?")[0] != "/metrics":
            self.send_error(404)
            return
        body = scrape(self.runtime_directory).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: t.Any) -> None:
        """A scrape every few seconds is nothing to note."""


class Server(http.server.ThreadingHTTPServer):
    """A server for addresses of either kind."""

    def __init__(self, address: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Handler)


def end_when_changed() -> None:
    """Leave when this program was replaced: whoever supervises it starts the new one."""
    begun = pathlib.Path(__file__).stat().st_ctime
    while True:
        time.sleep(2)
        if not pathlib.Path(__file__).exists() or pathlib.Path(__file__).stat().st_ctime != begun:
            os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9127)
    parser.add_argument("--runtime-directory", default="/run/pgbouncer")
    options = parser.parse_args()
    Handler.runtime_directory = options.runtime_directory
    threading.Thread(target=end_when_changed, daemon=True).start()
    Server(options.address, options.port).serve_forever()


if __name__ == "__main__":
    main()
