# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a set that works: members, votes, priorities, settings, and what a degraded set does not allow."""

from __future__ import annotations

import subprocess
import sys
import typing as t

import pytest
from fresh_python import run_in_fresh_python
from replica_set_subject import (
    Run,
    Writer,
    arguments,
    by_host,
    configuration,
    has_left,
    sees_down,
    verbs,
    wait_until,
)
from servers import CACHE, ReplicaSet


def declared(three: ReplicaSet, **changes: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """All members, with changes of ``first``, ``second``, ``third``."""
    names = ("first", "second", "third")
    return [{"host": address, **changes.get(name, {})} for name, address in zip(names, three.addresses, strict=True)]


def primary_of(one: ReplicaSet) -> str:
    with one.client() as client:
        return str(client.admin.command("hello")["me"])


def others(one: ReplicaSet) -> list[str]:
    primary = primary_of(one)
    return [address for address in one.addresses if address != primary]


def test_attributes_change_in_one_step_and_settings_in_another(three: ReplicaSet, run_module: Run) -> None:
    aside, other = others(three)
    changes: dict[str, dict[str, t.Any]] = {
        aside: {"priority": 0, "hidden": True, "tags": {"use": "backup", "dc": 2}},
        other: {"priority": 3.5},
    }
    members = [{"host": address, **changes.get(address, {})} for address in three.addresses]
    settings = {
        # Its end is when the highest priority takes over.
        "election_timeout_millis": 2000,
        "heartbeat_interval_millis": 1500,
        "get_last_error_modes": {"both": {"use": 1}},
    }
    options = arguments(three, three.members[0], members=members, settings=settings)
    before = configuration(three)
    promised = run_module("mongo_replica_set", options, check=True, diff=True)
    assert configuration(three) == before
    made = run_module("mongo_replica_set", options, diff=True)
    assert made["actions"] == promised["actions"] and made["diff"] == promised["diff"]
    assert verbs(made) == ["alter"]
    after = configuration(three)
    assert after["version"] == before["version"] + 1
    assert [member["_id"] for member in after["members"]] == [member["_id"] for member in before["members"]]
    now = by_host(three)
    assert now[aside]["hidden"] and now[aside]["priority"] == 0 and now[aside]["tags"] == {"use": "backup", "dc": "2"}
    assert now[other]["priority"] == 3.5
    assert after["settings"]["heartbeatIntervalMillis"] == 1500
    # What is unset is untouched.
    plain = run_module("mongo_replica_set", arguments(three, three.members[0]))
    assert not plain["changed"]
    assert not run_module("mongo_replica_set", options)["changed"]
    wait_until(lambda: primary_of(three) == other, "the one with the highest priority took over")


def test_a_member_without_a_vote_and_back(three: ReplicaSet, run_module: Run) -> None:
    aside = others(three)[0]
    members = [
        {"host": address, **({"votes": 0, "priority": 0} if address == aside else {})} for address in three.addresses
    ]
    assert verbs(run_module("mongo_replica_set", arguments(three, three.members[0], members=members))) == [
        "withdraw vote"
    ]
    back = [{"host": address, "votes": 1, "priority": 1} for address in three.addresses]
    assert verbs(run_module("mongo_replica_set", arguments(three, three.members[0], members=back))) == ["grant vote"]


def test_members_come_and_go_while_a_writer_works(three: ReplicaSet, run_module: Run) -> None:
    fourth, fifth = three.add(), three.add()
    try:
        with Writer(three) as writer:
            grown = run_module("mongo_replica_set", arguments(three, three.members[0]))
            assert verbs(grown) == ["create", "grant vote", "grant vote"]
            assert len(by_host(three)) == 5
            left = [{"host": address} for address in three.addresses if address not in (fourth.address, fifth.address)]
            kept = run_module("mongo_replica_set", arguments(three, three.members[0], members=left))
            assert verbs(kept) == [] and kept["unmanaged"] == [fourth.address, fifth.address]
            gone = run_module(
                "mongo_replica_set", arguments(three, three.members[0], members=left, purge_members=True)
            )
            assert verbs(gone) == ["remove", "remove"] and gone["unmanaged"] == []
        lost = writer.lost()
        print(f"{len(writer.acknowledged)} acknowledged, {len(lost)} lost, longest gap {writer.longest_gap:.2f} s")
        assert writer.acknowledged and not lost
    finally:
        for member in (fourth, fifth):
            three.members.remove(member)
            member.kill()


def test_the_primary_goes_only_after_it_stepped_down(three: ReplicaSet, run_module: Run) -> None:
    primary = primary_of(three)
    left = [{"host": address} for address in three.addresses if address != primary]
    helper = three.at(left[0]["host"])
    options = arguments(three, helper, members=left, purge_members=True)
    before = configuration(three)
    refused = run_module("mongo_replica_set", options)
    assert refused["failed"] and refused["error_code"] == "PRIMARY_IN_THE_WAY" and primary in refused["msg"]
    assert configuration(three) == before
    made = run_module("mongo_replica_set", {**options, "step_down_primary": True})
    assert verbs(made) == ["step down", "remove"]
    assert made["primary"] in [one["host"] for one in left] and primary not in by_host(three)
    wait_until(lambda: has_left(three.at(primary)), "the old primary knows that it was removed")


def test_a_degraded_set_is_left_alone(three: ReplicaSet, run_module: Run) -> None:
    down = three.at(others(three)[0])
    helper = three.at(primary_of(three))
    down.kill()
    wait_until(lambda: sees_down(helper, down.address), "the primary has noticed")
    calm = run_module("mongo_replica_set", arguments(three, helper))
    assert not calm["changed"] and calm["unhealthy"] == [down.address]
    assert any("degraded" in str(warning) for warning in calm["warnings"])
    before = configuration(three)
    wanted = [{"host": address, "tags": {"a": "b"}} for address in three.addresses]
    options = arguments(three, helper, members=wanted, settle_timeout=1)
    refused = run_module("mongo_replica_set", options)
    assert refused["failed"] and refused["error_code"] == "DEGRADED" and f"{down.address} is DOWN" in refused["msg"]
    reported = run_module("mongo_replica_set", {**options, "degraded": "report"})
    assert not reported["changed"] and [step["action"] for step in reported["postponed"]] == ["alter"]
    assert configuration(three) == before


def test_a_dead_member_is_replaced(three: ReplicaSet, run_module: Run) -> None:
    dead = three.at(others(three)[0])
    helper = three.at(primary_of(three))
    dead.kill()
    fresh = three.add()
    try:
        members = [{"host": address} for address in three.addresses if address != dead.address]
        made = run_module(
            "mongo_replica_set", arguments(three, helper, members=members, purge_members=True, settle_timeout=1)
        )
        assert verbs(made) == ["create", "grant vote", "remove"]
        assert made["unhealthy"] == [] and {m["host"] for m in made["members"]} == {m["host"] for m in members}
    finally:
        three.members.remove(fresh)
        dead.start()
        try:
            # Until then it names itself a member of a set that is not this one.
            wait_until(lambda: has_left(dead), "the dead one knows that it was removed")
            members = [{"host": address} for address in three.addresses]
            back = run_module(
                "mongo_replica_set",
                arguments(three, helper, members=members, purge_members=True, step_down_primary=True),
            )
            assert not back.get("failed"), back["msg"]
        finally:
            fresh.kill()


def test_no_primary_and_no_change_is_no_failure(three: ReplicaSet, run_module: Run) -> None:
    helper, *down = three.members
    quick = arguments(three, helper, settings={"election_timeout_millis": 2000})
    assert verbs(run_module("mongo_replica_set", quick)) == ["alter"]
    for member in down:
        member.kill()
    wait_until(lambda: _has_no_primary(helper), "the last one has stepped down")
    seen = run_module("mongo_replica_set", arguments(three, helper, settle_timeout=1))
    assert not seen.get("failed") and seen["primary"] is None and len(seen["unhealthy"]) == 2
    refused = run_module(
        "mongo_replica_set", arguments(three, helper, settings={"chaining_allowed": False}, settle_timeout=1)
    )
    assert refused["failed"] and "has no primary" in refused["msg"]


def _has_no_primary(member: t.Any) -> bool:
    with member.client() as client:
        return "primary" not in client.admin.command("hello")


def test_a_member_is_renamed_in_place(three: ReplicaSet, run_module: Run) -> None:
    renamed = three.at(others(three)[0])
    name = f"localhost:{renamed.port}"
    members: list[dict[str, t.Any]] = [
        {"host": name, "previous_host": address} if address == renamed.address else {"host": address}
        for address in three.addresses
    ]
    number = by_host(three)[renamed.address]["_id"]
    helper = three.at(primary_of(three))
    made = run_module("mongo_replica_set", arguments(three, helper, members=members))
    if made.get("failed"):
        # A server refuses localhost beside addresses that are not; this machine's own name is as good.
        assert "localhost" in made["msg"]
        pytest.skip(made["msg"])
    assert verbs(made) == ["rename"] and by_host(three)[name]["_id"] == number
    assert not run_module("mongo_replica_set", arguments(three, helper, members=members))["changed"]
    back = [
        {"host": address, "previous_host": name} if address == renamed.address else {"host": address}
        for address in three.addresses
    ]
    assert verbs(run_module("mongo_replica_set", arguments(three, helper, members=back))) == ["rename"]


def test_what_cannot_be_changed_is_refused_before_anything_is(three: ReplicaSet, run_module: Run) -> None:
    before = configuration(three)
    for field in ({"arbiter_only": True, "priority": 0}, {"build_indexes": False, "priority": 0}):
        aside = others(three)[0]
        members = [{"host": address, **(field if address == aside else {})} for address in three.addresses]
        refused = run_module("mongo_replica_set", arguments(three, three.members[0], members=members))
        assert refused["failed"] and refused["error_code"] == "IMMUTABLE_FIELD"
    assert configuration(three) == before


def test_an_arbiter_joins_with_its_vote(three: ReplicaSet, run_module: Run) -> None:
    arbiter = three.add()
    try:
        with three.client() as client:
            client.admin.command("setDefaultRWConcern", defaultWriteConcern={"w": "majority"})
        members = [{"host": address} for address in three.addresses]
        members[-1] = {"host": arbiter.address, "arbiter_only": True}
        made = run_module("mongo_replica_set", arguments(three, three.members[0], members=members))
        assert verbs(made) == ["create"]
        assert by_host(three)[arbiter.address]["priority"] == 0
        assert not run_module("mongo_replica_set", arguments(three, three.members[0], members=members))["changed"]
        gone = run_module(
            "mongo_replica_set", arguments(three, three.members[0], members=members[:3], purge_members=True)
        )
        assert verbs(gone) == ["remove"]
    finally:
        three.members.remove(arbiter)
        arbiter.kill()


def test_feature_compatibility_version(three: ReplicaSet, run_module: Run) -> None:
    lower = arguments(three, three.members[0], feature_compatibility_version="5.0")
    promised = run_module("mongo_replica_set", lower, check=True)
    assert promised["feature_compatibility_version"] == "6.0" and verbs(promised) == ["alter"]
    made = run_module("mongo_replica_set", lower)
    assert made["feature_compatibility_version"] == "5.0" and made["actions"] == promised["actions"]
    assert not run_module("mongo_replica_set", lower)["changed"]
    up = arguments(three, three.members[0], feature_compatibility_version="6.0")
    assert run_module("mongo_replica_set", up)["feature_compatibility_version"] == "6.0"
    wrong = run_module("mongo_replica_set", arguments(three, three.members[0], feature_compatibility_version="9.9"))
    assert wrong["failed"] and "9.9" in wrong["msg"]


def test_the_driver_of_ubuntu_does_the_same(three: ReplicaSet, run_module: Run) -> None:
    folder = CACHE / "pymongo-3.11.4"
    if not (folder / "pymongo").is_dir():
        target = ["--quiet", "--no-deps", "--target", str(folder), "pymongo==3.11.4"]
        subprocess.run([sys.executable, "-m", "pip", "install", *target], check=True)

    def old(**options: t.Any) -> dict[str, t.Any]:
        return run_in_fresh_python(
            "mongo_replica_set", arguments(three, three.members[0], **options), before=folder
        )

    assert verbs(old()) == []
    primary = primary_of(three)
    members = [{"host": address, "tags": {"driver": "old"}} for address in three.addresses]
    members[three.addresses.index(primary)]["priority"] = 0
    made = old(members=members, step_down_primary=True)
    assert verbs(made) == ["alter", "step down", "alter"] and made["primary"] != primary
    assert old(login_password="wrong-canary")["error_code"] == "LOGIN_REFUSED"
    assert verbs(run_module("mongo_replica_set", arguments(three, three.members[0], members=members))) == []
