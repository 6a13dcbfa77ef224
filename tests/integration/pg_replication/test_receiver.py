"""A standby is called streaming when its primary sends to it, and never before, however long each step takes."""

from __future__ import annotations

import contextlib
import os
import signal
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.names import connection_string

from .gate import Gate

QUERIES = Path(__file__).resolve().parents[3] / "roles" / "postgresql_16" / "files" / "exporter_queries.yml"
RAW = "SELECT r.status, a.wait_event FROM pg_stat_wal_receiver AS r JOIN pg_stat_activity AS a USING (pid)"


@pytest.fixture
def gate(cluster) -> t.Iterator[Gate]:
    with Gate(cluster.ports["one"]) as made:
        yield made


def through(cluster, gate: Gate) -> str:
    """A standby's connection string that leads through the gate."""
    return connection_string(
        {
            "host": "127.0.0.1",
            "port": str(gate.port),
            "user": "replicator",
            "passfile": str(cluster.passfile),
            "application_name": "two",
            "sslmode": "disable",
            "gssencmode": "disable",
        }
    )


def status(cluster, name: str) -> str | None:
    return (cluster.state(name)["receiver"] or {}).get("status")


def metric(cluster, name: str) -> int:
    query = yaml.safe_load(QUERIES.read_text())["groundwork_standby"]["query"]
    return int(cluster.query(name, query)[0][2])


def lose_slot(cluster) -> None:
    """Have the primary remove the WAL that the stopped standby two needs."""
    for _round in range(6):
        cluster.query("one", "CREATE TABLE t AS SELECT generate_series(1, 200000) AS n")
        cluster.query("one", "DROP TABLE t")
        cluster.query("one", "SELECT pg_switch_wal()")
        cluster.query("one", "CHECKPOINT")


@pytest.mark.parametrize(
    ("place", "waits_for"), [("answer", "LibPQWalReceiverReceive"), ("what follows", "WalReceiverMain")]
)
def test_a_refused_receiver_never_streams(cluster, gate, place, waits_for):
    cluster.settings["max_slot_wal_keep_size"] = "16MB"
    cluster.configure("one", min_wal_size="32MB", max_wal_size="48MB")
    cluster.build(["two"])
    cluster.stop("two")
    lose_slot(cluster)
    cluster.configure("two", primary_conninfo=through(cluster, gate))
    gate.shut(place)
    cluster.start("two")
    assert gate.reached.wait(60)
    # What the server itself says of a receiver whose refusal is on its way.
    cluster.wait_until(lambda: cluster.query("two", RAW) == [("streaming", waits_for)])

    assert status(cluster, "two") == "connecting" and metric(cluster, "two") == 0
    reported = cluster.keep("two", primary=cluster.state("one"), wait_streaming=1)
    assert reported["failed"] and reported["error_code"] == "STANDBY_SLOT_LOST", reported
    assert cluster.query("two", RAW) == [("streaming", waits_for)], "the gate was shut all the time"
    gate.open()
    cluster.wait_until(lambda: "has already been removed" in (cluster.homes["two"] / "data.log").read_text())
    assert status(cluster, "two") in (None, "connecting") and metric(cluster, "two") == 0


@pytest.mark.parametrize("place", ["answer", "what follows"])
def test_a_receiver_that_is_accepted_streams_once_it_receives(cluster, gate, place):
    cluster.build(["two"])
    cluster.stop("two")
    cluster.query("one", "CREATE TABLE meanwhile AS SELECT 1 AS n")
    cluster.configure("two", primary_conninfo=through(cluster, gate))
    gate.shut(place)
    cluster.start("two")
    assert gate.reached.wait(60)
    member = cluster.state("two", wait_streaming=1)
    assert member["receiver"]["status"] == "connecting" and member["timeline"] == 1
    assert any("does not stream" in problem for problem in cluster.keep("two", wait_streaming=0)["problems"])
    gate.open()
    assert cluster.state("two", wait_streaming=60)["receiver"]["status"] == "streaming"
    assert metric(cluster, "two") == 1 and cluster.query("two", "SELECT n FROM meanwhile") == [(1,)]


@pytest.mark.parametrize("place", ["answer", "what follows"])
def test_a_receiver_that_goes_on_to_the_next_timeline(cluster, place):
    """The process stays, and with it what it has received; only its new request has to be answered."""
    with Gate(cluster.ports["two"]) as gate:
        cluster.build(["two", "three"])
        cluster.stop("three")
        cluster.configure("three", primary_conninfo=through(cluster, gate), primary_slot_name="")
        cluster.start("three")
        cluster.query("one", "CREATE TABLE before AS SELECT 1 AS n")
        assert cluster.state("three", wait_streaming=60)["receiver"]["status"] == "streaming"
        (receiver,) = cluster.query("three", "SELECT pid FROM pg_stat_wal_receiver")

        gate.shut(place)
        cluster.query("two", "SELECT pg_promote()")
        assert gate.reached.wait(60)
        assert cluster.query("three", "SELECT pid FROM pg_stat_wal_receiver") == [receiver]
        cluster.wait_until(lambda: cluster.query("three", RAW)[0][0] == "streaming")
        assert status(cluster, "three") == "connecting" and metric(cluster, "three") == 0
        gate.open()
        member = cluster.state("three", wait_streaming=60)
        assert member["receiver"]["status"] == "streaming" and member["timeline"] == 2
        assert cluster.query("three", "SELECT pid FROM pg_stat_wal_receiver") == [receiver]


@contextlib.contextmanager
def writes_nothing_by_itself(cluster, name: str) -> t.Iterator[None]:
    """The background writer notes the running transactions from time to time."""
    (writer,) = cluster.query(name, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'")[0]
    os.kill(writer, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(writer, signal.SIGCONT)


def test_a_primary_that_has_nothing_to_send(cluster):
    """It is asked to answer after half of wal_receiver_timeout, and that is the first that comes from it."""
    cluster.configure("one", autovacuum="off")
    cluster.build(["two"])
    with writes_nothing_by_itself(cluster, "one"):
        cluster.query("one", "SELECT pg_switch_wal()")
        ((end,),) = cluster.query("one", "SELECT pg_current_wal_lsn()")
        cluster.wait_until(lambda: cluster.query("two", "SELECT pg_last_wal_replay_lsn()") == [(end,)])

        cluster.stop("two")
        cluster.configure("two", wal_receiver_timeout="4s")
        cluster.start("two")
        assert cluster.state("two", wait_streaming=60)["receiver"]["status"] == "streaming"
        assert cluster.query("two", "SELECT written_lsn FROM pg_stat_wal_receiver") == [(None,)], "WAL was sent"
        assert cluster.query("one", "SELECT pg_current_wal_lsn()") == [(end,)]
        assert metric(cluster, "two") == 1


def test_a_restarted_standby_that_receives_what_it_has_already(cluster):
    """It asks from the start of the segment, and flushes nothing of what comes: the primary has nothing new."""
    cluster.configure("one", autovacuum="off")
    cluster.build(["two"])
    with writes_nothing_by_itself(cluster, "one"):
        cluster.query("one", "CREATE TABLE something AS SELECT 1 AS n")
        ((end,),) = cluster.query("one", "SELECT pg_current_wal_flush_lsn()")
        cluster.wait_until(lambda: cluster.query("two", f"SELECT pg_last_wal_replay_lsn() >= '{end}'")[0][0])
        for _restart in range(2):
            cluster.stop("two")
            cluster.start("two")
            # Well before the primary would answer a question: half of wal_receiver_timeout is 30 s.
            assert cluster.state("two", wait_streaming=25)["receiver"]["status"] == "streaming"
            assert metric(cluster, "two") == 1
        assert cluster.query("two", "SELECT flushed_lsn = receive_start_lsn FROM pg_stat_wal_receiver") == [(True,)]
