"""What a running mongod lacks: what changes as it runs, and what needs a restart."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.configuration import memory, plan, upgrade
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.configuration.live import Live, Parameter

LEVELS = {
    "verbosity": 0,
    "accessControl": {"verbosity": -1},
    "replication": {"verbosity": -1, "election": {"verbosity": 1}},
}


def live(**changes: t.Any) -> Live:
    facts: dict[str, t.Any] = {
        "version": (7, 0, 14),
        "started_with": {"net.port": 27017, "net.bindIp": "127.0.0.1"},
        "parameters": {
            "cursorTimeoutMillis": Parameter(600000, True),
            "authenticationMechanisms": Parameter(["SCRAM-SHA-256"], False),
            "ttlMonitorEnabled": Parameter(True, True),
            "logComponentVerbosity": Parameter(LEVELS, True),
            "ldapQueryPassword": Parameter("old", True),
        },
        "slow": {"slowOpThresholdMs": 100, "slowOpSampleRate": 1},
        "cache_bytes": 256 * memory.MIB,
        "oplog_mb": 990.0,
        "oplog_hours": 0.0,
    }
    return Live(**{**facts, **changes})


def wanted(**changes: t.Any) -> dict[str, t.Any]:
    return {"net.port": 27017, "net.bindIp": "127.0.0.1", **changes}


def commands(difference: plan.Difference) -> list[dict[str, t.Any]]:
    return [change.command for change in difference.changes]


def test_nothing_differs():
    assert plan.compare(wanted(), live()) == plan.Difference()


def test_values_that_only_look_different():
    parameters = {"authenticationMechanisms": "SCRAM-SHA-256", "cursorTimeoutMillis": "600000", "ttlMonitorEnabled": 1}
    chosen = wanted(setParameter=parameters, **{plan.CACHE_SIZE: 0.25, plan.OPLOG_SIZE: 990})
    assert plan.compare(chosen, live()) == plan.Difference()


def test_a_parameter_that_changes_at_run_time():
    difference = plan.compare(wanted(setParameter={"cursorTimeoutMillis": "300000"}), live())
    assert commands(difference) == [{"setParameter": 1, "cursorTimeoutMillis": 300000}]
    assert difference.reasons == ()


def test_a_parameter_that_does_not():
    difference = plan.compare(wanted(setParameter={"authenticationMechanisms": "SCRAM-SHA-256,MONGODB-X509"}), live())
    assert commands(difference) == []
    assert "setParameter.authenticationMechanisms" in difference.reasons[0]


def test_a_parameter_that_is_given_up_needs_a_restart_for_its_default():
    started = {"net.port": 27017, "net.bindIp": "127.0.0.1", "setParameter": {"cursorTimeoutMillis": "300000"}}
    assert "no longer set" in plan.compare(wanted(), live(started_with=started)).reasons[0]


def test_unknown_parameters_are_refused():
    with pytest.raises(GroundworkError, match="does not know the parameters a, b"):
        plan.compare(wanted(setParameter={"b": 1, "a": 1}), live())


def test_a_secret_parameter_is_shown_nowhere():
    change = plan.compare(wanted(setParameter={"ldapQueryPassword": "hush"}), live()).changes[0]
    assert change.command["ldapQueryPassword"] == "hush"
    assert "hush" not in str(change.step) and "old" not in str(change.step.diff())


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"net.maxIncomingConnections": 500}, "net.maxIncomingConnections is 500, the server runs without it"),
        ({"net.port": 27018}, "net.port is 27018, the server runs with 27017"),
        ({"net.tls.clusterPassword": "hush"}, "net.tls.clusterPassword is another one"),
    ],
)
def test_options_that_are_read_at_the_start_need_a_restart(chosen, reason):
    assert plan.compare(wanted(**chosen), live()).reasons == (reason,)


def test_an_option_that_is_given_up_needs_a_restart():
    difference = plan.compare({"net.port": 27017}, live())
    assert difference.reasons == ("net.bindIp is no longer set, the server runs with 127.0.0.1",)


def test_a_password_that_the_server_masks_is_not_compared():
    started = {**wanted(), "net.tls.certificateKeyFilePassword": "<password>"}
    assert plan.compare(wanted(**{"net.tls.certificateKeyFilePassword": "x"}), live(started_with=started)).reasons == ()


def test_verbosity_is_changed_for_what_is_named_and_given_back_where_it_was():
    started = {**wanted(), "systemLog.component.replication.election.verbosity": 1}
    chosen = wanted(**{"systemLog.verbosity": 0, "systemLog.component.accessControl.verbosity": 2})
    assert commands(plan.compare(chosen, live(started_with=started))) == [{
        "setParameter": 1,
        "logComponentVerbosity": {"accessControl": {"verbosity": 2}, "replication": {"election": {"verbosity": -1}}},
    }]


def test_verbosity_that_somebody_raised_for_a_while_is_left():
    assert plan.compare(wanted(), live()) == plan.Difference()


def test_slow_operations():
    chosen = wanted(**{"operationProfiling.slowOpThresholdMs": 50, "operationProfiling.mode": "slowOp"})
    difference = plan.compare(chosen, live())
    assert commands(difference) == [{"profile": -1, "slowms": 50}]
    assert difference.reasons == ("operationProfiling.mode is slowOp, the server runs without it",)


def test_the_cache_is_resized_as_the_server_runs():
    difference = plan.compare(wanted(**{plan.CACHE_SIZE: 0.5}), live())
    assert commands(difference) == [{"setParameter": 1, "wiredTigerEngineRuntimeConfig": "cache_size=512M"}]


def test_the_oplog_is_resized_as_the_server_runs():
    difference = plan.compare(wanted(**{plan.OPLOG_SIZE: 2000, plan.OPLOG_HOURS: 1.5}), live())
    assert commands(difference) == [{"replSetResizeOplog": 1, "size": 2000.0, "minRetentionHours": 1.5}]
    assert plan.compare(wanted(**{plan.OPLOG_SIZE: 2000}), live(oplog_mb=None, oplog_hours=None)) == plan.Difference()


@pytest.mark.parametrize(
    ("gibibytes", "percent", "cache"),
    [(1, 100, 0.25), (4, 100, 1.5), (16, 100, 7.5), (16, 50, 3.5), (64, 100, 31.5), (2, 10, 0.25)],
)
def test_the_cache_is_half_of_the_share_less_one(gibibytes, percent, cache):
    assert memory.gigabytes(memory.cache_size(gibibytes * memory.GIB, percent)) == cache


def test_a_container_counts_for_what_it_may_use(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal:       16777216 kB\nMemFree: 1 kB\n")
    assert memory.usable_memory(tmp_path) == 16 * memory.GIB
    (tmp_path / "proc/self/cgroup").write_text("0::/system.slice/a.service\n")
    group = tmp_path / "sys/fs/cgroup/system.slice/a.service"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    assert memory.usable_memory(tmp_path) == 16 * memory.GIB
    (group.parent / "memory.max").write_text(f"{4 * memory.GIB}\n")
    assert memory.usable_memory(tmp_path) == 4 * memory.GIB
    old = tmp_path / "sys/fs/cgroup/memory"
    old.mkdir()
    (old / "memory.limit_in_bytes").write_text(f"{2 * memory.GIB}\n")
    assert memory.usable_memory(tmp_path) == 2 * memory.GIB


def refusal(found: upgrade.Found, version: str | None = None, **options: bool) -> str:
    with pytest.raises(GroundworkError) as caught:
        upgrade.check(found, (7, 0), version, **{"major_upgrade": True, **options})
    assert caught.value.untouched and caught.value.hint
    return f"{caught.value.code} {caught.value.message}"


def test_releases_that_may_follow():
    for found in (
        upgrade.Found({}),
        upgrade.Found({}, "7.0.1", "7.0.1", "6.0"),
        upgrade.Found({}, "7.0.1", None, None),
        upgrade.Found({"mongodb-org-server": "6.0.5", "mongodb-mongosh": "2.1.0"}, "6.0.5", "6.0.5", "6.0"),
    ):
        upgrade.check(found, (7, 0), None, major_upgrade=True)


@pytest.mark.parametrize(
    ("found", "options", "word"),
    [
        (upgrade.Found({}, "5.0.9", "5.0.9", "5.0"), {}, "SKIPPED_RELEASE"),
        (upgrade.Found({}, "6.0.5", "6.0.5", "5.0"), {}, "LOW_FCV"),
        (upgrade.Found({}, "6.0.5", None, None), {}, "UNKNOWN_FCV"),
        (upgrade.Found({}, "6.0.5", "6.0.5", "6.0"), {"major_upgrade": False}, "MAJOR_UPGRADE"),
        (upgrade.Found({}, "8.0.1", "8.0.1", "8.0"), {}, "DOWNGRADE_REFUSED"),
        (upgrade.Found({}, "7.0.1", "8.0.1", "8.0"), {}, "DOWNGRADE_REFUSED"),
        (upgrade.Found({"percona-server-mongodb-server": "7.0.1"}), {}, "FOREIGN_PACKAGES"),
        (upgrade.Found({"mongodb-server-core": "1:3.6.9"}), {}, "FOREIGN_PACKAGES"),
        (upgrade.Found({"mongodb-org-server": "6.0.5", "mongodb-org-mongos": "7.0.1"}), {}, "MIXED_RELEASES"),
    ],
)
def test_releases_that_may_not(found, options, word):
    assert refusal(found, **options).startswith(word)


def test_the_path_names_every_release():
    assert (
        "feature compatibility version 4.4 and the packages of 5.0, then feature compatibility version 5.0 and the"
        " packages of 6.0, then feature compatibility version 6.0 and the packages of 7.0"
    ) in refusal(upgrade.Found({}, "4.4.29", "4.4.29", "4.4"))


def test_the_version_belongs_to_the_release():
    assert refusal(upgrade.Found({}), version="6.0.5").startswith("VERSION ")
