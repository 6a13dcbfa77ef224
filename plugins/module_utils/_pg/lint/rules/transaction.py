"""Rules about transactions, timeouts and running a file again."""

from __future__ import annotations

import typing as t

from ...sql.model import AlterTable, Create, CreateIndex, CreateTable, Ddl, Drop, Set
from ...sql.transaction_mode import Mode
from ..context import Context
from ..rule import Hit, rule


@rule(
    "transaction-control",
    Ddl,
    title="BEGIN, COMMIT, ROLLBACK or SAVEPOINT in a file that the module runs in a transaction",
    instead="Leave them out; executeInTransaction=false in the file's .conf where it must be so",
    squawk=("transaction-nesting", "ban-uncommitted-transaction"),
)
def control(ddl: Ddl, context: Context) -> t.Iterator[Hit]:
    decision = context.decision
    if decision.mode is Mode.CONTROL:
        words = " ".join(token.value.upper() for token in context.statement.tokens[:2] if token.kind == "word")
        yield Hit(
            context.file.path,
            f"{words} {decision.reason}: the file is no longer all or nothing, and its history row no longer one with "
            "it",
            "Remove it: the file runs in a transaction of its own anyway",
        )


@rule(
    "mixed-transaction-modes",
    Ddl,
    title="Statements that cannot run in a transaction, together with others",
    instead="One such statement per file",
)
def mixed(ddl: Ddl, context: Context) -> t.Iterator[Hit]:
    decision = context.decision
    modes = {decision.mode for decision in context.state.modes}
    if decision.mode is Mode.OUTSIDE and Mode.TRANSACTIONAL in modes and context.file.in_transaction is None:
        yield Hit(
            context.file.path,
            f"{decision.reason}; so the whole file runs statement by statement and can stop half-way",
            "Move this statement into a file of its own",
        )


@rule(
    "not-rerunnable",
    CreateTable,
    CreateIndex,
    Create,
    Drop,
    AlterTable,
    level="info",
    title="A statement without IF [NOT] EXISTS in a file that runs without a transaction",
    instead="IF [NOT] EXISTS, or one statement per file",
    squawk=("prefer-robust-stmts",),
)
def rerunnable(ddl: Ddl, context: Context) -> t.Iterator[Hit]:
    if context.in_transaction or len(context.file.statements) == 1:
        return
    if isinstance(ddl, CreateTable | CreateIndex | Create):
        again = isinstance(ddl, CreateIndex) and ddl.concurrently
        if again or ddl.if_not_exists or getattr(ddl, "or_replace", False):
            return
        what, words = "exists already", "IF NOT EXISTS"
    elif isinstance(ddl, Drop):
        if ddl.if_exists:
            return
        what, words = "is gone already", "IF EXISTS"
    else:
        risky = [action for action in t.cast(AlterTable, ddl).actions if action.kind in ("add column", "drop column")]
        if not risky or all(action.if_exists for action in risky):
            return
        what, words = "is done already", "IF [NOT] EXISTS"
    yield Hit(
        context.file.path,
        f"a second run after a failure further down stops here, because this {what}",
        f"{words}, or a file of its own",
    )


@rule(
    "lock-timeout-missing",
    AlterTable,
    Drop,
    level="off",
    lock="ACCESS EXCLUSIVE",
    title="No lock_timeout before a statement that takes a strong lock (the module sets one itself)",
    instead="SET LOCAL lock_timeout = '3s', and a retry",
    squawk=("require-lock-timeout", "require-timeout-settings"),
)
def lock_timeout(ddl: AlterTable | Drop, context: Context) -> t.Iterator[Hit]:
    names = (ddl.name,) if isinstance(ddl, AlterTable) else ddl.names
    if "lock_timeout" not in context.parameters and not all(context.is_new(name) for name in names):
        yield Hit(
            ", ".join(map(str, names)),
            "while it waits for its lock behind a long query, every other query waits behind it",
            "SET LOCAL lock_timeout = '3s'; before it",
        )


@rule("timeout-switched-off", Set, title="lock_timeout or statement_timeout set to 0", instead="A bound, however large")
def timeout_off(ddl: Set, context: Context) -> t.Iterator[Hit]:
    if ddl.parameter in ("lock_timeout", "statement_timeout") and ddl.values in (("0",), ("0s",), ("0ms",)):
        # pg_dump writes these two lines into every dump, where nothing waits.
        yield Hit(
            ddl.parameter,
            f"{ddl.parameter} = 0 switches off the bound that keeps a waiting statement from stopping everybody else",
            f"Leave the line out, or SET {ddl.parameter} to a bound",
        )
