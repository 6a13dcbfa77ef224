"""Every pending script read to its end before the first one runs."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...lint.pending import PendingFile
from ...session import Session
from ...sql.cursor import Cursor, Name
from ...sql.scanner import statements
from ...sql.statement import Statement
from ...sql.transaction_mode import ORDINARY, Decision, Mode, TransactionModes
from ..files.placeholder import Placeholders
from ..files.script import Script
from .session_check import SessionCheck

#: Scripts above this size are read again when they run; so are scripts with inline COPY data, which can be read once.
KEEP_BYTES = 256 * 1024

#: Scripts above this size are not kept for the linter.
LINT_BYTES = 16 * 1024 * 1024

#: First words of the statements whose transaction mode is worth a look; all others are ordinary.
_INTERESTING = re.compile(
    r"(?:create|drop|alter|reindex|cluster|vacuum|discard|do|call|begin|start|commit|end|rollback|abort|savepoint|release"
    r"|prepare)\b",
    re.IGNORECASE,
)
_NEUTRAL = re.compile(r"(?:set|reset|show)\b", re.IGNORECASE)

_PARTITIONED = """
SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('p', 'I')
"""
_COMMITTING = """
SELECT n.nspname::text, p.proname::text FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind = 'p' AND p.prosrc ~* '\\m(commit|rollback)\\M'
"""


@dataclasses.dataclass
class Prepared:
    """A script that is known to be readable.

    :ivar in_transaction: the whole file runs in one transaction; otherwise statement by statement.
    :ivar kept: its statements, when they are few enough to keep.
    :ivar wrapped: the file has its own BEGIN and COMMIT around everything, which are left out.
    :ivar modes: what that BEGIN says about its transaction, such as ``isolation level serializable``.
    :ivar sets_transaction: the statement (that BEGIN, SET TRANSACTION, SET CONSTRAINTS) that changes the transaction
        it runs in, which therefore no other script may share.
    :ivar takes_snapshot: whether a query may run in its transaction before its own first statement.
    :ivar sets_encoding: a statement changes ``client_encoding``, so that each has to be sent by itself.
    :ivar pending: what the linter reads; ``None`` when it is too large.
    :ivar secret: its statements carry a secret, so the server must not keep their text.
    """

    script: Script
    placeholders: Placeholders
    in_transaction: bool = True
    kept: list[Statement] | None = None
    wrapped: bool = False
    modes: str = ""
    sets_transaction: Statement | None = None
    takes_snapshot: bool = True
    sets_encoding: bool = False
    pending: PendingFile | None = None
    secret: bool = False

    def statements(self) -> t.Iterator[Statement]:
        """Yield the statements to run, in order; COPY data is read from the file while it is sent."""
        found = iter(self.kept) if self.kept is not None else read(self.script, self.placeholders)
        for statement in found:
            if not (self.wrapped and transaction_verb(statement)):
                yield statement


def modes_of(session: Session | None) -> TransactionModes:
    """The rules, with what the catalogue adds to them."""
    if session is None:
        return TransactionModes()
    return TransactionModes(
        partitioned=[Name(row) for row in session.rows(_PARTITIONED)],
        committing=[Name(row) for row in session.rows(_COMMITTING)],
        slotless=[
            Name(row)
            for row in session.rows("SELECT subname::text FROM pg_catalog.pg_subscription WHERE subslotname IS NULL")
        ],
    )


def read(script: Script, placeholders: Placeholders) -> t.Iterator[Statement]:
    """Scan a script."""
    return statements(script.lines(placeholders), script.label)


def prepare(
    script: Script, placeholders: Placeholders, modes: TransactionModes, mixed: bool, server_encoding: str = ""
) -> Prepared:
    """Read one script to its end.

    :param mixed: a script may have both sorts of statements; it then runs statement by statement.
    :param server_encoding: PostgreSQL's name of the database's encoding; empty when it is not known.
    :raises GroundworkError: it cannot be split, has a placeholder without a value, ends transactions by itself, mixes
        statements that must run in a transaction of their own with others, or does to its session what ``SessionCheck``
        refuses.
    """
    reader = _Reader(script, modes)
    alone = script.config.execute_in_transaction is False
    check = SessionCheck(script, server_encoding)
    pending = None
    if script.file.size <= LINT_BYTES:
        pending = PendingFile.read(
            script.label, script.lines(placeholders), in_transaction=False if alone else None, see=check.take
        )
        pending = dataclasses.replace(pending, decisions=[reader.take(statement) for statement in pending.statements])
    else:
        for statement in read(script, placeholders):
            check.take(statement)
            reader.take(statement)
    prepared = Prepared(
        script,
        placeholders,
        not alone,
        reader.kept,
        pending=pending,
        sets_encoding=check.sets_encoding,
        secret=script.has_secret(placeholders),
    )
    if reader.outside:
        if reader.ordinary and not mixed and not alone:
            raise _mixed(reader, script)
        prepared.in_transaction = False
    elif reader.verbs and not alone:
        prepared.wrapped = reader.is_wrapped
        if not prepared.wrapped:
            raise _controls_transactions(reader, script)
    if prepared.in_transaction:
        prepared.modes = check.refuse_read_only()
        prepared.sets_transaction, prepared.takes_snapshot = check.sets_transaction, check.takes_snapshot
    return prepared


class _Reader:
    """What one pass over the statements finds."""

    def __init__(self, script: Script, modes: TransactionModes) -> None:
        self._modes = modes
        self.kept: list[Statement] | None = [] if script.file.size <= KEEP_BYTES else None
        self.verbs: list[tuple[Statement, str]] = []
        self.outside: tuple[Statement, str] | None = None
        self.ordinary: Statement | None = None
        self._count = 0

    def take(self, statement: Statement) -> Decision:
        """Note a statement; return its transaction mode."""
        self._count = statement.number
        if statement.copy_data is not None:
            self.kept = None
        if self.kept is not None:
            self.kept.append(statement)
        if not _INTERESTING.match(statement.text):
            if not _NEUTRAL.match(statement.text):
                self.ordinary = self.ordinary or statement
            return ORDINARY
        decision = self._modes.of(statement.tokens)
        verb = transaction_verb(statement)
        if verb:
            self.verbs.append((statement, verb))
        elif decision.mode is Mode.OUTSIDE:
            self.outside = self.outside or (statement, decision.reason)
        elif decision.mode is Mode.TRANSACTIONAL:
            self.ordinary = self.ordinary or statement
        return decision

    @property
    def is_wrapped(self) -> bool:
        """One BEGIN as the first statement, one COMMIT as the last, nothing between."""
        if len(self.verbs) != 2:
            return False
        (first, opening), (last, ending) = self.verbs
        ends = first.number == 1 and last.number == self._count
        return ends and opening in ("begin", "start transaction") and ending in ("commit", "end")


def transaction_verb(statement: Statement) -> str:
    """What opens or ends a transaction in this statement; empty for every other statement."""
    if not _INTERESTING.match(statement.text):
        return ""
    cursor = Cursor(statement.tokens)
    if cursor.accept("start", "transaction"):
        return "start transaction"
    if cursor.accept("prepare", "transaction"):
        return "prepare transaction"
    verb = cursor.accept_any("begin", "commit", "end", "rollback", "abort")
    if verb is None or cursor.sees("prepared"):
        return ""
    cursor.accept_any("work", "transaction")
    return "" if verb == "rollback" and cursor.sees("to") else verb


def _mixed(reader: _Reader, script: Script) -> GroundworkError:
    outside, reason = t.cast("tuple[Statement, str]", reader.outside)
    ordinary = t.cast(Statement, reader.ordinary)
    offending, kind = (outside, " [non-transactional]") if ordinary.line <= outside.line else (ordinary, "")
    text = " ".join(offending.text.split())
    return GroundworkError(
        "Detected both transactional and non-transactional statements within the same migration (even though mixed is "
        f"false). Offending statement found at line {offending.line}: {text[:300]}{kind}",
        where=f"{script.label}:{offending.line}",
        untouched="the database",
        code=ErrorCode.MIXED_MIGRATION,
        hint=f"{reason}. Move it to a file of its own, or set mixed=true: the file then runs statement by "
        "statement, and a "
        "failed run can be taken up where it stopped.",
    )


def _controls_transactions(reader: _Reader, script: Script) -> GroundworkError:
    statement, verb = reader.verbs[0]
    return GroundworkError(
        f"The script opens or ends transactions by itself ({verb.upper()}), so it could not be rolled back as a whole.",
        where=f"{script.label}:{statement.line}:{statement.column}",
        untouched="the database",
        code=ErrorCode.TRANSACTION_CONTROL,
        hint="Remove the statement: every file runs in a transaction of its own. A file that must control its "
        "transactions "
        f"needs executeInTransaction=false in {script.file.name}.conf.",
    )
