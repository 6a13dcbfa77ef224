"""What the exporter tells of the server."""

from __future__ import annotations

import time
import typing as t

import pymongo.errors

from .._exporter.page import Page

Answer = dict[str, t.Any]
REPLICATED = ("PRIMARY", "SECONDARY")


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
        ("maximum", "maximum bytes configured"),
        ("used", "bytes currently in the cache"),
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
