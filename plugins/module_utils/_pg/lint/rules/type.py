"""Rules about enums and domains."""

from __future__ import annotations

import typing as t

from ...sql import lexer
from ...sql.model import AlterEnum, Ddl, Domain
from ..context import Context
from ..rule import Hit, rule


@rule(
    "rename-enum-value",
    AlterEnum,
    title="RENAME VALUE of an enum",
    instead="ADD VALUE, move rows and programs, keep the old value",
)
def rename_value(ddl: AlterEnum, context: Context) -> t.Iterator[Hit]:
    if ddl.new_value is not None and context.key(ddl.name) not in context.created_types:
        yield Hit(
            str(ddl.name),
            f"programs that still say '{ddl.value}' fail from this moment",
            f"ALTER TYPE {ddl.name} ADD VALUE '{ddl.new_value}'; move rows and programs; leave '{ddl.value}' unused",
        )


@rule(
    "enum-value-order",
    AlterEnum,
    level="info",
    title="ADD VALUE without BEFORE or AFTER",
    instead="Say BEFORE or AFTER: the order of values is the order of sorting",
    squawk=("require-enum-value-ordering",),
)
def value_order(ddl: AlterEnum, context: Context) -> t.Iterator[Hit]:
    if ddl.new_value is None and not ddl.ordered:
        yield Hit(
            str(ddl.name),
            f"'{ddl.value}' sorts behind all values of {ddl.name}",
            f"ALTER TYPE {ddl.name} ADD VALUE '{ddl.value}' AFTER '<the value before it>'",
        )


@rule(
    "enum-value-used-in-transaction",
    Ddl,
    level="error",
    title="A new enum value used in the transaction that added it",
    instead="Use it in a later file",
)
def value_used(ddl: Ddl, context: Context) -> t.Iterator[Hit]:
    if not context.state.enum_values or isinstance(ddl, AlterEnum) or not context.in_transaction:
        return
    text = context.statement.text
    if not any(f"'{value}'" in text for value in context.state.enum_values):
        return
    for token in context.statement.tokens:
        if token.kind == lexer.STRING and token.value in context.state.enum_values:
            yield Hit(
                f"'{token.value}'",
                f"'{token.value}' was added in this transaction; the server refuses its use until it is committed "
                "(55P04)",
                "Move this statement into the next file",
                start=token.start,
            )
            return


@rule(
    "domain-constraint",
    Domain,
    title="A constraint on a domain",
    instead="CHECK constraints on the tables, which can be added NOT VALID",
    squawk=("ban-create-domain-with-constraint", "ban-alter-domain-with-add-constraint"),
)
def domain(ddl: Domain, context: Context) -> t.Iterator[Hit]:
    if ddl.constrained and not ddl.not_valid:
        yield Hit(
            str(ddl.name),
            f"changing the constraint of {ddl.name} later reads every table that uses it, under locks"
            if ddl.created
            else f"every table with a column of {ddl.name} is locked and read whole",
            f"A plain type, and a CHECK on each table; or ALTER DOMAIN {ddl.name} ADD CONSTRAINT ... NOT VALID, "
            "VALIDATE later",
            level="info" if ddl.created else None,
        )
