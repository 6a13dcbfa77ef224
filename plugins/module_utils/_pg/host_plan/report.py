"""What the role says at its end: how to reach each server, for later plays, and what waits, for people."""

from __future__ import annotations

import typing as t

from ..configuration.answer import ConfigurationFacts
from . import clusters, replication
from .known import Known

Server = dict[str, t.Any]


def filled(known: Known) -> list[dict[str, t.Any]]:
    """Clusters with contents of their own, and how the tasks of their contents reach them. A standby's contents are
    those of its primary.
    """
    ports, running, standbys = clusters.ports(known), clusters.running(known), replication.standbys(known)
    return [
        {
            "name": cluster.name,
            "login_unix_socket": place.socket_directory,
            "login_port": ports[cluster.name],
            "state": _state(cluster.name in running, place.exists),
        }
        for cluster, place in known.placed
        if any(cluster.contents.values()) and cluster.name not in standbys
    ]


def servers(known: Known) -> list[Server]:
    """The fact ``postgresql_16_servers``: how to reach each cluster, and in which state a later play finds it."""
    ports, standbys = clusters.ports(known), replication.standbys(known)
    found: list[Server] = []
    for cluster in clusters.present(known):
        server, place = (known.services or {}).get(cluster.name), known.places[cluster.name]
        if server:
            found.append({
                "name": cluster.name, "port": cluster.port, "exists": place.exists, "running": server.running,
                "running_port": ports[cluster.name] if server.running else server.running_port,
                "version": server.version, "data_directory": place.data_directory,
                "socket_directory": place.socket_directory, "unit": place.unit, "standby": server.standby,
                "restart_reasons": server.restart_reasons,
                "state": "elsewhere" if cluster.name in standbys else _state(server.running, place.exists),
            })  # fmt: skip
    return found


def _state(running: bool, exists: bool) -> str:
    return "running" if running else "would_start" if exists else "would_create"


def lines(known: Known) -> list[str]:
    found: list[str] = []
    for server in servers(known):
        version = server["version"] or ("would be started" if known.check_mode else "not running")
        found.append(f"{server['name']}: port {server['port']}, {version}, {server['data_directory']}")
        configured = (known.configuration or {}).get(server["name"])
        if configured:
            if known.restart_policy == "never":
                found += [f"  waits for a restart: {reason}" for reason in _waiting(server, configured)]
            found += [f"  note: {warning}" for warning in configured.warnings]
    if known.found and known.found.unlisted:
        found.append(f"left alone, not described: {', '.join(known.found.unlisted)}")
    return found + [
        f"kernel, not permitted here: {value.name} stays {value.found} ({value.wanted} was asked for)"
        for value in known.not_permitted
    ]


def _waiting(server: Server, configured: ConfigurationFacts) -> list[str]:
    waiting = list(server["restart_reasons"])
    for setting in configured.pending_restart:
        waiting.append(f"{setting.name}: {setting.current or '(empty)'} becomes {setting.new or '(empty)'}")
    if configured.binary_newer:
        versions = configured.binary_newer
        waiting.append(f"the server is {versions.running}, {versions.installed} is installed")
    return waiting
