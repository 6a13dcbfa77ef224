"""What the role hands over: who fills the server, how it is reached for that, and what runs, for a later play."""

from __future__ import annotations

import typing as t

from ..replica_set.answer import MemberFacts
from . import tls
from .known import Known
from .members import Members

_WELL = ("PRIMARY", "SECONDARY", "ARBITER")


def fills(known: Known, members: Members) -> bool:
    """Whether this host brings the contents: it speaks for the set, and the set has a primary where it can be asked."""
    is_led = known.replica_set is not None and known.replica_set.primary != ""
    return known.host == members.speaker and (not known.server.replica_set or known.state != "running" or is_led)


def contents_login(known: Known) -> dict[str, t.Any]:
    """A set is filled through all of its members, so that the driver finds whichever is primary by then: a member of a
    higher priority takes over some seconds after a restart.
    """
    server, login = known.server, known.server.login
    return {
        "host": ",".join(server.addresses) if server.has_others else login.host,
        "port": login.port,
        "replica_set": server.replica_set if server.has_others else login.replica_set,
        **tls.login(known),
    }


def server(known: Known, members: Members) -> dict[str, t.Any]:
    """The fact ``mongodb_7_server``."""
    login, found = contents_login(known), known.replica_set
    return {
        "host": known.server.login.host,
        "port": known.server.port,
        "state": known.state if fills(known, members) else "elsewhere",
        "contents_host": login["host"],
        "contents_replica_set": login["replica_set"],
        "tls": login["tls"],
        "tls_ca": login["authority"],
        "tls_certificate": login["certificate"],
        "version": found.server_version if found else "",
        "feature_compatibility_version": found.feature_compatibility_version if found else "",
        "replica_set": known.server.replica_set,
        "primary": found.primary if found else "",
        "not_permitted": [value._asdict() for value in known.not_permitted],
    }


def unwell(found: MemberFacts) -> list[str]:
    """Members of which the set says that they are not well."""
    return [f"{member.host} is {member.state}" for member in found.members if member.state not in _WELL]
