# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics of one mongod for Prometheus, with the driver that the host has anyway.

Why not the distributions' prometheus-mongodb-exporter: its driver of 2018 speaks neither the wire protocol that MongoDB
5.1 and later ask for nor SCRAM-SHA-256, and it writes the connection string with its password to its log.

Usage: mongodb_exporter.py CONFIGURATION, with the password in MONGODB_EXPORTER_PASSWORD, in Base64.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import pathlib
import sys
import threading
import time
import typing as t

import pymongo
import pymongo.errors

Answer = dict[str, t.Any]
REPLICATED = ("PRIMARY", "SECONDARY")


class Page:
    """Samples in the text format of Prometheus, each metric's together."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def add(self, name: str, kind: str, value: float | None, /, **labels: t.Any) -> None:
        """One sample; ``None`` is one that the server does not have. A label may have any name, ``self`` too."""
        if value is None:
            return
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines = self._lines.setdefault(name, [f"# TYPE {name} {kind}"])
        lines.append(f"{name}{'{' + shown + '}' if shown else ''} {float(value):.17g}")

    def gauge(self, name: str, value: float | None, /, **labels: t.Any) -> None:
        self.add(name, "gauge", value, **labels)

    def counter(self, name: str, value: float | None, /, **labels: t.Any) -> None:
        self.add(name, "counter", value, **labels)

    def text(self) -> str:
        return "".join(line + "\n" for lines in self._lines.values() for line in lines)


def _escaped(text: t.Any) -> str:
    return str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def scrape(client: t.Any) -> str:
    """Everything about the server; ``mongodb_up 0`` when it does not answer, or does not take the login."""
    page = Page()
    began = time.monotonic()
    try:
        status = client.admin.command("serverStatus", tcmalloc=0, mirroredReads=0)
        _server(page, status, client)
        _memory(page, status)
        _logins(page, status)
        if "repl" in status:
            _replica_set(page, client)
            _oplog(page, client)
        page.gauge("mongodb_up", 1)
    except pymongo.errors.PyMongoError as error:
        # The driver's texts may quote commands; its name is enough to tell a refused login from a server that is gone.
        print(f"not scraped: {type(error).__name__} {getattr(error, 'code', None) or ''}", flush=True)
        page = Page()
        page.gauge("mongodb_up", 0)
    page.gauge("mongodb_scrape_seconds", time.monotonic() - began)
    return page.text()


def _server(page: Page, status: Answer, client: t.Any) -> None:
    parameter = client.admin.command({"getParameter": 1, "featureCompatibilityVersion": 1})
    compatibility = parameter["featureCompatibilityVersion"]["version"]
    page.gauge("mongodb_version_info", 1, version=status["version"], feature_compatibility_version=compatibility)
    page.gauge("mongodb_uptime_seconds", status["uptime"])
    for state in ("current", "available", "active"):
        page.gauge("mongodb_connections", status["connections"].get(state), state=state)
    page.counter("mongodb_connections_created_total", status["connections"].get("totalCreated"))
    for kind, count in status["opcounters"].items():
        if isinstance(count, (int, float)):
            page.counter("mongodb_operations_total", count, type=kind)
    for kind in ("regular", "warning", "msg", "user", "tripwire"):
        page.counter("mongodb_asserts_total", status["asserts"].get(kind), type=kind)
    for kind, count in status["globalLock"]["currentQueue"].items():
        page.gauge("mongodb_queued_operations", count, type=kind)
    usage = status.get("extra_info", {})
    for mode in ("user", "system"):
        used = usage.get(f"{mode}_time_us")
        page.counter("mongodb_cpu_seconds_total", None if used is None else used / 1e6, mode=mode)
    page.gauge("mongodb_cpus", client.admin.command("hostInfo")["system"].get("numCores"))
    disk = client.admin.command("dbStats")
    page.gauge("mongodb_filesystem_size_bytes", disk.get("fsTotalSize"))
    page.gauge("mongodb_filesystem_used_bytes", disk.get("fsUsedSize"))


def _memory(page: Page, status: Answer) -> None:
    resident = status.get("mem", {}).get("resident")
    page.gauge("mongodb_resident_bytes", None if resident is None else resident * 1024 * 1024)
    cache = status.get("wiredTiger", {}).get("cache", {})
    for state, name in (
        ("maximum", "maximum bytes configured"), ("used", "bytes currently in the cache"),
        ("dirty", "tracked dirty bytes in the cache"),
    ):
        page.gauge("mongodb_cache_bytes", cache.get(name), state=state)
    page.counter("mongodb_cache_evicted_by_application_total", cache.get("pages evicted by application threads"))


def _logins(page: Page, status: Answer) -> None:
    """Failed logins are those received less those that succeeded; the speculative ones are counted among them."""
    mechanisms = status.get("security", {}).get("authentication", {}).get("mechanisms", {})
    for mechanism, counts in mechanisms.items():
        received, successful = counts["authenticate"]["received"], counts["authenticate"]["successful"]
        page.counter("mongodb_logins_total", received, mechanism=mechanism)
        page.counter("mongodb_logins_failed_total", received - successful, mechanism=mechanism)


def _replica_set(page: Page, client: t.Any) -> None:
    try:
        members = client.admin.command("replSetGetStatus")["members"]
        wanted = client.admin.command("replSetGetConfig")["config"]["members"]
    except pymongo.errors.OperationFailure:
        return
    settings = {member["host"]: member for member in wanted}
    primaries = [member for member in members if member["stateStr"] == "PRIMARY"]
    page.gauge("mongodb_replica_set_primaries", len(primaries))
    for member in members:
        labels = {"member": member["name"], "self": str(bool(member.get("self"))).lower()}
        page.gauge("mongodb_member_healthy", member["health"], state=member["stateStr"], **labels)
        if primaries and member["stateStr"] in REPLICATED:
            lag = (primaries[0]["optimeDate"] - member["optimeDate"]).total_seconds()
            on_purpose = settings.get(member["name"], {}).get("secondaryDelaySecs", 0)
            page.gauge("mongodb_replication_lag_seconds", max(0.0, lag - on_purpose), **labels)


def _oplog(page: Page, client: t.Any) -> None:
    ends = []
    for direction in (1, -1):
        entry = client.local["oplog.rs"].find_one({}, {"ts": 1}, sort=[("$natural", direction)])
        if entry:
            ends.append(entry["ts"].time)
    if len(ends) == 2:
        page.gauge("mongodb_oplog_window_seconds", ends[1] - ends[0])


class Scraper:
    """One client for all scrapes, and one scrape at a time."""

    def __init__(self, options: Answer) -> None:
        password = base64.b64decode(os.environ.pop("MONGODB_EXPORTER_PASSWORD")).decode()
        self._client: t.Any = pymongo.MongoClient(
            options["host"], options["port"], username=options["user"], password=password, authSource="admin",
            authMechanism="SCRAM-SHA-256", directConnection=True, appname="groundwork exporter", maxPoolSize=2,
            serverSelectionTimeoutMS=3000, connectTimeoutMS=3000, socketTimeoutMS=10000, **options["tls"],
        )
        self._lock = threading.Lock()

    def page(self) -> str:
        with self._lock:
            return scrape(self._client)


class Handler(http.server.BaseHTTPRequestHandler):
    scraper: Scraper

    def do_GET(self) -> None:
        if self.path != "/metrics":
            self.send_error(404)
            return
        body = self.scraper.page().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: t.Any) -> None:
        """A scrape every few seconds is not worth a line of the journal."""


def end_when_changed(files: list[str], seconds: float = 5) -> None:
    """End the process when one of its files is replaced: systemd starts it anew, with the new ones."""
    known = [_changed(file) for file in files]
    while known == [_changed(file) for file in files]:
        time.sleep(seconds)
    os._exit(0)


def _changed(file: str) -> float:
    try:
        return pathlib.Path(file).stat().st_mtime
    except OSError:
        return 0.0


def main() -> None:
    options = json.loads(pathlib.Path(sys.argv[1]).read_text())
    watched = [__file__, sys.argv[1], *options["restart_after"]]
    threading.Thread(target=end_when_changed, args=(watched,), daemon=True).start()
    Handler.scraper = Scraper(options)
    http.server.ThreadingHTTPServer((options["listen_address"], options["listen_port"]), Handler).serve_forever()


if __name__ == "__main__":
    main()
