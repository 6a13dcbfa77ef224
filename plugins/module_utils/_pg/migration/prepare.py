# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every pending script read to its end before the first one runs.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._errors import GroundworkError
from ..sql.scanner import statements
from ..sql.statement import Statement
from .placeholder import Placeholders
from .script import Script

#: Scripts above this size are read again when they run; so are scripts with inline COPY data, which can be read once.
KEEP_BYTES = 256 * 1024


@dataclasses.dataclass
class Prepared:
    """A script that is known to be readable.

    :ivar in_transaction: the whole file runs in one transaction; otherwise statement by statement.
    :ivar kept: its statements, when they are few enough to keep.
    :ivar wrapped: the file has its own BEGIN and COMMIT around everything, which are left out.
    """

    script: Script
    placeholders: Placeholders
    in_transaction: bool = True
    kept: list[Statement] | None = None
    wrapped: bool = False

    def statements(self) -> t.Iterator[Statement]:
        """Yield the statements to run, in order; COPY data is read from the file while it is sent."""
        found = iter(self.kept) if self.kept is not None else read(self.script, self.placeholders)
        for statement in found:
            if not (self.wrapped and transaction_verb(statement)):
                yield statement


def read(script: Script, placeholders: Placeholders) -> t.Iterator[Statement]:
    """Scan a script."""
    return statements(script.lines(placeholders), script.label)


def prepare(script: Script, placeholders: Placeholders) -> Prepared:
    """Read one script to its end.

    :raises GroundworkError: it cannot be split, has a placeholder without a value, or ends transactions by itself.
    """
    kept: list[Statement] = []
    keep = script.file.size <= KEEP_BYTES
    verbs: list[tuple[int, Statement, str]] = []
    count = 0
    for count, statement in enumerate(read(script, placeholders), 1):
        keep = keep and statement.copy_data is None
        if keep:
            kept.append(statement)
        verb = transaction_verb(statement)
        if verb:
            verbs.append((count, statement, verb))
    prepared = Prepared(script, placeholders, kept=kept if keep else None)
    if verbs and script.config.execute_in_transaction is not False:
        prepared.wrapped = _is_wrapper(verbs, count)
        if not prepared.wrapped:
            _number, statement, verb = verbs[0]
            raise GroundworkError(
                f"The script ends or starts transactions by itself ({verb.upper()}), so it could not be taken back as a whole.",
                where=statement.where,
                untouched="the database",
                code="TRANSACTION_CONTROL",
                hint="Remove the statement: every file runs in a transaction of its own. A file that must control its "
                f"transactions needs executeInTransaction=false in {script.file.name}.conf.",
            )
    return prepared


def transaction_verb(statement: Statement) -> str:
    """The first word of a statement that opens or ends a transaction; empty for every other statement."""
    tokens = statement.tokens[:2]
    if not tokens or not tokens[0].is_word("begin", "start", "commit", "end", "rollback", "abort", "prepare"):
        return ""
    first = tokens[0].value
    second = tokens[1].value if len(tokens) > 1 else ""
    if first == "prepare" or (first in ("commit", "rollback") and second == "prepared"):
        return "prepare transaction" if first == "prepare" and second == "transaction" else ""
    if first == "start":
        return "start transaction" if second == "transaction" else ""
    if first == "rollback" and _to_savepoint(statement):
        return ""
    return t.cast(str, first)


def _to_savepoint(statement: Statement) -> bool:
    return any(token.is_word("to") for token in statement.tokens[1:4])


def _is_wrapper(verbs: list[tuple[int, Statement, str]], count: int) -> bool:
    """One BEGIN as the first statement, one COMMIT as the last, nothing between."""
    if len(verbs) != 2:
        return False
    (first, _statement, opening), (last, _other, ending) = verbs
    return first == 1 and last == count and opening in ("begin", "start transaction") and ending in ("commit", "end")
