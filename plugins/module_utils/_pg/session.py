"""One session on the server in autocommit, with errors as plain data; transactions are opened and ended in SQL."""

from __future__ import annotations

import typing as t

from . import api

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"
SERIALIZATION_FAILURE = "40001"
_UTF8 = "UTF8"
_TRANSACTION_FAILED = 3


class SqlError(Exception):
    """What the server (or libpq) said about one statement.

    :ivar sqlstate: five characters; empty when the connection broke.
    :ivar position: 1-based character in the statement, 0 when the server names none.
    :ivar lost: the session is gone; whether the statement took effect is not known.
    :ivar advice: what to do, where more is known than the SQLSTATE says.
    :param ahead: characters of the message that stood before the statement.
    """

    def __init__(self, error: t.Any, lost: bool, ahead: int = 0) -> None:
        diagnostics = getattr(error, "diag", None)
        self.lost = lost
        self.sqlstate: str = getattr(error, "pgcode", None) or ""
        self.text: str = getattr(diagnostics, "message_primary", None) or " ".join(str(error).split())
        self.detail: str = getattr(diagnostics, "message_detail", None) or ""
        self.hint: str = getattr(diagnostics, "message_hint", None) or ""
        self.context: str = getattr(diagnostics, "context", None) or ""
        self.position = max(0, int(getattr(diagnostics, "statement_position", None) or 0) - ahead)
        self.advice = ""
        super().__init__(self.text)

    @property
    def gave_way(self) -> bool:
        """Other sessions were in the way: the same may succeed later, and nothing of it was done."""
        return self.sqlstate in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED, SERIALIZATION_FAILURE)


class Session:
    """A connection whose every call is one message to the server.

    What this collection says is sent in UTF-8; scripts are sent in the encoding that they have set themselves, see
    ``run_script``. Where the two differ, a message more switches from one to the other.

    :ivar script_encoding: PostgreSQL's name of the encoding that a script has set.
    """

    def __init__(self, connection: t.Any) -> None:
        self._connection = connection
        connection.autocommit = True
        if connection.encoding != "UTF8":
            connection.set_client_encoding("UTF8")
        self._cursor = connection.cursor()
        self._ahead = ""
        self.script_encoding = _UTF8

    @classmethod
    def open(cls, options: dict[str, t.Any], database: str, application_name: str) -> Session:
        """Connect; raises what ``api.connect`` raises."""
        return cls(api.connect(options, database, application_name, autocommit=True))

    @classmethod
    def open_unless_to_come(
        cls, options: dict[str, t.Any], application_name: str, *, check_mode: bool
    ) -> Session | None:
        """Connect to ``login_db``; ``None`` in check mode when that database is yet to be created.

        :raises ServerUnreachable: what ``api.connect`` raises; outside check mode also when the database is missing.
        """
        if check_mode and options["assume_empty"]:
            return None
        try:
            return cls.open(options, options["login_db"], application_name)
        except api.DatabaseMissing:
            if check_mode:
                return None
            raise

    @property
    def pid(self) -> int:
        """The server process, as it was when the session was opened."""
        return self._connection.get_backend_pid()

    @property
    def server_version(self) -> int:
        """Such as 160015."""
        return self._connection.server_version

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status in (2, _TRANSACTION_FAILED)

    def reported(self, name: str) -> str:
        """A setting that the server reports by itself, as it was after the last message; empty for any other one, and
        in a session that is lost.
        """
        return "" if self.is_lost else self._connection.get_parameter_status(name) or ""

    @property
    def is_lost(self) -> bool:
        return bool(self._connection.closed)

    def run(self, sql: str) -> None:
        """Send SQL exactly as it is (``%`` means nothing here).

        :raises SqlError: whatever the server refuses.
        """
        self._speak(_UTF8)
        ahead, self._ahead = self._ahead, ""
        try:
            self._cursor.execute(ahead + sql)
        except api.DRIVER_ERROR as error:
            raise SqlError(error, self.is_lost, len(ahead)) from None

    def run_script(self, sql: bytes) -> None:
        """Send a script's SQL, in ``script_encoding``, and notice when it changes that.

        :raises SqlError: what the server refuses.
        """
        if self.script_encoding != _UTF8:
            self._send_ahead()
            self._speak(self.script_encoding)
        ahead, self._ahead = self._ahead, ""
        try:
            self._cursor.execute(ahead.encode() + sql)
        except api.DRIVER_ERROR as error:
            raise SqlError(error, self.is_lost, len(ahead)) from None
        self.script_encoding = self.reported("client_encoding") or _UTF8

    def _speak(self, encoding: str) -> None:
        """Let the server expect this encoding. In a failed transaction it takes nothing but its end."""
        reported = self.reported("client_encoding")
        if reported in ("", encoding) or self._connection.info.transaction_status == _TRANSACTION_FAILED:
            return
        try:
            self._cursor.execute(f"SET client_encoding TO '{encoding}'")
        except api.DRIVER_ERROR as error:
            raise SqlError(error, self.is_lost) from None

    def run_with_next(self, sql: str) -> None:
        """Keep SQL until something else is sent and send it in front of that, which spares a way there and back."""
        self._ahead += f"{sql};\n"

    def _send_ahead(self) -> None:
        if self._ahead:
            self.run("")
        self._speak(_UTF8)

    def rows(self, sql: str, *values: t.Any) -> list[tuple[t.Any, ...]]:
        """Send a query with ``%s`` for each value and return its rows.

        :raises SqlError: whatever the server refuses.
        """
        self._send_ahead()
        try:
            self._cursor.execute(sql, values or None)
            return self._cursor.fetchall() if self._cursor.description else []
        except api.DRIVER_ERROR as error:
            raise SqlError(error, self.is_lost) from None

    def rows_named(self, sql: str, values: dict[str, t.Any]) -> list[tuple[t.Any, ...]]:
        """Send a query with ``%(name)s`` for each value and return its rows.

        :raises SqlError: whatever the server refuses.
        """
        self._send_ahead()
        try:
            self._cursor.execute(sql, values)
            return t.cast("list[tuple[t.Any, ...]]", self._cursor.fetchall())
        except api.DRIVER_ERROR as error:
            raise SqlError(error, self.is_lost) from None

    def value(self, sql: str, *values: t.Any) -> t.Any:
        """Return the first column of the first row, ``None`` when there is no row."""
        rows = self.rows(sql, *values)
        return rows[0][0] if rows else None

    def change(self, sql: str, *values: t.Any) -> int:
        """Send a statement with ``%s`` for each value and return the number of rows it touched."""
        self.rows(sql, *values)
        return self._cursor.rowcount

    def copy_in(self, sql: bytes, data: t.Any) -> None:
        """Run a script's ``COPY ... FROM STDIN`` with what ``data.read(size)`` gives, in chunks; both in
        ``script_encoding``.

        :raises SqlError: whatever the server refuses.
        """
        self._send_ahead()
        self._speak(self.script_encoding)
        try:
            self._cursor.copy_expert(sql, data, size=1 << 16)
        except api.DRIVER_ERROR as error:
            raise SqlError(error, self.is_lost) from None

    def cancel(self) -> None:
        """Ask the server to stop the statement that another thread is waiting for."""
        self._connection.cancel()

    def rollback(self) -> None:
        """End a transaction, if there is one and the session still lives."""
        self._ahead = ""
        if self.is_lost or not self.in_transaction:
            return
        try:
            self._cursor.execute("ROLLBACK")
        except api.DRIVER_ERROR as error:
            raise SqlError(error, self.is_lost) from None

    def close(self) -> None:
        self._connection.close()
