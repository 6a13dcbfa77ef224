"""What went wrong at the end of a script, when its statements are done: the record, the commit, the session's state."""

from __future__ import annotations

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...session import SERIALIZATION_FAILURE, SqlError
from ..planning.intent import title
from ..planning.prepare import Prepared
from .session_settings import is_lock_lost, is_not_restored

LOCK_RELEASED = (
    "It released the lock that keeps another run (of this module or of Flyway) from executing the same scripts."
)
LOCK_ADVICE = (
    "Remove pg_advisory_unlock_all(), DISCARD ALL or what else releases that lock, also from functions that the script "
    "calls. Advisory locks that a script takes are released after it by themselves."
)

_BY_SQLSTATE = {
    "22P05": "The encoding of the database does not have a character of the row: it holds the file's name and "
    "description, so rename the file.",
    "25006": "The transaction is read only, so the row of the history could not be written in it: leave READ ONLY out.",
    "42501": "The role of the run cannot write the history table any more: a grant, an owner or a membership has been "
    "changed.",
    "42P01": "A table that the row of the run or a deferred trigger uses is not there: was it dropped or renamed, or "
    "does the trigger rely on the search_path of its script?",
    "22023": "A role or setting of the run is gone: was it dropped or renamed?",
    SERIALIZATION_FAILURE: "Another session changed the same rows. Run again, or raise attempts.",
}


def session_failure(error: SqlError, prepared: Prepared, untouched: str) -> GroundworkError:
    """The error of a script, or of a callback, that failed at its end."""
    script = prepared.script
    name = f"callback {script.path}" if script.name.event else title(script)
    detail = f"\n  detail: {error.detail}" if error.detail else ""
    text = LOCK_RELEASED if is_lock_lost(error) else f"{error.text} (SQLSTATE {error.sqlstate or 'none'}){detail}"
    return GroundworkError(
        f"Migration {name} failed at its end!\n{text}",
        where=script.label,
        untouched=untouched,
        code=ErrorCode.RUN_LOCK_RELEASED if is_lock_lost(error) else ErrorCode.FAILED_MIGRATION,
        hint=_advice(error),
    )


def _advice(error: SqlError) -> str:
    if error.lost:
        return "Run again: it finds out and goes on."
    if is_lock_lost(error):
        return LOCK_ADVICE
    if is_not_restored(error):
        return "It left another role or user behind: remove what changes them."
    if error.sqlstate.startswith("23"):
        return "Deferred constraints are checked at the end of the transaction."
    return _BY_SQLSTATE.get(
        error.sqlstate, "Deferred triggers run, and the history row is written, at the end of the transaction."
    )
