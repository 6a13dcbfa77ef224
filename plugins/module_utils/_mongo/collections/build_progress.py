"""Tells how far a long index build is, while it runs."""

from __future__ import annotations

import contextlib
import threading
import types
import typing as t

from ..api import ConnectionLost, Server, ServerRefused, ServerUnreachable

INTERVAL_SECONDS = 10.0


class BuildProgress:
    """Asks the server every ten seconds while one ``createIndexes`` runs; does nothing around other commands.

    :param log: takes one line each time.
    """

    def __init__(self, server: Server, database: str, command: dict[str, t.Any], log: t.Callable[[str], None]) -> None:
        self.server = server
        self.database = database
        self.collection = command.get("createIndexes")
        self.log = log
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        if self.collection:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(INTERVAL_SECONDS):
            # Not every user may look at operations; the build goes on without being watched.
            with contextlib.suppress(ServerRefused, ConnectionLost, ServerUnreachable):
                self._report()

    def _report(self) -> None:
        namespace = f"{self.database}.{self.collection}"
        reply = self.server.run("admin", {"currentOp": 1, "ns": namespace, "msg": {"$regex": "^Index Build"}})
        for operation in reply.get("inprog", []):
            progress = operation.get("progress") or {}
            if progress.get("total"):
                percent = 100 * progress["done"] / progress["total"]
                counts = f"{progress['done']} of {progress['total']}"
                self.log(f"{namespace}: {operation['msg']} ({percent:.0f} %, {counts})")
                return
