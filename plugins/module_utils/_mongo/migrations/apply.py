"""Applying one change file so that an interruption at any point leaves nothing undone and nothing done twice.

Where the server has transactions, a batch and the record of it take effect together. On a single server there are none:
there, what may be sent twice is sent twice, inserted documents have an ``_id`` that is known beforehand, and any other
change of a document carries a mark, set by the same update, until the progress is recorded. A batch that reaches the
server after the lease on the lock is over changes nothing, for another run may have taken over and removed the marks.
"""

from __future__ import annotations

import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import api
from ..values import same
from . import commands, operation, plan
from .history import History, check_written
from .lock import DUPLICATE_KEY, Lock
from .operation import Operation

NAMESPACE_EXISTS = 48
ATTEMPTS_IN_TIME = 3


class Applier:
    """Applies the operations of one change file."""

    def __init__(self, server: api.Server, database: str, history: History, lock: Lock, pending: plan.Pending) -> None:
        self.server = server
        self.database = database
        self.history = history
        self.lock = lock
        self.pending = pending
        self.key = pending.script.key
        self.transactions = server.facts.replica_set is not None
        self.token = ""
        self.progress: dict[str, t.Any] = {}

    def apply(self, rank: int, user: str) -> None:
        """:raises GroundworkError: the server refuses an operation; what is done is recorded."""
        began = time.monotonic()
        record = self.history.begin(self.pending, rank, user)
        self.token = record["token"]
        done = len(record["operations"])
        earlier = record.get("progress")
        for number, one in enumerate(self.pending.script.operations[done:], start=done):
            self._operation(number, one, earlier)
            earlier = None
        self.history.finish(self.key, round((time.monotonic() - began) * 1000))

    def _operation(self, number: int, one: Operation, earlier: dict[str, t.Any] | None) -> None:
        self.progress = earlier or {"checksum": one.checksum, "documents": 0, "counts": {}}
        try:
            if not earlier:
                self._before(one)
                self._write(self.history.progress(self.key, self.progress))
            if one.kind == operation.COMMAND:
                self._command(one, bool(earlier))
            elif one.scans:
                self._scan(number, one, bool(earlier))
            else:
                self._documents(number, one, bool(earlier))
        except api.ServerRefused as error:
            raise self._refused(number, one, error) from None
        done = {"kind": one.kind, "collection": one.collection, "checksum": one.checksum, **self.progress["counts"]}
        self.history.operation_done(self.key, done)

    def _before(self, one: Operation) -> None:
        """Refuse a fresh insert of an ``_id`` that is taken, and make the collection: not every transaction can."""
        if one.kind not in (operation.INSERT, operation.UPSERT):
            return
        named = [document["_id"] for document in one.documents if "_id" in document]
        if one.kind == operation.INSERT and named:
            taken = self._found(one, named)
            if taken:
                raise api.ServerRefused(
                    "", DUPLICATE_KEY,
                    f"{len(taken)} of its documents are there already, one with the _id {taken[0]['_id']}", {},
                    where=self.server.where,
                )
        if self.transactions:
            try:
                self.server.run(self.database, {"create": one.collection}, write=True)
            except api.ServerRefused as error:
                if error.server_code != NAMESPACE_EXISTS:
                    raise

    def _found(self, one: Operation, ids: list[t.Any]) -> list[dict[str, t.Any]]:
        found = []
        for start in range(0, len(ids), commands.DOCUMENTS_PER_BATCH):
            part = {"_id": {"$in": ids[start : start + commands.DOCUMENTS_PER_BATCH]}}
            found += self.server.rows(self.database, {"find": one.collection, "filter": part})
        return found

    def _command(self, one: Operation, perhaps_sent: bool) -> None:
        database, command = commands.command(one, self.database)
        self.lock.assert_held()
        try:
            check_written(self.server.run(database, command, write=True), self.server.where)
        except api.ServerRefused as error:
            if not (perhaps_sent and error.server_code in operation.COMMANDS[next(iter(one.body))]):
                raise
        self.progress["documents"] = 1

    def _documents(self, number: int, one: Operation, resumed: bool) -> None:
        for first, batch in commands.chunks(one.documents, self.progress["documents"]):
            if one.kind == operation.UPSERT:
                command = commands.upserts(one, batch)
            else:
                named = commands.with_ids(batch, first, f"{self.token}:{number}")
                if resumed and not self.transactions:
                    named = self._not_there_yet(one, batch, named)
                    resumed = False
                command = {"insert": one.collection, "documents": named, "ordered": True}
            if one.kind == operation.INSERT and not command["documents"]:
                self.progress = {**self.progress, "documents": first + len(batch)}
            else:
                self._batch(one, command, first + len(batch))

    def _not_there_yet(
        self, one: Operation, given: list[dict[str, t.Any]], named: list[dict[str, t.Any]]
    ) -> list[dict[str, t.Any]]:
        """Without those that the interrupted run inserted before it could record it.

        An ``_id`` of ours proves that. With one from the file the content has to be the same as well; otherwise the
        document is somebody else's, and the server refuses the insert.
        """
        there = {str(found["_id"]): found for found in self._found(one, [document["_id"] for document in named])}
        left = []
        for original, document in zip(given, named, strict=True):
            stored = api.as_plain(api.as_bson(document))
            found = there.get(str(stored["_id"]))
            if found is None or ("_id" in original and found != stored):
                left.append(document)
        return left

    def _scan(self, number: int, one: Operation, resumed: bool) -> None:
        needs_mark = one.kind != operation.DELETE_MANY and not one.can_be_applied_twice and not self.transactions
        mark = f"{self.token}:{number}" if needs_mark else None
        perhaps_marked = resumed
        after = {"after": self.progress["after"]} if "after" in self.progress else {}
        while ids := self._ids(one, after):
            after = {"after": ids[-1]}
            self._batch(one, commands.change(one, ids, mark), self.progress["documents"] + len(ids), after)
            if mark:
                reply = self._write(commands.only_if(self.lock.within_lease(), commands.unmark(one, mark, ids)))
                # Nothing was unmarked when it came too late; that is made up for at the end.
                perhaps_marked = perhaps_marked or not reply["n"]
        if mark and perhaps_marked:
            self._write(commands.unmark(one, mark, None))

    def _ids(self, one: Operation, after: dict[str, t.Any]) -> list[t.Any]:
        if after and same(after["after"], commands.GREATEST):
            return []
        query = commands.next_ids(one, after, self.server.facts.engine)
        ids = [row["_id"] for row in self.server.rows(self.database, query)]
        if after and ids and same(ids[0], after["after"]):
            ids = ids[1:]
        if after and not ids:
            ids = [row["_id"] for row in self.server.rows(self.database, commands.last_id(one))]
        return ids[: one.batch_size]

    def _batch(
        self, one: Operation, command: dict[str, t.Any], documents: int, after: dict[str, t.Any] | None = None
    ) -> None:
        """Send one batch with the record of it."""
        place = {**self.progress, "documents": documents, **(after or {})}

        def record(reply: dict[str, t.Any]) -> dict[str, t.Any]:
            check_written(reply, self.server.where)
            self.progress = {**place, "counts": _counted(one, place["counts"], reply)}
            return self.history.progress(self.key, self.progress)

        before = self.progress
        self.lock.assert_held()
        try:
            if self.transactions:
                self.server.together(self.database, command, record, self.history.check)
            elif one.scans:
                self._in_time(one, command, record)
            else:
                reply = self.server.run(self.database, command, write=True)
                self.history.check(self.server.run(self.database, record(reply), write=True))
        except GroundworkError:
            self.progress = before
            raise

    def _in_time(
        self, one: Operation, command: dict[str, t.Any], record: t.Callable[[dict[str, t.Any]], dict[str, t.Any]]
    ) -> None:
        """Send one batch and then the record of it, both only within the lease.

        A batch that changed something was in time. One that changed nothing may have come too late: it is sent again
        unless its record, on the same condition, proves otherwise.
        """
        made: dict[str, t.Any] | None = None
        for _attempt in range(ATTEMPTS_IN_TIME):
            in_time = self.lock.within_lease()
            reply = self.server.run(self.database, commands.only_if(in_time, command), write=True)
            if reply.get("n"):
                self.lock.assert_held()
                made, in_time = reply, self.lock.within_lease()
            recorded = self.server.run(self.database, commands.only_if(in_time, record(made or reply)), write=True)
            check_written(recorded, self.server.where)
            if recorded.get("n"):
                return
            self.lock.assert_held()
            if in_time == self.lock.within_lease():
                self.history.check(recorded)
        raise GroundworkError(
            f"A batch of {one.title()} takes longer than lock_lease, {self.lock.lease} seconds.", where=one.where,
            untouched="what is not recorded yet", code=ErrorCode.BATCH_TOO_SLOW,
            hint="Lower its batch_size, have an index for its filter, or raise lock_lease; then run again.",
        )

    def _write(self, command: dict[str, t.Any]) -> dict[str, t.Any]:
        reply = self.server.run(self.database, command, write=True)
        check_written(reply, self.server.where)
        return reply

    def _refused(self, number: int, one: Operation, error: api.ServerRefused) -> GroundworkError:
        documents = self.progress["documents"]
        # Outside a transaction a batch can fail half-way; how far, only inserts and upserts tell.
        partly = not self.transactions and (
            bool(error.reply.get("n")) or (one.scans and "writeErrors" in error.reply)
        )
        nothing_done = not documents and not partly
        self.history.failed(self.key, error.server_message, nothing_done)
        edit = "mend this operation in the file" if nothing_done else "leave this operation as it is and mend the data"
        return GroundworkError(
            f"The server refuses {one.title()}: {error.server_message}",
            where=one.where, code=ErrorCode.OPERATION_REFUSED,
            untouched=(
                f"what comes after it; {number} operations of this file are done, and {documents} documents of this one"
            ),
            hint=f"If the cause is in the file, {edit}; then run again: it continues where this run stopped.",
        )


def _counted(one: Operation, counts: dict[str, int], reply: dict[str, t.Any]) -> dict[str, int]:
    """The counts of an operation with those of one more batch."""
    inserted = len(reply.get("upserted") or ())
    added = {"inserted": inserted, "matched": reply["n"] - inserted, "modified": reply.get("nModified", 0)}
    if one.kind == operation.INSERT:
        added = {"inserted": reply["n"]}
    elif one.kind == operation.DELETE_MANY:
        added = {"deleted": reply["n"]}
    return {name: counts.get(name, 0) + count for name, count in added.items()}
