"""Who is the primary, who cannot follow it, and what a description means for a member: decided without a server."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication import member_settings
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.control import (
    format_lsn,
    parse_control,
    parse_lsn,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.divergence import (
    divergence,
    lost_slot,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.gates import (
    Thresholds,
    against_primary,
    against_target,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.names import (
    connection_string,
    password_file_line,
    slot_name,
    synchronous_standby_names,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.plan import decide
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.receiver import SOURCE, STREAMS
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.slots import (
    slot_steps,
    unlisted_slots,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.switchover_plan import (
    plan_switchover,
)

MEMBERS = ["pg1", "pg2", "pg3"]
ABSENT = {"state": "absent", "role": None}
COPYING = {"state": "copying", "role": None}


def member(role, state="running", timeline=1, lsn="0/5000000", identifier="7", **more):
    streams = {"receiver": {"status": "streaming"}} if role == "standby" and state == "running" else {}
    return {
        "state": state,
        "role": role,
        "timeline": timeline,
        "lsn": lsn,
        "system_identifier": identifier,
        "slots": [],
        "senders": [],
        "settings": {},
        "history": [],
        "pending_restart": [],
        "replay_paused": False,
        **streams,
        **more,
    }


def decided(states, **options):
    return decide(states, MEMBERS, "pg1", **options)


def test_the_live_primary_counts_not_the_inventory():
    states = {"pg1": member("standby", timeline=2), "pg2": member("primary", timeline=2), "pg3": ABSENT}
    topology = decided(states)
    assert topology.primary == "pg2" and topology.refusal == ""
    assert topology.actions == {"pg1": "keep", "pg2": "keep", "pg3": "create"}


def test_the_inventory_begins_when_nobody_has_data():
    topology = decided(dict.fromkeys(MEMBERS, ABSENT))
    assert topology.actions == {"pg1": "initialise", "pg2": "create", "pg3": "create"}
    limited = decided(dict.fromkeys(MEMBERS, ABSENT), playing=["pg2"])
    assert "Run without --limit once" in limited.refusal


def test_one_standby_alone_needs_only_the_primary_to_answer():
    topology = decided({"pg1": member("primary"), "pg3": COPYING}, playing=["pg3"])
    assert topology.actions == {"pg1": "keep", "pg3": "create"}
    assert topology.notes == ("pg2 did not answer and is left alone",)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"pg1": member("primary"), "pg2": member("primary", timeline=2), "pg3": ABSENT}, "There are 2 primaries"),
        ({"pg1": member("primary"), "pg2": member("standby", identifier="8"), "pg3": ABSENT}, "identifiers differ"),
        (dict.fromkeys(MEMBERS, member("standby")), "none is the primary"),
        ({"pg1": member("standby"), "pg2": member("standby")}, "pg3 did not answer"),
        ({"pg2": ABSENT, "pg3": ABSENT}, "pg1 did not answer"),
        ({"pg1": member("primary", "stopped"), "pg2": member("primary"), "pg3": ABSENT}, "second primary beside pg2"),
        (
            {"pg1": member("primary", "stopped"), "pg2": member("standby", timeline=2), "pg3": ABSENT},
            "pg2 has a newer timeline",
        ),
        (dict.fromkeys(MEMBERS, member("primary", "stopped")), "There are 3 primaries"),
        ({"pg1": member("primary", "starting"), "pg2": member("primary"), "pg3": ABSENT}, "There are 2 primaries"),
    ],
)
def test_what_nobody_should_go_on_with_is_refused(states, words):
    topology = decided(states)
    assert words in topology.refusal
    assert topology.actions == {}
    assert "ouched" in topology.refusal or "run" in topology.refusal


def test_one_server_under_two_names_is_refused():
    standby = member("standby", started="2026-02-03T04:05:06.123456+00:00")
    topology = decided({"pg1": member("primary"), "pg2": standby, "pg3": standby})
    assert "pg2 and pg3 are one and the same server" in topology.refusal


def test_a_stopped_primary_is_still_the_primary():
    topology = decided({"pg1": member("primary", "stopped"), "pg2": member("standby"), "pg3": member("standby")})
    assert topology.primary == "pg1" and topology.notes == ("pg1 is the primary and is stopped",)


def test_rebuild_touches_only_what_needs_it():
    states = {
        "pg1": member("primary", timeline=2, history=[{"timeline": 1, "lsn": "0/4000000"}]),
        "pg2": member("standby", timeline=2),
        "pg3": member("standby", lsn="0/4000100", receiver=None),
    }
    assert "pg3" in decided(states).diverged
    topology = decided(states, rebuild=["pg2", "pg3"])
    assert topology.actions == {"pg1": "keep", "pg2": "keep", "pg3": "rebuild"} and topology.diverged == {}
    assert "only standbys" in decided(states, rebuild=["pg1"]).refusal
    assert "no member" in decided(states, rebuild=["pg9"]).refusal
    former = {**states, "pg3": member("primary", "stopped")}
    assert decided(former, rebuild=["pg3"]).actions["pg3"] == "rebuild"


def test_divergence_is_a_matter_of_timeline_and_position():
    primary = member("primary", timeline=3, history=[{"timeline": 1, "lsn": "0/300"}, {"timeline": 2, "lsn": "0/500"}])
    assert divergence(member("standby", timeline=1, lsn="0/300", receiver=None), primary) == ""
    assert "left at 0/300" in divergence(member("standby", timeline=1, lsn="0/301", receiver=None), primary)
    assert divergence(member("standby", timeline=2, lsn="0/400", receiver=None), primary) == ""
    assert "timeline 4" in divergence(member("standby", timeline=4, receiver=None), primary)
    # A standby that was asked a moment after its primary is further than that was.
    assert divergence(member("standby", timeline=3, lsn="0/5000010"), primary) == ""
    assert divergence(member("standby", timeline=3, lsn="0/5000010", receiver=None), primary) == ""


def slot(name, **more):
    return {
        "name": name,
        "type": "physical",
        "active": False,
        "temporary": False,
        "restart_lsn": None,
        "wal_status": None,
        **more,
    }


def actions(steps):
    return [(step.action, step.name) for step in steps]


def test_slots_of_a_primary_and_of_a_standby():
    fresh = member("primary")
    steps = slot_steps("pg1", MEMBERS, fresh, purge=False)
    assert actions(steps) == [("create", "pg2"), ("create", "pg3")]
    assert steps[0].statement == "SELECT pg_create_physical_replication_slot('pg2')"
    kept = slot("pg2", restart_lsn="0/1", wal_status="reserved")
    lost = slot("pg3", wal_status="lost")
    stranger = slot("gone", restart_lsn="0/1", wal_status="extended")
    logical = slot("cdc", type="logical", restart_lsn="0/1", wal_status="reserved")
    primary = member("primary", slots=[kept, lost, stranger, logical])
    assert slot_steps("pg1", MEMBERS, primary, purge=False) == []
    purged = slot_steps("pg1", MEMBERS, primary, purge=True)
    assert actions(purged) == [("drop", "gone")]
    assert unlisted_slots("pg1", MEMBERS, primary) == ["gone"]
    assert "is lost" in lost_slot("pg3", primary) and lost_slot("pg2", primary) == ""
    # What a former primary still reserves would keep WAL for ever.
    standby = member("standby", slots=[kept, slot("pg3")])
    assert actions(slot_steps("pg1", MEMBERS, standby, purge=False)) == [("renew", "pg2")]
    cascading = member("standby", slots=[{**kept, "active": True}, slot("pg3")])
    assert slot_steps("pg1", MEMBERS, cascading, purge=False) == []


def test_names_and_connection_strings():
    assert slot_name("PG-1.example.com") == "pg_1_example_com"
    assert connection_string({"host": "a,b", "port": 1, "sslmode": "", "x": "it's"}) == "host=a,b port=1 x='it\\'s'"
    assert password_file_line("*", "rep:l", "a\\b:c") == "*:*:*:rep\\:l:a\\\\b\\:c"
    assert synchronous_standby_names("any", 1, ["pg1", "first"]) == 'ANY 1 ("pg1", "first")'
    assert synchronous_standby_names("first", 2, ["A-b"]) == 'FIRST 2 ("a_b")'
    assert synchronous_standby_names("off", 1, MEMBERS) == ""
    assert format_lsn(parse_lsn("16/B374D848")) == "16/B374D848"


ADDRESSES = {"pg1": "10.0.0.1", "pg2": "10.0.0.2", "pg3": "10.0.0.3"}


def test_a_members_part():
    filled = member_settings.with_defaults({"members": MEMBERS, "password": "secret", "synchronous": {"mode": "any"}})
    found = member_settings.settings(filled, "pg2", ADDRESSES, 5432, "/etc/pass")
    assert "host=10.0.0.1,10.0.0.3 port=5432 user=replicator passfile=/etc/pass" in found["primary_conninfo"]
    assert "secret" not in str(found)
    assert found["synchronous_standby_names"] == 'ANY 1 ("pg1", "pg3")'
    networks = [rule["address"] for rule in member_settings.rules(filled, ADDRESSES, True)]
    assert networks == ["10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32"]
    assert member_settings.rules(filled, {**ADDRESSES, "pg1": "pg1"}, False)[0]["address"] == "samenet"


@pytest.mark.parametrize(
    ("replication", "words"),
    [
        ({"members": ["a-b", "a.b"], "password": "x"}, "share the replication slot a_b"),
        ({"members": ["a", "a"], "password": "x"}, "twice"),
        ({"members": ["a", "b"]}, "password is missing"),
        ({"members": ["a", "b"], "password": "x", "synchronous": {"mode": "any", "number": 2}}, "wait for ever"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(replication, words):
    with pytest.raises(GroundworkError, match=words):
        member_settings.with_defaults(replication)


def test_yaml_reads_off_as_false():
    read = member_settings.with_defaults({"members": ["a"], "password": "x", "synchronous": {"mode": False}})
    assert read["synchronous"] == {"mode": "off", "number": 1}


def planned(states, target="", **options):
    return plan_switchover(states, MEMBERS, target, **options)


def test_a_switchover_begins_from_the_live_primary():
    states = {"pg1": member("standby"), "pg2": member("primary"), "pg3": member("standby", lsn="0/5000001")}
    plan = planned(states, "pg1")
    assert (plan.source, plan.target, plan.refusal) == ("pg2", "pg1", "")
    assert planned(states).target == "pg3"
    assert planned(states, "pg2").source == planned(states, "pg2").target == "pg2"
    assert "none of the members" in planned(states, "pg9").refusal
    assert "pg3 is stopped" in planned({**states, "pg3": member("standby", "stopped")}, "pg1").refusal
    assert planned({**states, "pg3": ABSENT}, "pg1", ignore=["pg3"]).target == "pg1"
    assert "pg3 did not answer" in planned({name: states[name] for name in ("pg1", "pg2")}, "pg1").refusal
    assert "There are 2 primaries" in planned({**states, "pg3": member("primary")}, "pg1").refusal


def test_an_interrupted_switchover_is_finished_taken_back_or_refused():
    # The old primary is down and is still one: nobody was promoted.
    before = {"pg1": member("primary", "stopped"), "pg2": member("standby"), "pg3": member("standby")}
    assert planned(before, "pg2").start_first and planned(before, "pg2").source == "pg1"
    # It is marked as a standby, and nobody was promoted.
    between = {**before, "pg1": member("standby", "stopped", lsn="0/4FFFFA0")}
    plan = planned(between, "pg3")
    assert (plan.source, plan.target, plan.stopped) == ("", "pg3", ("pg1",))
    assert planned(between).target == "pg2"
    # The target is promoted, the old primary was not started again.
    after = {**between, "pg3": member("primary", timeline=2)}
    plan = planned(after, "pg3")
    assert (plan.source, plan.target, plan.stopped) == ("pg3", "pg3", ("pg1",))
    # The one that is asked for lacks WAL.
    lagging = {**between, "pg3": member("standby", lsn="0/4000000")}
    assert "pg3 does not have all WAL" in planned(lagging, "pg3").refusal
    assert "Promote pg2 instead" in planned(lagging, "pg3").refusal


LIMITS = Thresholds(lag_bytes=1000, lag_seconds=5, transaction_seconds=30)


def sender(name, **more):
    return {"name": name, "state": "streaming", "sync_state": "async", "lag_bytes": 0, "lag_seconds": 0, **more}


def quiet_primary(**more):
    facts = {"base_backups": 0, "longest_transaction_seconds": 0, "archive_failing": False}
    return {**member("primary"), "senders": [sender("pg2"), sender("pg3")], **facts, **more}


def test_gates_of_a_switchover():
    assert against_primary(quiet_primary(), "pg2", LIMITS) == []
    reasons = against_primary(
        quiet_primary(
            senders=[sender("pg3", lag_bytes=5000, lag_seconds=9)],
            base_backups=1,
            longest_transaction_seconds=40,
            archive_failing=True,
            pending_restart=["max_connections", "shared_buffers"],
            settings={"synchronous_standby_names": "ANY 1 (pg2)"},
        ),
        "pg2",
        LIMITS,
    )
    text = "\n".join(reasons)
    for words in ("pg2 is not connected", "5000 bytes", "9 s behind", "base backup", "open for 40 s"):
        assert words in text
    assert "archiving fails" in text
    assert "restart to apply max_connections" in text and "shared_buffers" not in text
    assert "no synchronous standby" in text and len(reasons) == 8


def test_gates_on_the_targets_side():
    assert against_target(member("standby"), "pg2", quiet_primary()) == []
    assert "not a running standby" in against_target(member("standby", "stopped"), "pg2", quiet_primary())[0]
    bad = member("standby", timeline=2, identifier="8", receiver=None, replay_paused=True, pending_restart=["port"])
    assert len(against_target(bad, "pg2", quiet_primary())) == 5


CONTROL = """pg_control version number:            1300
Database system identifier:           7574512345678901234
Database cluster state:               shut down
Latest checkpoint location:           0/3000028
Latest checkpoint's TimeLineID:       1
Minimum recovery ending location:     0/0
Min recovery ending loc's timeline:   0
wal_log_hints setting:                off
max_connections setting:              100
max_worker_processes setting:         8
max_wal_senders setting:              10
max_prepared_xacts setting:           0
max_locks_per_xact setting:           64
Data page checksum version:           1
"""


def test_the_control_file():
    control = parse_control(CONTROL)
    assert control.shut_down and control.checksums and not control.wal_log_hints
    assert control.checkpoint == parse_lsn("0/3000028") and control.settings["max_prepared_transactions"] == 0


def test_the_exporter_goes_by_the_same_rule():
    queries = Path(__file__).resolve().parents[6] / "roles" / "postgresql_16" / "files" / "exporter_queries.yml"
    query = yaml.safe_load(queries.read_text())["groundwork_standby"]["query"]
    rule = f"(SELECT count(*) FROM {SOURCE} WHERE {STREAMS}) AS streaming"
    assert "".join(rule.split()) in "".join(query.split())
