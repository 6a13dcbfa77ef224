"""Asks the pooler what the scenario promises, as clients on another host do; prints one line per answer.

clients.py PASSWORDS.json: {"user": "password"}; the certificate of the authority is in CA.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import threading
import time
import typing as t

import psycopg2
import psycopg2.errors

CA = "/root/pooler-ca.crt"
PASSWORDS = json.loads(pathlib.Path(sys.argv[1]).read_text())
CANCELS = 20
LOGINS = 20  # enough to reach both processes
WRONG = {"password": "not the password"}


def must(kept: bool) -> None:
    """Fail with the line of the caller when a promise is not kept."""
    if not kept:
        raise AssertionError


def connect(user: str, database: str = "shop", **options: t.Any) -> t.Any:
    parameters = {"sslmode": "verify-full", "sslrootcert": CA, "password": PASSWORDS[user], "connect_timeout": 10}
    connection = psycopg2.connect(host="pooler", port=6432, user=user, dbname=database, **{**parameters, **options})
    connection.autocommit = True
    return connection


def ask(connection: t.Any, sql: str) -> t.Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def refused(user: str, database: str = "shop", **options: t.Any) -> str:
    try:
        connect(user, database, **options).close()
    except psycopg2.OperationalError as error:
        return str(error).strip().rpartition("FATAL:")[2].strip() or str(error).strip()
    raise AssertionError(f"{user} was let in to {database} with {options}")


def serves_both_modes() -> None:
    with contextlib.closing(connect("shop_app")) as one, contextlib.closing(connect("shop_report")) as other:
        must(ask(one, "SELECT current_user") == "shop_app")
        must(ask(other, "SELECT current_user") == "shop_report")
    with contextlib.closing(connect("shop_app", "shop_session")) as session:
        ask(session, "SELECT set_config('application_name', 'kept', false)")
        must(ask(session, "SELECT pg_backend_pid()") == ask(session, "SELECT pg_backend_pid()"))
        must(ask(session, "SHOW application_name") == "kept")
        must(ask(session, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    print("transaction and session pools serve listed and looked up users; TLS to the server: True")


def is_known_everywhere() -> None:
    """A wrong password must not come first in any process: PgBouncer 1.25 then locks the user out (pgbouncer#1504)."""
    for _number in range(LOGINS):
        with contextlib.closing(connect("shop_app")) as connection:
            must(ask(connection, "SELECT 1") == 1)


def refuses() -> None:
    print("plaintext:", refused("shop_app", sslmode="disable"))
    print("wrong password:", refused("shop_app", **WRONG))
    print("wrong password of a looked up user:", refused("shop_report", **WRONG))
    print("expired role:", refused("shop_expired"))
    print("superuser:", refused("postgres"))
    print("watcher on the application's database:", refused("pooler_stats", **WRONG))
    print("application on the console:", refused("shop_app", "pgbouncer"))


def console() -> None:
    with contextlib.closing(connect("pooler_stats", "pgbouncer")) as stats:
        with stats.cursor() as cursor:
            cursor.execute("SHOW VERSION")
            print("console:", cursor.fetchone()[0])
            try:
                cursor.execute("PAUSE")
            except psycopg2.Error as error:
                print("watcher may not pause:", str(error).strip())
            else:
                raise AssertionError("a stats user could pause")
    with contextlib.closing(connect("pooler_admin", "pgbouncer")) as admin, admin.cursor() as cursor:
        cursor.execute("RELOAD")


def wait_until_it_sleeps(victim: threading.Thread) -> None:
    """A cancel that comes before the query has nothing to cancel."""
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(30)%'"
    with contextlib.closing(connect("shop_app")) as watcher:
        while victim.is_alive() and not ask(watcher, sleeping):
            time.sleep(0.05)


def cancels_the_right_query() -> None:
    """A second query that sleeps beside the cancelled one must go on to its end."""
    cancelled = kept = 0
    for _number in range(CANCELS):
        with contextlib.closing(connect("shop_app")) as victim, contextlib.closing(connect("shop_app")) as other:
            results: dict[str, t.Any] = {}

            def run(name: str, connection: t.Any, seconds: float, results: dict[str, t.Any]) -> None:
                try:
                    results[name] = ask(connection, f"SELECT pg_sleep({seconds})::text || 'slept'")
                except psycopg2.errors.QueryCanceled:
                    results[name] = "cancelled"

            threads = [
                threading.Thread(target=run, args=("victim", victim, 30, results)),
                threading.Thread(target=run, args=("other", other, 1, results)),
            ]
            for thread in threads:
                thread.start()
            wait_until_it_sleeps(threads[0])
            victim.cancel()
            for thread in threads:
                thread.join()
            cancelled += results["victim"] == "cancelled"
            kept += results["other"] == "slept"
    print(f"cancelled the right query in {cancelled} of {CANCELS} tries, its neighbour went on in {kept}")
    must(cancelled == kept == CANCELS)


def main() -> None:
    serves_both_modes()
    is_known_everywhere()
    refuses()
    console()
    cancels_the_right_query()


if __name__ == "__main__":
    main()
