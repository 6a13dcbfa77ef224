"""What is wrong with one running member, in words for the person on call. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .control import parse_lsn
from .divergence import WAY_OUT, divergence, lost_slot
from .receiver import streams


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """How far behind a standby may be before somebody is told."""

    lag_bytes: int
    lag_seconds: float


def cannot_follow(name: str, member: dict[str, t.Any], primary: dict[str, t.Any]) -> None:
    """Fail for a standby that only a rebuild brings back.

    :raises GroundworkError: it has diverged from its primary, or its slot is lost.
    """
    if member["role"] != "standby" or not primary or streams(member):
        return
    diverged = divergence(member, primary)
    reason = diverged or lost_slot(name, primary)
    if reason:
        raise GroundworkError(
            f"{name} cannot follow its primary any more: {reason}.", where=name,
            untouched=f"{name} and all other members; {name} goes on answering queries with the data it has.",
            hint=WAY_OUT.replace("HOST", name),
            code=ErrorCode.STANDBY_DIVERGED if diverged else ErrorCode.STANDBY_SLOT_LOST,
        )


def problems(name: str, member: dict[str, t.Any], primary: dict[str, t.Any], tolerance: Tolerance) -> list[str]:
    """What to warn about."""
    if member["role"] == "primary":
        return _lagging_receivers(name, member, tolerance)
    found = []
    if not streams(member):
        found.append(f"{name} is a standby and does not stream from a primary; its log says why")
    if member["replay_paused"]:
        found.append(f"replay is paused on {name}; SELECT pg_wal_replay_resume() there resumes it")
    if primary and primary.get("lsn"):
        behind = parse_lsn(primary["lsn"]) - parse_lsn(member["replay_lsn"] or "0/0")
        if behind > tolerance.lag_bytes:
            found.append(f"{name} is {behind} bytes behind its primary (limit {tolerance.lag_bytes})")
    return found


def _lagging_receivers(name: str, member: dict[str, t.Any], tolerance: Tolerance) -> list[str]:
    found = []
    for sender in member["senders"]:
        if sender["state"] == "streaming" and sender["lag_seconds"] > tolerance.lag_seconds:
            found.append(
                f"{sender['name']} is {sender['lag_seconds']} s behind {name} (limit {tolerance.lag_seconds:g})"
            )
    for slot in member["slots"]:
        if slot["wal_status"] in ("unreserved", "lost"):
            found.append(
                f"slot {slot['name']} of {name} is {slot['wal_status']}: its standby needs WAL that is removed, or is "
                "about to be"
            )
    return found
