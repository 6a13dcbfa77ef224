"""One run at a time: a document with a lease that its owner renews.

Taking it is one findAndModify with upsert on a fixed ``_id``: it matches when the lease is over, and the unique ``_id``
refuses a second document otherwise. The design is Mongock's. All times are the server's.
"""

from __future__ import annotations

import datetime
import os
import socket
import threading
import time
import typing as t
import uuid

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import api
from .document import UNTOUCHED

KEY = "migrations"
DUPLICATE_KEY = 11000
POLL_SECONDS = 0.5


class Lock:
    """Held within a ``with`` statement.

    :param lease: seconds after which the lock of a run that has died is free; renewed three times as often.
    :param patience: seconds to wait for another run.
    """

    def __init__(self, server: api.Server, database: str, collection: str, lease: int, patience: int) -> None:
        self.server = server
        self.database = database
        self.collection = collection
        self.lease = lease
        self.patience = patience
        self.owner = uuid.uuid4().hex
        self._stop = threading.Event()
        self._renewer = threading.Thread(target=self._renew_until_stopped, daemon=True)
        self._lost: str | None = None
        self._renewed = 0.0
        self._expires = 0

    def __enter__(self) -> Lock:
        deadline = time.monotonic() + self.patience
        while not self._take():
            if time.monotonic() > deadline:
                raise self._held_by_another()
            time.sleep(POLL_SECONDS)
        self._renewer.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._renewer.join(timeout=self.lease)
        try:
            self._update({"_id": KEY, "owner": self.owner}, {"$set": {"owner": None, "expires_at": _date(0)}})
        except (api.ServerRefused, api.ServerUnreachable, api.ConnectionLost):
            # The lease ends by itself; an error here would hide the one that ended the run.
            return

    def assert_held(self) -> None:
        """To be called before every write.

        A process that was stopped for longer than its lease finds out here, before its next write.

        :raises GroundworkError: another run has taken over because the lease could not be renewed in time.
        """
        if not self._lost and time.monotonic() - self._renewed > self.lease / 2:
            self._renew()
        if self._lost:
            raise GroundworkError(
                f"The lock on the migrations was lost: {self._lost}", where=self.server.where,
                untouched="what was not done yet; what is done is recorded", code=ErrorCode.LOCK_LOST,
                hint="Run again: it continues where this run stopped. A longer lock_lease tolerates longer pauses.",
            )

    def within_lease(self) -> dict[str, t.Any]:
        """A query that matches nothing once the lease, as it is now, is over by the server's clock.

        It stops a write that was sent in time and arrives late, after another run has taken over.
        """
        return {"$expr": {"$lt": ["$$NOW", _date(self._expires)]}}

    def _take(self) -> bool:
        self._renewed = time.monotonic()
        now = server_time(self.server)
        self._expires = now + self.lease * 1000
        taken = {
            "owner": self.owner, "host": socket.gethostname(), "pid": os.getpid(), "taken_at": _date(now),
            "expires_at": _date(self._expires),
            "session": self.server.transaction_session_id() if self.server.facts.replica_set else None,
        }
        command = {
            "findAndModify": self.collection, "query": {"_id": KEY, "expires_at": {"$lte": _date(now)}},
            "update": {"$set": taken}, "upsert": True,
        }
        try:
            before = self.server.run(self.database, command, write=True).get("value") or {}
        except api.ServerRefused as error:
            if error.server_code == DUPLICATE_KEY:
                return False
            raise
        if before.get("owner") and before.get("session"):
            # What its open transaction has written stands in our way until the server notices, a minute later.
            self.server.end_session(before["session"])
        return True

    def _renew_until_stopped(self) -> None:
        while not self._lost and not self._stop.wait(self.lease / 3):
            self._renew()

    def _renew(self) -> None:
        began = time.monotonic()
        try:
            expires = server_time(self.server) + self.lease * 1000
            reply = self._update({"_id": KEY, "owner": self.owner}, {"$set": {"expires_at": _date(expires)}})
        except (api.ServerRefused, api.ServerUnreachable, api.ConnectionLost) as error:
            if time.monotonic() - self._renewed > self.lease:
                self._lost = error.what
            return
        if reply.get("n"):
            self._renewed, self._expires = began, expires
        else:
            self._lost = "another run has taken it over"

    def _update(self, query: dict[str, t.Any], update: dict[str, t.Any]) -> dict[str, t.Any]:
        statement = {"q": query, "u": update}
        return self.server.run(self.database, {"update": self.collection, "updates": [statement]}, write=True)

    def _held_by_another(self) -> GroundworkError:
        found = self.server.rows(self.database, {"find": self.collection, "filter": {"_id": KEY}})
        holder = found[0] if found else {}
        return GroundworkError(
            f"Another run holds the lock on the migrations: process {holder.get('pid')} on {holder.get('host')}, since "
            f"{(holder.get('taken_at') or {}).get('$date')}; its lease ends at "
            f"{(holder.get('expires_at') or {}).get('$date')} unless it is renewed.",
            where=f"{self.database}.{self.collection}", untouched=UNTOUCHED, code=ErrorCode.LOCKED,
            hint="Wait for it. If it has died, its lock is free when the lease ends, which lock_timeout outlasts.",
        )


def server_time(server: api.Server) -> int:
    """The server's clock in milliseconds since 1970."""
    return milliseconds(server.hello()["localTime"])


def milliseconds(date: dict[str, str]) -> int:
    """A date in relaxed Extended JSON, as milliseconds since 1970."""
    moment = datetime.datetime.fromisoformat(date["$date"].replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


def _date(value: int) -> dict[str, t.Any]:
    return {"$date": {"$numberLong": str(value)}}
