"""What a run would do, decided from live facts, history rows and files alone."""

from __future__ import annotations

import dataclasses
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._core.plan import Plan, Step
from ..commands.settings import Settings
from ..files.resolve import Resolved
from ..files.script import Script
from ..history import table as history
from ..history.progress import identity
from ..history.table import Row, Table
from . import state, validate
from .database import Facts
from .state import Situation

#: Larger scripts are shown up to here in a diff.
SHOWN_BYTES = 64 * 1024


@dataclasses.dataclass(frozen=True)
class Intent:
    """The outcome of planning.

    :ivar create_schemas: schemas to create, with a SCHEMA row.
    :ivar create_table: the history table is not there yet.
    :ivar baseline: a BASELINE row to write first.
    :ivar invalid: what does not validate; empty when validation is off.
    """

    table: Table
    create_schemas: tuple[str, ...]
    create_table: bool
    baseline: Row | None
    situation: Situation
    invalid: list[validate.Invalid]
    warnings: list[str]

    @classmethod
    def nothing(cls, table: Table, situation: Situation) -> Intent:
        """No migration at all: for runs that do something else."""
        return cls(table, (), False, None, situation, [], [])

    @property
    def pending(self) -> list[Script]:
        return self.situation.pending

    @property
    def has_work(self) -> bool:
        return bool(self.create_schemas or self.create_table or self.pending)


def intend(
    settings: Settings,
    facts: Facts,
    table: Table,
    table_exists: bool,
    rows: t.Sequence[Row],
    resolved: Resolved,
    unfinished: t.Collection[str] = (),
) -> Intent:
    """Plan a migration.

    :param unfinished: identities of scripts that an earlier run left in the middle: their failed rows count as not
        applied, so that they are run to their end.

    :raises GroundworkError: a filled schema without history table and without ``baseline_on_migrate``; a missing
        schema that may not be created.
    """
    warnings = list(resolved.warnings)
    create = facts.missing_schemas
    if create and not settings.create_schemas:
        raise GroundworkError(
            f"The schema {table.schema} does not exist and create_schemas is false."
            if table.schema in create
            else f"Missing schemas: {', '.join(create)}, and create_schemas is false.",
            where=facts.database,
            untouched="the database",
            code=ErrorCode.SCHEMA_DOES_NOT_EXIST,
            hint="Create it first, or set create_schemas to true.",
        )
    known = {identity(script) for script in resolved.migrations} & set(unfinished)
    imagined = [row for row in rows if row.success or identity(row) not in known]
    baseline = None
    if create:
        rank = history.next_rank(rows, history.SCHEMA)
        imagined.append(history.schema_row(create, rank, ""))
    elif not table_exists and facts.filled_schemas:
        baseline = _baseline_on_migrate(settings, facts)
        imagined.append(baseline)
    situation = state.survey(resolved, imagined, settings.target, settings.out_of_order)
    if baseline:
        warnings.append(_skipped_by_baseline(baseline, situation))
    if settings.out_of_order:
        warnings.append(f'outOfOrder mode is active. Migration of schema "{table.schema}" may not be reproducible.')
    invalid = validate.validate(situation, settings.ignore_patterns, settings.state == "migrated")
    if settings.state == "migrated" and not settings.validate_on_migrate:
        invalid = [item for item in invalid if item.code.startswith("FAILED_")]
    return Intent(table, create, not table_exists, baseline, situation, invalid, warnings)


def _baseline_on_migrate(settings: Settings, facts: Facts) -> Row:
    if settings.baseline_on_migrate:
        return history.baseline_row(settings.baseline_version, settings.baseline_description, "")
    names = ", ".join(f'"{name}"' for name in facts.filled_schemas)
    raise GroundworkError(
        f"Found non-empty schema(s) {names} but no schema history table. Use baseline() or set baselineOnMigrate "
        "to true to "
        "initialize the schema history table.",
        where=facts.database,
        untouched="the database",
        code=ErrorCode.NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE,
        hint="Set baseline_on_migrate and baseline_version to the version that the existing objects stand for. "
        "Materialized "
        "views, partitioned and foreign tables count here; Flyway overlooks a schema that holds nothing else.",
    )


def _skipped_by_baseline(baseline: Row, situation: Situation) -> str:
    below = (state.BELOW_BASELINE, state.BASELINE_IGNORED)
    skipped = [info.script.path for info in situation.infos if info.state in below and info.script]
    names = ", ".join(skipped) or "none"
    version = baseline.version_text
    return f"The existing schema is taken as version {version}; scripts that will therefore not run: {names}."


def plan(intent: Intent, facts: Facts, with_text: bool) -> Plan:
    """The intent as steps.

    :param with_text: put the SQL of pending scripts in, for a diff.
    """
    steps = [Step("create", "schema", name, after=f"schema {name}") for name in intent.create_schemas]
    if intent.create_table:
        steps.append(Step("create", "history table", intent.table.qualified, after=intent.table.ddl()))
    if intent.baseline:
        name = f"{facts.database}: {intent.baseline.version_text}"
        steps.append(Step("record", "baseline", name, after=intent.baseline.description))
    for script in intent.pending:
        after = shown_text(script) if with_text else script.label
        steps.append(Step("apply", "migration", f"{facts.database}: {title(script)}", after=after))
    return Plan(tuple(steps))


def title(script: Script) -> str:
    """Such as ``1.0.0 initial schema (V1_0_0__initial_schema.sql)``."""
    label = f"{script.version} {script.description}" if script.version else script.description
    return f"{label.strip()} ({script.path})"


def shown_text(script: Script) -> str:
    """The script as it stands in its file, cut when it is long. Placeholders are not replaced: they may hold
    secrets.
    """
    with script.file.open() as content:
        text = content.read(SHOWN_BYTES).decode(script.encoding, "replace").removeprefix("\ufeff")
    if script.file.size > SHOWN_BYTES:
        text += f"\n-- cut here: {script.file.size} bytes in all\n"
    return text
