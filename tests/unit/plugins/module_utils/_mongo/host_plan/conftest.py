"""Hosts of the role mongodb_7 as their plans see them: what is declared, and what they noted about themselves."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.host_plan.plan import host_plan

Record = dict[str, t.Any]
STAGES: dict[str, Record] = {
    mode: {"mode": mode, "cluster_auth_mode": "keyFile"} for mode in ("disabled", "allowTLS", "preferTLS", "requireTLS")
}
DESCRIBED: Record = {
    "check_mode": False, "members": [], "port": 27017, "replica_set_name": "rs0", "release": "7.0", "version": "",
    "log_directory": "/var/log/mongodb", "restart_policy": "when_needed", "replace_keyfile": False,
    "allow_outage": False, "login_host": "localhost", "login_port": 27017, "login_replica_set": "", "login_tls": False,
    "login_tls_ca": "", "login_tls_certificate": "", "tls_mode": "disabled", "cluster_auth_mode": "keyFile",
    "tls_directory": "", "tls_certificate": "", "tls_organization": "groundwork.databases",
    "tls_clients_need_certificates": False, "tls_found": None, "tls": None, "stage": None, "configuration": None,
    "member_state": None, "replica_set": None, "kernel": None,
    "found": {
        "installed_version": "7.0.14", "running_version": "7.0.14", "authentication": True, "server_process": True,
        "driver": True,
    },
}  # fmt: skip


def tls_found(host: str, stage: Record, **more: t.Any) -> Record:
    """What the role takes of the answer of the module mongo_tls."""
    return {"host": host, "running": True, "tls": stage["mode"] != "disabled", **stage, **more}


def configured(**more: t.Any) -> Record:
    return {"changed": False, "running": True, "restart_needed": False, "restart_reasons": [], **more}


class Hosts:
    """The hosts of a run. Changes of what is known are made on ``known``, by their names.

    :ivar batch: those that the run works on now, in its order.
    """

    def __init__(self) -> None:
        self.known: dict[str, Record] = {}
        self.notes: dict[str, Record] = {}
        self.batch: list[str] = []

    def add(self, name: str, **described: t.Any) -> Record:
        described = {"member": f"{name}:{described.get('port', 27017)}", **described}
        self.known[name] = {**DESCRIBED, "host": name, **described}
        self.batch.append(name)
        return self.known[name]

    def every(self, names: t.Iterable[str] | None = None, **described: t.Any) -> None:
        for name in names or self.known:
            self.known[name].update(described)

    def plan(self, name: str, **asked: t.Any) -> Record:
        return host_plan({**self.known[name], "batch": self.batch}, asked)

    def of_set(self, name: str) -> Record:
        return self.plan(name, members={"hosts": self.variables()})

    def stages(self, name: str, everyone: t.Sequence[str] = ()) -> Record:
        """As the role's tasks of TLS see it; they keep the first stage."""
        asked = {"hosts": self.variables(), "everyone": [*self.batch, *everyone]}
        return self.plan(name, stages=asked)

    def settings(self, name: str, **more: t.Any) -> Record:
        inputs = {"bind_ip": ["127.0.0.1"], "data_directory": "/var/lib/mongodb", "adoption": "", "settings": {}}
        return self.plan(name, settings={**inputs, **more})["settings"]

    def refusals(self, name: str, **more: t.Any) -> list[str]:
        inputs = {
            "generated": [], "distribution": "Debian", "version": "12", "codename": "bookworm", "has_password": True,
            "user": "admin", "archive": "", "checksum": "", "bind_ip": ["127.0.0.1", name], "settings": {},
            "adoption": "",
        }  # fmt: skip
        return self.plan(name, preflight={**inputs, **more})["refusals"]

    def variables(self) -> dict[str, Record]:
        """What hostvars has of the facts that each host noted."""
        return {
            name: {
                "__mongodb_7_endpoint": self.plan(name)["endpoint"],
                "__mongodb_7_tls_found": known["tls_found"],
                "__mongodb_7_configuration": known["configuration"],
                "__mongodb_7_restart": self.plan(name)["restart"] if known["configuration"] else None,
                **self.notes.get(name, {}),
            }
            for name, known in self.known.items()
        }


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@pytest.fixture
def sets() -> Hosts:
    """One host without TLS, a set of three that is to come to it, and one that is there."""
    hosts = Hosts()
    tls = {"tls_mode": "requireTLS", "tls": False}
    members = [{"host": f"a{number}:27017"} for number in (1, 2, 3)]
    hosts.add("none")
    for name in ("a1", "a2", "a3"):
        found = tls_found(name, STAGES["disabled"])
        hosts.add(name, **tls, members=members, tls_directory="/site/a", tls_found=found)
    there = tls_found("b1", STAGES["requireTLS"])
    hosts.add("b1", tls_mode="requireTLS", tls=True, tls_directory="/site/b", tls_found=there)
    return hosts
