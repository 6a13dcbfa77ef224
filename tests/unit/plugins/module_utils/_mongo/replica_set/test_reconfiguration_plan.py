"""The steps from one configuration to another: what the server's rules and a set's safety allow."""

from __future__ import annotations

import random
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.replica_set import (
    bootstrap,
    gate,
    health,
    model,
    newcomers,
)
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.replica_set import (
    live as observe,
)
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.replica_set import (
    plan as reconfigure,
)

EVERYTHING = reconfigure.Rules(purge=True, step_down=True)
PLAIN = dict(model.FIELDS.values())


def live(*hosts: str, **changes: dict[str, t.Any]) -> list[model.Member]:
    return [{"_id": number, "host": host, **PLAIN, **changes.get(host[0], {})} for number, host in enumerate(hosts)]


def wanted(*members: dict[str, t.Any], settings: dict[str, t.Any] | None = None) -> model.Wanted:
    return model.read_wanted({"members": list(members), "settings": settings})


def actions(plan: t.Iterable[t.Any]) -> list[str]:
    return [step.action for step in plan]


def voters(members: t.Iterable[model.Member]) -> set[int]:
    return {member["_id"] for member in members if member["votes"]}


def test_random_configurations_reach_each_other_by_steps_that_the_server_takes() -> None:
    chance = random.Random(7)
    for _round in range(600):
        now = random_members(chance)
        target = random_members(chance)
        electable = [member["host"] for member in now if member["priority"]]
        declared = [{key: member[field] for key, field in names().items()} for member in target]
        for item in declared:
            same_host = next((member for member in now if member["host"] == item["host"]), None)
            if same_host:
                # What the server never lets change.
                item |= {"arbiter_only": same_host["arbiterOnly"], "build_indexes": True}
                if item["arbiter_only"]:
                    item |= {"priority": 0, "votes": 1, "hidden": False, "secondary_delay_secs": 0}
        try:
            plan = reconfigure.build_plan(now, {}, wanted(*declared), electable[0], EVERYTHING)
        except GroundworkError as error:
            assert error.code == "INVALID_DECLARATION", error
            continue
        state = now
        for step in plan:
            if isinstance(step, reconfigure.StepDown):
                continue
            assert isinstance(step, reconfigure.Reconfiguration)
            assert list(step.members_before) == state
            assert len(voters(state) ^ voters(step.members)) <= 1
            numbers = {member["_id"]: member["host"] for member in state}
            for member in step.members:
                assert numbers.get(member["_id"], member["host"]) == member["host"]
            assert len({member["_id"] for member in step.members}) == len(step.members)
            assert any(member["priority"] for member in step.members)
            state = list(step.members)
        expected = {item["host"]: item for item in declared}
        assert {member["host"] for member in state} == set(expected)
        for member in state:
            for key, field in names().items():
                assert member[field] == expected[member["host"]][key], (key, member)
        assert not reconfigure.build_plan(state, {}, wanted(*declared), None, EVERYTHING)


def names() -> dict[str, str]:
    return {"host": "host", **{name: field for name, (field, _default) in model.FIELDS.items()}}


def random_members(chance: random.Random) -> list[model.Member]:
    found = []
    hosts = chance.sample([f"{name}:27017" for name in "abcdefghi"], chance.randint(1, 7))
    for number, host in enumerate(hosts):
        kind = chance.choice(["plain", "plain", "plain", "hidden", "silent", "delayed"]) if number else "plain"
        fields: dict[str, t.Any] = {
            "plain": {"priority": chance.choice([1, 1, 2, 5])},
            "hidden": {"priority": 0, "hidden": True},
            "silent": {"priority": 0, "votes": 0},
            "delayed": {"priority": 0, "hidden": True, "secondaryDelaySecs": 60},
        }[kind]
        tags = chance.choice([{}, {"dc": "east"}])
        found.append({"_id": number, "host": host, **PLAIN, "tags": tags, **fields})
    return found


def test_a_new_member_gets_its_vote_when_it_holds_the_data() -> None:
    plan = reconfigure.build_plan(
        live("a:1", "b:1"), {}, wanted({"host": "a:1"}, {"host": "b:1"}, {"host": "c:1", "priority": 5}), "a:1",
        reconfigure.Rules(),
    )
    assert actions(plan) == ["create", "grant vote"]
    first, second = plan.steps
    assert isinstance(first, reconfigure.Reconfiguration) and isinstance(second, reconfigure.Reconfiguration)
    joining = first.members[2]
    assert (joining["votes"], joining["priority"], joining["tags"]) == (0, 0, model.JOINING)
    assert second.wait_for == ("c:1",)
    assert (second.members[2]["votes"], second.members[2]["priority"], second.members[2]["tags"]) == (1, 5, {})


def test_a_member_left_on_its_way_in_goes_on_and_one_left_without_a_vote_on_purpose_stays() -> None:
    half = {"votes": 0, "priority": 0, "tags": {**model.JOINING, "dc": "east"}}
    both = wanted({"host": "a:1"}, {"host": "b:1"})
    plan = reconfigure.build_plan(live("a:1", "b:1", b=half), {}, both, "a:1", reconfigure.Rules())
    assert actions(plan) == ["grant vote"]
    assert isinstance(plan.steps[0], reconfigure.Reconfiguration)
    assert plan.steps[0].members[1]["tags"] == {"dc": "east"}
    silent = {"votes": 0, "priority": 0}
    assert not reconfigure.build_plan(live("a:1", "b:1", b=silent), {}, both, "a:1", reconfigure.Rules())


def test_seven_voters_make_room_before_the_next_comes() -> None:
    hosts = [f"{name}:1" for name in "abcdefg"]
    target = wanted(*({"host": host} for host in [*hosts[:6], "h:1"]))
    plan = reconfigure.build_plan(live(*hosts), {}, target, "a:1", reconfigure.Rules(purge=True))
    assert actions(plan) == ["create", "remove", "grant vote"]


def test_the_primary_goes_last_and_only_when_it_may() -> None:
    target = wanted({"host": "b:1"}, {"host": "c:1"}, {"host": "d:1"})
    with pytest.raises(GroundworkError, match="is to be removed"):
        reconfigure.build_plan(live("a:1", "b:1", "c:1"), {}, target, "a:1", reconfigure.Rules(purge=True))
    plan = reconfigure.build_plan(live("a:1", "b:1", "c:1"), {}, target, "a:1", EVERYTHING)
    assert actions(plan) == ["create", "grant vote", "step down", "remove"]


def test_a_rename_keeps_the_number() -> None:
    target = wanted({"host": "new:1", "previous_host": "b:1"}, {"host": "a:1"})
    plan = reconfigure.build_plan(live("a:1", "b:1"), {}, target, "a:1", reconfigure.Rules())
    assert actions(plan) == ["rename"]
    assert isinstance(plan.steps[0], reconfigure.Reconfiguration)
    assert [(member["_id"], member["host"]) for member in plan.steps[0].members] == [(0, "a:1"), (1, "new:1")]
    renamed = live("a:1", "new:1")
    assert not reconfigure.build_plan(renamed, {}, target, "a:1", reconfigure.Rules())


def status(**states: str) -> health.Health:
    rows = [
        {
            "name": f"{name}:1",
            "stateStr": state.split("/")[0],
            "health": 0 if state == "DOWN" else 1,
            "optimeDate": {"$date": f"2026-01-01T00:00:{60 - int((state + '/1').split('/')[1]):02d}Z"},
        }
        for name, state in states.items()
    ]
    return health.read({"members": rows})


def seen(members: list[model.Member], **states: str) -> observe.Live:
    found = status(**states)
    return observe.Live({"members": members}, found, found.primary)


@pytest.mark.parametrize(
    ("states", "host", "reason"),
    [
        ({"a": "PRIMARY", "b": "SECONDARY", "c": "SECONDARY"}, "b:1", None),
        ({"a": "PRIMARY", "b": "SECONDARY", "c": "SECONDARY"}, "a:1", None),
        ({"a": "PRIMARY", "b": "SECONDARY", "c": "DOWN"}, "b:1", "c:1 is DOWN"),
        ({"a": "PRIMARY", "b": "SECONDARY", "c": "DOWN"}, "c:1", None),
        ({"a": "PRIMARY", "b": "SECONDARY", "c": "RECOVERING"}, "b:1", "c:1 is RECOVERING"),
        ({"a": "PRIMARY", "b": "SECONDARY", "c": "SECONDARY/30"}, "b:1", "more than 10 s behind"),
        ({"a": "SECONDARY", "b": "SECONDARY", "c": "SECONDARY"}, "b:1", "has no primary"),
    ],
)
def test_who_may_go(states: dict[str, str], host: str, reason: str | None) -> None:
    found = gate.may_go(seen(live("a:1", "b:1", "c:1"), **states), host, 10)
    assert (found is None) if reason is None else (reason in (found or ""))


def test_two_voters_cannot_do_without_one_and_one_always_goes() -> None:
    both = seen(live("a:1", "b:1"), a="PRIMARY", b="SECONDARY")
    assert "not a majority" in (gate.may_go(both, "b:1", 10) or "")
    assert gate.may_go(seen(live("a:1"), a="PRIMARY"), "a:1", 10) is None


def test_a_member_that_nobody_declared_is_left_as_it_is() -> None:
    half = {"votes": 0, "priority": 0, "tags": model.JOINING}
    members = live("a:1", "b:1", "x:1", x=half)
    both = wanted({"host": "a:1"}, {"host": "b:1"})
    assert not reconfigure.build_plan(members, {}, both, "a:1", reconfigure.Rules())
    assert not reconfigure.build_plan(members, {}, wanted(), "a:1", reconfigure.Rules(purge=True))
    assert actions(reconfigure.build_plan(members, {}, both, "a:1", reconfigure.Rules(purge=True))) == ["remove"]


def test_a_restart_does_not_wait_for_a_host_without_a_vote_that_never_came() -> None:
    members = live("a:1", "b:1", "c:1", "x:1", x={"votes": 0, "priority": 0})
    found = seen(members, a="PRIMARY", b="SECONDARY", c="SECONDARY", x="DOWN")
    assert gate.may_go(found, "b:1", 10) is None
    slow = seen(members, a="PRIMARY", b="SECONDARY", c="SECONDARY", x="SECONDARY/50")
    assert "x:1" in (gate.may_go(slow, "b:1", 10) or "")


def test_one_previous_host_cannot_become_two_members() -> None:
    with pytest.raises(GroundworkError, match="already declared as the previous host of c:1"):
        wanted({"host": "c:1", "previous_host": "b:1"}, {"host": "d:1", "previous_host": "b:1"})


def test_a_delayed_member_is_behind_on_purpose() -> None:
    members = live("a:1", "b:1", "c:1", "d:1", d={"secondaryDelaySecs": 3600, "priority": 0, "hidden": True})
    found = seen(members, a="PRIMARY", b="SECONDARY", c="SECONDARY", d="SECONDARY/50")
    assert gate.may_go(found, "b:1", 10) is None and gate.is_back(found, "d:1", 10) is None


def test_no_second_half_of_a_set_is_initiated() -> None:
    other = newcomers.Answer("b:1", set_name="rs0", primary="b:1")
    silent = newcomers.Answer("c:1", silence="Connection refused")
    with pytest.raises(GroundworkError, match="already belongs to the replica set rs0"):
        bootstrap.check_neighbours("rs0", "a:1", [other, silent], insist=True)
    with pytest.raises(GroundworkError, match="c:1 does not answer"):
        bootstrap.check_neighbours("rs0", "a:1", [silent], insist=False)
    assert bootstrap.check_neighbours("rs0", "a:1", [silent], insist=True) == ["c:1"]
