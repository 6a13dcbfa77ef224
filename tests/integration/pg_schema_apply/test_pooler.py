"""A pooler in transaction mode is refused with the reason; one in session mode is as good as the server."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
import typing as t

import psycopg2
from ansible_collections.groundwork.databases.plugins.module_utils._local import port
from servers import CACHE, temporary_home

from .conftest import Migrations


@contextlib.contextmanager
def pgbouncer(migrations: Migrations, mode: str) -> t.Iterator[int]:
    """Run PgBouncer in front of the test server; yields its port."""
    server, listen = migrations.server, port.free_port(0)
    folder = temporary_home(server.account)
    # PgBouncer refuses to run as root, and an unprivileged account may not be able to enter the checkout.
    binary = shutil.copy(shutil.which("pgbouncer") or CACHE / "pgbouncer/usr/sbin/pgbouncer", folder / "pgbouncer")
    (folder / "users.txt").write_text(f'"{server.superuser}" "{server.password}"\n')
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host={server.host} port={server.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {listen}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {folder}/users.txt\n"
        f"pool_mode = {mode}\nignore_startup_parameters = extra_float_digits,options\n"
    )
    for path in (folder, config, folder / "users.txt"):
        server.account.own(path)
    account = server.account
    identity: dict[str, t.Any] = {"user": account.uid, "group": account.gid, "extra_groups": []} if account.drop else {}
    process = subprocess.Popen([binary, str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **identity)
    try:
        wait_until_it_answers(migrations, listen)
        yield listen
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def wait_until_it_answers(migrations: Migrations, listen: int) -> None:
    end = time.monotonic() + 20
    server = migrations.server
    while True:
        try:
            psycopg2.connect(
                host="127.0.0.1",
                port=listen,
                dbname=migrations.database,
                user=server.superuser,
                password=server.password,
            ).close()
        except psycopg2.OperationalError:
            assert time.monotonic() < end, "pgbouncer does not answer"
            time.sleep(0.1)
        else:
            return


def test_transaction_mode_is_refused(migrations: Migrations) -> None:
    with pgbouncer(migrations, "transaction") as listen:
        result = migrations.fail({"V1__a.sql": "CREATE TABLE a();"}, login_port=listen)
    assert result["error_code"] == "POOLED_CONNECTION"
    assert "pool_mode=transaction" in result["msg"]
    assert migrations.tables() == set()


def test_session_mode_works(migrations: Migrations) -> None:
    with pgbouncer(migrations, "session") as listen:
        migrations.succeed({"V1__a.sql": "CREATE TABLE a();"}, login_port=listen)
    assert migrations.tables() == {"a"}
