"""What is refused before anything is touched."""

from __future__ import annotations

import re

from ..._core.described import Described, truth
from ..._core.errors import GroundworkError
from .. import endpoint
from ..tls import answer as tls_answer
from . import tls
from .known import Known
from .members import Members

_RELEASES = ("6.0", "7.0")
_PLATFORMS = ("Ubuntu jammy", "Debian bookworm")
_REACHED_LOCALLY = {"127.0.0.1", "localhost", "0.0.0.0", "*"}  # noqa: S104 - compared with
_NOT_REACHED_BY_OTHERS = re.compile(r"127[.]|localhost$|::1$|/")
_CHECKSUM = re.compile(r"[0-9a-fA-F]{64}")


def refusals(known: Known, inputs: Described) -> list[str]:
    """What contradicts itself in the description, a platform that this was not tried on, and a server that a login
    would lock its clients out of; the last two once the host has answered.

    :param inputs: ``generated``, folders of generated files as the lookup generated_files returns them;
        ``distribution``, its ``version`` and ``codename``, empty before; ``has_password`` and ``user`` of the
        administrator; ``archive`` and its ``checksum``; ``bind_ip``, ``settings`` and ``adoption``.
    """
    found = [place["problem"] for place in inputs["generated"] if place["problem"]]
    found += _platform(inputs) + _release(known) + _tls(known)
    if not inputs["has_password"]:
        found.append(
            f"mongodb_7_login_password is empty. It is the password of the administrator {inputs['user']}, and there "
            "is no default. Take it from your vault."
        )
    return found + _archive(known, inputs) + _addresses(known, inputs) + _authentication(known, inputs)


def _platform(inputs: Described) -> list[str]:
    if not inputs["distribution"] or f"{inputs['distribution']} {inputs['codename']}" in _PLATFORMS:
        return []
    return [
        f"{inputs['distribution']} {inputs['version']} is none of the platforms of this role: {', '.join(_PLATFORMS)}."
    ]


def _release(known: Known) -> list[str]:
    release = known.server.release
    if isinstance(release, str) and release in _RELEASES:
        return []
    return [f"mongodb_7_release is {release}. This role knows {' and '.join(_RELEASES)}, in quotes."]


def _tls(known: Known) -> list[str]:
    if not known.server.tls.is_known:
        return []
    unknown = tls.unknown_stage(known)
    if unknown:
        return [unknown]
    try:
        tls_answer.way_of_set([], known.server.tls.wanted)
    except GroundworkError as error:
        return [error.message]
    return []


def _archive(known: Known, inputs: Described) -> list[str]:
    if not inputs["archive"] or (known.server.version and _CHECKSUM.fullmatch(inputs["checksum"])):
        return []
    return [
        "mongodb_7_archive needs mongodb_7_version, and mongodb_7_archive_checksum with the SHA-256 of the archive."
    ]


def _addresses(known: Known, inputs: Described) -> list[str]:
    found, bind_ip, net = [], inputs["bind_ip"], inputs["settings"].get("net") or {}
    if not _REACHED_LOCALLY.intersection(bind_ip):
        found.append(
            f"mongodb_7_bind_ip is {', '.join(bind_ip)}. Add 127.0.0.1: a server's first user can only be created from "
            "the host itself."
        )
    listens_on = [address.strip() for address in (net.get("bindIp") or ",".join(bind_ip)).split(",")]
    hidden = all(_NOT_REACHED_BY_OTHERS.match(address) for address in listens_on)
    if known.server.has_others and hidden and not truth(net.get("bindIpAll", False)):
        found.append(
            f"The server would listen on {', '.join(listens_on)} only, where the other members of mongodb_7_members "
            f"cannot reach it. Add the address of {known.server.member} to mongodb_7_bind_ip."
        )
    return found


def _authentication(known: Known, inputs: Described) -> list[str]:
    found, login = known.found, known.server.login
    if not found or inputs["adoption"]:
        return []
    if found.authentication is False:
        return [
            "The MongoDB on this host runs without authentication. Turning it on at once would lock its clients out; "
            "the server was not touched. The how-to page adopt-a-running-mongodb has the stages of an adoption."
        ]
    if found.authentication is None and found.server_process and (found.driver or not known.check_mode):
        return [
            f"A MongoDB runs on this host that did not answer at {login.host}:{login.port}, and neither its command "
            "line nor its configuration file tells whether it asks its clients for a login. Turning that on could lock "
            "them out; the server was not touched. Let mongodb_7_login_port be the port that it has now, or stop it if "
            "nothing needs it."
        ]
    return []


def refusals_of_members(known: Known, members: Members) -> list[str]:
    """What cannot be of a set, as far as the hosts of the run have noted where they are."""
    server, found = known.server, []
    places = [endpoint.parse(address) for address in server.addresses]
    if not server.is_alone and (server.address not in server.addresses or None in places):
        found.append(
            f"mongodb_7_member is {server.member}. It has to be one of mongodb_7_members, each of them host:port, not "
            f"{', '.join(server.addresses)}."
        )
    if any(truth(member.get("arbiter_only") or False) for member in server.members):
        # An arbiter has no users, so no login could watch over its restarts.
        found.append(
            "mongodb_7_members has an arbiter. This role restarts members one after the other and asks each, by a "
            "login, whether it is well; an arbiter holds no data and so no users. Let it be a member with data, with "
            "priority 0 if it is small."
        )
    if server.replace_keyfile and server.has_others and not (server.allow_outage and not members.absent):
        missing = f"; missing are {', '.join(members.absent)}" if members.absent else ""
        found.append(
            "mongodb_7_replace_keyfile restarts all members of the set without waiting for each other: those with the "
            "old key and those with the new do not know each other. Nobody can write until the last one is back, so it "
            f"takes mongodb_7_allow_outage: true, and all members in one run{missing}. Nothing was written."
        )
    return found
