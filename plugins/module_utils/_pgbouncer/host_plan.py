"""The plan of a host of the role pgbouncer: settings, its certificate, and the files that its TLS needs. Pure but for
looks at the controller's disk: whether, and where, a generated file is.
"""

from __future__ import annotations

import typing as t

from .._core.described import Described
from .._generated import place
from .._host.certificates import names

Plan = dict[str, t.Any]
TLS = "/etc/pgbouncer/tls"
_PEM = f"{TLS}/server.pem"
_LEAST_OPEN_FILES = 65536
_TO_COME = "to be generated"


def host_plan(known: Described, asked: t.Mapping[str, Described]) -> Plan:
    """No part of it holds a secret, but for ``tls_files``: certificate and key are one file.

    :param known: the variables of the role without their prefix, see ``__pgbouncer_known``.
    :param asked: ``files`` with what the controller has: ``certificates`` as tls_certificates returns them, the
        variables that say where the inventory is, and ``contents`` of the files that ``controller_files`` names, by
        their paths.
    """
    wanted = settings(known)
    # Clients and, in the worst case, as many server connections; the rest is logs, listening sockets and DNS. The floor
    # keeps a change of max_client_conn a matter of RELOAD: another limit in the unit would need a restart.
    open_files = max(_LEAST_OPEN_FILES, _whole(wanted["max_client_conn"]) * 2 + 1024)
    plan = {
        "settings": wanted,
        "open_files": open_files,
        "certificate": certificate(known),
        "server_authority": _server_authority(known),
    }
    if "files" in asked:
        sources = _sources(known, asked["files"])
        plan["controller_files"] = [path for path in sources.values() if not _is_to_come(known, path, sources)]
        if "contents" in asked["files"]:
            plan["tls_files"] = _tls_files(known, sources, asked["files"]["contents"])
    return plan


def settings(known: Described) -> dict[str, t.Any]:
    """What the role sets by itself, under what the inventory says."""
    found: dict[str, t.Any] = {
        "pool_mode": known["pool_mode"],
        "max_client_conn": int(known["max_client_connections"]),
        "default_pool_size": int(known["default_pool_size"]),
        # JDBC sends the first. Without the second, the list opens CVE-2026-107349 before 1.26.1.
        "ignore_startup_parameters": "extra_float_digits,options",
    }
    if known["client_tls"] != "disabled":
        found.update(client_tls_sslmode=known["client_tls_mode"], client_tls_key_file=_PEM, client_tls_cert_file=_PEM)
    if known["client_ca_file"]:
        found["client_tls_ca_file"] = f"{TLS}/clients-ca.crt"
    found["server_tls_sslmode"] = known["server_tls_mode"]
    if known["server_tls_mode"].startswith("verify"):
        found["server_tls_ca_file"] = _server_authority(known)
    if known["auth_user"]:
        found["auth_user"] = known["auth_user"]
        found["auth_query"] = 'SELECT uname, phash FROM "pgbouncer"."user_lookup"($1)'
    if known["auth_database"]:
        found["auth_dbname"] = known["auth_database"]
    return {**found, **known["settings"]}


def certificate(known: Described) -> dict[str, t.Any]:
    """An entry of option ``certificates`` of tls_certificates."""
    known_by = [*(known["tls_dns_names"] or [known["host"]]), *known["tls_ip_addresses"]]
    return {"name": f"{known['host']}-pgbouncer", **names.of_certificate(known["host"], known_by)}


def _server_authority(known: Described) -> str:
    return f"{TLS}/servers-ca.crt" if known["server_ca_file"] else "/etc/ssl/certs/ca-certificates.crt"


def _sources(known: Described, controller: Described) -> dict[str, str]:
    """Where the controller has the files that the host needs, by what they are."""
    found = {"clients": known["client_ca_file"], "servers": known["server_ca_file"]}
    if known["client_tls"] == "generated":
        generated = controller["certificates"][f"{known['host']}-pgbouncer"]
        found.update(key=generated["key"], certificate=generated["certificate"])
    elif known["client_tls"] != "disabled":
        found.update(key=known["tls_key_file"], certificate=known["tls_certificate_file"])
    inventory = place.from_variables(controller)
    return {name: place.present_file(str(path), inventory) for name, path in found.items() if path}


def _is_to_come(known: Described, path: str, sources: t.Mapping[str, str]) -> bool:
    """The authority of the servers may be one that the same check only predicts; that of clients is never generated.

    A certificate comes with its key.
    """
    if path == sources.get("clients"):
        return False
    decisive = sources["key"] if path == sources.get("certificate") else path
    return place.is_to_come(decisive, bool(known["check_mode"]))


def _tls_files(known: Described, sources: t.Mapping[str, str], contents: Described) -> list[dict[str, t.Any]]:
    """Entries of host_files; what is in a file that is still to come is not known."""
    own = {"owner": "root", "group": known["account"], "owner_may_come": True, "mode": "0640"}
    found = []
    if "key" in sources:
        both = [contents.get(sources[name]) for name in ("key", "certificate")]
        text = _TO_COME if None in both else "".join(f"{part}\n" for part in both)
        found.append({"path": _PEM, "content": text, "secret": True, **own})
    for name in ("clients", "servers"):
        if name in sources:
            authority = contents.get(sources[name])
            content = _TO_COME if authority is None else f"{authority}\n"
            found.append({"path": f"{TLS}/{name}-ca.crt", "content": content, **own})
    return found


def _whole(value: t.Any) -> int:
    """What is not a number is refused by pgbouncer_configuration."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
