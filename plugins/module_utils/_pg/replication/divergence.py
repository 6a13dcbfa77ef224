"""Whether a standby can still follow its primary, decided from timelines, positions and slots. Pure.

A standby can follow when what it has is a prefix of what the primary has: not past the point at which the primary left
an earlier timeline. On the same timeline nothing is concluded from positions: the primary was asked a moment earlier.
"""

from __future__ import annotations

import typing as t

from .control import optional_lsn, parse_lsn
from .names import slot_name

WAY_OUT = (
    "Name it in the cluster's replication.rebuild and run again, or pass "
    "-e '{\"postgresql_16_rebuild\": [\"HOST\"]}': it is rewound or copied anew; what only it has, is lost then."
)


def divergence(standby: dict[str, t.Any], primary: dict[str, t.Any]) -> str:
    """Why the standby has something that its primary has not; empty when it has not, or when that is not known."""
    position = optional_lsn(standby.get("lsn"))
    if position is None or primary.get("timeline") is None:
        return ""
    own, theirs = int(standby["timeline"]), int(primary["timeline"])
    if own > theirs:
        return f"it is on timeline {own}, its primary on {theirs}"
    for left in primary.get("history") or []:
        if int(left["timeline"]) == own and position > parse_lsn(left["lsn"]):
            return (
                f"it has WAL up to {standby['lsn']} on timeline {own}, which the primary left at {left['lsn']} for "
                f"timeline {theirs}"
            )
    return ""


def lost_slot(member: str, primary: dict[str, t.Any]) -> str:
    """Why the member's slot cannot serve it any more; empty when it can."""
    for slot in primary.get("slots") or []:
        if slot["name"] == slot_name(member) and slot["wal_status"] == "lost":
            return "the primary has removed WAL that it still needed (its slot is lost, see max_slot_wal_keep_size)"
    return ""
