"""Which physical slots a member should have. Pure.

The primary has one for every other member. So has every standby, but empty: whoever is promoted must not make the
others search for their WAL, and an empty slot keeps none back. A slot that is left over from a time as primary is
emptied, or it would keep WAL for ever. A lost one of the primary is made again by whoever copies the standby, once that
is stopped (see ``copying.reserve_slot``).
"""

from __future__ import annotations

import typing as t

from ..._core.plan import Step
from ..quoting import literal
from .names import slot_name

Slot = dict[str, t.Any]


def slot_steps(member: str, members: list[str], live: dict[str, t.Any], *, purge: bool) -> list[Step]:
    """Steps to the wanted slots of a running member.

    :param live: its state, as pg_replication_info returns it.
    :param purge: drop inactive physical slots that belong to no member.
    """
    have = {slot["name"]: slot for slot in live["slots"] if slot["type"] == "physical" and not slot["temporary"]}
    wanted = [slot_name(other) for other in members if other != member]
    steps: list[Step] = []
    for name in wanted:
        slot = have.get(name)
        if slot is None:
            steps.append(_step("create", name, None))
        elif not slot["active"] and live["role"] == "standby" and _keeps_wal(slot):
            steps.append(_step("renew", name, slot))
    if purge:
        steps += [_step("drop", slot["name"], slot) for slot in _strangers(have, wanted) if not slot["active"]]
    return steps


def unlisted_slots(member: str, members: list[str], live: dict[str, t.Any]) -> list[str]:
    """Permanent physical slots that belong to no member."""
    have = {slot["name"]: slot for slot in live["slots"] if slot["type"] == "physical" and not slot["temporary"]}
    return [slot["name"] for slot in _strangers(have, [slot_name(other) for other in members if other != member])]


def _keeps_wal(slot: Slot) -> bool:
    return slot["restart_lsn"] is not None or slot["wal_status"] == "lost"


def _strangers(have: dict[str, Slot], wanted: list[str]) -> list[Slot]:
    return [slot for name, slot in sorted(have.items()) if name not in wanted]


def _step(action: str, name: str, slot: Slot | None) -> Step:
    drop = f"SELECT pg_drop_replication_slot({literal(name)})"
    create = f"SELECT pg_create_physical_replication_slot({literal(name)})"
    statement = {"create": create, "drop": drop, "renew": f"{drop}; {create}"}[action]
    before = None if slot is None else {"restart_lsn": slot["restart_lsn"], "wal_status": slot["wal_status"]}
    after = None if action == "drop" else {"restart_lsn": None}
    return Step(action, "replication slot", name, before, after, statement)
