"""A load of small transactions until a file appears; counts refused connections and failed transactions, as JSON.

load.py USER PASSWORD STOP_FILE CLIENTS MODE. In the mode ``reconnecting`` every transaction has a connection of its
own, in the mode ``staying`` a client keeps its connection and opens another one only when it was lost. A file
MODE-at-work next to STOP_FILE is there meanwhile.
"""

from __future__ import annotations

import collections
import contextlib
import json
import pathlib
import sys
import threading
import time
import typing as t

import psycopg2

CA = "/root/pooler-ca.crt"
USER, PASSWORD, STOP, CLIENTS, MODE = *sys.argv[1:3], pathlib.Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
LOGINS = 20  # enough to reach both processes


def log_in() -> t.Any:
    return psycopg2.connect(
        host="pooler", port=6432, user=USER, dbname="shop", password=PASSWORD, sslmode="verify-full",
        sslrootcert=CA, connect_timeout=20,
    )  # fmt: skip


def introduce() -> None:
    """Log in one after the other, until every process knows the user: the first logins must not come at once.

    Of those, PgBouncer 1.25 refuses the ones that overtake the first, with "wrong password type" (pgbouncer#1504).
    """
    for _number in range(LOGINS):
        log_in().close()


class Client(threading.Thread):
    def __init__(self) -> None:
        super().__init__()
        self.counts: collections.Counter[str] = collections.Counter()
        self.errors: collections.Counter[str] = collections.Counter()
        self.slowest = 0.0
        self.connection: t.Any = None

    def run(self) -> None:
        while not STOP.exists():
            begun = time.monotonic()
            kind = "refused"
            try:
                self.connect()
                kind = "failed"
                self.transaction()
                self.counts["transactions"] += 1
            except psycopg2.Error as error:
                self.counts[kind] += 1
                self.errors[f"{kind}: {' '.join(str(error).split())[-160:]}"] += 1
                self.drop()
            self.slowest = max(self.slowest, time.monotonic() - begun)
            time.sleep(0.02)
        self.drop()

    def connect(self) -> None:
        if self.connection is None:
            self.connection = log_in()

    def transaction(self) -> None:
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.005)")
            cursor.execute("SELECT count(*) FROM pg_class")
        if MODE == "reconnecting":
            self.drop()

    def drop(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(psycopg2.Error):
                self.connection.close()
            self.connection = None


def main() -> None:
    at_work = STOP.with_name(f"{MODE}-at-work")
    introduce()
    at_work.touch()
    clients = [Client() for _number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    at_work.unlink()
    counts: collections.Counter[str] = collections.Counter()
    errors: collections.Counter[str] = collections.Counter()
    for client in clients:
        counts += client.counts
        errors += client.errors
    result = {
        "mode": MODE,
        "transactions": counts["transactions"],
        "refused": counts["refused"],
        "failed": counts["failed"],
        "slowest_seconds": round(max(client.slowest for client in clients), 2),
        "errors": dict(errors),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
