"""A host of the role postgresql_16 as its plan sees it: what is declared, and what was answered."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.host_plan.plan import host_plan

Record = dict[str, t.Any]
CONTROLLER: Record = {
    "inventory_dir": "", "inventory_file": "", "ansible_inventory_sources": [], "certificates": {}, "hardening": True,
    "limit_nofile": 65536, "writable_paths": [], "overrides": {},
}  # fmt: skip
STATE: Record = {
    "state": "running", "role": "primary", "system_identifier": "7574512345678901234", "timeline": 1,
    "lsn": "0/5000148", "replay_lsn": None, "replay_paused": False, "server_version": "16.14",
    "installed_version": "16.15", "history": [], "receiver": None, "senders": [], "slots": [], "pending_restart": [],
    "settings": {"max_connections": "100", "lc_messages": "C", "wal_level": "replica"},
    "control_settings": {"max_connections": 100}, "base_backups": 0, "prepared_transactions": 0,
    "longest_transaction_seconds": 0, "archive_failing": False,
}  # fmt: skip


@dataclasses.dataclass
class Host:
    """Changes of what is known are made on ``known`` and on the answers in it."""

    known: Record

    def plan(self, **asked: t.Any) -> Record:
        return host_plan(self.known, asked)

    def configuration(self, settings: Record | None = None, exporter: t.Any = False) -> list[Record]:
        return self.plan(configuration={"settings": settings or {}, "exporter": exporter})["configuration"]

    def refusals(self, generated: t.Sequence[Record] = (), package_version: t.Any = "") -> list[str]:
        return self.plan(preflight={"generated": generated, "package_version": package_version})["refusals"]

    def answer(self, module: str, name: str, /, **facts: t.Any) -> None:
        """Change the answer about one cluster."""
        (cluster,) = (each for each in self.known[module]["clusters"] if each["name"] == name)
        cluster.update(facts)

    def files(self, **controller: t.Any) -> Record:
        given = {**CONTROLLER, **controller}
        paths = self.plan(files=given)["controller_files"]
        contents = {path: f"content of {path}" for path in paths}
        return {entry["path"]: entry for entry in self.plan(files={**given, "contents": contents})["host_files"]}


@dataclasses.dataclass
class Members:
    """Hosts of one replicated cluster; each answers with its state, the rest of the run's batch among themselves."""

    description: Record
    states: dict[str, Record]
    addresses: dict[str, str]

    def host(self, name: str, *, batch: t.Sequence[str] | None = None, **known: t.Any) -> Host:
        """One of them, after all were asked."""
        host = Host(known_of([self.description], host=name, batch=list(batch or self.states), **known))
        host.known["topologies"] = host.plan(members=self.inputs(host))["topologies"]
        host.known["to_copy"] = host.plan()["copied_here"]
        return host

    def inputs(self, host: Host, **more: t.Any) -> Record:
        (place,) = host.plan()["replicated"]
        own = {name: {"results": [self._result(name, place)]} for name in host.known["batch"]}
        others = [self._result(name, {**place, "member": name}) for name in place["outside"]]
        variables = {
            name: {"postgresql_16_address": self.addresses.get(name, ""), "__postgresql_16_own_members": own.get(name)}
            for name in self.description["replication"]["members"]
        }
        playing = host.known["batch"]
        return {"hosts": variables, "playing": playing, "others": {"results": others}, "rebuild": [], **more}

    def _result(self, name: str, place: Record) -> Record:
        answered = {"member": self.states[name]} if name in self.states else {"unreachable": True}
        return {"postgresql_16_place": place, **answered}


def known_of(clusters: list[Record], *, host: str = "db1", **more: t.Any) -> Record:
    """A host whose clusters all run, as they are declared."""
    there = [cluster for cluster in clusters if cluster.get("state") != "absent"]
    return {
        "host": host, "check_mode": False, "batch": [host], "clusters": clusters,
        "restart_policy": "never", "kernel": None, "restarts": None, "topologies": None, "to_copy": None,
        "found": {
            "installed": True, "unlisted": [], "clusters": [found(cluster) for cluster in there],
            "system": {"id": "debian", "version": "12", "codename": "bookworm", "name": "Debian GNU/Linux 12"},
        },
        "services": {"clusters": [
            {"name": cluster["name"], "running": True, "running_port": int(cluster.get("port", 5432)),
             "version": "16.15", "standby": False, "restart_reasons": []}
            for cluster in there
        ]},
        "configuration": {"clusters": [
            {"name": cluster["name"], "running": True, "changed": False, "pending_restart": [], "binary_newer": None,
             "warnings": []}
            for cluster in there
        ]},
        **more,
    }  # fmt: skip


def found(cluster: Record) -> Record:
    name = cluster["name"]
    return {
        "name": name, "exists": True, "standby": False, "running_port": int(cluster.get("port", 5432)),
        "data_directory": f"/var/lib/postgresql/16/{name}", "wal_directory": "",
    }  # fmt: skip


def standby(name: str, number: int, **more: t.Any) -> Record:
    started = f"2026-11-01T10:00:{number:02}.0+00:00"
    receiver = {
        "status": "streaming", "sender_host": "pg1", "sender_port": 5432, "slot_name": None, "timeline": 1,
        "written_lsn": "0/5000148", "flushed_lsn": "0/5000148", "silent_seconds": 0.1,
    }  # fmt: skip
    return {**STATE, "role": "standby", "started": started, "receiver": receiver, "replay_lsn": "0/5000148", **more}


def primary(**more: t.Any) -> Record:
    return {**STATE, "started": "2026-11-01T10:00:00.0+00:00", **more}


@pytest.fixture
def host() -> t.Callable[..., Host]:
    return lambda *clusters, **more: Host(known_of(list(clusters), **more))


@pytest.fixture
def trio() -> Members:
    return members("pg1", "pg2", "pg3")


@pytest.fixture
def members_of() -> t.Callable[..., Members]:
    return members


def members(*names: str, **description: t.Any) -> Members:
    """The first one leads."""
    states = {name: standby(name, number) for number, name in enumerate(names)}
    states[names[0]] = primary()
    replication = {"members": list(names), "password": "a secret", **description.pop("replication", {})}
    return Members({"name": "main", **description, "replication": replication}, states, {})
