"""Rules about the file itself."""

from __future__ import annotations

import typing as t

from ...sql.model import Ddl, Unknown
from ..context import Context
from ..rule import Hit, rule


@rule(
    "statement-not-understood",
    Unknown,
    level="info",
    title="A statement that the linter cannot read",
    instead="Look at it yourself",
)
def unknown(ddl: Unknown, context: Context) -> t.Iterator[Hit]:
    words = " ".join(context.statement.text.split()[:4])
    yield Hit(
        words[:80],
        f"not looked at by any rule: {ddl.reason}",
        "Look at it yourself: -- groundwork:ignore statement-not-understood <looked at>",
    )


@rule(
    "non-linear-file",
    Ddl,
    title="A file with a lower version than one that is applied already",
    instead="Give it a version above the highest applied one",
)
def non_linear(ddl: Ddl, context: Context) -> t.Iterator[Hit]:
    if context.file.out_of_order and context.statement is context.file.statements[0]:
        yield Hit(
            context.file.path,
            "databases that apply the files in order get another history than this one",
            "Rename it to a version above the highest applied one",
        )


@rule(
    "unused-ignore",
    level="info",
    title="An ignore comment that ignores nothing, or names a rule that does not exist",
    instead="Take it out, or correct it",
)
def unused_ignore(ddl: Ddl, context: Context) -> t.Iterator[Hit]:
    """Found by the engine, which knows what was ignored."""
    yield from ()
