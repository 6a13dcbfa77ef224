# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of a rolling restart: what they let pass, what they hold back, and what a writer sees of it."""

from __future__ import annotations

import typing as t

import pytest
from replica_set_subject import (
    DEFAULT_GREETINGS,
    Run,
    Writer,
    arguments,
    configuration,
    sees_down,
    verbs,
    wait_until,
)
from servers import Member, Mongod, ReplicaSet


@pytest.fixture
def greetings() -> dict[str, int]:
    # A gate must also hold when what one member knows of another is out of date.
    return DEFAULT_GREETINGS


def primary_of(one: ReplicaSet) -> Member:
    with one.client() as client:
        return one.at(str(client.admin.command("hello")["me"]))


def secondaries(one: ReplicaSet) -> list[Member]:
    primary = primary_of(one)
    return [member for member in one.members if member is not primary]


def test_every_member_restarts_and_no_acknowledged_write_is_lost(three: ReplicaSet, run_module: Run) -> None:
    order = [*secondaries(three), primary_of(three)]
    with Writer(three) as writer:
        writer.wait_for_writes()
        for member in order:
            gone = run_module("mongo_member", {**member.login, "ready_for": "stop", "step_down": True})
            assert verbs(gone) == (["step down"] if member is order[-1] else [])
            member.stop()
            member.start()
            back = run_module("mongo_member", {**member.login, "ready_for": "work"})
            assert not back.get("failed") and back["member"] == member.address
        writer.wait_for_writes()
    lost = writer.lost()
    print(f"{len(writer.acknowledged)} acknowledged, {len(lost)} lost, longest gap {writer.longest_gap:.2f} s")
    assert writer.acknowledged and not lost


def test_a_second_member_is_held_back(three: ReplicaSet, run_module: Run) -> None:
    primary = primary_of(three)
    first, second = secondaries(three)
    first.stop()
    wait_until(lambda: sees_down(primary, first.address), "the primary has noticed")
    for check in (True, False):
        held = run_module(
            "mongo_member", {**second.login, "ready_for": "stop", "wait_timeout": 1}, check=check
        )
        assert held["failed"] and held["error_code"] == "GATE_CLOSED" and first.address in held["msg"]
    held = run_module("mongo_member", {**primary.login, "ready_for": "stop", "step_down": True, "wait_timeout": 1})
    assert held["failed"] and held["error_code"] == "GATE_CLOSED"
    assert primary_of(three) is primary
    first.start()
    free = run_module("mongo_member", {**second.login, "ready_for": "stop", "wait_timeout": 60})
    assert not free.get("failed") and verbs(free) == []


def test_the_primary_stays_unless_it_may_step_down(three: ReplicaSet, run_module: Run) -> None:
    primary = primary_of(three)
    kept = run_module("mongo_member", {**primary.login, "ready_for": "stop"})
    assert kept["failed"] and kept["error_code"] == "PRIMARY_IN_THE_WAY"
    promised = run_module("mongo_member", {**primary.login, "ready_for": "stop", "step_down": True}, check=True)
    assert verbs(promised) == ["step down"] and primary_of(three) is primary
    made = run_module("mongo_member", {**primary.login, "ready_for": "stop", "step_down": True})
    assert made["actions"] == promised["actions"] and made["primary"] not in (None, primary.address)


def test_nobody_could_take_over(three: ReplicaSet, run_module: Run) -> None:
    primary = primary_of(three)
    members = [
        {"host": address, **({} if address == primary.address else {"priority": 0})} for address in three.addresses
    ]
    assert verbs(run_module("mongo_replica_set", arguments(three, primary, members=members))) == ["alter"]
    held = run_module("mongo_member", {**primary.login, "ready_for": "stop", "step_down": True, "wait_timeout": 1})
    assert held["failed"] and "no other member that can be elected" in held["msg"]
    assert primary_of(three) is primary


def test_a_member_that_lost_its_data_comes_back_by_itself(three: ReplicaSet, run_module: Run) -> None:
    lost = secondaries(three)[0]
    with three.client() as client:
        client.shop.things.insert_many([{"_id": number} for number in range(1000)])
    before = configuration(three)
    lost.stop()
    lost.lose_data()
    lost.start()
    # Until the others have told it whose it is, and while it is filled, it knows no users. No run makes things worse.
    early = run_module("mongo_member", {**lost.login, "ready_for": "work", "wait_timeout": 90})
    assert not early.get("failed") and early["member"] == lost.address
    assert not run_module("mongo_replica_set", arguments(three, lost, degraded="report")).get("failed")
    back = run_module("mongo_member", {**lost.login, "ready_for": "work", "wait_timeout": 90})
    assert not back.get("failed"), back["msg"]
    with lost.client() as client:
        assert client.shop.things.count_documents({}) == 1000
    assert configuration(three) == before
    assert not run_module("mongo_replica_set", arguments(three, lost))["changed"]
    with three.client() as client:
        client.drop_database("shop")


def test_what_is_no_set_passes(run_module: Run, make_set: t.Callable[..., ReplicaSet]) -> None:
    one = make_set(1)
    alone = one.members[0]
    for ready in ("stop", "work", "nothing"):
        assert run_module("mongo_member", {**alone.login, "ready_for": ready})["member"] is None
    assert run_module("mongo_replica_set", arguments(one, alone))["changed"]
    single = run_module("mongo_member", {**alone.login, "ready_for": "stop", "step_down": True})
    assert verbs(single) == [] and single["member"] == alone.address
    server = Mongod()
    server.start()
    try:
        assert run_module("mongo_member", {**server.login, "ready_for": "stop"})["member"] is None
    finally:
        server.kill()
