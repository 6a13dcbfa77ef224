"""Whether the other members of a set understand the stage that a member is about to take: they are asked first."""

from __future__ import annotations

import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import api, endpoint
from . import live, stages

SECONDS = 5


def check(server: api.Server, options: dict[str, t.Any], target: stages.Stage) -> None:
    """Ask every other member that has users for its stage; an arbiter has none, so it cannot be asked.

    :param server: a session on the member that is to take the stage.
    :raises GroundworkError: one of them would not understand it, or does not answer.
    """
    apart = {}
    for host in _others(server):
        try:
            stage = _stage(options, host)
        except GroundworkError as error:
            apart[host] = f"cannot be asked ({error.what})"
            continue
        if stage is not None and not stages.understand(stage, target):
            apart[host] = f"is at {stage.mode}, {stage.cluster_auth_mode}"
    if apart:
        text = "; ".join(f"{host} {reason}" for host, reason in apart.items())
        raise GroundworkError(
            f"Not every member would understand this one at {target.mode}, {target.cluster_auth_mode}: {text}.",
            where=server.where, untouched="everything; no member changed its stage", code=ErrorCode.MEMBERS_APART,
            hint="All members take one stage before any takes the next. Bring the named ones there first.",
        )


def _others(server: api.Server) -> list[str]:
    hello = server.hello()
    if "setName" not in hello:
        return []
    try:
        members = server.run("admin", {"replSetGetConfig": 1})["config"]["members"]
        hosts = [member["host"] for member in members if not member["arbiterOnly"]]
    except api.ServerRefused:
        hosts = [*hello.get("hosts", ()), *hello.get("passives", ())]
    return [host for host in hosts if host != hello.get("me")]


def _stage(options: dict[str, t.Any], host: str) -> stages.Stage | None:
    """The stage of a member, ``None`` when it refuses the login, as one does that copies its first data."""
    place = endpoint.parse(host)
    if place is None:
        raise GroundworkError("this is not host:port")
    there = {**options, "login_host": place.host, "login_port": place.port, "connect_timeout": SECONDS}
    found = live.reachable_options(there)
    if found is None:
        raise GroundworkError("nothing listens there")
    if options["ssl"] and not found["ssl"]:
        # A login over the network would go there in clear text, to a server that has proved nothing.
        raise GroundworkError("it does not speak TLS")
    try:
        other = api.connect_member({**found, "login_host": host}, live.APPLICATION)
    except api.AuthenticationFailed:
        return None
    try:
        return live.stage_of(other)
    finally:
        other.close()
