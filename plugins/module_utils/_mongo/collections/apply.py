"""Sends the changes of a plan, one batch after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..api import PRIMARY_LOST, ConnectionLost, Server, ServerRefused
from ..change import INDEX_KEY_SPECS_CONFLICT, INDEX_OPTIONS_CONFLICT, NAMESPACE_EXISTS, Batch, Change
from .build_progress import BuildProgress

# Somebody else, such as a second run, changed the same objects meanwhile, or the server gave up in favour of another
# operation. What there is now has to be read again, and a new plan made.
OVERTAKEN_CODES = frozenset({
    INDEX_OPTIONS_CONFLICT, INDEX_KEY_SPECS_CONFLICT, NAMESPACE_EXISTS,
    24,  # LockTimeout
    46,  # LockBusy
    112,  # WriteConflict
    117,  # ConflictingOperationInProgress
    276,  # IndexBuildAborted
    12586,  # BackgroundOperationInProgressForDatabase
    12587,  # BackgroundOperationInProgressForNamespace
    40333,  # IndexBuildAlreadyInProgress
})  # fmt: skip
CANNOT_CONVERT_TO_UNIQUE = 359


class Overtaken(Exception):
    """The plan no longer fits the live state.

    :ivar cause: one of ``PRIMARY_LOST`` when another primary has to be awaited first.
    """

    def __init__(self, cause: GroundworkError) -> None:
        self.cause = cause
        super().__init__(str(cause))


@dataclasses.dataclass
class Applied:
    """:ivar actions: what was done so far, each with its duration, for the module's result."""

    actions: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)

    def add(self, changes: t.Iterable[Change], seconds: float) -> None:
        self.actions += [{**item.summary(), "seconds": round(seconds, 3)} for item in changes]


def apply(
    server: Server, database: str, work: list[Batch], applied: Applied, log: t.Callable[[str], None]
) -> None:
    """Make all changes.

    :param applied: grows with every change that is made, also when a later one fails.
    :param log: takes one line on each step of a long index build.
    :raises Overtaken: the live state or the primary changed meanwhile.
    :raises GroundworkError: the server refuses a change; the earlier ones are made.
    """
    for batch in work:
        started = time.monotonic()
        try:
            _send(server, database, batch, log)
        except PRIMARY_LOST as error:
            raise Overtaken(error) from None
        except ServerRefused as error:
            if error.server_code not in batch.changes[0].done:
                if error.server_code in OVERTAKEN_CODES:
                    raise Overtaken(error) from None
                raise _refusal(error, batch, applied) from None
        applied.add(batch.changes, time.monotonic() - started)


def _send(server: Server, database: str, batch: Batch, log: t.Callable[[str], None]) -> None:
    done_codes = batch.changes[0].done
    for number, command in enumerate(batch.commands):
        try:
            with BuildProgress(server, database, command, log):
                server.run(database, command, write=True)
        except ServerRefused as error:
            if error.server_code in done_codes and number < len(batch.commands) - 1:
                continue
            if number > 0:
                _undo(server, database, batch)
            raise


def _undo(server: Server, database: str, batch: Batch) -> None:
    for command in batch.changes[0].undo:
        with contextlib.suppress(ServerRefused, ConnectionLost):
            server.run(database, command, write=True)


def _refusal(error: ServerRefused, batch: Batch, applied: Applied) -> GroundworkError:
    names = ", ".join(f"{item.action} {item.kind} {item.name}" for item in batch.changes)
    paths = ", ".join(dict.fromkeys(item.path for item in batch.changes if item.path))
    text = error.server_message
    if error.server_code == CANNOT_CONVERT_TO_UNIQUE:
        text += f" Documents in conflict: {error.reply.get('violations')}"
    return GroundworkError(
        f"The server refuses to {names}: {text}",
        where=f"{paths or batch.collection} at {error.where}" if error.where else paths,
        untouched="this change and those after it"
        + (f"; {len(applied.actions)} earlier ones are made (see actions)" if applied.actions else ""),
        hint="Correct the specification or the documents and run again: what is done is not done twice.",
        code=ErrorCode.SERVER_REFUSED,
        details={"server_code": error.server_code, "actions": applied.actions, "changed": bool(applied.actions)},
    )
