"""Rules about constraints."""

from __future__ import annotations

import typing as t

from ...sql.cursor import Name, quoted
from ...sql.model import Action, AlterTable, Constraint
from ..context import Context
from ..rule import Hit, rule
from .wording import source


def added(ddl: AlterTable, context: Context) -> t.Iterator[tuple[Action, Constraint]]:
    """Constraints that the statement puts on a table in use, those of new columns included."""
    if ddl.relation not in ("table", "foreign table") or context.is_new(ddl.name):
        return
    for action in ddl.actions:
        if action.constraint:
            yield action, action.constraint
        elif action.column:
            for constraint in action.column.constraints:
                yield action, constraint


def named(table: Name, constraint: Constraint, suffix: str) -> str:
    """The constraint's name, or the one that the server would choose."""
    return quoted(constraint.name or "_".join((table.last, *constraint.columns[:1], suffix)))


@rule(
    "add-foreign-key-validated",
    AlterTable,
    lock="SHARE ROW EXCLUSIVE on both tables",
    scales=True,
    title="FOREIGN KEY that is validated while both tables are locked",
    instead="ADD CONSTRAINT ... NOT VALID, then VALIDATE CONSTRAINT in a later file",
    squawk=("adding-foreign-key-constraint",),
)
def foreign_key(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, constraint in added(ddl, context):
        if constraint.kind != "foreign key" or constraint.not_valid:
            continue
        name = named(ddl.name, constraint, "fkey")
        columns = ", ".join(map(quoted, constraint.columns))
        yield Hit(
            str(ddl.name),
            f"the foreign key from {ddl.name} to {constraint.references} blocks writes to both while every row is "
            "checked",
            f"ALTER TABLE {ddl.name} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {constraint.references} "
            f"NOT VALID; in a later file: ALTER TABLE {ddl.name} VALIDATE CONSTRAINT {name}",
            table=ddl.name,
            start=action.start,
        )


@rule(
    "add-check-validated",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="CHECK constraint that is validated while the table is locked",
    instead="ADD CONSTRAINT ... CHECK (...) NOT VALID, then VALIDATE CONSTRAINT in a later file",
    squawk=("constraint-missing-not-valid",),
)
def check(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, constraint in added(ddl, context):
        if constraint.kind != "check" or constraint.not_valid:
            continue
        name = named(ddl.name, constraint, "check")
        yield Hit(
            str(ddl.name),
            f"the check on {ddl.name} blocks reads and writes while every row is read",
            f"ALTER TABLE {ddl.name} ADD CONSTRAINT {name} CHECK ({source(context, constraint.expression)}) NOT VALID; "
            f"in a later file: ALTER TABLE {ddl.name} VALIDATE CONSTRAINT {name}",
            table=ddl.name,
            start=action.start,
        )


@rule(
    "validate-in-same-transaction",
    AlterTable,
    lock="the lock of ADD CONSTRAINT",
    scales=True,
    title="VALIDATE CONSTRAINT in the transaction that added it NOT VALID",
    instead="VALIDATE CONSTRAINT in a file of its own: its own lock lets reads and writes pass",
)
def validate(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action in ddl.actions:
        if action.kind == "validate constraint" and (context.key(ddl.name), action.name) in context.state.not_valid:
            yield Hit(
                str(ddl.name),
                f"{quoted(action.name)} was added in this transaction: its lock on {ddl.name} is held while rows are "
                "read",
                f"Move ALTER TABLE {ddl.name} VALIDATE CONSTRAINT {quoted(action.name)} into the next file",
                table=ddl.name,
                start=action.start,
            )


def _with_index(ddl: AlterTable, constraint: Constraint, words: str, suffix: str) -> str:
    name = named(ddl.name, constraint, suffix)
    columns = ", ".join(map(quoted, constraint.columns))
    return (
        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {ddl.name} ({columns}); then ALTER TABLE {ddl.name} ADD "
        f"CONSTRAINT {name} {words} USING INDEX {name}"
    )


@rule(
    "add-unique-constraint",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="UNIQUE constraint that builds its index while the table is locked",
    instead="CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT ... UNIQUE USING INDEX",
    squawk=("disallowed-unique-constraint",),
)
def unique(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, constraint in added(ddl, context):
        if constraint.kind == "unique" and not constraint.using_index:
            yield Hit(
                str(ddl.name),
                f"the unique constraint blocks reads and writes of {ddl.name} while its index is built, and fails on "
                "duplicates",
                _with_index(ddl, constraint, "UNIQUE", "key"),
                table=ddl.name,
                start=action.start,
            )


@rule(
    "add-primary-key",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="PRIMARY KEY that builds its index while the table is locked",
    instead="NOT NULL first, CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT ... PRIMARY KEY USING INDEX",
    squawk=("adding-serial-primary-key-field",),
)
def primary_key(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, constraint in added(ddl, context):
        if constraint.kind == "primary key" and not constraint.using_index:
            yield Hit(
                str(ddl.name),
                f"the primary key blocks reads and writes of {ddl.name} while its index is built and NULLs are looked "
                "for",
                _with_index(ddl, constraint, "PRIMARY KEY", "pkey"),
                table=ddl.name,
                start=action.start,
            )


@rule(
    "add-exclusion-constraint",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="EXCLUDE constraint on a table that is in use",
    instead="A new table with the constraint and a copy, or a maintenance window",
)
def exclude(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, constraint in added(ddl, context):
        if constraint.kind == "exclude":
            yield Hit(
                str(ddl.name),
                f"the exclusion constraint blocks reads and writes of {ddl.name} while its index is built; neither NOT "
                "VALID nor USING INDEX exists for it",
                f"Copy {ddl.name} into a new table that has the constraint and swap them, or plan an interruption",
                table=ddl.name,
                start=action.start,
            )


@rule(
    "set-not-null",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="SET NOT NULL that reads the whole table under its lock",
    instead="CHECK (column IS NOT NULL) NOT VALID; VALIDATE; SET NOT NULL (reads nothing then); DROP the check",
    squawk=("adding-not-nullable-field",),
)
def set_not_null(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    if context.is_new(ddl.name):
        return
    # The server drops constraints before it sets columns NOT NULL, wherever the statement names them.
    dropped = {action.name for action in ddl.actions if action.kind == "drop constraint"}
    checks = context.not_null_checks(context.key(ddl.name))
    proven = {column for name, column in checks.items() if name not in dropped}
    for action in ddl.actions:
        if action.kind != "alter column set not null" or action.name in proven:
            continue
        column = quoted(action.name)
        name = quoted(f"{ddl.name.last}_{action.name}_not_null")
        yield Hit(
            f"{ddl.name}.{column}",
            f"SET NOT NULL blocks reads and writes of {ddl.name} while every row is read",
            f"ALTER TABLE {ddl.name} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID; next file: VALIDATE "
            f"CONSTRAINT {name}; next: ALTER COLUMN {column} SET NOT NULL; then, as a statement of its own, DROP "
            f"CONSTRAINT {name}",
            table=ddl.name,
            start=action.start,
        )


@rule(
    "drop-not-null",
    AlterTable,
    level="info",
    title="DROP NOT NULL",
    instead="Make every reader ready for NULL first",
    squawk=("ban-drop-not-null",),
)
def drop_not_null(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action in ddl.actions:
        if action.kind == "alter column drop not null" and not context.is_new(ddl.name):
            yield Hit(
                f"{ddl.name}.{quoted(action.name)}",
                f"readers of {ddl.name}.{quoted(action.name)} can meet NULL from now on",
                "Deploy readers that handle NULL first, then apply this",
                start=action.start,
            )


@rule(
    "drop-constraint",
    AlterTable,
    title="DROP CONSTRAINT",
    instead="Drop it when nothing relies on it any more, and say so in an ignore comment",
    squawk=("ban-drop-constraint",),
)
def drop_constraint(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action in ddl.actions:
        if action.kind == "drop constraint" and not context.is_new(ddl.name) and not _is_ours(ddl, action, context):
            yield Hit(
                f"{ddl.name}.{quoted(action.name)}",
                f"nothing guards any more what {quoted(action.name)} guarded in {ddl.name}; bad rows can get in at "
                "once",
                "Add what replaces it first; if nothing does: -- groundwork:ignore drop-constraint <why>",
                start=action.start,
            )


def _is_ours(ddl: AlterTable, action: Action, context: Context) -> bool:
    """Whether the constraint is a helper that these files added, such as the check that proves NOT NULL."""
    return (context.key(ddl.name), action.name) in context.added_constraints
