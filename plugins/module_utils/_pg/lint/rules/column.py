"""Rules about columns of tables that are in use."""

from __future__ import annotations

import re
import typing as t

from ...sql.cursor import Name, quoted
from ...sql.lexer import Token
from ...sql.model import Action, AlterTable, Column, Type
from ..context import Context
from ..rule import Hit, rule
from .wording import source

SERIALS = {"serial": "integer", "bigserial": "bigint", "smallserial": "smallint"}
#: Functions that give one value per statement or per argument: the default is stored once, rows are not rewritten.
NOT_VOLATILE = frozenset(
    (
        "now", "transaction_timestamp", "statement_timestamp", "current_setting", "lower", "upper", "initcap", "trim",
        "btrim", "ltrim", "rtrim", "length", "md5", "sha256", "concat", "concat_ws", "format", "replace", "coalesce",
        "nullif", "greatest", "least", "abs", "round", "floor", "ceil", "to_char", "to_date", "to_timestamp",
        "to_number", "to_json", "to_jsonb", "json_build_object", "jsonb_build_object", "json_build_array",
        "jsonb_build_array", "row", "array", "cast", "date_trunc", "date_part", "extract", "timezone", "make_date",
        "make_interval", "make_timestamp", "make_timestamptz", "decode", "encode", "convert_to", "convert_from",
        "current_schema", "current_schemas", "session_user", "current_timestamp", "localtimestamp", "current_time",
        "localtime", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange", "to_tsvector", "point",
        "box",
    )
)  # fmt: skip
_BINARY_SAME = {("cidr", "inet"), ("character varying", "text"), ("text", "character varying"), ("xml", "text")}
_LIVE_TYPE = re.compile(
    r"(?P<name>[^(\[]+?)(?:\((?P<arguments>[^)]*)\))?(?P<tail> with(?:out)? time zone)?(?P<array>(\[\])*)"
)


def added_columns(ddl: AlterTable, context: Context) -> t.Iterator[tuple[Action, Column]]:
    """Columns that the statement adds to a table in use."""
    if ddl.relation == "table" and not context.is_new(ddl.name):
        for action in ddl.actions:
            if action.column:
                yield action, action.column


def volatile_function(tokens: t.Sequence[Token]) -> str | None:
    """The first function of an expression that may give another value for each row."""
    for position, token in enumerate(tokens[:-1]):
        following = tokens[position + 1]
        before = tokens[position - 1] if position else None
        is_type = before is not None and (before.is_symbol("::") or before.is_word("as"))
        if token.is_name and following.is_symbol("(") and not is_type and token.value not in NOT_VOLATILE:
            return token.value
    return None


def _backfill(table: Name, column: str, default: str) -> str:
    return (
        f"ALTER TABLE {table} ADD COLUMN {column} without default; ALTER COLUMN {column} SET DEFAULT {default}; fill "
        "old rows in batches in a later file"
    )


@rule(
    "add-column-not-null-without-default",
    AlterTable,
    level="error",
    title="ADD COLUMN ... NOT NULL without a default",
    instead="Add it nullable or with a constant default, fill it, then SET NOT NULL",
    squawk=("adding-required-field",),
)
def required_column(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, column in added_columns(ddl, context):
        filled = column.default or column.identity or column.generated or column.type.name in SERIALS
        if column.not_null and not filled:
            name = quoted(column.name)
            yield Hit(
                f"{ddl.name}.{name}",
                f"fails when {ddl.name} has rows, and breaks every INSERT that does not name {name}",
                f"ALTER TABLE {ddl.name} ADD COLUMN {name} {column.type} DEFAULT <constant> NOT NULL, or add it "
                "nullable, fill it, then SET NOT NULL",
                start=action.start,
            )


@rule(
    "add-column-volatile-default",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="ADD COLUMN with a default that is computed for each row",
    instead="Add the column without default, SET DEFAULT, fill old rows in batches",
    squawk=("adding-field-with-default",),
)
def volatile_default(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, column in added_columns(ddl, context):
        function = volatile_function(column.default)
        if function:
            name = quoted(column.name)
            yield Hit(
                f"{ddl.name}.{name}",
                f"{function}() may differ from row to row, so the whole of {ddl.name} is rewritten while nobody can "
                "use it",
                _backfill(ddl.name, name, source(context, column.default)),
                table=ddl.name,
                start=action.start,
            )


@rule(
    "add-column-serial",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="ADD COLUMN of a serial type or AS IDENTITY",
    instead="Add a plain column, fill it in batches, then attach the sequence",
)
def serial_column(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, column in added_columns(ddl, context):
        if column.identity or column.type.name in SERIALS:
            name = quoted(column.name)
            plain = SERIALS.get(column.type.name, str(column.type))
            yield Hit(
                f"{ddl.name}.{name}",
                f"every row of {ddl.name} gets a number at once: the table is rewritten while nobody can use it",
                f"ALTER TABLE {ddl.name} ADD COLUMN {name} {plain}; a sequence as its default; fill old rows in "
                "batches",
                table=ddl.name,
                start=action.start,
            )


@rule(
    "add-column-generated-stored",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="ADD COLUMN ... GENERATED ALWAYS AS (...) STORED",
    instead="A plain column, a trigger, and a backfill in batches (PostgreSQL 18: a virtual column)",
)
def generated_column(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action, column in added_columns(ddl, context):
        if column.generated == "stored":
            yield Hit(
                f"{ddl.name}.{quoted(column.name)}",
                f"the whole of {ddl.name} is rewritten to compute {quoted(column.name)} while nobody can use it",
                f"ALTER TABLE {ddl.name} ADD COLUMN {quoted(column.name)} {column.type}; keep it by trigger; fill old "
                "rows in batches",
                table=ddl.name,
                start=action.start,
            )


@rule(
    "change-column-type",
    AlterTable,
    lock="ACCESS EXCLUSIVE",
    scales=True,
    title="ALTER COLUMN TYPE that rewrites the table or its indexes",
    instead="A new column, written by both versions, filled in batches, then swapped",
    squawk=("changing-column-type",),
)
def change_type(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    if ddl.relation != "table" or context.is_new(ddl.name):
        return
    for action in ddl.actions:
        if action.kind != "alter column type" or action.type is None:
            continue
        old = _current_type(ddl.name, action.name, context)
        if old and not action.using and is_free_change(old, action.type, context.live.utc):
            continue
        column = quoted(action.name)
        yield Hit(
            f"{ddl.name}.{column}",
            f"{column} from {old or 'its type'} to {action.type} rewrites {ddl.name} and its indexes while nobody can "
            "use it, and programs that run meet another type",
            f"ALTER TABLE {ddl.name} ADD COLUMN {quoted(action.name + '_new')} {action.type}; write both; fill in "
            "batches; swap the names in one short transaction",
            table=ddl.name,
            start=action.start,
        )


def _current_type(table: Name, column: str, context: Context) -> Type | None:
    key = context.key(table)
    changed = context.columns.get(key, {}).get(column)
    if changed:
        return changed
    live = context.live.columns.get(key, {}).get(column)
    return live_type(live) if live else None


def live_type(text: str) -> Type:
    """Read what ``format_type`` wrote."""
    match = _LIVE_TYPE.fullmatch(text)
    if match is None:
        return Type(text)
    arguments = tuple(part.strip() for part in (match["arguments"] or "").split(",") if part)
    return Type(match["name"] + (match["tail"] or ""), arguments, bool(match["array"]))


def is_free_change(old: Type, new: Type, utc: bool) -> bool:
    """Whether the server changes the type in the catalogue only (ATColumnChangeRequiresRewrite)."""
    if old.is_array or new.is_array:
        return old == new
    if old.name == new.name:
        return old.arguments == new.arguments or _grows(old, new)
    if (old.name, new.name) in _BINARY_SAME:
        return not new.arguments
    stamps = {"timestamp without time zone", "timestamp with time zone"}
    return {old.name, new.name} == stamps and utc and (not new.arguments or old.arguments == new.arguments)


def _grows(old: Type, new: Type) -> bool:
    """Whether a length or precision only gets larger, for the types of which that costs nothing."""
    if not new.arguments:
        return old.name not in ("character", "bit")
    if not old.arguments and new.arguments == ("6",):
        return old.name.startswith(("timestamp", "time ", "interval"))
    if not old.arguments or not all(value.lstrip("-").isdigit() for value in (*old.arguments, *new.arguments)):
        return False
    before, after = [int(value) for value in old.arguments], [int(value) for value in new.arguments]
    if old.name in ("character varying", "bit varying") or old.name.startswith(("timestamp", "time ", "interval")):
        return after[0] >= before[0]
    if old.name == "numeric":
        return after[0] >= before[0] and (after[1:] or [0]) == (before[1:] or [0])
    return False


@rule(
    "rename-column",
    AlterTable,
    title="RENAME COLUMN",
    instead="A new column beside the old one, or a view that offers both names",
    squawk=("renaming-column",),
)
def rename_column(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action in ddl.actions:
        if action.kind == "rename column" and not context.is_new(ddl.name):
            old, new = quoted(action.name), quoted(action.new_name)
            yield Hit(
                f"{ddl.name}.{old}",
                f"programs that still say {old} fail from this moment, programs that say {new} failed until now",
                f"ALTER TABLE {ddl.name} ADD COLUMN {new}; write both; fill; move the readers; drop {old} in a later "
                "release",
                start=action.start,
            )


@rule(
    "drop-column",
    AlterTable,
    title="DROP COLUMN",
    instead="Release programs that do not use it, then drop it",
    squawk=("ban-drop-column",),
)
def drop_column(ddl: AlterTable, context: Context) -> t.Iterator[Hit]:
    for action in ddl.actions:
        if action.kind == "drop column" and ddl.relation == "table" and not context.is_new(ddl.name):
            column = quoted(action.name)
            yield Hit(
                f"{ddl.name}.{column}",
                f"the data of {ddl.name}.{column} is gone, and programs that still name the column fail",
                f"Release programs that do not use {column} first, and keep a copy of its values with their key",
                start=action.start,
            )
