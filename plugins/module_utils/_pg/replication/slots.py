# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which physical slots a member should have. Pure.

The primary has one for every other member. So has every standby, but empty: whoever is promoted must not make the
others search for their WAL, and an empty slot keeps none back. A slot that is left over from a time as primary is
emptied, or it would keep WAL for ever.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ..._plan import Step
from ..quoting import literal
from .names import slot_name

Slot = dict[str, t.Any]


def slot_steps(
    member: str, members: list[str], live: dict[str, t.Any], *, purge: bool, renew: t.Collection[str]
) -> list[Step]:
    """Steps to the wanted slots of a running member.

    :param live: its state, as pg_replication_info returns it.
    :param purge: drop inactive physical slots that belong to no member.
    :param renew: members that are about to be copied. Their slots keep WAL back at once, as a copy needs it from its
        very beginning, and lost ones are made again.
    """
    have = {slot["name"]: slot for slot in live["slots"] if slot["type"] == "physical" and not slot["temporary"]}
    wanted = [slot_name(other) for other in members if other != member]
    renewable = {slot_name(other) for other in renew}
    steps: list[Step] = []
    for name in wanted:
        slot = have.get(name)
        reserved = live["role"] == "primary" and name in renewable
        if slot is None:
            steps.append(_step("create", name, None, reserved))
        elif not slot["active"] and _is_unfit(slot, live["role"], reserved):
            steps.append(_step("renew", name, slot, reserved))
    if purge:
        steps += [_step("drop", slot["name"], slot) for slot in _strangers(have, wanted) if not slot["active"]]
    return steps


def unlisted_slots(member: str, members: list[str], live: dict[str, t.Any]) -> list[str]:
    """Permanent physical slots that belong to no member."""
    have = {slot["name"]: slot for slot in live["slots"] if slot["type"] == "physical" and not slot["temporary"]}
    return [slot["name"] for slot in _strangers(have, [slot_name(other) for other in members if other != member])]


def _is_unfit(slot: Slot, role: str, reserved: bool) -> bool:
    if role == "standby":
        return slot["restart_lsn"] is not None or slot["wal_status"] == "lost"
    return reserved and (slot["restart_lsn"] is None or slot["wal_status"] == "lost")


def _strangers(have: dict[str, Slot], wanted: list[str]) -> list[Slot]:
    return [slot for name, slot in sorted(have.items()) if name not in wanted]


def _step(action: str, name: str, slot: Slot | None, reserved: bool = False) -> Step:
    drop = f"SELECT pg_drop_replication_slot({literal(name)})"
    create = f"SELECT pg_create_physical_replication_slot({literal(name)}, {str(reserved).lower()})"
    statement = {"create": create, "drop": drop, "renew": f"{drop}; {create}"}[action]
    before = None if slot is None else {"restart_lsn": slot["restart_lsn"], "wal_status": slot["wal_status"]}
    after = None if action == "drop" else {"restart_lsn": "the last checkpoint" if reserved else None}
    return Step(action, "replication slot", name, before, after, statement)
