"""The facts in what mongo_replica_set and mongo_member return, as the controller takes them."""

from __future__ import annotations

import dataclasses

from ..._core.answer import ADDRESS, VERSION, Action, Answer, actions


@dataclasses.dataclass(frozen=True)
class Member:
    """A member of the set, in the server's words."""

    host: str
    state: str
    votes: int
    priority: float
    hidden: bool


@dataclasses.dataclass(frozen=True)
class SetFacts:
    """See RETURN of mongo_replica_set; everything is empty where it was not run."""

    primary: str
    members: list[Member]
    unhealthy: list[str]
    unmanaged: list[str]
    actions: list[Action]
    postponed: list[Action]
    server_version: str
    feature_compatibility_version: str


def parse(answer: Answer) -> SetFacts:
    return SetFacts(
        primary=answer.text("primary", ADDRESS + "|", default=""),
        members=_members(answer),
        unhealthy=answer.names("unhealthy", ADDRESS, default=[]),
        unmanaged=answer.names("unmanaged", ADDRESS, default=[]),
        actions=actions(answer.records("actions", default=[])),
        postponed=actions(answer.records("postponed", default=[])),
        server_version=answer.text("server_version", VERSION + "|", default=""),
        feature_compatibility_version=answer.text("feature_compatibility_version", r"[0-9.]*", default=""),
    )


@dataclasses.dataclass(frozen=True)
class MemberFacts:
    """See RETURN of mongo_member."""

    member: str
    primary: str
    members: list[Member]
    server_version: str


def parse_member(answer: Answer) -> MemberFacts:
    return MemberFacts(
        member=answer.text("member", ADDRESS + "|", default=""),
        primary=answer.text("primary", ADDRESS + "|", default=""),
        members=_members(answer),
        server_version=answer.text("server_version", VERSION + "|", default=""),
    )


def _members(answer: Answer) -> list[Member]:
    return [
        Member(
            host=found.text("host", ADDRESS),
            state=found.text("state"),
            votes=found.whole("votes", 0, 1, default=1),
            priority=found.number("priority", default=1),
            hidden=found.flag("hidden", default=False),
        )
        for found in answer.records("members", default=[])
    ]
