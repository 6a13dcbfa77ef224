# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of mongo_replica_set and its neighbours share: the declaration of a whole set, and a writer."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
import typing as t

import pymongo.errors
from servers import Member, ReplicaSet

Run = t.Callable[..., dict[str, t.Any]]

# Members greet each other every two seconds by default. Every change of a configuration waits for that, and what one
# knows of another is out of date for as long: tests of the latter keep the default.
DEFAULT_GREETINGS = {"heartbeat_interval_millis": 2000}
QUICK_GREETINGS = {"heartbeat_interval_millis": 100}

# The same by hand. Without a primary a set waits for an election, ten seconds by default.
QUICK_BY_HAND = {"heartbeatIntervalMillis": 100, "electionTimeoutMillis": 2000}

# For runs that ask hosts which are silent: three seconds each without it.
BRIEF_QUESTIONS = {"connect_timeout": 1}

WRITER_PAUSE_SECONDS = 0.005


def arguments(one: ReplicaSet, member: Member, **options: t.Any) -> dict[str, t.Any]:
    """The module's options for the whole set, on one of its members."""
    return {
        **member.login,
        "name": one.name,
        "member": member.address,
        "members": [{"host": address} for address in one.addresses],
        "wait_timeout": 60,
        **options,
    }


def verbs(result: dict[str, t.Any]) -> list[str]:
    assert not result.get("failed"), result["msg"]
    return [item["action"] for item in result["actions"]]


def configuration(one: ReplicaSet) -> dict[str, t.Any]:
    with one.client() as client:
        return t.cast("dict[str, t.Any]", client.admin.command("replSetGetConfig")["config"])


def by_host(one: ReplicaSet) -> dict[str, dict[str, t.Any]]:
    return {member["host"]: member for member in configuration(one)["members"]}


def sees_down(member: Member, address: str) -> bool:
    """Whether one member has noticed that another one does not answer."""
    with member.client() as client:
        states = client.admin.command("replSetGetStatus")["members"]
    return any(state["name"] == address and state["health"] == 0 for state in states)


def has_left(member: Member) -> bool:
    """Whether a member has noticed that it was removed."""
    with member.client() as client:
        return "setName" not in client.admin.command("hello")


def wait_until(condition: t.Callable[[], bool], what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(pymongo.errors.PyMongoError):
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError(f"waited in vain until {what}")


@dataclasses.dataclass
class Writer:
    """Writes with majority concern all the time, and remembers what the server acknowledged.

    As fast as it could, it would take the processor from the members that a test waits for.
    """

    one: ReplicaSet
    acknowledged: list[int] = dataclasses.field(default_factory=list)
    longest_gap: float = 0.0

    def __enter__(self) -> Writer:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        with self.one.client(retryWrites=False, serverSelectionTimeoutMS=30000) as client:
            things = client.get_database("writer", write_concern=pymongo.WriteConcern("majority")).things
            number, last = 0, time.monotonic()
            while not self._stop.wait(WRITER_PAUSE_SECONDS):
                number += 1
                try:
                    things.insert_one({"_id": number})
                except pymongo.errors.PyMongoError:
                    continue
                self.acknowledged.append(number)
                self.longest_gap = max(self.longest_gap, time.monotonic() - last)
                last = time.monotonic()

    def wait_for_writes(self, number: int = 20) -> None:
        """Until that many more are acknowledged."""
        wanted = len(self.acknowledged) + number
        wait_until(lambda: len(self.acknowledged) >= wanted, f"{number} more writes are acknowledged", seconds=60)

    def lost(self) -> set[int]:
        """Acknowledged writes that are not there."""
        with self.one.client(readConcernLevel="majority") as client:
            found = {row["_id"] for row in client.writer.things.find({}, {"_id": 1})}
            client.drop_database("writer")
        return set(self.acknowledged) - found
