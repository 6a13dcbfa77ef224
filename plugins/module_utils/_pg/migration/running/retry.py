"""Whether, and after what pause, an attempt is repeated."""

from __future__ import annotations

import random
import time
import typing as t

from ...session import SERIALIZATION_FAILURE, SqlError
from ..commands.settings import Settings
from .lock import Holder


class Retry:
    """The attempts of one script (or one statement): bounded in number and time, with growing, jittered pauses.

    Only failures that leave nothing behind and come from other sessions are repeated: a lock that was not granted in
    time, a deadlock, and a serialization failure of a script that asks for that isolation.
    """

    def __init__(self, settings: Settings, deadline: float | None) -> None:
        self._settings = settings
        self._deadline = deadline
        self.attempt = 1

    def again(
        self, error: SqlError, script: str, log: list[dict[str, t.Any]], holders: t.Sequence[Holder] = ()
    ) -> bool:
        """Sleep and return True when another attempt is due.

        :param log: gets one entry for each repetition.
        """
        if not error.gave_way or self.attempt >= self._settings.attempts:
            return False
        pause = self._pause()
        if self._deadline is not None and time.monotonic() + pause > self._deadline:
            return False
        log.append(
            {
                "script": script,
                "attempt": self.attempt,
                "sqlstate": error.sqlstate,
                "reason": error.text,
                "pause": round(pause, 2),
                "blocked_by": [holder.facts() for holder in holders],
            }
        )
        time.sleep(pause)
        self.attempt += 1
        return True

    def _pause(self) -> float:
        limit = min(self._settings.retry_delay * 2 ** (self.attempt - 1), self._settings.retry_delay_max)
        return limit * random.uniform(0.5, 1.0)  # noqa: S311 - spreads attempts, protects nothing

    def advice(self, error: SqlError, holders: t.Sequence[Holder] = ()) -> str | None:
        """What to do when it was not repeated again."""
        if not error.gave_way:
            return None
        if error.sqlstate == SERIALIZATION_FAILURE:
            return f"Tried {self.attempt} times. Wait until the sessions that change the same rows are done"
        who = f" It waited for {'; '.join(str(holder) for holder in holders)}." if holders else ""
        return (
            f"Tried {self.attempt} times.{who} Wait until the sessions that hold the locks have ended, or raise "
            "attempts, "
            "lock_timeout or deadline"
        )
