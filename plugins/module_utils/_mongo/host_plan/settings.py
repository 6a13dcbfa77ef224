"""Settings of mongod.conf: what is safe, under what the set and TLS need, under what the inventory says."""

from __future__ import annotations

import typing as t

from ..._core.described import Described
from . import tls
from .known import Known


def settings(known: Known, inputs: Described) -> dict[str, t.Any]:
    """Option ``settings`` of mongod_configuration.

    :param inputs: ``bind_ip``, ``data_directory``, ``adoption``, and the ``settings`` of the inventory.
    """
    server = known.server
    own: dict[str, t.Any] = {
        "net": {"port": server.port, "bindIp": ",".join(map(str, inputs["bind_ip"]))},
        "processManagement": {"timeZoneInfo": "/usr/share/zoneinfo"},
        "security": {"authorization": "enabled"},
        "setParameter": {"authenticationMechanisms": "SCRAM-SHA-256"},
        "storage": {"dbPath": inputs["data_directory"]},
        "systemLog": {"destination": "file", "path": server.paths["log"], "logAppend": True, "logRotate": "reopen"},
    }
    of_set = {"replication": {"replSetName": server.replica_set}} if server.replica_set else {}
    adoption = {"security": {"transitionToAuth": True}} if inputs["adoption"] == "begin" else {}
    merged: dict[str, t.Any] = {}
    for layer in (own, of_set, tls.settings(known), adoption, inputs["settings"]):
        merged = _merged(merged, layer)
    return merged


def _merged(below: Described, above: Described) -> dict[str, t.Any]:
    both = dict(below)
    for name, value in above.items():
        nested = isinstance(value, t.Mapping) and isinstance(both.get(name), t.Mapping)
        both[name] = _merged(both[name], value) if nested else value
    return both
