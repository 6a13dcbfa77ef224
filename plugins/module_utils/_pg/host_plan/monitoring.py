"""One exporter for each cluster. It logs in over the Unix socket as the role of its account's name: it has no password
to keep.
"""

from __future__ import annotations

import typing as t

from . import clusters, replication
from .known import Known

FOLDER = "/etc/groundwork/postgresql-exporter"
# The exporter of the default port 5432 listens on its own default, 9187.
_FROM_PORT_TO_EXPORTER = 9187 - 5432


def exporters(known: Known) -> list[dict[str, t.Any]]:
    """For each server here that is not a standby, how its contents are reached and what the exporter needs in it: a
    standby has the role from its primary; one that this run made was none yet when the host was first read.
    """
    standbys, ports, running = replication.standbys(known), clusters.ports(known), clusters.running(known)
    return [
        {
            "name": cluster.name,
            "login_unix_socket": place.socket_directory,
            "login_port": ports[cluster.name],
            "running": cluster.name in running,
            "databases": _databases(cluster.contents["databases"]),
        }
        for cluster, place in known.placed
        if cluster.name not in standbys
    ]


def _databases(described: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The exporter may connect to ``postgres`` and to the databases that the cluster's description lists."""
    connect = [{"role": "prometheus", "type": "database", "privileges": ["CONNECT"]}]
    listed = [each["name"] for each in described if each.get("state", "present") == "present"]
    first = {"name": "postgres", "grants": connect, "extensions": [{"name": "pg_stat_statements"}]}
    return [first, *({"name": name, "grants": connect} for name in listed)]


def environments(known: Known, address: str) -> list[dict[str, t.Any]]:
    """Entries of host_files: what the exporter of each cluster is run with.

    :param address: that exporters listen on.
    """
    ports = clusters.ports(known)
    found = []
    for cluster, place in known.placed:
        listed = ["postgres", *(database["name"] for database in cluster.contents["databases"])]
        port = cluster.exporter_port or cluster.port + _FROM_PORT_TO_EXPORTER
        content = (
            f"DATA_SOURCE_NAME=user=prometheus host={place.socket_directory} port={ports[cluster.name]} "
            "dbname=postgres sslmode=disable\n"
            f"ARGS=--web.listen-address={address}:{port} "
            f"--extend.query-path={FOLDER}/queries.yml --auto-discover-databases "
            f"--include-databases={','.join(listed)}\n"
        )
        found.append({"path": f"{FOLDER}/{cluster.name}.env", "mode": "0644", "content": content})
    return found
