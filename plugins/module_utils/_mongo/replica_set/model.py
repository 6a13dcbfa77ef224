"""Members of a replica set as ``replSetGetConfig`` shows them, and what is declared about them."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems

# A member as the server writes it: ``_id``, ``host`` and the fields below.
Member = dict[str, t.Any]

# Option of the module, field of the server, what the server assumes when it is left out.
FIELDS: dict[str, tuple[str, t.Any]] = {
    "priority": ("priority", 1),
    "votes": ("votes", 1),
    "hidden": ("hidden", False),
    "secondary_delay_secs": ("secondaryDelaySecs", 0),
    "tags": ("tags", {}),
    "arbiter_only": ("arbiterOnly", False),
    "build_indexes": ("buildIndexes", True),
}
IMMUTABLE = ("arbiterOnly", "buildIndexes")

SETTINGS = {
    "chaining_allowed": "chainingAllowed",
    "heartbeat_interval_millis": "heartbeatIntervalMillis",
    "heartbeat_timeout_secs": "heartbeatTimeoutSecs",
    "election_timeout_millis": "electionTimeoutMillis",
    "catch_up_timeout_millis": "catchUpTimeoutMillis",
    "catch_up_takeover_delay_millis": "catchUpTakeoverDelayMillis",
    "get_last_error_modes": "getLastErrorModes",
}

DEFAULT_PORT = 27017
# Limits of the server: see "MongoDB Limits and Thresholds", section on replica sets.
MOST_VOTERS = 7
MOST_MEMBERS = 50


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is declared about a set.

    :ivar members: by host, in the order of the declaration: the server's fields that are set. Empty when the
        declaration says nothing about members.
    :ivar renamed: new host of a member by the host that it has had.
    :ivar settings: the server's names; only what is set.
    """

    members: dict[str, dict[str, t.Any]]
    renamed: dict[str, str]
    settings: dict[str, t.Any]


def address(host: str) -> str:
    """``host:port`` in the notation in which members are compared: host names are not case-sensitive."""
    text = host.strip().lower()
    has_port = "]:" in text if text.startswith("[") else text.count(":") == 1
    return text if has_port else f"{text}:{DEFAULT_PORT}"


def read_wanted(options: dict[str, t.Any]) -> Wanted:
    """The declaration in the module's parameters.

    :raises GroundworkError: with all problems at once.
    """
    problems = Problems()
    members: dict[str, dict[str, t.Any]] = {}
    renamed: dict[str, str] = {}
    for number, item in enumerate(options["members"] or ()):
        host = address(item["host"])
        if host in members:
            problems.add(f"members[{number}].host", f"{host} is already declared")
        members[host] = {
            field: item[name] for name, (field, _default) in FIELDS.items() if item.get(name) is not None
        }
        if "tags" in members[host]:
            members[host]["tags"] = {key: str(value) for key, value in members[host]["tags"].items()}
        if item.get("previous_host"):
            old = address(item["previous_host"])
            if old in renamed:
                where = f"members[{number}].previous_host"
                problems.add(where, f"{old} is already declared as the previous host of {renamed[old]}")
            renamed[old] = host
    settings = {
        SETTINGS[name]: value for name, value in (options["settings"] or {}).items() if value is not None
    }
    for old, new in renamed.items():
        if old in members:
            problems.add("members", f"{old} is declared, and also as the previous host of {new}")
    problems.raise_if_any("the declaration of the replica set", ErrorCode.INVALID_DECLARATION)
    return Wanted(members, renamed, settings)


def complete(declared: dict[str, t.Any], live: Member | None) -> Member:
    """The declared fields over those of the live member, or over the server's defaults for a new one."""
    base = live if live is not None else dict(FIELDS.values())
    member = {**base, **declared}
    if live is None and "priority" not in declared and not _can_be_elected(member):
        member["priority"] = 0
    return member


# Carried by a member from the step in which it joins to the one in which it gets its vote. The configuration itself so
# tells a run that was interrupted in between from a member that somebody left without a vote on purpose.
JOINING = {"groundwork_joining": "true"}


def joining(member: Member) -> Member:
    """A new member as it joins: without a vote, and marked when a vote is to come."""
    mark = JOINING if member["votes"] else {}
    return {**member, "votes": 0, "priority": 0, "tags": {**member["tags"], **mark}}


def joined(declared: dict[str, t.Any], live: Member) -> Member:
    """A live member as it is to be. One that was left on its way in gets what a new one gets."""
    tags = live["tags"]
    if not JOINING.items() <= tags.items():
        return complete(declared, live)
    kept = {name: value for name, value in tags.items() if name not in JOINING}
    base = {"tags": kept, **{field: live[field] for field in ("hidden", "secondaryDelaySecs", *IMMUTABLE)}}
    return {"_id": live["_id"], "host": live["host"], **complete({**base, **declared}, None)}


def _can_be_elected(member: Member) -> bool:
    return not (member["arbiterOnly"] or member["hidden"] or member["secondaryDelaySecs"] or not member["votes"])


def check_final(members: list[Member]) -> None:
    """Refuse what the server would refuse of the final configuration, before the first of several steps.

    Source of the rules: the manual's page "Self-Managed Replica Set Configuration".

    :raises GroundworkError: with all problems at once.
    """
    problems = Problems()
    for member in members:
        where = f"member {member['host']}"
        if member["priority"]:
            reasons = (("arbiterOnly", "an arbiter"), ("hidden", "hidden"), ("secondaryDelaySecs", "delayed"))
            for field, reason in reasons:
                if member[field]:
                    problems.add(where, f"it is {reason} and must have priority 0, not {member['priority']:g}")
            if not member["votes"]:
                problems.add(where, f"it has no vote and must have priority 0, not {member['priority']:g}")
        if member["arbiterOnly"] and not member["votes"]:
            problems.add(where, "an arbiter without a vote is of no use")
        if not member["buildIndexes"] and member["priority"]:
            problems.add(where, "it builds no indexes and must have priority 0")
    voters = sum(1 for member in members if member["votes"])
    if voters > MOST_VOTERS:
        problems.add("members", f"{voters} have a vote, the server allows {MOST_VOTERS}; set votes: 0 and priority: 0")
    if len(members) > MOST_MEMBERS:
        problems.add("members", f"there are {len(members)}, the server allows {MOST_MEMBERS}")
    if not any(member["priority"] for member in members):
        problems.add("members", "none could be elected: give at least one a priority above 0")
    problems.raise_if_any("the declaration of the replica set", ErrorCode.INVALID_DECLARATION)


def described(member: Member) -> dict[str, t.Any]:
    """A member for the diff: every field that has a meaning, in one order."""
    fields = ("_id", "host", *(field for field, _default in FIELDS.values()))
    return {field: _number(member[field]) for field in fields if field in member}


def same(first: Member, second: Member) -> bool:
    return described(first) == described(second)


def _number(value: t.Any) -> t.Any:
    return int(value) if isinstance(value, float) and value == int(value) else value
