"""Whether a host may be named in the configuration of a replica set: pure rules over what it says about itself.

The server takes nearly every host in a ``replSetReconfig``. A second name of a member makes that member find itself
twice, and the set loses its primary; a name that leads nowhere is waited for; a server with data of its own loses it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan
from .health import Health
from .model import Member
from .plan import Reconfiguration


@dataclasses.dataclass(frozen=True)
class Inside:
    """What a server without a configuration in force shows to a session that it lets in.

    :ivar started_for: ``replication.replSetName`` of its configuration file, ``None`` for none.
    :ivar set_id: identifies the set that it was removed from, ``None`` when it never was in one.
    :ivar collections: collections and views outside the server's own databases; 0 also when it does not count them,
        as MongoDB 5.0.
    """

    started_for: str | None
    set_id: t.Any
    collections: int


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a host says about itself.

    :ivar host: ``host:port`` under which it was asked.
    :ivar silence: why it does not answer, ``None`` when it does.
    :ivar process: identifies the running process, the same under all its names.
    :ivar router: whether it is a mongos.
    :ivar replicated: whether it was started for a replica set.
    :ivar set_name: the set that it belongs to.
    :ivar me: its own name in that set.
    :ivar primary: the primary that it knows.
    :ivar inside: ``None`` when it lets no session in, as a server does that has no users yet.
    """

    host: str
    silence: str | None = None
    process: str | None = None
    router: bool = False
    replicated: bool = False
    set_name: str | None = None
    me: str | None = None
    primary: str | None = None
    inside: Inside | None = None

    @property
    def answers(self) -> bool:
        return self.silence is None


@dataclasses.dataclass(frozen=True)
class Known:
    """The set as it is.

    :ivar set_id: identifies it among others of the same name, ``None`` before it is initiated.
    :ivar members: hosts of its configuration.
    :ivar processes: by member; only of those that answered under the name that they have in the set.
    :ivar arbiters: members that have no users, so that none of them can be proved by a login.
    """

    name: str
    set_id: t.Any = None
    primary: str | None = None
    members: frozenset[str] = frozenset()
    processes: dict[str, str | None] = dataclasses.field(default_factory=dict)
    arbiters: frozenset[str] = frozenset()

    def member(self, process: str | None) -> str | None:
        """The member that this process is."""
        return next((host for host, one in self.processes.items() if process and one == process), None)


def to_be_asked(plan: Plan, live: list[Member], health: Health) -> list[str]:
    """Hosts that the plan is about to name or to wait for."""
    present = {member["host"] for member in live}
    hosts: dict[str, None] = {}
    for step in plan:
        if isinstance(step, Reconfiguration):
            hosts |= {member["host"]: None for member in step.members if member["host"] not in present}
            hosts |= {host: None for host in step.wait_for if not health.serves(host)}
    return list(hosts)


def check(
    known: Known, answers: t.Iterable[Answer], renamed: dict[str, str], expected: t.Collection[str] = ()
) -> None:
    """Refuse hosts that are not what the declaration takes them for.

    :param renamed: new host of a member by the host that it has now.
    :param expected: hosts that the same run would start, or restart for the set: that they are not ready is no reason.
    :raises GroundworkError: with all hosts at once.
    """
    former = {new: old for old, new in renamed.items()}
    found = {}
    declared: dict[str, str] = {}
    for answer in answers:
        reason = _reason(known, answer, former.get(answer.host), answer.host in expected)
        twin = declared.get(answer.process or "")
        if reason is None and twin is not None:
            reason = f"it is the same server as {twin}, which is declared too"
        if reason is not None:
            found[answer.host] = reason
        if answer.process:
            declared.setdefault(answer.process, answer.host)
    if found:
        raise _refused(known.name, found)


def _refused(name: str, found: dict[str, str]) -> GroundworkError:
    text = "; ".join(f"{host}: {reason}" for host, reason in found.items())
    return GroundworkError(
        f"Not every host of members can be a member of the replica set {name}. {text}.", where="members",
        untouched="everything; the set and its configuration are as they were", code=ErrorCode.HOST_REFUSED,
        hint="Correct members, or bring the host into the state that it should have. If it is a member that only gets "
        "another name, declare the name that it has had as its previous_host.",
        details={"problems": [{"path": host, "problem": reason} for host, reason in found.items()]},
    )


def _reason(known: Known, answer: Answer, former: str | None, expected: bool) -> str | None:
    """Why the host must not be named, ``None`` when it may."""
    if not answer.answers:
        return None if expected else f"it does not answer ({answer.silence})"
    if answer.router:
        return "it is a mongos, which is not a member of a set"
    member = known.member(answer.process)
    if member is not None and member not in (former, answer.host):
        return f"it is the member {member} under another name; rename it with previous_host: {member}"
    if former is not None:
        return _not_the_same(known, answer, former, expected)
    if member is not None:
        return None
    if answer.set_name is not None:
        return _of_another_set(known, answer)
    if not answer.replicated and not expected:
        return f"it was not started for a replica set; set replication.replSetName: {known.name} in its mongod.conf"
    return _not_empty(known, answer.inside, expected)


def _of_another_set(known: Known, answer: Answer) -> str | None:
    itself = (answer.set_name, answer.me) == (known.name, answer.host)
    # A member that left while it was down still has the old configuration when it is back.
    left = answer.primary is not None and answer.primary == known.primary
    if itself and (answer.host in known.members or left):
        return None
    if answer.set_name == known.name and answer.me in known.members and answer.me not in known.processes:
        return f"it says that it is the member {answer.me}; if so, rename it with previous_host: {answer.me}"
    another = "another replica set of the same name" if answer.set_name == known.name else (
        f"the replica set {answer.set_name}"
    )
    return f"it already belongs to {another}, as {answer.me}, and holds the data of that set"


def _not_the_same(known: Known, answer: Answer, former: str, expected: bool) -> str | None:
    """Why a member that is to be renamed would become another server."""
    if known.processes.get(former) is not None:
        same = known.processes[former] == answer.process
    else:
        inside = answer.inside
        same = (
            (answer.set_name, answer.me) == (known.name, former)
            or (inside is not None and inside.set_id is not None and inside.set_id == known.set_id)
            or former in known.arbiters
        )
    if same or (expected and not answer.replicated):
        return None
    return (
        f"it is not the server that is the member {former}; previous_host is for another name of the same server, to "
        f"replace {former} leave it out"
    )


def _not_empty(known: Known, inside: Inside | None, expected: bool) -> str | None:
    """Why a server that belongs to no set must not join; one that lets no session in has no users and so no data."""
    if inside is None:
        return None
    if inside.started_for not in (None, known.name) and not expected:
        return f"it was started for the replica set {inside.started_for}"
    if inside.set_id is not None:
        return None if inside.set_id == known.set_id else "it holds the data of another set, which it was removed from"
    if inside.collections:
        return f"it holds {inside.collections} collections and views, which it would drop to copy those of the set"
    return None
