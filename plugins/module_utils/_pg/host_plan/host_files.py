"""Everything that the role writes for its clusters before a server starts, as entries of host_files."""

from __future__ import annotations

import typing as t

from ..._core.described import Described
from ..clusters.model import CONFIGURATION, OWNER
from ..replication import member_settings
from . import replication, service_unit, tls
from .known import Known

Entry = dict[str, t.Any]
_OWN: Entry = {"owner": OWNER, "group": OWNER, "owner_may_come": True}
_DROP_IN = "10-groundwork.conf"


def entries(known: Known, controller: Described) -> list[Entry]:
    """:param controller: see :func:`.tls.entries`, and the options of :func:`.service_unit.drop_in`."""
    found: list[Entry] = []
    if known.replicated:
        # A copy needs its password file before pg_createcluster has made a folder for it.
        found += [_own_folder("/etc/postgresql"), _own_folder(CONFIGURATION)]
    for cluster, place in known.placed:
        units = f"/etc/systemd/system/{place.unit}.d"
        drop_in = service_unit.drop_in(place.data_directory, place.wal_directory, controller)
        found.append({"path": units, "state": "directory", "mode": "0755"})
        found.append({"path": f"{units}/{_DROP_IN}", "content": drop_in, "mode": "0644"})
        if cluster.replicated:
            content = member_settings.password_file(member_settings.with_defaults(cluster.replication))
            found.append(_own_folder(place.config_directory))
            found.append(
                {"path": replication.passfile(place), "mode": "0600", "secret": True, "content": content, **_OWN}
            )
        if cluster.tls.encrypted:
            found += tls.entries(known, cluster, place, controller, _OWN)
    return found


def _own_folder(path: str) -> Entry:
    return {"path": path, "state": "directory", "mode": "0755", **_OWN}
