"""What the description of a replicated cluster means for one of its members: settings, rules, password file. Pure.

A member's settings are the same whether it is the primary or a standby: every standby looks for the primary among all
members, so a switchover changes no file.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ..._core.errors import GroundworkError
from .names import colliding_names, connection_string, password_file_line, slot_name, synchronous_standby_names

DEFAULTS: dict[str, t.Any] = {
    "user": "replicator",
    "synchronous": {"mode": "off", "number": 1},
    "slots": True,
    "purge_slots": False,
    "max_slot_wal_keep_size": "16GB",
    "ssl_mode": "",
    "ca_file": "",
    "networks": [],
    "max_rate": "",
    "tablespace_mapping": {},
    "max_lag_bytes": 64 << 20,
    "max_lag_seconds": 60,
    "rebuild": [],
    "rebuild_method": "auto",
    "wait_streaming": 60,
}


def with_defaults(replication: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The description with every option filled in.

    :raises GroundworkError: it contradicts itself.
    """
    filled = filled_in(replication)
    _refuse(filled)
    return filled


def filled_in(replication: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The same, whether or not it contradicts itself."""
    filled = {**DEFAULTS, **replication}
    synchronous = {**DEFAULTS["synchronous"], **(replication.get("synchronous") or {})}
    # YAML reads a bare off as false.
    synchronous["mode"] = "off" if synchronous["mode"] in (False, "off", None) else synchronous["mode"]
    filled["synchronous"] = synchronous
    filled.setdefault("initial_primary", filled["members"][0])
    return filled


def _refuse(filled: dict[str, t.Any]) -> None:
    members, synchronous = filled["members"], filled["synchronous"]
    if len(set(members)) != len(members):
        raise GroundworkError(f"replication.members names a member twice: {', '.join(members)}.")
    for one, other in colliding_names(members):
        raise GroundworkError(f"The members {one} and {other} would share the replication slot {slot_name(one)}.")
    if not filled.get("password"):
        raise GroundworkError(f"replication.password is missing; the role {filled['user']} logs in with it.")
    if synchronous["mode"] != "off" and not 1 <= int(synchronous["number"]) < len(members):
        raise GroundworkError(
            f"replication.synchronous.number is {synchronous['number']}, but of {len(members)} members only "
            f"{len(members) - 1} can be synchronous standbys at a time: every commit would wait for ever."
        )


def settings(
    filled: dict[str, t.Any], member: str, addresses: dict[str, str], port: int, passfile: str
) -> dict[str, t.Any]:
    """Settings for the drop-in of a member."""
    members = filled["members"]
    others = [name for name in members if name != member]
    hosts = [addresses[name] for name in others]
    conninfo = connection_string(
        {
            "host": ",".join(hosts),
            "port": port,
            "user": filled["user"],
            "passfile": passfile,
            "sslmode": filled["ssl_mode"],
            "sslrootcert": filled["ca_file"],
            "application_name": slot_name(member),
            "target_session_attrs": "primary",
            "connect_timeout": 5,
        }
    )
    synchronous = filled["synchronous"]
    return {
        "primary_conninfo": conninfo,
        "primary_slot_name": slot_name(member) if filled["slots"] else "",
        "synchronous_standby_names": synchronous_standby_names(
            synchronous["mode"], int(synchronous["number"]), others
        ),
        "hot_standby": "on",
        "wal_level": "replica",
        # Every other member, a backup, and one to spare for each.
        "max_wal_senders": max(10, 2 * len(members) + 4),
        "max_replication_slots": max(10, 2 * len(members) + 4),
        "max_slot_wal_keep_size": filled["max_slot_wal_keep_size"],
        # How soon a standby looks for the new primary after a switchover.
        "wal_retrieve_retry_interval": "500ms",
    }


def rules(filled: dict[str, t.Any], addresses: dict[str, str], tls: bool) -> list[dict[str, t.Any]]:
    """Rules that let every other member in: to stream, and to the database postgres for pg_rewind and switchovers."""
    return [
        {
            "type": "hostssl" if tls else "host",
            "databases": ["replication", "postgres"],
            "users": [filled["user"]],
            "address": network,
            "method": "scram-sha-256",
            "comment": "Members of the replicated cluster",
        }
        for network in _networks(filled, addresses)
    ]


def password_file(filled: dict[str, t.Any]) -> str:
    return password_file_line("*", filled["user"], filled["password"]) + "\n"


def _networks(filled: dict[str, t.Any], addresses: dict[str, str]) -> list[str]:
    """Given ones; else the members' own addresses, or the networks that the host is in where those are names.

    A host name in pg_hba.conf needs reverse lookups that agree, which few networks have.
    """
    if filled["networks"]:
        return list(filled["networks"])
    found = []
    for member in filled["members"]:
        try:
            address = ipaddress.ip_address(addresses[member])
        except ValueError:
            return ["samenet"]
        found.append(f"{address}/{address.max_prefixlen}")
    return sorted(found)
