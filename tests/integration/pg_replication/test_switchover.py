"""A planned switchover: what it loses (nothing), how long it takes, and what it does when something is in the way."""

from __future__ import annotations

import contextlib
import itertools
import signal
import threading
import time

import psycopg2
import pytest
import servers


class Writer(threading.Thread):
    """Commits a numbered row every 20 ms on whichever member is the primary, over connections of its own."""

    def __init__(self, cluster) -> None:
        super().__init__(daemon=True)
        self.cluster = cluster
        self.acknowledged: list[tuple[float, int]] = []
        self.ending = threading.Event()

    def run(self) -> None:
        connection = None
        number = 0
        while not self.ending.is_set():
            number += 1
            try:
                connection = connection or self.connect()
                with connection.cursor() as cursor:
                    cursor.execute("INSERT INTO written VALUES (%s)", (number,))
                self.acknowledged.append((time.monotonic(), number))
            except psycopg2.Error:
                connection = None
            time.sleep(0.02)

    def connect(self):
        ports = ",".join(str(self.cluster.ports[name]) for name in self.cluster.members)
        connection = psycopg2.connect(
            host="127.0.0.1,127.0.0.1,127.0.0.1",
            port=ports,
            user="postgres",
            password=servers.PASSWORD,
            dbname="postgres",
            target_session_attrs="read-write",
            connect_timeout=2,
        )
        connection.autocommit = True
        return connection

    def outage(self) -> float:
        times = [moment for moment, _number in self.acknowledged]
        return max(later - earlier for earlier, later in itertools.pairwise(times))

    def wait_for_rows(self, number: int = 20) -> None:
        """Until that many more rows are acknowledged."""
        wanted = len(self.acknowledged) + number
        self.cluster.wait_until(lambda: len(self.acknowledged) >= wanted)

    def stop(self) -> None:
        self.ending.set()
        self.join()


@pytest.fixture
def written(replicated):
    replicated.query("one", "CREATE TABLE written (number int PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())")
    for name in ("two", "three"):
        assert not replicated.keep(name, primary=replicated.state("one")).get("failed")
    return replicated


def test_no_acknowledged_row_is_lost_and_everybody_follows(written):
    predicted = written.hand_over("one", "two", check=True)
    assert [step["action"] for step in predicted["actions"]] == ["stop", "promote", "start"]
    assert written.state("one")["role"] == "primary"

    writer = Writer(written)
    writer.start()
    outages = []
    order = ["one", "two", "three", "one", "two", "one"]
    for source, target in itertools.pairwise(order):
        writer.wait_for_rows()
        done = written.hand_over(source, target)
        assert not done.get("failed"), done["msg"]
        outages.append(done["timing"]["promoted_ms"])
        for name in written.members:
            member = written.state(name, wait_streaming=60)
            assert member["role"] == ("primary" if name == target else "standby")
            assert name == target or member["receiver"]["status"] == "streaming", member
        for name in written.members:
            kept = written.keep(name, primary=written.state(target))
            assert not kept.get("failed"), kept["msg"]
            assert written.keep(name, primary=written.state(target))["changed"] is False
    writer.wait_for_rows()
    writer.stop()

    acknowledged = {number for _moment, number in writer.acknowledged}
    stored = {number for (number,) in written.query("one", "SELECT number FROM written")}
    assert acknowledged - stored == set()
    print(f"\nserver side {outages} ms, longest gap between commits {writer.outage() * 1000:.0f} ms")
    assert written.state("one")["timeline"] == 6
    # Nobody may promote a standby over the network afterwards.
    may_promote = "SELECT has_function_privilege('replicator', 'pg_promote(boolean, integer)', 'EXECUTE')"
    assert written.query("one", may_promote) == [(False,)]
    assert written.password not in writer.cluster.first.log.read_text()


def test_what_speaks_against_it_is_named_and_nothing_is_touched(written):
    started = written.query("one", "SELECT pg_postmaster_start_time()")
    idle = psycopg2.connect(
        host="127.0.0.1", port=written.ports["one"], user="postgres", password=servers.PASSWORD, dbname="postgres"
    )
    idle.cursor().execute("SELECT 1")
    aged = f"SELECT clock_timestamp() - xact_start > '1.1 s' FROM pg_stat_activity WHERE pid = {idle.info.backend_pid}"
    written.wait_until(lambda: written.query("one", aged) == [(True,)])
    refused = written.hand_over("one", "two", max_transaction_seconds=1)
    idle.close()
    assert refused["failed"] and "a transaction has been open for" in refused["msg"]

    written.stop("two")
    refused = written.hand_over("one", "two")
    assert refused["failed"] and "two is not connected to the primary (connected: three)" in refused["msg"]
    assert written.query("one", "SELECT pg_postmaster_start_time()") == started


def test_an_address_of_another_member_is_not_the_target(written):
    began = {name: written.query(name, "SELECT pg_postmaster_start_time()") for name in written.members}
    for other, reason in (("three", "streams through the slot three, not to two"), ("one", "leads to a primary")):
        for check in (True, False):
            refused = written.hand_over("one", "two", check=check, target_port=written.ports[other])
            assert refused["failed"] and refused["error_code"] == "SWITCHOVER_REFUSED", refused
            assert f"127.0.0.1:{written.ports[other]}" in refused["msg"] and reason in refused["msg"]
    assert {name: written.query(name, "SELECT pg_postmaster_start_time()") for name in written.members} == began
    assert [written.state(name)["role"] for name in written.members] == ["primary", "standby", "standby"]


def test_a_target_that_does_not_replay_gives_the_part_back(written):
    # Prepared by hand past the gates: the gate on the target's side would have refused a paused replay.
    written.query("two", "SELECT pg_wal_replay_pause()")
    refused = written.run_module(
        "pg_switchover",
        {
            **written.options("two"),
            "step": "prepare",
            "target": "two",
            "primary": written.state("one"),
        },
    )
    assert refused["failed"] and "replay is paused on two" in refused["msg"]
    written.query("one", "INSERT INTO written VALUES (1)")
    back = written.hand_over("one", "two", receive_timeout=1)
    assert back["failed"] and back["error_code"] == "SWITCHOVER_ROLLED_BACK", back
    assert "was started again and is the primary" in back["msg"]
    member = written.state("one")
    assert member["role"] == "primary" and member["timeline"] == 1
    written.query("one", "INSERT INTO written VALUES (2)")
    assert written.keep("one")["actions"][0]["action"] == "revoke"


def test_killed_between_stop_and_promotion_there_is_no_second_primary(written, start_module):
    written.query("two", "SELECT pg_wal_replay_pause()")
    written.query("one", "INSERT INTO written VALUES (1)")
    process = start_module("pg_switchover", written.switchover_arguments("one", "two", receive_timeout=60))
    written.wait_until(lambda: not (written.data("one") / "postmaster.pid").exists())
    waits = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'groundwork switchover'"
        " AND query = 'SELECT pg_last_wal_replay_lsn()'"
    )
    written.wait_until(lambda: written.query("two", waits) == [(1,)])
    process.send_signal(signal.SIGKILL)
    process.wait()
    states = written.states()
    assert states["one"]["state"] == "stopped" and states["one"]["cleanly_stopped"]
    assert [states[name]["role"] for name in ("two", "three")] == ["standby", "standby"]

    # Back: the old primary is still one, and starting it is all there is to do.
    written.start("one")
    assert written.state("one")["role"] == "primary"
    written.query("two", "SELECT pg_wal_replay_resume()")
    assert written.state("two", wait_streaming=60)["receiver"]["status"] == "streaming"

    # Forward: with the old one marked as a standby, whoever has all WAL is promoted.
    written.stop("one")
    (written.data("one") / "standby.signal").touch()
    promote = {**written.options("two"), "step": "promote", "target": "two"}
    assert written.run_module("pg_switchover", promote)["changed"] and written.state("two")["role"] == "primary"
    assert written.run_module("pg_switchover", promote)["changed"] is False
    written.start("one")
    assert written.state("one", wait_streaming=60)["receiver"]["status"] == "streaming"


def test_a_standby_knows_its_timeline_while_its_primary_is_away(written):
    """The control file knows a new timeline only after the next checkpoint; taken at its word, it looks diverged."""
    assert not written.hand_over("one", "two").get("failed")
    assert written.state("three", wait_streaming=60)["timeline"] == 2
    primary = written.state("two")
    written.stop("two")
    written.wait_until(lambda: written.state("three")["receiver"] is None)
    assert written.state("three")["timeline"] == 2
    kept = written.keep("three", primary=primary, wait_streaming=0)
    assert not kept.get("failed"), kept["msg"]
    written.stop("three")
    assert written.state("three")["timeline"] == 2


def test_a_commit_waits_for_a_synchronous_standby_and_a_switchover_needs_no_new_setting(written):
    for name in written.members:
        others = ", ".join(f'"{other}"' for other in written.members if other != name)
        written.configure(name, synchronous_standby_names=f"ANY 1 ({others})", synchronous_commit="on")
        written.query(name, "SELECT pg_reload_conf()")
    written.wait_until(lambda: {sender["sync_state"] for sender in written.state("one")["senders"]} == {"quorum"})
    assert not written.hand_over("one", "two").get("failed")
    written.query("two", "INSERT INTO written VALUES (1)")
    for name in ("one", "three"):
        written.stop(name)
    refused = written.hand_over("two", "one")
    assert refused["failed"] and "no synchronous standby is connected" in refused["msg"]
    # Nobody confirms, so the commit waits; a statement_timeout does not end that.
    threading.Thread(target=commit_until_killed, args=(written,), daemon=True).start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    written.wait_until(lambda: written.query("two", waits) == [(1,)])


def commit_until_killed(cluster) -> None:
    with contextlib.suppress(psycopg2.Error):
        cluster.query("two", "INSERT INTO written VALUES (2)")
