"""The history collection: one document per change file.

Its ``_id`` is made from the version, with ``1``, ``1.0`` and ``01`` alike, so the server itself refuses a second
document of a version. ``success`` is false while a file is under way; ``operations`` and ``progress`` say how far.
"""

from __future__ import annotations

import typing as t
import uuid

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import api
from . import lock, plan


class History:
    """Reads and writes the history of one database.

    :param owner: written into the document of a file under way; only its owner can record progress.
    """

    def __init__(self, server: api.Server, database: str, collection: str, owner: str = "") -> None:
        self.server = server
        self.database = database
        self.collection = collection
        self.owner = owner

    def read(self) -> list[plan.Record]:
        found = self.server.rows(self.database, {"find": self.collection, "sort": {"installed_rank": 1}})
        return [plan.record_from(document) for document in found]

    def begin(self, pending: plan.Pending, rank: int, user: str) -> dict[str, t.Any]:
        """Record that a file is under way, or take over the record of an interrupted run; return the document."""
        script, now = pending.script, {"$date": {"$numberLong": str(lock.server_time(self.server))}}
        facts: dict[str, t.Any] = {
            "description": script.description, "script": script.name, "checksum": script.checksum,
            "type": "VERSIONED" if script.version else "REPEATABLE", "success": False, "owner": self.owner,
            "installed_by": user,
        }
        if script.version:
            facts["version"] = str(script.version)
        if not pending.continues:
            facts |= {
                "started_at": now, "installed_rank": rank, "operations": [], "progress": None, "execution_time": 0,
                "token": uuid.uuid4().hex,
            }
        self._write({"_id": script.key}, {"$set": facts, "$unset": {"error": "", "installed_on": ""}}, upsert=True)
        found = self.server.rows(self.database, {"find": self.collection, "filter": {"_id": script.key}})
        return found[0]

    def progress(self, key: str, progress: dict[str, t.Any]) -> dict[str, t.Any]:
        """The command that records how far the operation under way is."""
        return self._command({"_id": key, "owner": self.owner}, {"$set": {"progress": progress}})

    def operation_done(self, key: str, done: dict[str, t.Any]) -> None:
        self._write({"_id": key, "owner": self.owner}, {"$push": {"operations": done}, "$set": {"progress": None}})

    def failed(self, key: str, error: str, nothing_done: bool) -> None:
        """:param nothing_done: the operation under way has changed nothing, so it may still be edited."""
        facts = {"error": error, **({"progress": None} if nothing_done else {})}
        self._write({"_id": key, "owner": self.owner}, {"$set": facts})

    def finish(self, key: str, execution_time: int) -> None:
        """:param execution_time: milliseconds of this run."""
        now = {"$date": {"$numberLong": str(lock.server_time(self.server))}}
        self._write(
            {"_id": key, "owner": self.owner},
            {
                "$set": {"success": True, "installed_on": now, "progress": None},
                "$inc": {"execution_time": execution_time}, "$unset": {"owner": ""},
            },
        )

    def check(self, reply: dict[str, t.Any]) -> None:
        """:raises GroundworkError: the record was not ours to change."""
        check_written(reply, self.server.where)
        if not reply.get("n"):
            raise GroundworkError(
                "Another run has taken over this change file.", where=f"{self.database}.{self.collection}",
                untouched="what was not done yet; what is done is recorded", code=ErrorCode.LOCK_LOST,
                hint="Run again when the other run is over.",
            )

    def _command(self, query: dict[str, t.Any], update: dict[str, t.Any], upsert: bool = False) -> dict[str, t.Any]:
        return {"update": self.collection, "updates": [{"q": query, "u": update, "upsert": upsert}]}

    def _write(self, query: dict[str, t.Any], update: dict[str, t.Any], upsert: bool = False) -> None:
        self.check(self.server.run(self.database, self._command(query, update, upsert), write=True))


def check_written(reply: dict[str, t.Any], where: str) -> None:
    """A write that partly failed answers with ``ok: 1``.

    :raises api.ServerRefused: there is a write error.
    """
    errors = reply.get("writeErrors") or ([reply["writeConcernError"]] if reply.get("writeConcernError") else [])
    if errors:
        code, text = int(errors[0].get("code", 0)), str(errors[0].get("errmsg"))
        raise api.ServerRefused(f"The server refuses the write: {text}", code, text, reply, where=where)
