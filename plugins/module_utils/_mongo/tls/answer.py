"""How far a member's TLS is, as the controller takes it, and the stages that a whole set takes from there.

The host says what its server does now. What it is to do comes from the description and from nowhere else.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.answer import Answer
from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from . import stages

UNTOUCHED = "every member of the set: nothing was written"


@dataclasses.dataclass(frozen=True)
class TlsFacts:
    """:ivar mode: empty when the server runs and could not be asked, and when it does not run."""

    host: str
    running: bool
    tls: bool
    mode: str
    cluster_auth_mode: str

    @property
    def stage(self) -> stages.Stage | None:
        if not (self.running and self.mode):
            return None
        return stages.Stage(self.mode, self.cluster_auth_mode or stages.CLUSTER_AUTH_MODES[0])


def parse(answer: Answer) -> TlsFacts:
    return TlsFacts(
        host=answer.host,
        running=answer.flag("running"),
        tls=answer.flag("tls"),
        mode=answer.one_of("mode", ("", *stages.MODES)),
        cluster_auth_mode=answer.one_of("cluster_auth_mode", ("", *stages.CLUSTER_AUTH_MODES)),
    )


def way_of_set(members: t.Sequence[TlsFacts], wanted: stages.Stage) -> list[stages.Stage]:
    """The stages that all members take together, from the one that is furthest from what is described.

    No stage takes a member out of what lies between its present one and the described one. So what one member answers
    cannot make another one weaker than it is, or than it is described, nor skip a stage.

    :raises GroundworkError: the description contradicts itself, or the members are at stages that no run leaves behind.
    """
    problem = stages.contradiction(wanted)
    if problem:
        raise GroundworkError(
            problem, where="mongodb_7_tls_mode, mongodb_7_cluster_auth_mode", untouched=UNTOUCHED,
            code=ErrorCode.CONTRADICTION
        )
    present = {member.host: member.stage for member in members if member.stage}
    way = stages.path(_furthest(list(present.values()), wanted), wanted)
    if all(_can_take(now, way, wanted) for now in present.values()):
        return way
    listed = ", ".join(f"{host} is at {now.mode}, {now.cluster_auth_mode}" for host, now in present.items())
    raise GroundworkError(
        f"The members of the set are at stages of TLS that are too far apart for any run to have left them so:"
        f" {listed}; described is {wanted.mode}, {wanted.cluster_auth_mode}. The one that differs from the others may"
        " be compromised, or was started by hand.",
        untouched=UNTOUCHED,
        hint="Look at that host. Once it is known to be well, stop its mongod: a member that does not run starts at the"
        " stage of the others.",
        code=ErrorCode.STAGES_TOO_FAR_APART,
    )


def _furthest(present: list[stages.Stage], wanted: stages.Stage) -> stages.Stage:
    """Of each of the two the member's that is furthest from what is described; no single member need be there."""

    def of(order: tuple[str, ...], values: list[str], described: str) -> str:
        return max([described, *values], key=lambda value: abs(order.index(value) - order.index(described)))

    return stages.Stage(
        of(stages.MODES, [now.mode for now in present], wanted.mode),
        of(stages.CLUSTER_AUTH_MODES, [now.cluster_auth_mode for now in present], wanted.cluster_auth_mode),
    )


def _can_take(now: stages.Stage, way: list[stages.Stage], wanted: stages.Stage) -> bool:
    """Whether the way begins at most one step from a member, and keeps between its stage and the described one."""
    present, described, ranks = _ranks(now), _ranks(wanted), [_ranks(stage) for stage in way]
    if any(abs(taken - own) > 1 for taken, own in zip(ranks[0], present, strict=True)):
        return False
    return all(
        min(own, last) <= taken <= max(own, last)
        for stage in ranks
        for taken, own, last in zip(stage, present, described, strict=True)
    )


def _ranks(stage: stages.Stage) -> tuple[int, int]:
    return stages.MODES.index(stage.mode), stages.CLUSTER_AUTH_MODES.index(stage.cluster_auth_mode)
