"""Which statements can run inside a transaction block, which must not, and which open or end one themselves.


    modes = TransactionModes(partitioned=..., committing=...)
    for statement in statements(...):
        decision = modes.of_statement(statement)      # in file order: it learns from what the file creates
        decision.mode, decision.reason

The list is that of the callers of ``PreventInTransactionBlock`` in PostgreSQL 16, kept true by an integration test.
Words alone do not decide some of them; for those the caller passes what the catalogue knows.
"""

from __future__ import annotations

import enum
import itertools
import typing as t

from . import lexer
from .cursor import Cursor, Name, NotUnderstoodError, is_on, options, top_level
from .statement import Statement


class Mode(str, enum.Enum):
    """How a statement relates to the transaction around it."""

    TRANSACTIONAL = "transactional"
    OUTSIDE = "outside"
    CONTROL = "control"


class Decision(t.NamedTuple):
    """A mode, and for all but the ordinary one the reason in words."""

    mode: Mode
    reason: str = ""


ORDINARY = Decision(Mode.TRANSACTIONAL)

_CONTROL = {
    ("begin",): "opens a transaction",
    ("start", "transaction"): "opens a transaction",
    ("commit",): "ends the transaction",
    ("end",): "ends the transaction",
    ("rollback",): "ends the transaction",
    ("abort",): "ends the transaction",
    ("savepoint",): "sets a savepoint",
    ("release",): "releases a savepoint",
    ("prepare", "transaction"): "ends the transaction, prepared for two-phase commit",
}
_FIRST_WORDS = frozenset(words[0] for words in _CONTROL)
_STARTS_A_STATEMENT = ("begin", "then", "else", "loop")


class TransactionModes:
    """Decides statement by statement, in the order of the files.

    :param partitioned: partitioned tables and indexes of the database (REINDEX and CLUSTER of those work piece by
        piece, each in a transaction of its own).
    :param committing: procedures of the database whose body commits or rolls back.
    :param slotless: subscriptions without a replication slot (DROP SUBSCRIPTION of those is transactional).
    """

    def __init__(
        self,
        partitioned: t.Iterable[Name] = (),
        committing: t.Iterable[Name] = (),
        slotless: t.Iterable[Name] = (),
    ) -> None:
        self.partitioned = list(partitioned)
        self.committing = list(committing)
        self.slotless = list(slotless)

    def of_statement(self, statement: Statement) -> Decision:
        """Decide for one statement, and leave the megabytes of an INSERT unread."""
        first = statement.first_token
        if first is None or not (first.value in _DECIDERS or first.value in _FIRST_WORDS):
            return ORDINARY
        return self.of(statement.tokens)

    def of(self, tokens: t.Sequence[lexer.Token]) -> Decision:
        """Decide for one statement."""
        if not tokens or tokens[0].kind != lexer.WORD:
            return ORDINARY
        self._learn(tokens)
        decide: t.Callable[[TransactionModes, Cursor], str | None] | None = _DECIDERS.get(tokens[0].value)
        cursor = Cursor(tokens)
        try:
            reason = decide(self, cursor) if decide else None
        except NotUnderstoodError:
            # The server will refuse it as well, inside a transaction or not.
            reason = None
        if reason:
            return Decision(Mode.OUTSIDE, reason)
        if tokens[0].value in _FIRST_WORDS:
            for words, what in _CONTROL.items():
                if Cursor(tokens).sees(*words):
                    return Decision(Mode.CONTROL, what)
        return ORDINARY

    def _learn(self, tokens: t.Sequence[lexer.Token]) -> None:
        words = [token.value for token in tokens[:6] if token.kind == lexer.WORD]
        cursor = Cursor(tokens)
        try:
            if words[:1] == ["create"] and "table" in words[:4]:
                self._learn_table(cursor)
            elif words[:1] == ["create"] and "procedure" in words[:4]:
                cursor.until("procedure")
                cursor.next()
                procedure = cursor.name()
                if any(_commits(token.value) for token in cursor.rest() if token.kind == lexer.STRING):
                    self.committing.append(procedure)
            elif words[:2] in (["alter", "subscription"], ["create", "subscription"]):
                self._learn_subscription(cursor)
        except NotUnderstoodError:
            return

    def _learn_table(self, cursor: Cursor) -> None:
        cursor.until("table")
        cursor.next()
        cursor.if_not_exists()
        name = cursor.name()
        outside = [token.value for token in top_level(cursor.rest())]
        if ("partition", "by") in itertools.pairwise(outside):
            self.partitioned.append(name)

    def _learn_subscription(self, cursor: Cursor) -> None:
        cursor.next()
        cursor.next()
        name = cursor.name()
        while not cursor.done:
            if cursor.sees_symbol("("):
                given = options(cursor.group())
                if given.get("slot_name", "") == "none":
                    self.slotless.append(name)
                    return
            else:
                cursor.next()

    def _is_partitioned(self, name: Name) -> bool:
        return any(name.may_be(known) for known in self.partitioned)

    # -- one method per first word: the reason, or None

    def _create(self, cursor: Cursor) -> str | None:
        cursor.next()
        if cursor.sees_any("database", "tablespace"):
            return f"CREATE {cursor.identifier().upper()} works outside of any transaction"
        if cursor.accept("subscription"):
            return self._create_subscription(cursor)
        cursor.accept("unique")
        if cursor.accept("index", "concurrently"):
            return "CREATE INDEX CONCURRENTLY waits for other transactions between transactions of its own"
        return None

    def _create_subscription(self, cursor: Cursor) -> str | None:
        while not cursor.done:
            if cursor.accept("with"):
                given = options(cursor.group())
                connects = is_on(given.get("connect"))
                if not (is_on(given["create_slot"]) if "create_slot" in given else connects):
                    return None
            else:
                cursor.skip_nested()
        return "CREATE SUBSCRIPTION creates a replication slot on the publisher"

    def _drop(self, cursor: Cursor) -> str | None:
        cursor.next()
        if cursor.sees_any("database", "tablespace"):
            return f"DROP {cursor.identifier().upper()} works outside of any transaction"
        if cursor.accept("index", "concurrently"):
            return "DROP INDEX CONCURRENTLY waits for other transactions between transactions of its own"
        if cursor.accept("subscription"):
            cursor.if_exists()
            name = cursor.name()
            if not any(name.may_be(known) for known in self.slotless):
                return "DROP SUBSCRIPTION drops the replication slot on the publisher"
        return None

    def _alter(self, cursor: Cursor) -> str | None:
        cursor.next()
        if cursor.accept("system"):
            return "ALTER SYSTEM writes a file that no transaction can take back"
        if cursor.accept("database"):
            cursor.name()
            if cursor.accept("set", "tablespace"):
                return "ALTER DATABASE ... SET TABLESPACE moves files that no transaction can move back"
        elif cursor.accept("subscription"):
            cursor.name()
            return self._alter_subscription(cursor)
        elif cursor.accept("table"):
            cursor.if_exists()
            cursor.accept("only")
            cursor.name()
            cursor.accept_symbol("*")
            if cursor.accept("detach", "partition") and cursor.name() and cursor.accept("concurrently"):
                return "DETACH PARTITION ... CONCURRENTLY waits for other transactions between transactions of its own"
        return None

    def _alter_subscription(self, cursor: Cursor) -> str | None:
        if cursor.accept("refresh"):
            return "ALTER SUBSCRIPTION ... REFRESH PUBLICATION changes replication slots on the publisher"
        if cursor.accept_any("set", "add", "drop") and cursor.accept("publication"):
            cursor.until("with", symbol=";")
            given = options(cursor.group()) if cursor.accept("with") else {}
            if is_on(given.get("refresh")):
                return "ALTER SUBSCRIPTION ... PUBLICATION refreshes, unless WITH (refresh = false) stands there"
        return None

    def _reindex(self, cursor: Cursor) -> str | None:
        cursor.next()
        given = options(cursor.group()) if cursor.sees_symbol("(") else {}
        cursor.accept("verbose")
        kind = cursor.accept_any("index", "table", "schema", "database", "system")
        if kind is None:
            return None
        if cursor.accept("concurrently") or ("concurrently" in given and is_on(given["concurrently"])):
            return "REINDEX CONCURRENTLY waits for other transactions between transactions of its own"
        if kind in ("schema", "database", "system"):
            return f"REINDEX {kind.upper()} works on each table in a transaction of its own"
        if self._is_partitioned(cursor.name()):
            return "REINDEX of a partitioned relation works on each partition in a transaction of its own"
        return None

    def _cluster(self, cursor: Cursor) -> str | None:
        cursor.next()
        if cursor.sees_symbol("("):
            cursor.group()
        cursor.accept("verbose")
        if cursor.done:
            return "CLUSTER without a table works on each table in a transaction of its own"
        name = cursor.name()
        if cursor.accept("on"):
            name = cursor.name()
        if self._is_partitioned(name):
            return "CLUSTER of a partitioned table works on each partition in a transaction of its own"
        return None

    def _vacuum(self, cursor: Cursor) -> str | None:
        return "VACUUM works on each table in a transaction of its own"

    def _discard(self, cursor: Cursor) -> str | None:
        return "DISCARD ALL resets the whole session" if cursor.accept("discard", "all") else None

    def _two_phase(self, cursor: Cursor) -> str | None:
        cursor.next()
        return "it ends another, prepared transaction" if cursor.accept("prepared") else None

    def _do(self, cursor: Cursor) -> str | None:
        if any(_commits(token.value) for token in cursor.rest() if token.kind == lexer.STRING):
            return "the DO block commits or rolls back"
        return None

    def _call(self, cursor: Cursor) -> str | None:
        cursor.next()
        name = cursor.name()
        if any(name.may_be(known) for known in self.committing):
            return f"procedure {name} commits or rolls back"
        return None


_DECIDERS: dict[str, t.Callable[[TransactionModes, Cursor], str | None]] = {
    "create": TransactionModes._create,
    "drop": TransactionModes._drop,
    "alter": TransactionModes._alter,
    "reindex": TransactionModes._reindex,
    "cluster": TransactionModes._cluster,
    "vacuum": TransactionModes._vacuum,
    "discard": TransactionModes._discard,
    "commit": TransactionModes._two_phase,
    "rollback": TransactionModes._two_phase,
    "do": TransactionModes._do,
    "call": TransactionModes._call,
}


def _commits(body: str) -> bool:
    """Whether a PL/pgSQL body has a COMMIT or ROLLBACK where a statement can begin."""
    tokens = lexer.tokenise(body)
    for position, token in enumerate(tokens):
        if not token.is_word("commit", "rollback"):
            continue
        before = tokens[position - 1] if position else None
        after = tokens[position + 1] if position + 1 < len(tokens) else None
        starts = before is None or before.is_word(*_STARTS_A_STATEMENT) or before.value in (";", ">>")
        if starts and after is not None and (after.is_symbol(";") or after.is_word("and", "work", "transaction")):
            return True
    return False
