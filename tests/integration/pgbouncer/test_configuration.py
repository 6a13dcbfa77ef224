"""The configuration module against real processes: what it writes, reloads, postpones, refuses and never shows."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import typing as t

import psycopg2
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer import known_settings
from poolers import Poolers, log_of

PASSWORD = 'a pass\'word "with" quotes'


@pytest.fixture
def running(poolers: Poolers) -> Poolers:
    """One process that serves the user ``app``."""
    options = base(poolers)
    result = poolers.succeed(**options)
    assert result["changed"]
    assert [entry["action"] for entry in result["restart_needed"]] == ["start"]
    poolers.start()
    return poolers


def base(poolers: Poolers, **options: t.Any) -> dict[str, t.Any]:
    return {
        "databases": [poolers.database()],
        "users": [{"name": "app", "scram_secret": poolers.secret("app", PASSWORD)}],
        "settings": {"pool_mode": "transaction", "max_client_conn": 50},
        **options,
    }


def query(poolers: Poolers, sql: str = "SELECT current_user") -> t.Any:
    with contextlib.closing(poolers.connect("app", PASSWORD)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_serves_with_the_secret_that_the_server_holds(running: Poolers) -> None:
    assert query(running) == "app"
    with pytest.raises(psycopg2.OperationalError):
        running.connect("app", "wrong")


def test_second_run_changes_nothing(running: Poolers) -> None:
    options = base(running)
    for check in (True, False):
        result = running.succeed(check=check, **options)
        assert not result["changed"], result["actions"]
        assert result["processes"] == [{"process": 1, "action": "none", "reasons": []}]
        assert result["restart_needed"] == []


def test_reload_changes_what_it_can_and_keeps_the_sessions(running: Poolers) -> None:
    with contextlib.closing(running.connect("app", PASSWORD)) as session:
        options = base(running, settings={"pool_mode": "session", "max_client_conn": 77, "server_idle_timeout": 33})
        predicted = running.succeed(check=True, **options)
        assert running.setting("max_client_conn") == "50"
        result = running.succeed(**options)
        assert result["actions"] == predicted["actions"]
        assert result["processes"][0]["action"] == "reload"
        assert running.setting("max_client_conn") == "77"
        assert running.setting("server_idle_timeout") == "33"
        with session.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert not running.succeed(**options)["changed"]


def test_setting_that_is_taken_away_gets_its_default_again(running: Poolers) -> None:
    running.succeed(**base(running, settings={"pool_mode": "transaction"}))
    assert running.setting("max_client_conn") == "100"


def test_change_on_the_console_is_put_back(running: Poolers) -> None:
    running.console(1, "SET max_client_conn = 66")
    result = running.succeed(**base(running))
    assert result["processes"][0]["reasons"] == ["max_client_conn: '66' -> '50'"]
    assert running.setting("max_client_conn") == "50"


def test_restart_class_change_is_told_and_not_taken_for_done(running: Poolers) -> None:
    options = base(running, settings={"pool_mode": "transaction", "max_client_conn": 60, "listen_backlog": 256})
    result = running.succeed(**options)
    assert result["restart_needed"][0]["reasons"][0] == "listen_backlog: '128' -> '256'"
    assert running.setting("max_client_conn") == "60"
    again = running.succeed(**options)
    assert not again["changed"]
    assert again["restart_needed"]
    running.stop()
    running.start()
    assert running.succeed(**options)["restart_needed"] == []


def test_new_user_and_database_come_with_a_reload(running: Poolers) -> None:
    options = base(running)
    options["users"].append({"name": "second", "scram_secret": running.secret("second", "other")})
    options["databases"].append(running.database(name="again", pool_size=3))
    result = running.succeed(**options)
    assert result["processes"][0]["action"] == "reload"
    running.connect("second", "other", "again").close()


def test_interrupted_run_is_completed_by_the_next(running: Poolers) -> None:
    options = base(running)
    options["users"].append({"name": "second", "scram_secret": running.secret("second", "other")})
    userlist = running.home / "etc/userlist.txt"
    (pid_file,) = running.home.glob("run/1/*.pid")
    text = userlist.read_text() + f'"second" "{options["users"][1]["scram_secret"]}"\n'
    # The clock of the file system has ticks; within one, nothing says which file was there first.
    while userlist.stat().st_mtime <= pid_file.stat().st_ctime:
        userlist.write_text(text)
    result = running.succeed(**options)
    assert result["processes"][0]["action"] == "reload"
    running.connect("second", "other").close()
    assert not running.succeed(**options)["changed"]


def test_file_that_others_can_read_is_closed(running: Poolers) -> None:
    userlist = running.home / "etc/userlist.txt"
    userlist.chmod(0o644)
    result = running.succeed(**base(running))
    assert (result["actions"][0]["action"], result["actions"][0]["name"]) == ("protect", str(userlist))
    assert userlist.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"settings": {"max_clients": 5}}, "UNKNOWN_SETTING"),
        ({"settings": {"listen_port": 5}}, "INVALID_INPUT"),
        ({"settings": {"auth_query": "a\nb"}}, "INVALID_INPUT"),
        ({"settings": {"max_client_conn": "many"}}, "TRIAL_FAILED"),
        ({"settings": {"client_tls_sslmode": "require"}}, "INVALID_INPUT"),
        (
            {
                "settings": {
                    "client_tls_sslmode": "require",
                    "client_tls_key_file": "/nowhere/key",
                    "client_tls_cert_file": "/nowhere/crt",
                }
            },
            "NO_CERTIFICATE",
        ),
        ({"listen_addresses": ["*"]}, "PLAINTEXT"),
        ({"hba": [{"type": "host", "address": "127.0.0.1", "method": "trust"}]}, "BAD_HBA"),
        ({"hba": [{"type": "host", "address": "127.0.0.1", "method": "md5"}]}, "BAD_HBA"),
        ({"hba": [{"type": "host", "address": "db.example.com", "method": "scram-sha-256"}]}, "BAD_HBA"),
        ({"hba": [{"type": "host", "address": "127.0.0.1", "users": ["+dba"], "method": "reject"}]}, "BAD_HBA"),
        ({"users": [{"name": "a", "scram_secret": "md5" + "0" * 32}]}, "INVALID_INPUT"),
        ({"users": [{"name": "a", "password": "x"}, {"name": "a", "password": "y"}]}, "DUPLICATE_NAME"),
        ({"databases": [{"name": "a"}, {"name": "a"}]}, "DUPLICATE_NAME"),
        ({"databases": [{"name": "a", "host": "192.0.2.1"}]}, "UNVERIFIED_SERVER"),
        ({"minimum_version": "99.1"}, "VERSION_TOO_OLD"),
    ],
)
def test_bad_input_is_refused_before_anything_is_touched(running: Poolers, change: t.Any, code: str) -> None:
    result = running.fail(**base(running, **change))
    assert result["error_code"] == code, result["msg"]
    assert "not touched" in result["msg"]


def test_pools_larger_than_the_server_are_refused(running: Poolers) -> None:
    """100 connections less 10: 2 x 30 fit, 2 x 46 do not."""
    server = {"host": running.server.host, "port": running.server.port}
    login = {"login_user": "postgres", "login_password": running.server.password, "ssl_mode": "disable"}
    for known in ({"max_connections": 100}, login):
        options = base(running, servers=[{**server, **known}], pooler_hosts=2)
        options["databases"] = [running.database(pool_size=30)]
        capacity = running.succeed(check=True, **options)["capacity"]
        assert capacity[0]["most_connections"] == 60
        assert capacity[0]["left"] == 30
        options["databases"] = [running.database(pool_size=40, reserve_pool_size=6)]
        result = running.fail(**options)
        assert result["error_code"] == "POOLS_TOO_LARGE"
        assert "can grow to 92 connections" in result["msg"]
        assert "At most 45 a process" in result["msg"]


def test_server_that_does_not_answer_is_refused(running: Poolers) -> None:
    databases = [running.database(), running.database(name="gone", port=1)]
    result = running.fail(**base(running, databases=databases))
    assert result["error_code"] == "SERVER_UNREACHABLE"
    assert "127.0.0.1:1" in result["msg"]
    assert running.succeed(**base(running, databases=databases, server_check=False))["changed"]


def test_old_version_tells_its_holes(running: Poolers) -> None:
    version = known_settings.parse_version(subprocess.check_output([running.binary, "--version"], text=True))
    assert version is not None
    result = running.fail(**base(running, minimum_version="99.1"))
    assert result["known_holes"] == known_settings.known_holes(version)


def test_secrets_are_nowhere_to_be_seen(running: Poolers) -> None:
    options = base(running)
    odd = "\\ ' \" \t \u00a0 \u200b %s {{ no }} ä plain-secret"
    options["users"].append({"name": "asker", "password": f"plain-secret-1 {odd}"})
    options["databases"].append(running.database(name="forced", user="asker", password=f"plain-secret-2 {odd}"))
    result = running.apply(diff=True, **options)
    secret = options["users"][0]["scram_secret"]
    for hidden in ("plain-secret", secret, secret.split(":")[-1]):
        assert hidden not in result.output
    assert "asker: password" in result.output
    assert "password=***" in result.output
    assert "plain-secret-2" in (running.home / "etc/pgbouncer-1.ini").read_text()
    assert "plain-secret" not in log_of(running)


def test_two_processes_share_the_port_and_cancel_the_right_query(poolers: Poolers) -> None:
    options = base(poolers, processes=2)
    poolers.succeed(**options)
    for process in (1, 2):
        poolers.start(process)
    assert not poolers.succeed(**options)["changed"]
    used = set()
    for _attempt in range(20):
        with contextlib.closing(poolers.connect("app", PASSWORD)) as connection, connection.cursor() as cursor:
            environment = {**os.environ, "PGPASSWORD": PASSWORD}
            cursor.execute("SELECT pg_backend_pid()")
            command = [
                str(poolers.server.bin / "psql"), "-X", "-c", "SELECT pg_sleep(30)",
                f"host=127.0.0.1 port={poolers.port} user=app dbname=app",
            ]  # fmt: skip
            victim = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
            used.add(process_that_runs_it(poolers))
            victim.send_signal(2)
            _stdout, stderr = victim.communicate(timeout=60)
            assert "canceling statement due to user request" in stderr
            cursor.execute("SELECT 1")
    assert used == {1, 2}


def process_that_runs_it(poolers: Poolers) -> int:
    """Which process has a client with an active server connection, when the server has begun with its query."""
    sleeping = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if poolers.server.query(sleeping):
            for process in (1, 2):
                rows = poolers.console(process, "SHOW SERVERS")
                if any({"app", "active"} <= set(row) for row in rows):
                    return process
        time.sleep(0.02)
    raise AssertionError("the query never started")
