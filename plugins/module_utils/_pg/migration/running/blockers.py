"""Who is in the way of a statement that waits."""

from __future__ import annotations

import threading
import time
import typing as t

from ...._core.errors import GroundworkError
from ...session import Session, SqlError
from .lock import Holder

_BLOCKERS = """
SELECT pid, application_name, usename::text, state, query,
  EXTRACT(EPOCH FROM now() - COALESCE(xact_start, backend_start))::bigint
FROM pg_catalog.pg_stat_activity WHERE pid = ANY(pg_catalog.pg_blocking_pids(%s))
"""
_LOOK_SECONDS = 0.1


class Watch:
    """A second session that looks, while a statement takes long, which other sessions it waits for.

    By the time the server reports a lock timeout or a deadlock the blockers may be gone, so somebody has to look
    before. The second session is only opened when a statement takes longer than ``patience`` seconds.
    """

    def __init__(self, reopen: t.Callable[[], Session], pid: int, patience: float = 0.2) -> None:
        self._reopen = reopen
        self._pid = pid
        self._patience = patience
        self._since: float | None = None
        self._stop = threading.Event()
        self._seen: list[Holder] = []
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def begin(self) -> None:
        """A statement starts."""
        self._since = time.monotonic()

    def end(self) -> None:
        """It has ended."""
        self._since = None

    def take(self) -> list[Holder]:
        """Return the blockers last seen, and forget them."""
        seen, self._seen = self._seen, []
        return seen

    def _look(self) -> None:
        session: Session | None = None
        try:
            while not self._stop.wait(_LOOK_SECONDS):
                since = self._since
                if since is None or time.monotonic() - since < self._patience:
                    continue
                session = session or self._reopen()
                rows = session.rows(_BLOCKERS, self._pid)
                if rows:
                    self._seen = [Holder(*row) for row in rows]
        except (GroundworkError, SqlError):
            # Only the report loses: the run itself meets the same trouble and tells it.
            return
        finally:
            if session:
                session.close()
