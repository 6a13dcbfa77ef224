"""The members of a set in this run: who this host is, who speaks for the set, who is restarted in which order.

A host that failed is in no batch.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.answer import Answer
from ..._core.described import Described, truth
from ..configuration import answer as configuration_answer
from ..tls import answer as tls_answer
from ..tls.answer import TlsFacts
from .known import Known


@dataclasses.dataclass(frozen=True)
class Other:
    """What a host of the run noted about itself, this one included.

    :ivar certificate: the certificate that the controller makes for it; :ivar tls_directory: and where.
    :ivar restart: see :func:`restart`; empty before it was decided.
    """

    name: str
    address: str
    certificate: Described
    tls_directory: str
    tls: TlsFacts | None
    restart: Described
    restart_needed: bool


def read(names: t.Iterable[str], hosts: Described) -> list[Other]:
    """:param hosts: the variables of all hosts. One that noted nothing has no server of this role.

    :raises GroundworkError: what was noted of an answer does not fit.
    """
    noted = ((name, hosts[name]) for name in names if name in hosts)
    return [_other(name, variables) for name, variables in noted if variables.get("__mongodb_7_endpoint")]


def _other(name: str, variables: Described) -> Other:
    endpoint = variables["__mongodb_7_endpoint"]
    tls, configuration = variables.get("__mongodb_7_tls_found"), variables.get("__mongodb_7_configuration")
    configured = (
        configuration_answer.parse(Answer(name, "mongod_configuration", configuration)) if configuration else None
    )
    return Other(
        name=name,
        address=str(endpoint["address"]),
        certificate=endpoint["certificate"],
        tls_directory=str(endpoint["tls_directory"]),
        tls=tls_answer.parse(Answer(name, "mongo_tls", tls)) if tls else None,
        restart=variables.get("__mongodb_7_restart") or {},
        restart_needed=configured.restart_needed if configured else False,
    )


@dataclasses.dataclass(frozen=True)
class Members:
    """:ivar batch: the hosts that the run works on now, of this set and of others."""

    known: Known
    batch: list[Other]

    @property
    def _by_address(self) -> dict[str, Other]:
        return {other.address: other for other in self.batch}

    @property
    def of_set(self) -> list[Other]:
        """Members of this host's set that take part, in the order of the description."""
        if self.known.server.is_alone:
            return [other for other in self.batch if other.name == self.known.host]
        return [self._by_address[address] for address in self.known.server.addresses if address in self._by_address]

    @property
    def absent(self) -> list[str]:
        """Addresses of members that are not part of this run, or have failed in it."""
        return [address for address in self.known.server.addresses if address not in self._by_address]

    @property
    def speaker(self) -> str:
        """The host that speaks for its set: of those that take part the one that the set elects first."""
        if self.known.server.is_alone:
            return self.known.host
        there = self._by_address
        return next((there[address].name for address in self.known.server.by_priority if address in there), "")

    @property
    def withheld(self) -> bool:
        """Whether a member of the set needs a restart that the description withholds."""
        return self.known.server.restart_policy == "never" and any(other.restart_needed for other in self.of_set)

    @property
    def restart_order(self) -> list[str]:
        """Hosts that are restarted, one after the other, primaries last; those of several sets do not mix it up."""
        wanted = [other for other in self.batch if truth(other.restart.get("wanted", False))]
        return [other.name for other in sorted(wanted, key=lambda other: truth(other.restart["last"]))]

    @property
    def unready(self) -> list[str]:
        """Members that do not answer yet as they will once this run has started, or restarted, them."""
        return [
            address
            for address, other in self._by_address.items()
            if other.restart and not truth(other.restart["ready"])
        ]


def restarts_at_once(known: Known) -> bool:
    """A member with the new key waits for others that have the old one in vain."""
    server = known.server
    return server.has_others and server.replace_keyfile and server.allow_outage


def restart(known: Known) -> dict[str, bool]:
    """Whether this host's server is restarted, whether it answers as it will afterwards, and whether it comes last."""
    configuration, member, policy = known.configuration, known.member, known.server.restart_policy
    wanted = configuration is not None and (
        (configuration.restart_needed and policy != "never") or (policy == "always" and configuration.running)
    )
    return {
        "wanted": wanted,
        "ready": known.state == "running" and not wanted,
        "last": member is not None and member.primary != "" and member.primary == member.member,
    }
