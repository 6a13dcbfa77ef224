# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that writes with majority concern all the time, and says afterwards what became of its writes.

    mongodb_writer.py start URI    runs as a transient systemd unit until it is stopped
    mongodb_writer.py stop URI     ends it, compares, prints one line of JSON

Nothing is retried: a write that was not acknowledged may be there or not, an acknowledged one must be.
"""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pymongo
import pymongo.errors

ACKNOWLEDGED = Path("/run/mongodb_writer.log")
UNIT = "mongodb-writer"
FIRST_WRITE_SECONDS = 30
#: Between two writes: short against any outage, and long enough to leave the processors to what is tested.
PAUSE_SECONDS = 0.03


def start(uri: str) -> None:
    ACKNOWLEDGED.unlink(missing_ok=True)
    command = ["systemd-run", "--quiet", "--collect", f"--unit={UNIT}", sys.executable, __file__, "work", uri]
    subprocess.run(command, check=True)
    deadline = time.monotonic() + FIRST_WRITE_SECONDS
    while not (ACKNOWLEDGED.exists() and ACKNOWLEDGED.read_text()):
        if time.monotonic() > deadline:
            sys.exit("the writer could not write")
        time.sleep(0.1)


def work(uri: str) -> None:
    asked = []
    signal.signal(signal.SIGTERM, lambda *_unused: asked.append(True))
    client = pymongo.MongoClient(uri, retryWrites=False, serverSelectionTimeoutMS=30000)
    collection = client.get_database("shop", write_concern=pymongo.WriteConcern("majority")).writes
    run = time.time()
    number = 0
    with ACKNOWLEDGED.open("w", buffering=1) as log:
        while not asked:
            number += 1
            try:
                collection.insert_one({"_id": {"run": run, "number": number}})
                log.write(f"{run!r} {number} {time.monotonic()!r}\n")
            except pymongo.errors.PyMongoError:
                pass  # What was not acknowledged may be lost.
            time.sleep(PAUSE_SECONDS)


def stop(uri: str) -> None:
    subprocess.run(["/usr/bin/systemctl", "stop", UNIT], check=True)
    rows = [line.split() for line in ACKNOWLEDGED.read_text().splitlines()]
    times = [float(row[2]) for row in rows]
    client = pymongo.MongoClient(uri, readConcernLevel="majority")
    found = {(row["_id"]["run"], row["_id"]["number"]) for row in client.shop.writes.find()}
    lost = [row for row in rows if (float(row[0]), int(row[1])) not in found]
    gap = max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)
    print(json.dumps({"acknowledged": len(rows), "lost": len(lost), "longest_outage_ms": round(gap * 1000)}))


if __name__ == "__main__":
    {"start": start, "work": work, "stop": stop}[sys.argv[1]](sys.argv[2])
