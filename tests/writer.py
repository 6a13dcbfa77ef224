"""Commits a numbered row every 20 ms on whichever member is the primary, until it is told to stop.

``python3 writer.py STOP_FILE HOST...`` reconnects whenever its connection breaks. A row counts as acknowledged when the
server has said so; whatever happens later, it must be there. Prints one line of JSON.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path

import psycopg2

PAUSE_SECONDS = 0.02
LONGEST_RUN_SECONDS = 1200


def connect(hosts: list[str]):
    connection = psycopg2.connect(
        host=",".join(hosts),
        dbname="written",
        user="writer",
        password="not used outside this test",
        target_session_attrs="read-write",
        connect_timeout=2,
        application_name="writer",
    )
    connection.autocommit = True
    return connection


def write(stop_file: Path, hosts: list[str]) -> list[tuple[float, int]]:
    """When which row was acknowledged."""
    acknowledged: list[tuple[float, int]] = []
    connection = None
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    for number in itertools.count(1):
        if stop_file.exists() or time.monotonic() > deadline:
            return acknowledged
        try:
            connection = connection or connect(hosts)
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO rows VALUES (%s)", (number,))
            acknowledged.append((time.monotonic(), number))
        except psycopg2.Error:
            connection = None
        time.sleep(PAUSE_SECONDS)
    return acknowledged


def main() -> None:
    stop_file, hosts = Path(sys.argv[1]), sys.argv[2:]
    stop_file.unlink(missing_ok=True)
    with connect(hosts).cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS rows")
        cursor.execute("CREATE TABLE rows (number int PRIMARY KEY)")
    acknowledged = write(stop_file, hosts)
    with connect(hosts).cursor() as cursor:
        cursor.execute("SELECT number FROM rows")
        stored = {number for (number,) in cursor.fetchall()}
    gaps = [round((later - earlier) * 1000) for (earlier, _a), (later, _b) in itertools.pairwise(acknowledged)]
    lost = sorted({number for _moment, number in acknowledged} - stored)
    found = {
        "acknowledged": len(acknowledged),
        "lost": lost,
        "outages_ms": [gap for gap in gaps if gap > 100],
        "longest_ms": max(gaps, default=0),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
