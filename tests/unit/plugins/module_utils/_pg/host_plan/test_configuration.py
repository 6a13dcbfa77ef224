"""What pg_configuration is asked for, and which servers a restart is due for."""

from __future__ import annotations


def test_settings_of_a_cluster_win_over_those_of_all(host):
    one = host({"name": "a", "settings": {"work_mem": "8MB"}})
    assert one.configuration({"work_mem": "4MB", "jit": False})[0]["settings"] == {"work_mem": "8MB", "jit": False}


def test_a_plain_cluster(host):
    (configuration,) = host({"name": "a"}).configuration()
    assert configuration["files"]["20-groundwork"]["ssl"] is False
    assert configuration["files"]["20-groundwork"]["shared_preload_libraries"] == ["pg_stat_statements"]
    assert configuration["files"]["30-replication"] == {}
    assert configuration["preset"] == {"purpose": "mixed", "disk": "ssd"}
    assert configuration["hba"] == {
        "rules": [], "defaults": True, "extra": [], "client_networks": [], "require_tls": False,
    }  # fmt: skip
    assert "wal_directory" not in configuration


def test_every_cluster_has_its_own_options(host):
    first = {"name": "a", "preset": "none", "audit": ["ddl"], "wal_directory": "/srv/wal"}
    second = {"name": "b", "memory_percent": 10, "tls": {"mode": "given", "certificate": "c", "key": "k", "ca": "ca"}}
    one, other = host(first, second).configuration(exporter="yes")
    assert "preset" not in one and one["wal_directory"] == "/srv/wal"
    assert one["files"]["20-groundwork"]["pgaudit.log"] == ["ddl"]
    assert one["hba"]["extra"][0]["users"] == ["prometheus"]
    assert other["preset"]["memory_percent"] == 10
    assert "pgaudit.log" not in other["files"]["20-groundwork"]
    assert other["files"]["20-groundwork"]["ssl_ca_file"] == "/etc/postgresql/16/b/tls/ca.pem"
    assert other["hba"]["require_tls"] is True


def test_a_restart_is_due_for_each_kind_of_reason(host):
    names = ("setting", "programs", "unit", "nothing")
    one = host(*({"name": name, "port": 5432 + i} for i, name in enumerate(names)))
    waiting = {"name": "max_connections", "current": "100", "new": "60"}
    one.answer("configuration", "setting", pending_restart=[waiting])
    one.answer("configuration", "programs", binary_newer={"running": "16.14", "installed": "16.15"})
    one.answer("services", "unit", restart_reasons=["the unit changed"])
    one.answer("configuration", "nothing", changed=True)
    assert [due["name"] for due in one.plan()["due"]] == ["setting", "programs", "unit"]
    one.known["restart_policy"] = "always"
    assert [due["name"] for due in one.plan()["due"]] == list(names)


def test_only_a_cluster_that_is_there_is_configured(trio):
    host = trio.host("pg2")
    host.known["to_copy"] = ["main"]
    plan = host.plan()
    assert (host.configuration(), plan["units"]) == ([], [])
    assert plan["tuned_later"] == [{"name": "main", "memory_percent": 0}]
    host.known["check_mode"] = True
    assert [cluster["name"] for cluster in host.configuration()] == ["main"]
