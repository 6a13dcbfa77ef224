"""What a rule is, and the table of all rules.


A rule is a function ``(ddl, context) -> iterator of Hit`` under the decorator ``rule``; the decorator says for which
parsed statements it is called.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..sql import model
from ..sql.cursor import Name

if t.TYPE_CHECKING:
    from .context import Context

LEVELS = ("off", "info", "warning", "error")


@dataclasses.dataclass(frozen=True)
class Hit:
    """What a rule says about one statement.

    :ivar object: the table, index... by name.
    :ivar message: what happens, with the names filled in.
    :ivar alternative: what to do instead, as SQL or a sentence.
    :ivar table: the table whose size decides the level, for rules that scale.
    :ivar level: overrides the rule's own level (not the user's).
    :ivar start: 0-based offset in the statement.
    """

    object: str
    message: str
    alternative: str
    table: Name | None = None
    level: str | None = None
    start: int = 0


Check = t.Callable[[t.Any, "Context"], t.Iterator[Hit]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule.

    :ivar id: stable, in kebab case: users write it into their files.
    :ivar level: ``off``, ``info``, ``warning`` or ``error`` when nothing else decides.
    :ivar lock: the lock that does the harm, empty when it is not about locks.
    :ivar title: what it finds.
    :ivar instead: the safe way, in general.
    :ivar scales: whether the live size of the table decides between info, warning and error.
    :ivar squawk: the names of the same rule in squawk's ignore comments.
    """

    id: str
    level: str
    lock: str
    title: str
    instead: str
    statements: tuple[type[model.Ddl], ...]
    check: Check
    scales: bool = False
    squawk: tuple[str, ...] = ()


RULES: dict[str, Rule] = {}


def rule(
    id: str,
    *statements: type[model.Ddl],
    level: str = "warning",
    lock: str = "",
    title: str,
    instead: str,
    scales: bool = False,
    squawk: tuple[str, ...] = (),
) -> t.Callable[[Check], Check]:
    """Enter a function into the table of rules."""

    def enter(check: Check) -> Check:
        RULES[id] = Rule(id, level, lock, title, instead, statements, check, scales, squawk)
        return check

    return enter
