"""From a mongod that has just been started for the first time to one that knows its administrator: a pure plan.

There is no file that remembers how far an earlier run came. What the server answers decides: whether it has a
configuration, whether the login works, and whether the localhost exception still holds.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Step
from .newcomers import Answer


@dataclasses.dataclass(frozen=True)
class Seen:
    """What one server says about itself before anybody has logged in.

    :ivar member: ``host:port`` under which the set is to know it; of the server itself when there is no set.
    :ivar set_name: name of the set that it belongs to.
    :ivar replicated: whether it was started for a replica set.
    :ivar initiated: whether it has a configuration; always true without replication.
    :ivar primary: host of the primary that it knows.
    :ivar writable: whether it is that primary, or a single server.
    :ivar login: whether the administrator's login is accepted.
    :ivar exception: whether the localhost exception holds, so that the first user can be created without a login.
    :ivar authorization: whether the server asks for logins at all.
    """

    member: str
    set_name: str | None
    replicated: bool
    initiated: bool
    primary: str | None
    writable: bool
    login: bool
    exception: bool
    authorization: bool


@dataclasses.dataclass(frozen=True)
class Initiate(Step):
    """``replSetInitiate`` with the one member that is asked."""

    config: dict[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class CreateAdministrator(Step):
    """The first user. The password is not part of the plan."""

    command: dict[str, t.Any] = dataclasses.field(default_factory=dict)


def initiate(name: str, member: dict[str, t.Any], settings: dict[str, t.Any]) -> Initiate:
    """The step that makes a set of this one member.

    The others join one by one afterwards. A set that is initiated with all of them may elect another primary, and then
    the localhost exception of this host is of no use.

    :param member: its fields as the server names them.
    """
    if not member["priority"]:
        raise GroundworkError(
            f"{member['host']} may not become the primary, so the replica set cannot be initiated on it.",
            where=member["host"], untouched="everything; nothing was initiated", code=ErrorCode.NOT_ELECTABLE,
            hint="Run the module on a member with a priority above 0.",
        )
    config = {"_id": name, "version": 1, "members": [member], **({"settings": settings} if settings else {})}
    return Initiate(
        action="initiate", kind="replica set", name=name, after=config,
        statement=json.dumps({"replSetInitiate": config}), config=config,
    )


def create_administrator(user: str, database: str, roles: list[dict[str, str]]) -> CreateAdministrator:
    """The step that creates the first user, with the mechanism SCRAM-SHA-256 only."""
    command = {"createUser": user, "roles": roles, "mechanisms": ["SCRAM-SHA-256"]}
    return CreateAdministrator(
        action="create", kind="user", name=f"{user}@{database}",
        after={"roles": roles, "mechanisms": ["SCRAM-SHA-256"]},
        statement=json.dumps({**command, "pwd": "********"}), command=command,
    )


def needs_initiation(seen: Seen, name: str | None) -> bool:
    """Whether this server waits for its first configuration.

    :raises GroundworkError: it belongs to another set, or was not started for one.
    """
    if name is None:
        if seen.replicated:
            raise GroundworkError(
                "This server was started for a replica set, and the declaration names none.", where=seen.member,
                untouched="everything", code=ErrorCode.REPLICA_SET_MISMATCH,
                hint="Set name to replication.replSetName of its configuration.",
            )
        return False
    if not seen.replicated:
        raise GroundworkError(
            f"This server was not started for the replica set {name}.", where=seen.member, untouched="everything",
            hint=f"Set replication.replSetName: {name} in mongod.conf and restart it.",
            code=ErrorCode.REPLICA_SET_MISMATCH,
        )
    if seen.initiated and seen.set_name not in (None, name):
        raise GroundworkError(
            f"This server belongs to the replica set {seen.set_name}, not to {name}.", where=seen.member,
            untouched="everything", code=ErrorCode.REPLICA_SET_MISMATCH,
            hint="The name of a set cannot be changed while it holds data; declare the name that it has.",
        )
    return not seen.initiated


def check_neighbours(name: str, member: str, neighbours: t.Iterable[Answer], insist: bool) -> list[str]:
    """Two halves of one set must never be initiated apart: each would take writes.

    :param insist: go on without the neighbours that do not answer.
    :return: those that do not answer.
    :raises GroundworkError: another member has a configuration, or does not answer.
    """
    silent = []
    for neighbour in neighbours:
        if neighbour.set_name is not None:
            raise GroundworkError(
                f"{neighbour.host} already belongs to the replica set {neighbour.set_name}, so {member} joins that one "
                f"and is not initiated.", where=member, untouched="everything", code=ErrorCode.ALREADY_INITIATED,
                hint=f"Run the module on {neighbour.primary or neighbour.host} with {member} among the members.",
                details={"initiated_member": neighbour.host, "primary": neighbour.primary},
            )
        if not neighbour.answers:
            silent.append(neighbour)
    if silent and not insist:
        reasons = ", ".join(f"{one.host} does not answer ({one.silence})" for one in silent)
        raise GroundworkError(
            f"{reasons}, and could hold the replica set {name} already.", where=member,
            untouched="everything; nothing was initiated", code=ErrorCode.MEMBERS_UNREACHABLE,
            hint="Start it, or correct its name. If it never held data, initiate: always initiates without it, and a "
            "later run adds it.",
        )
    return [one.host for one in silent]


def check_login(seen: Seen, user: str) -> None:
    """Whether there is a way in: the login, or the localhost exception.

    :raises GroundworkError: there is neither.
    """
    if seen.login or seen.exception or not seen.authorization:
        return
    raise GroundworkError(
        f"The server refuses the login of {user}, and the localhost exception is over: there are users already, and "
        f"this is not the password of {user}.", where=seen.member, untouched="everything", code=ErrorCode.LOGIN_REFUSED,
        hint="Use the password that was set when the server was set up. To change it, use mongo_users.",
    )


def needs_administrator(seen: Seen, user: str) -> bool:
    """Whether the first user is to be created here.

    :raises GroundworkError: it is, and this server is not the one that can take it.
    """
    if seen.login:
        return False
    check_login(seen, user)
    if seen.initiated and not seen.writable:
        raise GroundworkError(
            "The replica set has no users yet, and its first one can only be created on its primary.",
            where=seen.member, untouched="everything", code=ErrorCode.NOT_ON_THE_PRIMARY,
            hint=f"Run the module on the host of {seen.primary or 'the primary'}: the exception holds for connections "
            "from the same host only.",
            details={"primary": seen.primary},
        )
    return True
