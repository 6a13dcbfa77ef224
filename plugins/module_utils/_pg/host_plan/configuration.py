"""Settings and access rules: what pg_configuration is asked for, and which servers a restart is due for."""

from __future__ import annotations

import typing as t

from ..._core.described import Described, truth
from ..clusters.answer import ClusterFacts
from . import clusters, replication, tls
from .declared import Cluster
from .known import Known

# Who logged in and who failed to, what changed the schema, what was slow, and what waited. Statements are logged as
# they were sent: a password belongs into them as a SCRAM secret only, which is how pg_contents sends it.
_LOGGING: dict[str, t.Any] = {
    "log_connections": True,
    "log_disconnections": True,
    "log_line_prefix": "%m [%p] %q%u@%d/%a %h ",
    "log_statement": "ddl",
    "log_min_duration_statement": "1s",
    "log_lock_waits": True,
    "log_checkpoints": True,
    "log_temp_files": "16MB",
    "log_autovacuum_min_duration": "1min",
    # pg_ctlcluster sends this to /var/log/postgresql, where postgresql-common's logrotate and pg_lsclusters expect it;
    # what a server says before it could open a log of its own lands there too.
    "log_destination": "stderr",
    "logging_collector": False,
}


def request(known: Known, inputs: Described) -> list[dict[str, t.Any]]:
    """Option ``clusters`` of pg_configuration.

    :param inputs: ``settings`` of all clusters; ``exporter``, whether there is one for each.
    """
    return [_cluster(known, cluster, inputs) for cluster in clusters.present(known)]


def _cluster(known: Known, cluster: Cluster, inputs: Described) -> dict[str, t.Any]:
    place = known.places[cluster.name]
    found: dict[str, t.Any] = {
        "name": cluster.name,
        "port": cluster.port,
        "config_directory": place.config_directory,
        "data_directory": place.data_directory,
        "socket_directory": place.socket_directory,
        "files": {
            "20-groundwork": _settings(cluster, place),
            "30-replication": replication.settings(known, cluster, place) if cluster.replicated else {},
        },
        "settings": {**inputs["settings"], **cluster.settings},
        "ident": list(cluster.ident),
        "hba": _rules(known, cluster, place, exporter=truth(inputs["exporter"])),
    }
    if place.wal_directory:
        found["wal_directory"] = place.wal_directory
    if cluster.preset != "none":
        found["preset"] = {"purpose": cluster.preset, "disk": cluster.disk}
        if cluster.memory_percent:
            found["preset"]["memory_percent"] = cluster.memory_percent
    return found


def _settings(cluster: Cluster, place: ClusterFacts) -> dict[str, t.Any]:
    audit = {"pgaudit.log": list(cluster.audit), "pgaudit.log_catalog": False} if cluster.audit else {}
    return {
        "listen_addresses": list(cluster.listen_addresses),
        "password_encryption": "scram-sha-256",
        "shared_preload_libraries": ["pg_stat_statements", *(["pgaudit"] if audit else [])],
        **tls.settings(cluster, place),
        **_LOGGING,
        **audit,
    }


def _rules(known: Known, cluster: Cluster, place: ClusterFacts, *, exporter: bool) -> dict[str, t.Any]:
    of_exporter = {"type": "local", "users": ["prometheus"], "method": "peer", "comment": "the exporter"}
    return {
        "rules": list(cluster.hba),
        "defaults": cluster.hba_defaults,
        "extra": [
            *([of_exporter] if exporter else []),
            *(replication.rules(known, cluster, place) if cluster.replicated else []),
        ],
        "client_networks": list(cluster.client_networks),
        "require_tls": cluster.tls.encrypted and cluster.tls.require,
    }


def due(known: Known) -> list[dict[str, t.Any]]:
    """Servers that a restart is due for, for the configuration's reasons and those of the unit; options of pg_restart.

    Standbys that would not start again are left out.
    """
    held = [standby["name"] for standby in replication.held_standbys(known)]
    always = known.restart_policy == "always"
    found = []
    for configured in (known.configuration or {}).values():
        server = (known.services or {}).get(configured.name)
        reasons = server.restart_reasons if server else []
        changed = always and configured.changed and configured.running
        wanted = configured.pending_restart or configured.binary_newer or reasons or changed
        if not wanted or configured.name in held:
            continue
        place = known.places[configured.name]
        found.append({
            "name": configured.name, "restart_reasons": reasons, "changed": configured.changed,
            "data_directory": place.data_directory, "config_directory": place.config_directory,
            "log_file": place.log_file, "unit": place.unit,
        })  # fmt: skip
    return found
