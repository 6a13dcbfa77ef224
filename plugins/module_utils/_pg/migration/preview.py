# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pending scripts run for real and rolled back, with the catalogue's difference as the answer.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ..._errors import GroundworkError
from ..quoting import identifier as quote_name
from ..session import SqlError
from . import catalogue
from .intent import Intent
from .outcome import Outcome
from .prepare import Prepared
from .sending import StatementFailedError, rollback_quietly, send
from .stage import Stage


def impossible(prepared: t.Sequence[Prepared]) -> str | None:
    """Why these scripts cannot be previewed; ``None`` when they can."""
    alone = [item.script.path for item in prepared if not item.in_transaction]
    if alone:
        return f"{', '.join(alone)} cannot run in a transaction, so nothing could be rolled back"
    return None


def run(stage: Stage, intent: Intent, prepared: t.Sequence[Prepared]) -> None:
    """Run the scripts in one transaction, compare, roll back; the answer goes into the stage's outcome.

    :raises GroundworkError: a script fails; nothing remains, as always here.
    """
    session, outcome = stage.session, stage.outcome
    header = f"catalogue of {stage.live.facts.database}"
    try:
        session.run(stage.surroundings.begin())
        before = catalogue.read(session, stage.table, None)
        for name in intent.create_schemas:
            session.run(f"CREATE SCHEMA {quote_name(name)}")
        for item in prepared:
            stage.callbacks.inside("beforeEachMigrate")
            for statement in item.statements():
                stage.watch.begin()
                send(session, statement, item)
            stage.callbacks.inside("afterEachMigrate")
        session.run(f"SET CONSTRAINTS ALL IMMEDIATE; {stage.surroundings.restore}")
        after = catalogue.read(session, stage.table, None)
    except StatementFailedError as failed:
        raise failed.told("everything: this was a preview, and it was rolled back", "The preview found it.") from None
    except SqlError as error:
        raise GroundworkError(
            f"The preview failed at its end: {error.text} (SQLSTATE {error.sqlstate})",
            untouched="everything: this was a preview, and it was rolled back",
            code="FAILED_MIGRATION",
        ) from None
    finally:
        stage.watch.end()
        rollback_quietly(session)
    _report(outcome, header, before, after)


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
