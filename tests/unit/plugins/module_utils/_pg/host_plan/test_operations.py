"""Switchovers and minor upgrades, decided from the states of all members."""

from __future__ import annotations

UPGRADE = {"part": "rest", "max_lag_bytes": "16777216"}


def problems(host):
    return host.plan(upgrade=UPGRADE)["upgrade"]["problems"]


def test_members_in_order_have_no_problems(trio):
    assert problems(trio.host("pg2")) == []


def test_a_standby_far_behind_is_a_problem_however_long_its_name(members_of):
    long = "Standby." + "x" * 70 + ".example.com"
    pair = members_of("pg1", long)
    sender = {
        "name": ("standby_" + "x" * 70)[:63], "address": "192.0.2.9", "state": "streaming", "sync_state": "async",
        "replay_lsn": "0/5000148", "lag_bytes": 0, "lag_seconds": 0, "slot_name": None,
    }  # fmt: skip
    pair.states["pg1"]["senders"] = [sender]
    assert problems(pair.host("pg1")) == []
    sender["lag_bytes"] = 10**10
    assert problems(pair.host("pg1")) == [f"main: {long} is 10000000000 bytes behind. Nothing was touched."]


def test_each_member_is_named_with_what_it_lacks(trio):
    trio.states["pg2"].update(receiver=None)
    stopped = {"state": "stopped", "role": "standby", "cleanly_stopped": True, "lsn": "0/5000148", "timeline": 1}
    trio.states["pg3"] = {
        **stopped, "system_identifier": "7574512345678901234", "control_settings": {"max_connections": 100},
    }  # fmt: skip
    assert problems(trio.host("pg1")) == [
        "main: pg2 receives nothing from its primary. Nothing was touched.",
        "main: pg3 is stopped. Nothing was touched.",
    ]


def test_a_member_that_did_not_answer_is_a_problem(trio):
    del trio.states["pg3"]
    assert problems(trio.host("pg1", batch=["pg1", "pg2"])) == ["main: pg3 did not answer. Nothing was touched."]


def test_two_primaries_are_a_problem(trio):
    trio.states["pg3"].update(role="primary", receiver=None)
    (problem,) = problems(trio.host("pg1"))
    assert problem.startswith("main: There are 2 primaries")


def test_standbys_come_first(trio):
    turns = {
        (name, part): trio.host(name).plan(upgrade={**UPGRADE, "part": part})["upgrade"]["is_turn"]
        for name in ("pg1", "pg2") for part in ("standbys", "rest")
    }  # fmt: skip
    assert turns == {
        ("pg1", "standbys"): False,
        ("pg1", "rest"): True,
        ("pg2", "standbys"): True,
        ("pg2", "rest"): True,
    }
    check = trio.host("pg2", check_mode=True).plan(upgrade=UPGRADE)["upgrade"]
    assert check["is_turn"] is False


def test_a_primary_with_old_programs_hands_over_to_a_standby_with_new_ones(trio):
    assert trio.host("pg1").plan(upgrade=UPGRADE)["upgrade"]["old"] == []
    trio.states["pg2"]["server_version"] = "16.15 (Debian 16.15-1.pgdg120+1)"
    upgrade = trio.host("pg1").plan(upgrade=UPGRADE)["upgrade"]
    assert (upgrade["old"], upgrade["led"], upgrade["led_old"]) == (["main"], ["main"], ["main"])
    assert trio.host("pg2").plan(upgrade=UPGRADE)["upgrade"]["led_old"] == []


def test_versions_are_numbers(trio):
    trio.states["pg1"]["server_version"] = "16.9"
    for name in ("pg2", "pg3"):
        trio.states[name]["server_version"] = "16.10"
    assert trio.host("pg1").plan(upgrade=UPGRADE)["upgrade"]["old"] == ["main"]


def test_a_switchover(trio):
    trio.addresses = {"pg2": "192.0.2.2"}
    host = trio.host("pg1")
    plan = host.plan(switchover={"cluster": "main", "target": "pg2", "ignore": []})["switchover"]
    assert (plan["source"], plan["target"], plan["target_address"], plan["refusal"]) == ("pg1", "pg2", "192.0.2.2", "")
    assert plan["place"] == host.plan()["replicated"][0]
    assert "a secret" not in repr(plan)


def test_no_switchover_of_a_cluster_that_is_not_replicated(trio):
    asked = {"cluster": "other", "target": "", "ignore": []}
    assert trio.host("pg1").plan(switchover=asked)["switchover"] == {}


def restarted(host, **state):
    member = {**trio_state(host), **state}
    results = [{"postgresql_16_cluster": {"name": "main"}, "member": member}]
    return host.plan(restarted={"results": results})["restarted"]


def trio_state(host):
    return host.known["topologies"]["main"]["states"][host.known["host"]]


def test_a_standby_is_healthy_when_it_streams_with_new_programs(trio):
    host, old = trio.host("pg2"), {"server_version": "16.14", "installed_version": "16.15"}
    assert restarted(host, server_version="16.15") == {"unhealthy": [], "waiting": []}
    assert restarted(host, server_version="16.15", receiver=None)["unhealthy"] == [
        "Cluster main of pg2 is a running standby, runs 16.15 of installed 16.15, and receives nothing. No other host "
        "was touched after it. Fix it and run again."
    ]
    (problem,) = restarted(host, **old)["unhealthy"]
    assert "runs 16.14 of installed 16.15, and streams" in problem
    assert restarted(trio.host("pg2", check_mode=True), **old)["unhealthy"] == []
    connecting = {**trio.states["pg2"]["receiver"], "status": "connecting"}
    (problem,) = restarted(host, server_version="16.15", receiver=connecting)["unhealthy"]
    assert "receives nothing" in problem


def test_a_primary_waits_for_its_standbys(trio):
    outcome = restarted(trio.host("pg1"), server_version="16.14", installed_version="16.15")
    assert outcome == {
        "unhealthy": [],
        "waiting": [
            "Cluster main is led from pg1 and runs 16.14 still: its standbys come first. Run again once they run 16.15."
        ],
    }
