"""What the exporter tells of each process."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import psycopg2

from .._exporter.page import Page
from .._pooler.console import CONSOLE, Row, connect, show

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


def scrape(runtime_directory: str) -> str:
    """The metrics of every process that has a folder, whether it answers or not."""
    page = Page()
    for folder in sorted(Path(runtime_directory).glob("[0-9]*")):
        process = folder.name
        try:
            with contextlib.closing(connect(folder)) as connection:
                read(connection, process, page)
        except (psycopg2.Error, OSError):
            page.gauge("pgbouncer_up", 0, process=process)
        else:
            page.gauge("pgbouncer_up", 1, process=process)
    return page.text()


def read(connection: t.Any, process: str, page: Page) -> None:
    """Everything of one process."""
    config = {row["key"]: row["value"] for row in show(connection, "CONFIG")}
    databases = {row["name"]: row for row in show(connection, "DATABASES")}
    state = {row["key"]: row["value"] for row in show(connection, "STATE")}
    users = {row["name"]: row for row in show(connection, "USERS")}
    lists = {row["list"]: row["items"] for row in show(connection, "LISTS")}
    version = str(next(iter(show(connection, "VERSION")[0].values())))
    page.gauge("pgbouncer_version_info", 1, process=process, version=version)
    page.gauge("pgbouncer_paused", state.get("paused") == "yes", process=process)
    page.gauge("pgbouncer_config_max_client_connections", config["max_client_conn"], process=process)
    for name in ("used_clients", "login_clients", "used_servers", "free_servers"):
        page.gauge(f"pgbouncer_{name}", lists.get(name, 0), process=process)
    for row in show(connection, "POOLS"):
        if row["database"] != CONSOLE:
            add_pool(page, row, process, databases.get(row["database"], {}), users.get(row["user"], {}))
    for row in show(connection, "STATS"):
        for column, (name, factor) in TOTALS.items():
            if row["database"] != CONSOLE and column in row:
                value = float(row[column]) * factor
                page.counter(f"pgbouncer_stats_{name}", value, process=process, database=row["database"])
    for name, row in databases.items():
        if name != CONSOLE:
            page.gauge("pgbouncer_databases_paused", row["paused"], process=process, database=name)
            page.gauge(
                "pgbouncer_databases_current_connections", row["current_connections"], process=process, database=name
            )


def add_pool(page: Page, row: Row, process: str, database: Row, user: Row) -> None:
    labels = {"process": process, "database": row["database"], "user": row["user"]}
    for column, name in POOLS.items():
        page.gauge(f"pgbouncer_pools_{name}", row[column], **labels)
    waited = float(row["maxwait"]) + float(row.get("maxwait_us") or 0) / 1e6
    page.gauge("pgbouncer_pools_client_maxwait_seconds", waited, **labels)
    size = user.get("pool_size") or database.get("pool_size") or 0
    reserve = database.get("reserve_pool_size", database.get("reserve_pool")) or 0
    page.gauge("pgbouncer_pools_size", float(size) + float(reserve), **labels)
