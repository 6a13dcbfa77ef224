"""Standbys: made, made again after an interruption, reported when they cannot follow, rebuilt when asked to."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

import servers
from ansible_collections.groundwork.databases.plugins.module_utils._local import port
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication import live


def actions(result):
    return [step["action"] for step in result["actions"]]


def processes_with(argument: str) -> list[int]:
    """The programs that copy into a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().decode(errors="replace")
            if argument in line.split("\0") and "pg_basebackup" in line:
                found.append(int(path.parent.name))
    return found


def receiver_states(cluster, name: str, refusals: int) -> set[str | None]:
    """What the standby's receiver was seen doing until it was refused so often."""
    log = cluster.homes[name] / "data.log"
    seen = set()
    deadline = time.monotonic() + 120
    with contextlib.closing(cluster.connect(name)) as connection, connection.cursor() as cursor:
        while log.read_text().count("has already been removed") < refusals:
            assert time.monotonic() < deadline, log.read_text()
            cursor.execute(live.MEMBER_QUERY)
            seen.add((cursor.fetchone()[0]["receiver"] or {}).get("status"))
    return seen


def test_a_primary_and_two_standbys(cluster):
    assert cluster.state("one")["state"] == "stopped"
    assert cluster.state("two") == {"state": "absent", "role": None}
    cluster.first.start()

    predicted = cluster.keep("one", check=True)
    assert actions(predicted) == ["create", *["grant"] * 4, "create", "create"]
    first = cluster.keep("one")
    assert actions(first) == actions(predicted)
    assert cluster.keep("one")["changed"] is False and cluster.keep("one", check=True)["changed"] is False
    assert cluster.password not in first.output and "SCRAM-SHA-256" not in first.output
    assert "SCRAM-SHA-256" not in cluster.first.log.read_text()

    for name in ("two", "three"):
        assert actions(cluster.make_standby(name, check=True)) == ["copy"]
        assert not cluster.data(name).exists()
        made = cluster.make_standby(name)
        assert actions(made) == ["copy"], made
        assert cluster.make_standby(name)["changed"] is False
        cluster.start(name)
        kept = cluster.keep(name, primary=cluster.state("one"))
        assert not kept.get("failed"), kept["msg"]
        assert actions(kept) == ["create", "create"] and kept["problems"] == []
        assert cluster.keep(name, primary=cluster.state("one"))["changed"] is False

    primary = cluster.state("one")
    assert [sender["name"] for sender in primary["senders"]] == ["three", "two"]
    assert {slot["name"]: slot["active"] for slot in primary["slots"]} == {"two": True, "three": True}
    cluster.query("one", "CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n")
    cluster.wait_until(lambda: cluster.query("three", "SELECT to_regclass('rows')") != [(None,)])


def test_a_changed_password_reaches_the_server(replicated):
    changed = replicated.keep("one", password="another password")
    assert [step["name"] for step in changed["actions"]] == ["replicator"]
    assert "another password" not in changed.output
    assert actions(replicated.keep("one")) == ["alter"]


def test_an_interrupted_copy_is_begun_again(cluster, start_module):
    cluster.first.start()
    cluster.query("one", "CREATE TABLE bulk AS SELECT repeat('x', 1000) AS t FROM generate_series(1, 40000)")
    cluster.keep("one")
    process = start_module("pg_standby", cluster.standby_arguments("two", max_rate="2M"))
    cluster.wait_until((cluster.data("two") / "base").is_dir)
    receives = "SELECT active FROM pg_replication_slots WHERE slot_name = 'two'"
    cluster.wait_until(lambda: cluster.query("one", receives) == [(True,)])
    process.send_signal(signal.SIGKILL)
    process.wait()
    # What goes on receiving WAL would keep the slot, and one that fails later would remove the next copy.
    assert processes_with(str(cluster.data("two")))
    assert cluster.state("two")["state"] == "copying"

    again = cluster.make_standby("two")
    assert not again.get("failed"), again["msg"]
    assert actions(again) == ["copy again"] and not processes_with(str(cluster.data("two")))
    cluster.start("two")
    assert cluster.state("two", wait_streaming=60)["receiver"]["status"] == "streaming"
    assert cluster.query("two", "SELECT count(*) FROM bulk") == [(40000,)]


def test_a_server_that_was_made_by_hand_after_an_interrupted_copy_is_never_emptied(cluster, start_module):
    """The note of the interrupted copy is still there when a person has long since promoted a copy of their own."""
    cluster.first.start()
    cluster.query("one", "CREATE TABLE bulk AS SELECT repeat('x', 1000) AS t FROM generate_series(1, 40000)")
    cluster.keep("one")
    process = start_module("pg_standby", cluster.standby_arguments("two", max_rate="2M"))
    cluster.wait_until((cluster.data("two") / "base").is_dir)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for pid in processes_with(str(cluster.data("two"))):
        os.kill(pid, signal.SIGKILL)
    cluster.wait_until(lambda: not processes_with(str(cluster.data("two"))))
    assert cluster.state("two")["state"] == "copying"

    shutil.rmtree(cluster.data("two"))
    by_hand = [str(cluster.first.bin / "pg_basebackup"), "-D", str(cluster.data("two")), "-R", "-c", "fast", "-d"]
    made = cluster.account.run([*by_hand, f"port={cluster.ports['one']} host=127.0.0.1 user=replicator "
                                f"passfile={cluster.passfile}"])
    assert made.ok, made.stderr
    cluster.start("two")
    cluster.query("two", "SELECT pg_promote()")
    cluster.query("two", "CREATE TABLE precious AS SELECT 1 AS id")

    for running in (True, False):
        if not running:
            cluster.stop("two")
        assert cluster.state("two")["state"] == ("running" if running else "stopped")
        for check in (True, False):
            refused = cluster.make_standby("two", check=check)
            assert refused.get("failed"), refused
            assert "holds a primary, not a standby" in refused["msg"]
    cluster.start("two")
    assert cluster.query("two", "SELECT id FROM precious") == [(1,)]


def test_a_folder_with_something_in_it_is_never_emptied(cluster):
    cluster.first.start()
    cluster.keep("one")
    cluster.data("two").mkdir()
    (cluster.data("two") / "precious").write_text("data")
    refused = cluster.make_standby("two")
    assert refused["failed"] and "something is in it" in refused["msg"]
    assert cluster.make_standby("two", check=True)["failed"]
    assert (cluster.data("two") / "precious").exists()


def test_wal_folder_tablespace_and_rate(cluster):
    cluster.first.start()
    spaces = {name: cluster.homes[name] / "space" for name in ("one", "two")}
    for folder in spaces.values():
        folder.mkdir(mode=0o700)
        cluster.account.own(folder)
    cluster.query("one", f"CREATE TABLESPACE fast LOCATION '{spaces['one']}'")
    cluster.query("one", "CREATE TABLE placed TABLESPACE fast AS SELECT 1 AS one")
    cluster.keep("one")
    wal = cluster.homes["two"] / "wal"
    options = {"tablespace_mapping": {str(spaces["one"]): str(spaces["two"])}, "wal_directory": str(wal)}

    # An unmapped tablespace would land in the primary's own folder on this machine; pg_basebackup refuses.
    refused = cluster.make_standby("two")
    assert refused["failed"] and "exists but is not empty" in refused["msg"]
    assert cluster.query("one", "SELECT one FROM placed") == [(1,)]

    made = cluster.make_standby("two", **options, max_rate="50M")
    assert not made.get("failed"), made["msg"]
    assert (cluster.data("two") / "pg_wal").resolve() == wal.resolve()
    cluster.start("two")
    assert cluster.state("two", wait_streaming=60)["receiver"]["status"] == "streaming"
    assert cluster.query("two", "SELECT one FROM placed") == [(1,)]

    rebuilt = cluster.make_standby("two", **options, rebuild=True, rebuild_method="copy")
    assert not rebuilt.get("failed"), rebuilt["msg"]
    assert actions(rebuilt) == ["stop", "copy anew"]
    cluster.start("two")
    assert cluster.query("two", "SELECT one FROM placed") == [(1,)]
    assert cluster.query("one", "SELECT one FROM placed") == [(1,)]


def diverge(cluster) -> None:
    """Two becomes a primary of its own and writes what nobody else has; then it is told to be a standby again."""
    cluster.query("two", "SELECT pg_promote()")
    cluster.query("two", "CREATE TABLE only_here AS SELECT generate_series(1, 1000) AS n")
    cluster.stop("two")
    (cluster.data("two") / "standby.signal").touch()
    cluster.account.own(cluster.data("two") / "standby.signal")
    cluster.query("one", "CREATE TABLE meanwhile AS SELECT 1 AS n")
    cluster.start("two")


def test_a_diverged_standby_is_reported_and_rewound_only_when_asked(replicated):
    diverge(replicated)
    reported = replicated.keep("two", primary=replicated.state("one"), wait_streaming=1)
    assert reported["failed"] and reported["error_code"] == "STANDBY_DIVERGED"
    assert "timeline 2, its primary on 1" in reported["msg"] and "replication.rebuild" in reported["msg"]
    assert replicated.query("two", "SELECT count(*) FROM only_here") == [(1000,)]
    assert replicated.make_standby("two")["changed"] is False

    predicted = replicated.make_standby("two", rebuild=True, check=True)
    assert actions(predicted) == ["stop", "rewind"]
    rebuilt = replicated.make_standby("two", rebuild=True)
    assert not rebuilt.get("failed"), rebuilt["msg"]
    replicated.start("two")
    member = replicated.state("two", wait_streaming=60)
    assert member["receiver"]["status"] == "streaming" and member["timeline"] == 1
    assert replicated.query("two", "SELECT to_regclass('only_here'), to_regclass('meanwhile')") == [(None, "meanwhile")]


def test_a_lost_slot_is_reported_and_the_standby_copied_anew(cluster):
    cluster.settings["max_slot_wal_keep_size"] = "16MB"
    cluster.configure("one", min_wal_size="32MB", max_wal_size="48MB")
    cluster.build(["two"])
    cluster.stop("two")
    for _round in range(6):
        cluster.query("one", "CREATE TABLE t AS SELECT generate_series(1, 200000) AS n")
        cluster.query("one", "DROP TABLE t")
        cluster.query("one", "SELECT pg_switch_wal()")
        cluster.query("one", "CHECKPOINT")
    cluster.start("two")
    primary = cluster.state("one")
    assert {slot["name"]: slot["wal_status"] for slot in primary["slots"]}["two"] == "lost"
    # The server itself calls each of its refused tries streaming, for as long as it takes: see test_receiver.py.
    assert "streaming" not in receiver_states(cluster, "two", 5)
    reported = cluster.keep("two", primary=primary, wait_streaming=1)
    assert reported["failed"] and reported["error_code"] == "STANDBY_SLOT_LOST", reported

    # As long as the old standby runs it would drag a new slot back to where it got stuck, so its copy makes it.
    assert cluster.keep("one")["changed"] is False
    rebuilt = cluster.make_standby("two", rebuild=True)
    assert not rebuilt.get("failed"), rebuilt["msg"]
    cluster.start("two")
    assert cluster.state("two", wait_streaming=60)["receiver"]["status"] == "streaming"
    slots = {slot["name"]: slot["wal_status"] for slot in cluster.state("one")["slots"]}
    assert slots["two"] == "reserved"


def test_a_slot_that_another_server_uses_stops_the_copy(replicated):
    made = replicated.make_standby("three", slot="two", rebuild=True)
    assert made["failed"] and made["error_code"] == "STANDBY_SLOT_REFUSED"
    assert 'replication slot "two" is active' in made["msg"] and "must not have the same name" in made["msg"]
    # The copy that it has is whole, and comes up again.
    assert replicated.make_standby("three")["changed"] is False
    replicated.start("three")
    assert replicated.state("three", wait_streaming=60)["receiver"]["status"] == "streaming"


def test_another_cluster_is_not_copied_over_a_standby(replicated, tmp_path):
    """One of the addresses leads to a cluster of other data, which lets the replication role in as well."""
    stranger = servers.Postgresql(same_identifier=False)
    stranger.start()
    try:
        stranger.query("CREATE ROLE replicator LOGIN REPLICATION PASSWORD 'test:replication\\password'")
        stranger.query("SELECT pg_create_physical_replication_slot('two')")
        identifier = replicated.state("one")["system_identifier"]
        began = replicated.query("two", "SELECT pg_postmaster_start_time()")
        replicated.query("one", "CREATE TABLE kept AS SELECT 1 AS n")
        replicated.wait_until(lambda: replicated.query("two", "SELECT to_regclass('kept')") != [(None,)])
        slots = stranger.query("SELECT slot_name, restart_lsn FROM pg_replication_slots")
        wrong = {"hosts": [f"127.0.0.1:{stranger.port}"], "system_identifier": identifier, "rebuild": True}
        for method in ("copy", "rewind", "auto"):
            for check in (True, False):
                refused = replicated.make_standby("two", check=check, rebuild_method=method, **wrong)
                assert refused["failed"] and refused["error_code"] == "STANDBY_OTHER_CLUSTER", refused
                assert f"not {identifier}" in refused["msg"]
        assert replicated.query("two", "SELECT pg_postmaster_start_time(), n FROM kept") == [(*began[0], 1)]
        assert stranger.query("SELECT slot_name, restart_lsn FROM pg_replication_slots") == slots
        silent = {**wrong, "hosts": [f"127.0.0.1:{port.free_port(0)}"]}
        unreachable = replicated.make_standby("two", rebuild_method="copy", **silent)
        assert unreachable["failed"] and unreachable["error_code"] == "STANDBY_SOURCE_UNREACHABLE"
        # psql would ask the primary, pg_controldata tells what the folder holds: only the first one is missing.
        programs = tmp_path / "bin"
        programs.mkdir()
        (programs / "pg_controldata").symlink_to(replicated.first.bin / "pg_controldata")
        missing = replicated.make_standby("two", rebuild_method="copy", bin_directory=str(programs), **wrong)
        assert missing["failed"] and missing["error_code"] == "STANDBY_PROGRAMS_MISSING", missing
        assert str(programs / "psql") in missing["msg"]
        assert replicated.query("two", "SELECT pg_postmaster_start_time()") == began
    finally:
        stranger.kill()
        shutil.rmtree(stranger.server.layout.servers, ignore_errors=True)


def test_slots_of_nobody_are_reported_and_dropped_on_request(replicated):
    replicated.query("one", "SELECT pg_create_physical_replication_slot('gone', true)")
    kept = replicated.keep("one")
    assert kept["changed"] is False and kept["unlisted_slots"] == ["gone"]
    assert "keep WAL back: gone" in kept["problems"][0]
    assert actions(replicated.keep("one", purge_slots=True)) == ["drop"]
    assert replicated.keep("one")["unlisted_slots"] == []


def test_a_lagging_standby_is_reported(replicated):
    replicated.query("two", "SELECT pg_wal_replay_pause()")
    replicated.query("one", "CREATE TABLE lag AS SELECT repeat('x', 1000) AS t FROM generate_series(1, 5000)")
    ((end,),) = replicated.query("one", "SELECT pg_current_wal_flush_lsn()")
    replicated.wait_until(lambda: replicated.query("two", f"SELECT pg_last_wal_receive_lsn() >= '{end}'")[0][0])
    kept = replicated.keep("two", primary=replicated.state("one"), max_lag_bytes=1000000, wait_streaming=1)
    assert not kept.get("failed"), kept["msg"]
    assert any("replay is paused" in problem for problem in kept["problems"])
    assert any("bytes behind its primary (limit 1000000)" in problem for problem in kept["problems"])
