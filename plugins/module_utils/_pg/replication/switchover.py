"""A planned switchover, done from the host of the primary in one process, as every round trip is outage.

The order makes two primaries impossible: the old primary is down and marked as a standby before anybody is promoted,
so that not even a reboot brings it back as one. Nothing is lost: the target is promoted only when it has replayed the
old primary's very last record, its shutdown checkpoint.
"""

from __future__ import annotations

import dataclasses
import signal
import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host import filesystem
from .access import promote_grant
from .control import format_lsn, parse_lsn
from .copying import make_standby
from .server import POLL_SECONDS, STANDBY_SIGNAL

if t.TYPE_CHECKING:
    from ..session import Session
    from .server import Server

BACK_AS_PRIMARY = "The old primary was started again and is the primary as before; no other member was promoted."


@dataclasses.dataclass(frozen=True)
class Limits:
    """Seconds to wait for each part."""

    stop: float
    receive: float
    promote: float


@dataclasses.dataclass
class Outcome:
    """What happened, in milliseconds since the first session was refused."""

    shutdown_checkpoint: str = ""
    stopped_ms: int = 0
    received_ms: int = 0
    promoted_ms: int = 0


class Handover:
    """From the old primary (this host) to a target that a session is open to."""

    def __init__(self, server: Server, local: Session, target: Session, role: str, limits: Limits) -> None:
        self.server = server
        self.local = local
        self.target = target
        self.role = role
        self.limits = limits
        self.outcome = Outcome()
        self._began = 0.0

    def run(self) -> Outcome:
        """Hand over.

        :raises GroundworkError: it was not possible; the text says who is the primary now.
        """
        self.local.run("CHECKPOINT")
        self.local.run(promote_grant(self.role, True))
        self.local.close()
        self._began = time.monotonic()
        if not self.server.stop(self.limits.stop):
            self._abort_stop()
        self.outcome.stopped_ms = self._elapsed()
        self._wait_until_received()
        self.outcome.received_ms = self._elapsed()
        make_standby(self.server)
        self._promote()
        self.outcome.promoted_ms = self._elapsed()
        return self.outcome

    def _elapsed(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def _abort_stop(self) -> None:
        # An immediate stop loses nothing: the server recovers from its WAL when it starts, as after a power failure.
        self.server.stop(self.limits.stop, signal.SIGQUIT)
        self._go_back(
            f"The primary did not stop within {self.limits.stop:.0f} s.",
            "A standby that receives slowly or an archive_command that hangs keeps it from stopping. See its log.",
        )

    def _wait_until_received(self) -> None:
        control = self.server.control()
        if not control.shut_down:
            self._go_back(
                f"The primary did not shut down cleanly (pg_controldata says: {control.state}).", "See its log."
            )
        self.outcome.shutdown_checkpoint = format_lsn(control.checkpoint)
        deadline = time.monotonic() + self.limits.receive
        while not self._target_passed(control.checkpoint):
            if time.monotonic() > deadline:
                self._go_back(
                    f"The target did not replay the primary's last record, at {format_lsn(control.checkpoint)}, "
                    f"within {self.limits.receive:.0f} s.",
                    "Look at its log, at paused replay and at conflicts with long queries on it.",
                )
            time.sleep(POLL_SECONDS)

    def _target_passed(self, checkpoint: int) -> bool:
        """Whether the record at ``checkpoint`` is replayed: the position is the end of the last replayed record."""
        from ..session import SqlError

        try:
            replayed = self.target.value("SELECT pg_last_wal_replay_lsn()")
        except SqlError as error:
            self._go_back(f"The session on the target broke: {error.text}", "Look at the target's log.")
        return replayed is not None and parse_lsn(replayed) > checkpoint

    def _promote(self) -> None:
        from ..session import SqlError

        try:
            promoted = self.target.value("SELECT pg_promote(true, %s)", max(1, int(self.limits.promote)))
            if promoted or not self.target.value("SELECT pg_is_in_recovery()"):
                return
            reason = f"it did not become a primary within {self.limits.promote:.0f} s"
        except SqlError as error:
            if error.sqlstate == "42501":
                self._go_back(f"The target refuses pg_promote: {error.text}.", "Its replay lacks the grant; run again.")
            reason = error.text
        # A request to promote cannot be rolled back, so the old primary must stay down until a person has looked.
        raise GroundworkError(
            f"The target was asked to promote itself, and it is not known whether it has: {reason}.",
            where=self.server.where,
            untouched="The old primary is stopped and would start as a standby; it has every row.",
            hint="Look at the target. If SELECT pg_is_in_recovery() is false there, run the playbook again to finish. "
            f"If the target is gone for good, remove {self.server.data / STANDBY_SIGNAL} and start the old primary.",
            code=ErrorCode.SWITCHOVER_UNCERTAIN,
        )

    def _go_back(self, what: str, hint: str) -> t.NoReturn:
        with self.server.owner.acting():
            filesystem.remove(self.server.data / STANDBY_SIGNAL)
        self.server.stop_service()
        try:
            self.server.start()
        except GroundworkError as error:
            raise GroundworkError(
                f"{what} And the old primary does not start again: {error.what}", where=self.server.where,
                untouched="No member was promoted; the old primary has every row.",
                hint="Start the old primary. Only if that is impossible, promote the standby with the most WAL.",
                code=ErrorCode.SWITCHOVER_NO_PRIMARY,
            ) from None
        raise GroundworkError(
            what, where=self.server.where, untouched=BACK_AS_PRIMARY, hint=hint, code=ErrorCode.SWITCHOVER_ROLLED_BACK,
            details={"outage_ms": self._elapsed()},
        )


def promote_here(session: Session, seconds: float) -> None:
    """Promote the server of the session, as the end of a switchover that was interrupted before that.

    :raises GroundworkError: it did not become a primary in time.
    """
    if not session.value("SELECT pg_promote(true, %s)", max(1, int(seconds))):
        raise GroundworkError(
            f"The server did not become a primary within {seconds:.0f} s.",
            untouched="the other members", hint="Its log says what it waits for.", code=ErrorCode.SWITCHOVER_UNCERTAIN,
        )
