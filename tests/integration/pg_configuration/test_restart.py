"""Restarts under each policy, and a server that does not come up again."""

from __future__ import annotations

import typing as t

import pytest

RESTART = {"max_connections": 150}


@pytest.fixture
def restart(run_module, account, bin_directory) -> t.Callable[..., t.Any]:
    def call(cluster, policy: str, check: bool = False, **given: t.Any) -> t.Any:
        arguments = {
            **cluster.described(), "policy": policy, "manager": "pg_ctl", "log_file": str(cluster.log),
            "owner": account.name, "bin_directory": str(bin_directory), "state_directory": str(cluster.state),
            "timeout": 30, **given,
        }  # fmt: skip
        return run_module("pg_restart", arguments, check=check)

    return call


def test_never_reports_and_when_needed_restarts_once(cluster, configure, restart):
    started = cluster.started()
    configure(cluster, settings=RESTART)
    waiting = restart(cluster, "never")
    assert waiting["waits"] and not waiting["changed"]
    assert waiting["reasons"] == ["max_connections: 100 becomes 150"]
    assert cluster.started() == started
    assert restart(cluster, "when_needed", check=True)["changed"]
    assert cluster.started() == started
    result = restart(cluster, "when_needed")
    assert result["changed"] and result["seconds"] < 30, result
    assert cluster.show("max_connections") == "150" and cluster.started() > started
    assert not restart(cluster, "when_needed")["changed"]


def test_always_restarts_after_a_change_and_only_then(cluster, configure, restart):
    changed = configure(cluster, settings={"work_mem": "5MB"})["changed"]
    started = cluster.started()
    assert not restart(cluster, "when_needed", configuration_changed=changed)["changed"]
    assert restart(cluster, "always", configuration_changed=changed)["changed"]
    assert cluster.started() > started
    assert not restart(cluster, "always")["changed"]


def test_a_reason_of_the_caller_counts(cluster, restart):
    assert restart(cluster, "when_needed", reasons=["its unit changed"], check=True)["reasons"] == ["its unit changed"]


def test_a_configuration_that_cannot_start_is_refused_while_the_server_runs(cluster, configure, restart):
    configure(cluster, settings=RESTART)
    started = cluster.started()
    cluster.query("ALTER SYSTEM SET listen_addresses = 'localhost'")
    (cluster.drop_ins / "50-mine.conf").write_text("shared_buffers = lots\n")
    result = restart(cluster, "when_needed")
    assert result["failed"] and 'invalid value for parameter "shared_buffers": "lots"' in result["msg"], result
    assert "untouched: the running server" in result["msg"]
    assert cluster.started() == started


def test_a_server_that_does_not_come_up_runs_again_with_what_worked(cluster, configure, restart):
    """No check sees that this address belongs to nobody here; only the start does."""
    started = cluster.started()
    configure(cluster, settings={"work_mem": "5MB", "max_connections": 140}, hba={})
    assert restart(cluster, "when_needed")["changed"]
    configure(cluster, settings={"work_mem": "6MB", "listen_addresses": "203.0.113.77"})
    result = restart(cluster, "when_needed")
    assert result["failed"] and result["restored"], result
    assert "could not create any TCP/IP sockets" in result["msg"]
    assert "the server runs with it again" in result["msg"]
    assert cluster.started() > started
    assert cluster.show("work_mem") == "5MB" and cluster.show("listen_addresses") == "127.0.0.1"
    assert cluster.show("max_connections") == "140"
    failed = cluster.state / "main/failed/conf.d/99-settings.conf"
    assert "203.0.113.77" in failed.read_text()


def test_a_server_that_does_not_run_is_left_alone(new_cluster, restart):
    result = restart(new_cluster(), "always", configuration_changed=True)
    assert not result["running"] and not result["changed"]
