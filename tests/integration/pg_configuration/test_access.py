"""pg_hba.conf and pg_ident.conf of running servers."""

from __future__ import annotations

import psycopg2
import pytest

SCRAM = {"type": "host", "address": "127.0.0.1/32", "method": "scram-sha-256"}


def login(cluster, user: str):
    psycopg2.connect(host="127.0.0.1", port=cluster.port, user=user, password="a password", dbname="postgres").close()


def test_rules_are_in_force_and_the_superuser_is_turned_away_from_the_network(cluster, configure):
    cluster.query("CREATE ROLE app LOGIN PASSWORD 'a password'")
    cluster.query(f"ALTER ROLE {cluster.account.name} PASSWORD 'a password'")
    login(cluster, cluster.account.name)
    result = configure(cluster, hba={"client_networks": ["127.0.0.0/8"]})
    assert result["clusters"][0]["reloaded"], result
    login(cluster, "app")
    with pytest.raises(psycopg2.OperationalError, match="conf rejects connection"):
        login(cluster, cluster.account.name)
    assert not configure(cluster, hba={"client_networks": ["127.0.0.0/8"]})["changed"]
    closed = configure(cluster, hba={})
    assert closed["changed"]
    with pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"):
        login(cluster, "app")


def test_what_this_build_of_the_server_does_not_know_is_taken_back(cluster, configure):
    before = cluster.hba_file.read_text()
    loaded = cluster.query("SELECT pg_conf_load_time()")
    result = configure(cluster, hba={"rules": [{**SCRAM, "method": "pam"}]}, settings={"work_mem": "9MB"})
    assert result["failed"] and f"{cluster.hba_file}:" in result["msg"], result
    assert "not supported by this build" in result["msg"] and "the previous files are back" in result["msg"]
    assert cluster.hba_file.read_text() == before and not (cluster.drop_ins / "99-settings.conf").exists()
    assert cluster.query("SELECT pg_conf_load_time()") == loaded


def test_a_lock_out_is_refused(cluster, configure):
    for rules in ([SCRAM], [{"type": "local", "method": "scram-sha-256"}, SCRAM]):
        result = configure(cluster, hba={"defaults": False, "rules": rules})
        assert result["failed"] and "Unix socket" in result["msg"], result
    rules = [{"type": "local", "users": [cluster.account.name], "method": "peer"}, SCRAM]
    assert configure(cluster, hba={"defaults": False, "rules": rules})["changed"]


def test_a_map_takes_an_account_to_a_role(cluster, configure):
    cluster.query("CREATE ROLE shop LOGIN")
    ident = [{"map": "apps", "system_user": cluster.account.name, "database_user": "shop"}]
    rules = [{"type": "local", "users": ["shop"], "method": "peer", "options": {"map": "apps"}}]
    assert "has no line in ident" in configure(cluster, hba={"rules": rules})["msg"]
    assert configure(cluster, hba={"rules": rules}, ident=ident)["changed"]

    with cluster.account.acting():
        psycopg2.connect(host=str(cluster.sockets), port=cluster.port, user="shop", dbname="postgres").close()
    broken = configure(cluster, hba={}, ident=[{**ident[0], "system_user": "/(("}])
    assert broken["failed"] and f"{cluster.config}/pg_ident.conf:" in broken["msg"]
    assert "/((" not in (cluster.config / "pg_ident.conf").read_text()


def test_secrets_of_rules_are_shown_nowhere(cluster, configure):
    rule = {
        **SCRAM, "method": "radius", "options": {"radiusservers": "192.0.2.1"},
        "secret_options": {"radiussecrets": "hushhush"},
    }  # fmt: skip
    first = configure(cluster, hba={"rules": [rule]}, diff=True)
    assert first["changed"], first
    assert "hushhush" not in first.output and "hushhush" in cluster.hba_file.read_text()
    second = configure(cluster, hba={"rules": [{**rule, "secret_options": {"radiussecrets": "hush"}}]}, diff=True)
    assert second["changed"] and "hushhush" not in second.output and "a secret changed" in str(second["diff"])
    plain = {**rule, "options": {**rule["options"], "radiussecrets": "x"}, "secret_options": {}}
    assert "say it under secret_options" in configure(cluster, hba={"rules": [plain]})["msg"]
