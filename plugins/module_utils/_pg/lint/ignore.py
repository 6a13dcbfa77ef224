"""Comments by which a file switches rules off, and what became of them.


    -- groundwork:ignore rule-id[, rule-id] [reason]     for the next statement (or the one it stands in)
    -- groundwork:ignore-file rule-id[, rule-id] [reason]

squawk's ``-- squawk-ignore`` and ``-- squawk-ignore-file`` are understood, with squawk's names or ours.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .pending import Comment
from .rule import RULES

_DIRECTIVE = re.compile(
    r"^(?:--+|/\*+)\s*(?P<tool>groundwork:|squawk-)ignore(?P<file>-file)?\b"
    r"[ \t:]*(?P<ids>[a-z][a-z0-9-]*(?:[ \t]*,[ \t]*[a-z][a-z0-9-]*)*)?"
)
ALL = "*"


@dataclasses.dataclass
class Ignore:
    """One rule that one comment names; ``statement`` is 0 for the whole file, ``foreign`` means squawk's."""

    rule: str
    written: str
    statement: int
    line: int
    used: bool = False
    known: bool = True
    foreign: bool = False

    def covers(self, rule: str, statement: int) -> bool:
        return self.rule in (ALL, rule) and self.statement in (0, statement)


def read(comments: t.Iterable[Comment]) -> list[Ignore]:
    """The ignores of a file."""
    directives = [(comment, match) for comment in comments if (match := _DIRECTIVE.match(comment.text))]
    if not directives:
        return []
    by_squawk = {name: rule.id for rule in RULES.values() for name in rule.squawk}
    found = []
    for comment, match in directives:
        statement = 0 if match["file"] else comment.statement
        names = [name.strip() for name in (match["ids"] or "").split(",") if name.strip()]
        squawk = match["tool"] == "squawk-"
        if not names:
            found.append(Ignore(ALL if squawk else "", "", statement, comment.line, known=squawk, foreign=squawk))
        for name in names:
            rule = by_squawk.get(name, name) if squawk else name
            found.append(Ignore(rule, name, statement, comment.line, known=rule in RULES, foreign=squawk))
    return found
