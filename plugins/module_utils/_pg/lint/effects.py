"""What a statement changes for the statements behind it."""

from __future__ import annotations

from ..sql.model import AlterEnum, AlterTable, Create, CreateEnum, CreateIndex, CreateTable, Ddl, Domain, Drop, Set
from ..sql.transaction_mode import Mode
from .context import Context


def apply(ddl: Ddl, context: Context) -> None:
    """Take note of a statement, after the rules have seen it."""
    if isinstance(ddl, CreateTable):
        _create_table(ddl, context)
    elif isinstance(ddl, CreateIndex):
        _create_index(ddl, context)
    elif isinstance(ddl, AlterTable):
        _alter_table(ddl, context)
    elif isinstance(ddl, Create):
        if ddl.kind in ("view", "materialized view", "sequence", "foreign table", "recursive view"):
            context.created.add(context.key(ddl.name))
        elif ddl.kind == "type":
            context.created_types.add(context.key(ddl.name))
    elif isinstance(ddl, CreateEnum | Domain):
        context.created_types.add(context.key(ddl.name))
    elif isinstance(ddl, AlterEnum):
        if ddl.new_value is None and context.key(ddl.name) not in context.created_types:
            context.state.enum_values.add(ddl.value)
    elif isinstance(ddl, Drop) and ddl.kind == "table":
        for name in ddl.names:
            if not context.is_new(name):
                context.state.dropped_tables.add(context.key(name))
            context.created.discard(context.key(name))
    elif isinstance(ddl, Set):
        _set(ddl, context)
    _transaction(ddl, context)


def _create_table(ddl: CreateTable, context: Context) -> None:
    key = context.live.key(ddl.name, (), context.search_path)
    if ddl.if_not_exists and key in context.live.tables:
        return
    context.created.add(key)
    context.columns[key] = {column.name: column.type for column in ddl.columns}


def _create_index(ddl: CreateIndex, context: Context) -> None:
    if ddl.name:
        table = context.key(ddl.table)
        key = f"{table.split('.', 1)[0]}.{ddl.name}"
        context.index_tables[key] = table
        context.created.add(key)


def _alter_table(ddl: AlterTable, context: Context) -> None:
    key = context.key(ddl.name)
    is_new = context.is_new(ddl.name)
    for action in ddl.actions:
        constraint = action.constraint
        if constraint and constraint.name:
            context.added_constraints.add((key, constraint.name))
            words = [token.value for token in constraint.expression]
            if words[1:] == ["is", "not", "null"]:
                context.proving_checks[key, constraint.name] = words[0]
                if not constraint.not_valid:
                    context.not_null_checks(key)[constraint.name] = words[0]
            if constraint.not_valid:
                context.state.not_valid.add((key, constraint.name))
        elif action.kind == "validate constraint":
            column = context.proving_checks.get((key, action.name))
            if column:
                context.not_null_checks(key)[action.name] = column
        elif action.kind == "drop constraint":
            context.not_null_checks(key).pop(action.name, None)
        elif action.column:
            context.columns.setdefault(key, {})[action.column.name] = action.column.type
        elif action.kind == "drop column":
            context.columns.get(key, {}).pop(action.name, None)
            context.dropped_columns.setdefault(key, set()).add(action.name)
        elif action.kind == "rename column":
            context.dropped_columns.setdefault(key, set()).add(action.name)
        elif action.kind == "alter column type" and action.type:
            context.columns.setdefault(key, {})[action.name] = action.type
        elif action.kind == "rename" and is_new:
            schema = key.split(".", 1)[0]
            context.created.add(f"{schema}.{action.new_name}")
            context.columns[f"{schema}.{action.new_name}"] = context.columns.get(key, {})
        if not is_new and action.kind not in ("validate constraint", "attach partition") and ddl.relation == "table":
            context.state.heavy_lock = str(ddl.name)


def _set(ddl: Set, context: Context) -> None:
    context.parameters.add(ddl.parameter)
    if ddl.parameter == "search_path":
        given = tuple(value for value in ddl.values if value)
        context.search_path = None if ddl.values in ((), ("default",)) else given


def _transaction(ddl: Ddl, context: Context) -> None:
    state = context.state
    if context.decision.mode is Mode.CONTROL:
        first = context.statement.tokens[0].value
        if first in ("begin", "start"):
            state.explicit_transaction = True
            state.new_transaction()
        elif first in ("commit", "end", "prepare") or (first in ("rollback", "abort") and not _to_savepoint(context)):
            state.explicit_transaction = False
            state.new_transaction()
    elif not context.in_transaction:
        state.new_transaction()


def _to_savepoint(context: Context) -> bool:
    return any(token.is_word("to") for token in context.statement.tokens)
