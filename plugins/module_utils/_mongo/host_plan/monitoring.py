"""The exporter of a server, and the limits of its alerts."""

from __future__ import annotations

import typing as t

from ..._core.described import Described, truth
from . import tls
from .declared import CERTIFICATE
from .known import Known

ENVIRONMENT = "/etc/groundwork/mongodb_exporter.env"
UNIT = "/etc/systemd/system/groundwork-mongodb-exporter.service"
LIMITS: dict[str, float] = {
    "cpu_ratio": 0.8,
    "disk_ratio": 0.8,
    "connections_ratio": 0.8,
    "errors_per_second": 0.1,
    "failed_logins": 20,
    "replication_lag_seconds": 30,
    "oplog_window_seconds": 86400,
}


def exporter(known: Known, inputs: Described) -> dict[str, t.Any]:
    """Its user without a password, the options of its program, and whether it shows the server's certificate: that is
    the server's account's alone, so an exporter that has to show it runs as that.

    :param inputs: ``enabled``, ``user``, ``address``, ``port``, and ``limits``, those of the inventory.
    """
    shows = known.server.tls.is_known and known.server.tls.clients_need_certificates
    roles = [{"role": "clusterMonitor", "db": "admin"}, {"role": "read", "db": "local"}]
    user = {"name": inputs["user"], "mechanisms": ["SCRAM-SHA-256"], "roles": roles}
    return {
        "users": [user] if truth(inputs["enabled"]) else [],
        "shows_certificate": shows,
        "options": {
            "host": known.server.login.host,
            "port": known.server.port,
            "user": inputs["user"],
            "tls": _tls(known, shows=shows),
            "listen_address": inputs["address"],
            "listen_port": int(inputs["port"]),
            "restart_after": [ENVIRONMENT, UNIT],
        },
        "limits": {**LIMITS, **inputs["limits"]},
    }


def _tls(known: Known, *, shows: bool) -> dict[str, t.Any]:
    login = tls.login(known)
    if not login["tls"]:
        return {}
    return {
        "tls": True,
        **({"tlsCAFile": login["authority"]} if login["authority"] else {}),
        **({"tlsCertificateKeyFile": CERTIFICATE} if shows else {}),
    }
