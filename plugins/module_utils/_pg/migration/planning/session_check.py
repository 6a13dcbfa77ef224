"""What can be said about a script's session before it runs: its encoding, its transaction, the lock of the run."""

from __future__ import annotations

import itertools
import re

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._migration.filename import CALLBACK
from ...sql import client_encoding
from ...sql.client_encoding import MismatchError
from ...sql.cursor import Cursor
from ...sql.session_setting import Change, change_of, transaction_modes
from ...sql.statement import Statement
from ..files.script import Script

#: First words of the statements that are worth a look; all others change nothing that is of interest here.
_INTERESTING = re.compile(r"(?:set|reset|select|discard|begin|start)\b", re.IGNORECASE)
_UNLOCK_ALL = "pg_advisory_unlock_all"
_TRUE = ("on", "true", "yes", "1")


class SessionCheck:
    """Reads a script's statements in order.

    :ivar sets_encoding, sets_transaction, takes_snapshot: see ``Prepared``.
    :raises GroundworkError: from ``take``, see ``_refuse_*``.
    """

    def __init__(self, script: Script, server_encoding: str) -> None:
        self.sets_encoding = False
        self.sets_transaction: Statement | None = None
        self.takes_snapshot = True
        self._script = script
        self._server_encoding = server_encoding
        self._declared: tuple[str, Statement] | None = None
        self._modes = ""
        self._read_only: Statement | None = None

    def take(self, statement: Statement) -> None:
        """Look at one statement, and at its COPY data."""
        if self._declared:
            self._refuse_other_encoding(statement, *self._declared)
        first = _INTERESTING.match(statement.text)
        if not first:
            return
        self._refuse_unlocking(statement)
        change = change_of(statement)
        if change and change.name in ("client_encoding", "all"):
            self._note_encoding(change, statement)
        elif first.group().lower() in ("begin", "start", "set"):
            self._note_transaction(statement, change)

    def refuse_read_only(self) -> str:
        """Return the modes of the script's own BEGIN.

        :raises GroundworkError: the history row could not be written in the script's transaction.
        """
        if self._read_only is None or self._script.kind == CALLBACK:
            return self._modes
        raise GroundworkError(
            "The script's transaction is READ ONLY, so its row of the history could not be written in it.",
            where=self._read_only.where,
            untouched="the database",
            code=ErrorCode.TRANSACTION_CONTROL,
            hint="Leave READ ONLY out: what only reads reads the same without it.",
        )

    # -- the transaction

    def _note_transaction(self, statement: Statement, change: Change | None) -> None:
        cursor = Cursor(statement.tokens)
        if cursor.sees_any("begin", "start") or cursor.sees("set", "transaction"):
            modes = transaction_modes(statement)
            if cursor.sees_any("begin", "start"):
                self._modes = modes
            if modes:
                self._set_transaction(statement, "read only" in modes)
        elif cursor.sees("set", "constraints"):
            self.sets_transaction = self.sets_transaction or statement
        elif change and change.name.startswith("transaction_"):
            on = (change.value or "").lower() in _TRUE
            self._set_transaction(statement, change.name == "transaction_read_only" and on)

    def _set_transaction(self, statement: Statement, read_only: bool) -> None:
        self.sets_transaction = self.sets_transaction or statement
        self.takes_snapshot = False
        if read_only:
            self._read_only = self._read_only or statement

    # -- the run's lock

    def _refuse_unlocking(self, statement: Statement) -> None:
        """:raises GroundworkError: the statement gives every advisory lock of the session away."""
        discards = Cursor(statement.tokens).sees("discard", "all") if statement.text[:1] in "dD" else False
        if not discards and (_UNLOCK_ALL not in statement.text.lower() or not _calls(statement, _UNLOCK_ALL)):
            return
        raise GroundworkError(
            f"{'DISCARD ALL' if discards else _UNLOCK_ALL + '()'} would release the lock that keeps another run from "
            "executing the same scripts.",
            where=statement.where,
            untouched="the database",
            code=ErrorCode.RUN_LOCK_RELEASED,
            hint="Remove it: after each script its settings, temporary objects, prepared statements and the advisory "
            "locks that it took are gone by themselves.",
        )

    # -- the encoding

    def _note_encoding(self, change: Change, statement: Statement) -> None:
        self.sets_encoding = True
        known = change.value is not None and not (change.local and not self._in_transaction)
        self._declared = (client_encoding.canonical(change.value or ""), statement) if known else None

    @property
    def _in_transaction(self) -> bool:
        return self._script.config.execute_in_transaction is not False

    def _refuse_other_encoding(self, statement: Statement, name: str, declared: Statement) -> None:
        if name == client_encoding.SQL_ASCII and not self._server_encoding:
            return
        if name == client_encoding.UTF8 and client_encoding.codec(name) == self._script.encoding:
            return
        self._refuse_text(statement.text, name, declared, statement, None)
        for number, line in enumerate(statement.copy_data or ()):
            if not line.isascii():
                self._refuse_text(line, name, declared, statement, number)

    def _refuse_text(
        self, text: str, name: str, declared: Statement, statement: Statement, data_line: int | None
    ) -> None:
        try:
            client_encoding.to_bytes(text, self._script.encoding, name, self._server_encoding)
        except MismatchError as mismatch:
            if data_line is None or statement.copy_data is None:
                place = statement.place(mismatch.position + 1)
                where = f"{statement.file}:{place.line}:{place.column}"
            else:
                where = f"{statement.file}:{statement.copy_data.first_line + data_line}:{mismatch.position + 1}"
            raise GroundworkError(
                f"The file was read as {self._script.encoding}, but its line {declared.line} says that client_encoding"
                f" is {name}: the server would store other characters than these.",
                where=where,
                untouched="the database",
                code=ErrorCode.ENCODING_MISMATCH,
                hint=encoding_hint(self._script, name),
            ) from None


def encoding_hint(script: Script, name: str) -> str:
    """How to make the file and its ``client_encoding`` agree."""
    fitting = client_encoding.codec(name)
    otherwise = f"If it really is {script.encoding}, remove the setting of client_encoding."
    if fitting is None:
        return f"{name} cannot be read here: convert the file to UTF-8. {otherwise}"
    if fitting == script.encoding:
        return f"The text has a character that {name} has not, perhaps from a placeholder. {otherwise}"
    return f"If the file is {name}, set encoding={fitting}, for this file alone in {script.file.name}.conf. {otherwise}"


def _calls(statement: Statement, function: str) -> bool:
    tokens = statement.tokens
    return any(
        token.is_name and token.value == function and following.is_symbol("(")
        for token, following in itertools.pairwise(tokens)
    )
