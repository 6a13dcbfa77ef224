"""Clusters with members on several hosts: what each member's host does about them."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError


def names(items):
    return [item["name"] for item in items]


def settings(host):
    return host.configuration()[0]["files"]["30-replication"]


def test_the_primary_keeps_its_slots_and_a_standby_itself(trio):
    primary, standby = trio.host("pg1"), trio.host("pg2")
    assert names(primary.plan()["kept_primaries"]) == ["main"] and standby.plan()["kept_primaries"] == []
    assert names(standby.plan(members=trio.inputs(standby))["kept_standbys"]) == ["main"]
    assert primary.plan(members=trio.inputs(primary))["kept_standbys"] == []
    assert primary.plan()["copied_here"] == standby.plan()["copied_here"] == []


def test_contents_are_those_of_the_primary(members_of):
    pair = members_of("pg1", "pg2", roles=[{"name": "app"}])
    assert names(pair.host("pg1").plan()["filled"]) == ["main"] and pair.host("pg2").plan()["filled"] == []


def test_a_standby_that_says_it_leads_is_not_a_primary(members_of):
    pair = members_of("pg1", "pg2", roles=[{"name": "app"}])
    liar = pair.host("pg2")
    liar.answer("services", "main", standby=False)
    assert liar.plan()["filled"] == []
    assert [server["state"] for server in liar.plan()["servers"]] == ["elsewhere"]


def test_a_member_without_data_becomes_a_copy_with_the_settings_that_it_must_not_have_less_of(trio):
    trio.states["pg3"] = {"state": "absent", "role": None}
    host = trio.host("pg3")
    assert host.plan()["copied_here"] == ["main"]
    host.known["to_copy"] = ["main"]
    (copy,) = host.plan(members=trio.inputs(host))["copies"]
    assert copy["base_settings"] == {"max_connections": "100", "lc_messages": "C"}
    assert copy["hosts"] == ["pg1:5432", "pg2:5432", "pg3:5432"] and copy["action"] == "create"
    assert host.plan()["pg_clusters"]["created_elsewhere"] == ["main"]


def test_a_check_cannot_look_into_a_standby_that_is_still_to_be_copied(trio):
    trio.states["pg3"] = {"state": "absent", "role": None}
    host = trio.host("pg3", check_mode=True)
    assert host.plan(members=trio.inputs(host))["kept_standbys"] == []


def test_the_first_of_the_members_here_sees_to_a_primary_outside_of_the_run(trio):
    first, second = (trio.host(name, batch=["pg2", "pg3"]) for name in ("pg2", "pg3"))
    assert names(first.plan()["kept_primaries"]) == ["main"] and second.plan()["kept_primaries"] == []
    assert [(item["name"], item["member"]) for item in first.plan()["outside"]] == [("main", "pg1")]
    assert first.plan()["replicated"][0]["primary"] == "pg1"


def test_a_member_that_cannot_be_reached_is_left_alone(trio):
    del trio.states["pg3"]
    topology = trio.host("pg2", batch=["pg1", "pg2"]).known["topologies"]["main"]
    assert topology["primary"] == "pg1" and topology["refusal"] == ""
    assert topology["notes"] == ["pg3 did not answer and is left alone"]


def test_a_primary_that_cannot_be_reached_stops_everything(trio):
    del trio.states["pg1"]
    topology = trio.host("pg2", batch=["pg2", "pg3"]).known["topologies"]["main"]
    assert topology["primary"] == "" and "pg1 did not answer" in topology["refusal"]


def test_a_member_that_the_inventory_does_not_have_is_one_that_did_not_answer(trio):
    del trio.states["pg3"]
    host = trio.host("pg2", batch=["pg1", "pg2"])
    inputs = trio.inputs(host)
    del inputs["hosts"]["pg3"]
    topology = host.plan(members=inputs)["topologies"]["main"]
    assert topology["addresses"]["pg3"] == "pg3" and topology["notes"] == ["pg3 did not answer and is left alone"]


def test_a_member_that_failed_earlier_in_the_run_does_not_count(trio):
    host = trio.host("pg2")
    inputs = trio.inputs(host, playing=["pg2", "pg3"])
    assert "pg1 did not answer" in host.plan(members=inputs)["topologies"]["main"]["refusal"]


def test_a_lying_member_is_refused_by_name(trio):
    host = trio.host("pg2")
    trio.states["pg1"]["settings"] = {"lc_messages": "C'\narchive_command = 'intruder"}
    with pytest.raises(GroundworkError, match=r"The host pg1 answered member\.settings\.lc_messages = "):
        host.plan(members=trio.inputs(host))


def test_only_facts_of_a_member_reach_another(trio):
    trio.states["pg1"].update(intruder="x", actions={"pg2": "rebuild"})
    trio.states["pg1"]["settings"] = {"archive_command": "intruder", "max_connections": "100"}
    host = trio.host("pg2")
    assert "intruder" not in repr(host.plan(members=trio.inputs(host)))
    assert host.known["topologies"]["main"]["actions"]["pg2"] == "keep"


def test_the_primary_as_the_task_before_found_it(trio):
    host = trio.host("pg2")
    inputs = trio.inputs(host)
    (place,) = trio.host("pg1").plan()["replicated"]
    newer = {**trio.states["pg1"], "lsn": "0/6000000"}
    inputs["hosts"]["pg1"]["__postgresql_16_primary_members"] = {
        "results": [{"postgresql_16_place": place, "member": newer}]
    }
    (kept,) = host.plan(members=inputs)["kept_standbys"]
    assert kept["primary_state"]["lsn"] == "0/6000000"
    other = {**place, "members": ["pg1", "pg9"]}
    inputs["hosts"]["pg1"]["__postgresql_16_primary_members"]["results"][0]["postgresql_16_place"] = other
    (kept,) = host.plan(members=inputs)["kept_standbys"]
    assert kept["primary_state"]["lsn"] == "0/5000148"


def slot(name, wal_status):
    return {
        "name": name, "wal_status": wal_status, "active": False, "temporary": False, "type": "physical",
        "restart_lsn": "0/5000000", "retained_bytes": 0,
    }  # fmt: skip


def test_a_lost_slot_counts_until_the_standby_was_copied_anew(trio):
    """The primary was asked before the copy, and is not asked again after it."""
    trio.states["pg1"]["slots"] = [slot("pg2", "lost"), slot("pg3", "reserved")]
    trio.states["pg2"]["receiver"] = None
    host = trio.host("pg2")
    (kept,) = host.plan(members=trio.inputs(host))["kept_standbys"]
    assert names(kept["primary_state"]["slots"]) == ["pg2", "pg3"]
    host.known["topologies"] = host.plan(members=trio.inputs(host, rebuild=["pg2"]))["topologies"]
    (kept,) = host.plan(members=trio.inputs(host))["kept_standbys"]
    assert kept["action"] == "rebuild" and names(kept["primary_state"]["slots"]) == ["pg3"]


def test_a_standby_is_held_until_its_primary_has_been_restarted_with_less(trio):
    waiting = [{"name": "max_connections", "current": "100", "new": "60"}]
    primary, standby = trio.host("pg1"), trio.host("pg2")
    for host in (primary, standby):
        host.answer("configuration", "main", pending_restart=waiting)
    assert names(primary.plan()["due"]) == ["main"] and primary.plan()["held_standbys"] == []
    assert standby.plan()["due"] == []
    assert standby.plan()["held_standbys"] == [
        {"name": "main", "settings": ["max_connections 60 < 100"], "primary": "pg1"}
    ]


def test_addresses_of_version_6(trio):
    trio.addresses = {"pg1": "fd00::1", "pg2": "fd00::2", "pg3": "fd00::3"}
    trio.description["port"] = "5433"
    host = trio.host("pg2")
    (place,) = host.plan()["replicated"]
    assert place["hosts"] == ["[fd00::1]:5433", "[fd00::2]:5433", "[fd00::3]:5433"]
    assert "host=fd00::1,fd00::3 port=5433" in settings(host)["primary_conninfo"]
    assert [rule["address"] for rule in host.configuration()[0]["hba"]["extra"]] == [
        "fd00::1/128", "fd00::2/128", "fd00::3/128",
    ]  # fmt: skip


def test_a_name_of_over_63_characters_has_one_slot_everywhere(members_of):
    long = "Standby." + "x" * 70 + ".example.com"
    slot = ("standby_" + "x" * 70)[:63]
    pair = members_of("pg1", long)
    assert pair.host(long).plan()["replicated"][0]["slot"] == slot
    assert settings(pair.host(long))["primary_slot_name"] == slot
    assert f"application_name={slot}" in settings(pair.host(long))["primary_conninfo"]


@pytest.mark.parametrize(
    ("replication", "sentence"),
    [
        ({"members": ["db1", "x" * 63 + "1", "x" * 63 + "2"], "password": "p"}, "would share the replication slot"),
        ({"members": ["db1", "pg2"]}, "replication.password is missing"),
        ({"members": ["pg1", "pg2"], "password": "p"}, "db1 is not a member of the cluster main"),
        (
            {"members": ["db1", "pg2"], "password": "p", "synchronous": {"mode": "any", "number": 2}},
            "every commit would wait for ever",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_touched(host, replication, sentence):
    (refusal,) = host({"name": "main", "replication": replication}).refusals()
    assert sentence in refusal and "main" in refusal and refusal.endswith("Nothing was touched.")


def test_tls_of_replication_follows_the_clusters(members_of):
    plain, given, generated, explicit = (
        members_of("pg1", "pg2", **more).host("pg2").plan()["replicated"][0]
        for more in (
            {},
            {"tls": {"mode": "given", "certificate": "c", "key": "k"}},
            {"tls": {"mode": "generated"}},
            {"tls": {"mode": "generated"}, "replication": {"ssl_mode": "verify-full", "ca_file": "/x"}},
        )
    )
    assert [place["ssl_mode"] for place in (plain, given, generated, explicit)] == [
        "prefer", "require", "verify-ca", "verify-full",
    ]  # fmt: skip
    assert [place["ca_file"] for place in (plain, given, generated, explicit)] == [
        "", "", "/etc/postgresql/16/main/tls/ca.pem", "/x",
    ]  # fmt: skip
