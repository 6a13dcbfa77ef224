"""A host of the role mongodb_7 as its inventory describes it, in the types that the options have.

What is left out is only what one part of the plan needs; that part reads it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.described import Described, truth
from ..tls.stages import MODES, Stage

KEYFILE = "/etc/mongodb/keyfile"
CERTIFICATE = "/etc/mongodb/tls/server.pem"
AUTHORITY = "/etc/mongodb/tls/ca.pem"
DROP_IN = "/etc/systemd/system/mongod.service.d/10-groundwork.conf"
# A member of the set without a priority of its own has this one.
_PRIORITY = 1.0


@dataclasses.dataclass(frozen=True)
class Login:
    """How the modules on the host reach its server, where that is described."""

    host: str
    port: int
    replica_set: str
    tls: bool
    tls_ca: str
    tls_certificate: str


@dataclasses.dataclass(frozen=True)
class Tls:
    """:ivar wanted: the stage that is described.
    :ivar directory: where the controller keeps what it generates; :ivar certificate: a given one.
    """

    wanted: Stage
    directory: str
    certificate: str
    organization: str
    clients_need_certificates: bool

    @property
    def is_known(self) -> bool:
        """Whether TLS is described at all: a server that is to come down from it has a certificate still."""
        return self.wanted.mode != MODES[0] or bool(self.directory or self.certificate)


@dataclasses.dataclass(frozen=True)
class Server:
    """See the options of the role.

    :ivar members: as they were written, in the order of the description; empty for a set of one.
    :ivar member: this host's server as it was written.
    :ivar replica_set: empty for a server without a set.
    :ivar release: as it was written, which may be a number by mistake.
    """

    members: t.Sequence[Described]
    member: str
    port: int
    replica_set: str
    release: t.Any
    version: str
    log_directory: str
    restart_policy: str
    replace_keyfile: bool
    allow_outage: bool
    login: Login
    tls: Tls

    @property
    def is_alone(self) -> bool:
        """A set of one member that knows itself as localhost, or a server without a set."""
        return not self.members

    @property
    def has_others(self) -> bool:
        return len(self.members) > 1

    @property
    def address(self) -> str:
        """Where the other members reach this host's server; host names are not case-sensitive."""
        return f"localhost:{self.port}" if self.is_alone else self.member.lower()

    @property
    def addresses(self) -> list[str]:
        return [_host(member) for member in self.members]

    @property
    def by_priority(self) -> list[str]:
        """Addresses of all members, those first that the set elects first."""
        ordered = sorted(self.members, key=_priority, reverse=True)
        return [_host(member) for member in ordered]

    def requested_members(self) -> list[dict[str, t.Any]]:
        """Option ``members`` of mongo_replica_set.

        A set of one knows itself as localhost. When it grows, it takes the name that the others can reach.
        """
        if self.is_alone:
            return [{"host": self.address}]
        others = [dict(member) for member in self.members if _host(member) != self.address]
        own = [dict(member) for member in self.members if _host(member) == self.address]
        return others + [{**member, "previous_host": f"localhost:{self.port}"} for member in own]

    @property
    def paths(self) -> dict[str, str]:
        return {
            "archive": f"/opt/mongodb/{self.version}",
            "binary": "/usr/bin/mongod",
            "certificate": CERTIFICATE,
            "authority": AUTHORITY,
            "configuration": "/etc/mongod.conf",
            "drop_in": DROP_IN,
            "keyfile": KEYFILE,
            "log": f"{self.log_directory}/mongod.log",
        }


def read(described: Described) -> Server:
    """:param described: the variables of the role without their prefix, see ``__mongodb_7_known``."""
    return Server(
        members=described["members"],
        member=str(described["member"]),
        port=int(described["port"]),
        replica_set=str(described["replica_set_name"]),
        release=described["release"],
        version=str(described["version"]),
        log_directory=str(described["log_directory"]),
        restart_policy=str(described["restart_policy"]),
        replace_keyfile=truth(described["replace_keyfile"]),
        allow_outage=truth(described["allow_outage"]),
        login=Login(
            host=str(described["login_host"]),
            port=int(described["login_port"]),
            replica_set=str(described["login_replica_set"]),
            tls=truth(described["login_tls"]),
            tls_ca=str(described["login_tls_ca"]),
            tls_certificate=str(described["login_tls_certificate"]),
        ),
        tls=Tls(
            wanted=Stage(str(described["tls_mode"]), str(described["cluster_auth_mode"])),
            directory=str(described["tls_directory"]),
            certificate=str(described["tls_certificate"]),
            organization=str(described["tls_organization"]),
            clients_need_certificates=truth(described["tls_clients_need_certificates"]),
        ),
    )


def _host(member: Described) -> str:
    return str(member["host"]).lower()


def _priority(member: Described) -> float:
    priority = member.get("priority")
    return _PRIORITY if priority is None else float(priority)
