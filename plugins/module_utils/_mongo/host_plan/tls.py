"""TLS of a host: its certificate and files, the stages that its set takes, and how the server is reached."""

from __future__ import annotations

import typing as t

from ..._core.described import Described
from ..._generated import place
from ..._host.certificates import names
from .. import endpoint
from ..tls import answer as tls_answer
from ..tls.stages import CLUSTER_AUTH_MODES, MODES, OUTGOING, Stage
from . import members
from .declared import AUTHORITY, CERTIFICATE, KEYFILE
from .known import Known
from .members import Members

Entry = dict[str, t.Any]


def certificate(known: Known) -> dict[str, t.Any]:
    """An entry of option ``certificates`` of tls_certificates."""
    server = known.server
    there = endpoint.parse(server.address)
    host = there.host if there else server.address
    return {
        "name": known.host,
        "organization": server.tls.organization,
        "organizational_unit": f"mongodb-{server.replica_set or 'server'}",
        "usage": ["server", "client"],
        **names.of_certificate(host, ["localhost", "127.0.0.1", known.host, host]),
    }


def certificates(known: Known, set_members: Members) -> list[Described]:
    """Of the hosts that keep their certificates in the same folder one has them made for all; none for the others."""
    folder = known.server.tls.directory
    sharing = [other for other in set_members.batch if other.tls_directory == folder] if folder else []
    return [other.certificate for other in sharing] if sharing and sharing[0].name == known.host else []


def way(set_members: Members) -> list[Stage]:
    """The stages that all members take together.

    :raises GroundworkError: the description contradicts itself, or the members are too far apart.
    """
    running = [other.tls for other in set_members.of_set if other.tls and other.tls.running]
    return tls_answer.way_of_set(running, set_members.known.server.tls.wanted)


def refusal(set_members: Members, everyone: t.Sequence[members.Other]) -> str:
    """Why the stage of a set cannot change: each member must understand what the others send, so none may be left
    behind.

    :param everyone: hosts that take, or have taken, part in the run. Answers of those that have failed since count:
        beyond Ansible's forks, hosts come here when others of their set have been refused here.
    """
    server, absent = set_members.known.server, set_members.absent
    asked = [other.tls for other in everyone if other.tls and other.address in server.addresses]
    if not server.has_others or not absent or all(now.stage in (None, server.tls.wanted) for now in asked):
        return ""
    return (
        f"TLS of the running set is to change to {', '.join(server.tls.wanted)}, which all members have to do "
        f"together, and {', '.join(absent)} is not part of this run or has failed. Run for all members at once, "
        "without serial; one that is gone for good leaves mongodb_7_members first. Nothing was written."
    )


def reached_after_probe(known: Known) -> bool:
    """A server that does not run is going to be started as described."""
    if known.tls_found and known.tls_found.running:
        return known.tls_found.tls
    return known.server.tls.wanted.mode != MODES[0]


def reached_at_first(known: Known, first: Stage) -> bool:
    """A server without TLS takes its first stage by a restart, so until then it cannot be reached through TLS."""
    return first.mode != MODES[0] and bool(known.reached_by_tls)


def reached_at_next(known: Known, following: str) -> bool:
    """Every member has the stage before when the first one takes this one.

    :param following: mode of the stage that comes.
    """
    return known.stage is not None and MODES[0] not in (known.stage.mode, following)


def reached_at_last(known: Known, set_members: Members) -> bool:
    """Where nothing was restarted, the server is reached as before."""
    if known.check_mode or set_members.withheld or not known.stage:
        return bool(known.reached_by_tls)
    return known.stage.mode != MODES[0]


def login(known: Known) -> dict[str, t.Any]:
    """How the modules reach the server: as it was found, and as described where it was not looked at."""
    tls, described = known.server.tls, known.server.login
    if not tls.is_known:
        return {"tls": described.tls, "authority": described.tls_ca, "certificate": ""}
    encrypted = known.reached_by_tls
    if encrypted is None:
        encrypted = described.tls or tls.wanted.mode in MODES[OUTGOING:]
    return {
        "tls": encrypted,
        "authority": described.tls_ca or (AUTHORITY if encrypted else ""),
        "certificate": (described.tls_certificate or CERTIFICATE) if encrypted else "",
    }


def settings(known: Known) -> dict[str, t.Any]:
    """Settings of mongod.conf at the present stage."""
    server, stage = known.server, known.stage
    if not server.tls.is_known or not stage or stage.mode == MODES[0]:
        return {}
    return {
        "net": {
            "tls": {
                "mode": stage.mode,
                "certificateKeyFile": CERTIFICATE,
                "CAFile": AUTHORITY,
                "allowConnectionsWithoutCertificates": not server.tls.clients_need_certificates,
            }
        },
        "security": {"clusterAuthMode": stage.cluster_auth_mode} if server.replica_set else {},
        "setParameter": {"authenticationMechanisms": "SCRAM-SHA-256,MONGODB-X509"},
    }


def unknown_stage(known: Known) -> str:
    """What of the described stage is none, which the specification of the role refuses where it is validated."""
    wanted = known.server.tls.wanted
    for value, choices in ((wanted.mode, MODES), (wanted.cluster_auth_mode, CLUSTER_AUTH_MODES)):
        if value not in choices:
            return f"{value} is none of {', '.join(choices)}. Nothing was written."
    return ""


def controller_files(known: Known, controller: Described) -> list[str]:
    """Files of the controller to be read; see :func:`entries`."""
    if not known.server.tls.is_known:
        return []
    return [path for path in _sources(known, controller) if not place.is_to_come(path, known.check_mode)]


def entries(known: Known, controller: Described) -> list[Entry]:
    """Entries of host_files.

    :param controller: what the controller has: ``contents`` of the files that :func:`controller_files` names, by their
        paths, ``certificates``, its folder of generated ones, ``authority``, the file of given authorities, and the
        variables that say where the inventory is.
    """
    if not known.server.tls.is_known:
        return []
    # What a check of a virgin controller would make is not there to be read yet.
    pem, authority = (controller["contents"].get(path, "") for path in _sources(known, controller))
    return [
        {"path": KEYFILE.rpartition("/")[0], "state": "directory", "mode": "0755"},
        {"path": CERTIFICATE.rpartition("/")[0], "state": "directory", "mode": "0755"},
        {
            "path": CERTIFICATE, "content": pem, "owner": "mongodb", "group": "mongodb", "mode": "0400", "secret": True,
            "owner_may_come": True,
        },
        {"path": AUTHORITY, "content": authority, "mode": "0444"},
    ]  # fmt: skip


def _sources(known: Known, controller: Described) -> tuple[str, str]:
    """Certificate with key, and authorities: given, or generated."""
    inventory, tls = place.from_variables(controller), known.server.tls
    pem = place.present_file(tls.certificate, inventory)
    authority = place.present_file(str(controller["authority"]), inventory)
    if tls.directory:
        pem = pem or f"{controller['certificates']}/{known.host}.pem"
        authority = authority or f"{controller['certificates']}/ca.crt"
    return pem, authority
