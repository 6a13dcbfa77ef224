"""The pending scripts run for real and rolled back, with the catalogue's difference as the answer."""

from __future__ import annotations

import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._migration.filename import REPEATABLE
from ...quoting import identifier as quote_name
from ...session import SqlError
from ..history import catalogue
from ..planning.intent import Intent
from ..planning.prepare import Prepared
from .context import Stage
from .outcome import Outcome
from .sending import StatementFailedError, rollback_quietly, unwritten_where_secret
from .session_failure import session_failure
from .transactional import Transaction

#: Events around and between the scripts, in their order; each script has those of its own besides.
_EVENTS = {
    "Migrate": ("beforeMigrate", "afterVersioned", "beforeRepeatables", "afterMigrateApplied", "afterMigrate"),
    "Undo": ("beforeUndo", "afterUndo"),
}


def impossible(stage: Stage, prepared: t.Sequence[Prepared], verb: str) -> str | None:
    """Why these scripts, with their callbacks, cannot be previewed; ``None`` when they can.

    :param verb: ``Migrate`` or ``Undo``, as in the names of callback events.
    """
    callbacks = [script for event in _EVENTS[verb] for script in stage.callbacks.scripts(event)]
    alone = [item.script.path for item in (*prepared, *callbacks) if not item.in_transaction]
    if alone:
        return f"{', '.join(alone)} cannot run in a transaction, so nothing could be rolled back"
    own = [item for item in (*prepared, *callbacks) if item.sets_transaction]
    if own and (len(prepared) + len(callbacks) > 1 or not own[0].takes_snapshot):
        return f"{own[0].script.path} sets the mode of its transaction, and a preview has one for all scripts"
    return None


def run(stage: Stage, intent: Intent, prepared: t.Sequence[Prepared], verb: str) -> None:
    """Run the scripts and their callbacks in one transaction, compare, roll back; the answer goes into the outcome.

    :raises GroundworkError: a script fails; nothing remains, as always here.
    """
    session, outcome = stage.session, stage.outcome
    header = f"catalogue of {stage.live.facts.database}"
    try:
        with unwritten_where_secret(session, stage.surroundings, [*prepared, *stage.callbacks.of_all_events()]):
            before, after = _in_transaction(stage, intent, prepared, verb)
    except StatementFailedError as failed:
        raise failed.told("everything: this was a preview, and it was rolled back", "The preview found it.") from None
    except SqlError as error:
        raise GroundworkError(
            f"The preview failed at its end: {error.text} (SQLSTATE {error.sqlstate})",
            untouched="everything: this was a preview, and it was rolled back",
            code=ErrorCode.FAILED_MIGRATION,
        ) from None
    _report(outcome, header, before, after)


def _in_transaction(
    stage: Stage, intent: Intent, prepared: t.Sequence[Prepared], verb: str
) -> tuple[catalogue.Snapshot, catalogue.Snapshot]:
    """The catalogue before and after the scripts, in a transaction that is rolled back."""
    session = stage.session
    try:
        session.run(stage.surroundings.begin())
        before = catalogue.read(session, stage.table, None)
        for name in intent.create_schemas:
            session.run(f"CREATE SCHEMA {quote_name(name)}")
        _run_all(stage, prepared, verb)
        session.run("SET CONSTRAINTS ALL IMMEDIATE")
        return before, catalogue.read(session, stage.table, None)
    finally:
        stage.watch.end()
        rollback_quietly(session)


def _run_all(stage: Stage, prepared: t.Sequence[Prepared], verb: str) -> None:
    """Run everything that the real run would run, in its order."""
    transaction = Transaction(stage.session, stage.surroundings, stage.callbacks, stage.watch, grouped=False)
    before, *between, after = _EVENTS[verb]
    repeatable = [item for item in prepared if item.script.kind == REPEATABLE]

    event = stage.callbacks.inside

    def scripts(items: t.Iterable[Prepared]) -> None:
        for item in items:
            event(f"beforeEach{verb}")
            transaction.execute(item, verb, together=False)
            _leave(stage, item)
            event(f"afterEach{verb}")

    event(before)
    scripts(item for item in prepared if item.script.kind != REPEATABLE)
    if between:
        event("afterVersioned")
        if repeatable:
            event("beforeRepeatables")
        scripts(repeatable)
        if prepared:
            event("afterMigrateApplied")
    event(after)


def _leave(stage: Stage, prepared: Prepared) -> None:
    try:
        stage.surroundings.leave(stage.session)
    except SqlError as error:
        raise session_failure(error, prepared, "everything: this was a preview, and it was rolled back") from None


def _report(outcome: Outcome, header: str, before: catalogue.Snapshot, after: catalogue.Snapshot) -> None:
    found = catalogue.difference(before, after)
    outcome.preview = {"possible": True, **found.facts()}
    if found:
        outcome.more_diff.append(catalogue.diff(header, before, after))
    outcome.warnings.append(
        "The preview ran the pending scripts and rolled them back. What a rollback does not take back has "
        "happened: sequence "
        "values that were drawn, and whatever scripts did outside the database (dblink, file access, COPY TO PROGRAM)."
    )
