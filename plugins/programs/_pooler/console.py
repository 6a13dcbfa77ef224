"""The console of PgBouncer, over the socket of a process in a folder of its own."""

from __future__ import annotations

import typing as t
from pathlib import Path

import psycopg2

from ...module_utils._pg.quoting import identifier

Row = dict[str, t.Any]
CONSOLE = "pgbouncer"


def connect(folder: Path) -> t.Any:
    """A session with the process that listens in this folder; it lets its own account in without a password.

    :raises FileNotFoundError: there is no socket.
    :raises psycopg2.Error: the process does not let the account in, or does not answer within 3 seconds.
    """
    ports = [int(path.name.rpartition(".")[2]) for path in sorted(folder.glob(".s.PGSQL.*[0-9]"))]
    if not ports:
        raise FileNotFoundError(f"there is no socket in {folder}")
    for number, port in enumerate(ports, 1):
        try:
            connection = psycopg2.connect(host=str(folder), port=port, user=CONSOLE, dbname=CONSOLE, connect_timeout=3)
            break
        except psycopg2.OperationalError:
            # A process that was killed leaves the socket of the port that it had.
            if number == len(ports):
                raise
    connection.autocommit = True
    return connection


def show(connection: t.Any, what: str) -> list[Row]:
    """Rows by column: their number and order differ from version to version."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {what}")
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def resume(connection: t.Any, database: str | None = None) -> None:
    """End the pause of one database, or of everything."""
    with connection.cursor() as cursor:
        cursor.execute("RESUME" if database is None else f"RESUME {identifier(database)}")
