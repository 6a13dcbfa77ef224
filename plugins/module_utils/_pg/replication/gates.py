"""What has to be true before a switchover begins. Pure: states in, reasons against it out."""

from __future__ import annotations

import dataclasses
import typing as t

from .control import HOT_STANDBY_SETTINGS
from .names import slot_name
from .receiver import streams

Member = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """What is still acceptable."""

    lag_bytes: int
    lag_seconds: float
    transaction_seconds: float


def against_primary(primary: Member, target: str, thresholds: Thresholds) -> list[str]:
    """Reasons on the primary's side."""
    reasons = []
    senders = {sender["name"]: sender for sender in primary["senders"]}
    sender = senders.get(slot_name(target))
    if sender is None:
        connected = ", ".join(sorted(senders)) or "nobody"
        reasons.append(f"{target} is not connected to the primary (connected: {connected})")
    elif sender["state"] != "streaming":
        reasons.append(f"{target} is not streaming but in state {sender['state']}")
    # A fast shutdown waits until every connected standby has all WAL, so each of them counts.
    for name, other in sorted(senders.items()):
        if other["state"] != "streaming":
            continue
        if other["lag_bytes"] > thresholds.lag_bytes:
            reasons.append(f"{name} is {other['lag_bytes']} bytes behind (limit {thresholds.lag_bytes})")
        if other["lag_seconds"] > thresholds.lag_seconds:
            reasons.append(f"{name} is {other['lag_seconds']} s behind (limit {thresholds.lag_seconds:g})")
    if primary["base_backups"]:
        reasons.append(f"{primary['base_backups']} base backup(s) are being taken from the primary and would break")
    if primary["longest_transaction_seconds"] > thresholds.transaction_seconds:
        reasons.append(
            f"a transaction has been open for {primary['longest_transaction_seconds']} s and would be lost "
            f"(limit {thresholds.transaction_seconds:g})"
        )
    if primary["archive_failing"]:
        reasons.append("archiving fails on the primary, and it would wait for that before it stops")
    # The old primary comes back with the new values, and as a standby it would not start with less than its primary.
    return reasons + _pending(primary, "the primary", HOT_STANDBY_SETTINGS) + _synchronous(primary)


def _synchronous(primary: Member) -> list[str]:
    if not primary["settings"].get("synchronous_standby_names"):
        return []
    if any(sender["sync_state"] in ("sync", "quorum") for sender in primary["senders"]):
        return []
    return ["synchronous replication is on and no synchronous standby is connected: writers are waiting now"]


def _pending(member: Member, name: str, settings: t.Container[str] | None) -> list[str]:
    pending = [setting for setting in member["pending_restart"] if settings is None or setting in settings]
    return [f"{name} waits for a restart to apply {', '.join(pending)}"] if pending else []


def against_host(address: str, target: str, in_recovery: bool, slot: str) -> list[str]:
    """Reasons when the address leads to another server than the target.

    :param slot: the slot that the server at the address streams through, empty for none.
    """
    if not in_recovery:
        return [f"{address} leads to a primary, not to the standby {target}"]
    if slot and slot != slot_name(target):
        return [f"{address} leads to the standby that streams through the slot {slot}, not to {target}"]
    return []


def against_target(target: Member, name: str, primary: Member) -> list[str]:
    """Reasons on the target's side."""
    reasons = []
    if target["state"] != "running" or target["role"] != "standby":
        return [f"{name} is a {target['state']} {target['role'] or 'member without data'}, not a running standby"]
    if target["system_identifier"] != primary["system_identifier"]:
        reasons.append(f"{name} is not a copy of the primary: their system identifiers differ")
    if int(target["timeline"]) != int(primary["timeline"]):
        reasons.append(f"{name} is on timeline {target['timeline']}, the primary on {primary['timeline']}")
    if not streams(target):
        reasons.append(f"{name} does not stream from the primary")
    if target["replay_paused"]:
        reasons.append(f"replay is paused on {name}: SELECT pg_wal_replay_resume() there")
    reasons += _pending(target, name, None)
    return reasons
