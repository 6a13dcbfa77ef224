"""What every script finds when it starts, restored and checked before its history row is written."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ...quoting import identifier as quote_name
from ...quoting import literal as quote_text
from ...session import Session, SqlError
from ..commands.settings import Settings
from ..planning.database import Facts

#: What a check says instead of the number that it is asked for; the server then refuses to read it as a number.
LOCK_LOST = "pg_schema_apply: the lock of the run is not held any more"
_NOT_RESTORED = "pg_schema_apply: the session is not what it was"

#: Settings that this session made, or a pooler made for it. ``search_path`` and roles have commands of their own.
_OWN_SETTINGS = "SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session' AND name <> 'search_path'"

_SCRIPT_SETTINGS = """
SELECT pg_catalog.current_setting('role'), session_user::text,
  COALESCE(pg_catalog.string_agg(pg_catalog.format('pg_catalog.set_config(%L, %L, true)', name, setting), ', '), '')
FROM pg_catalog.pg_settings
WHERE source = 'session' AND context IN ('user', 'superuser') AND name NOT LIKE 'transaction\\_%'
"""


class Surroundings:
    """What every script finds when it starts: role, search path, settings, and nothing that another script left.

    A script can change far more than its transaction takes back: settings, roles, temporary objects, prepared
    statements, cursors, advisory locks. All of it is restored in the message that writes the history row, so it costs
    no further way to the server. That the run's lock is still held and that the session is its old self is not assumed:
    the row's number is an expression that the server can only compute when both are true.

    While a transaction runs, the run's lock is held by the transaction too (``begin``): no script can give that one
    away, so a second run cannot start before a script that released the session's lock has been rolled back.

    :param key: the number of the run's lock; it has to be held.
    """

    def __init__(self, session: Session, settings: Settings, facts: Facts, deadline: float | None, key: int) -> None:
        self.role = self.set_role(settings.session_role)
        first = quote_name(facts.default_schema)
        if facts.search_path.startswith((f"{first},", f"{facts.default_schema},")) or facts.search_path == first:
            path = quote_text(facts.search_path)
        else:
            # Scripts may read it, so it is written as the server itself writes names: quoted only where they must be.
            rest = quote_text(f", {facts.search_path}" if facts.search_path else "")
            path = f"pg_catalog.concat(pg_catalog.quote_ident({quote_text(facts.default_schema)}), {rest})"
        entry = f"{self.role}; SELECT pg_catalog.set_config('search_path', {path}, false)"
        self._entry = entry
        self._own_settings: dict[str, str] = dict(session.rows(f"{entry}; {_OWN_SETTINGS}"))
        self._user = facts.user
        self._role = facts.role
        self._key = key
        self._lock_timeout = settings.lock_timeout
        self._statement_timeout = settings.statement_timeout
        self._deadline = deadline

    @staticmethod
    def set_role(role: str | None) -> str:
        return f"SET ROLE {quote_name(role)}" if role else "RESET ROLE"

    @contextlib.contextmanager
    def keeping(self, settings: t.Mapping[str, str]) -> t.Iterator[None]:
        """Restore these settings too, which the run has made for this block."""
        before = self._own_settings
        self._own_settings = {**before, **settings}
        try:
            yield
        finally:
            self._own_settings = before

    # -- SQL for the messages of a run

    @property
    def restore(self) -> str:
        """Bring the session back to what it was, inside or outside a transaction."""
        # RESET ALL leaves out the role and the session's user, and with these goes back to the role that the login has
        # by default; a cursor can keep a temporary table from being dropped.
        return "; ".join(
            (
                "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; SET ROLE NONE; RESET ALL",
                *(f"SET {_setting_name(name)} = {quote_text(value)}" for name, value in self._own_settings.items()),
                self._entry,
                "DEALLOCATE ALL; UNLISTEN *; DISCARD SEQUENCES; DISCARD TEMP",
            )
        )

    def begin(self, modes: str = "", takes_snapshot: bool = True) -> str:
        """Open a transaction in a session that is as it was. Timeouts are local to the transaction: a rollback takes
        them away, so each attempt sets them again.

        The commit does not wait for the disk: the history row is in the same transaction as the changes, so a crash of
        the server can lose both but never one of them, and ``flush`` waits once at the end.

        :param modes: such as ``isolation level serializable``.
        :param takes_snapshot: whether a query may run before the script's own first statement.
        """
        lock = f"; SELECT pg_catalog.pg_try_advisory_xact_lock({self._key})" if takes_snapshot else ""
        return f"BEGIN {modes}".rstrip() + f"; {self._local()}{lock}"

    def end_of_script(self, last: bool) -> str:
        """Restore the session inside a transaction; ``checked`` has to follow.

        :param last: nothing but the record and the commit follow. Deferred triggers then fire now, while what the
            script has set is in force, and what they change is restored with the rest.
        """
        deferred = "SET CONSTRAINTS ALL IMMEDIATE; " if last else ""
        return f"{deferred}{self.restore}; {self._local()}"

    def checked(self, number: int = 0) -> str:
        """An expression for ``number`` that fails unless the session is as it was and holds the run's lock.

        It lets go of all advisory locks of the session and takes the run's again, while the transaction holds it.
        """
        user, role = quote_text(self._user), quote_text(self._role)
        lost, other = quote_text(LOCK_LOST), quote_text(_NOT_RESTORED)
        held = self._held("pg_catalog.pg_advisory_unlock_all()::text = ''")
        return (
            f"(CASE WHEN NOT {held} THEN {lost}"
            f" WHEN session_user <> {user} OR current_user <> {role} THEN {other} ELSE '{number}' END)::integer"
        )

    def lock_is_held(self) -> str:
        """An expression that tells whether the session holds the run's lock; locks of a script stay."""
        return self._held("true")

    def take_lock(self) -> str:
        """An expression that takes the run's lock and tells whether it was free."""
        return f"pg_catalog.pg_try_advisory_lock({self._key})"

    def for_session(self) -> str:
        """What a script finds that runs outside a transaction."""
        return f"{self.restore}; {self._timeouts('SET')}"

    def as_run(self) -> str:
        """Be the run itself again until the end of the transaction, without touching what the script has set."""
        return f"SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE {quote_name(self._role)}"

    def _held(self, between: str) -> str:
        functions = (
            f"pg_catalog.pg_try_advisory_xact_lock({self._key})",
            f"pg_catalog.pg_advisory_unlock({self._key})",
            between,
            f"pg_catalog.pg_try_advisory_lock({self._key})",
        )
        # CASE evaluates in this order; AND does not promise it.
        return f"(CASE {' '.join(f'WHEN NOT ({function}) THEN false' for function in functions)} ELSE true END)"

    def _local(self) -> str:
        return f"SET LOCAL synchronous_commit = off; {self._timeouts('SET LOCAL')}"

    def seconds_left(self) -> float | None:
        """Until the deadline; ``None`` without one."""
        return None if self._deadline is None else self._deadline - time.monotonic()

    def _timeouts(self, verb: str) -> str:
        parts = [f"{verb} lock_timeout = {quote_text(self._lock_timeout)}"]
        if self._deadline is not None:
            left = max(1, int((self._deadline - time.monotonic()) * 1000))
            parts.append(f"{verb} statement_timeout = {left}")
        elif self._statement_timeout:
            parts.append(f"{verb} statement_timeout = {quote_text(self._statement_timeout)}")
        return "; ".join(parts)

    # -- messages of their own, for what is not on the ordinary way

    def leave(self, session: Session, last: bool = False) -> None:
        """Restore and check inside a transaction.

        :raises SqlError: see ``is_lock_lost``; or the server cannot restore something.
        """
        session.script_encoding = "UTF8"
        session.run(f"{self.end_of_script(last)}; SELECT {self.checked()}")

    def leave_session(self, session: Session) -> None:
        """Roll back what is open, then restore and check outside a transaction.

        :raises SqlError: as ``leave``.
        """
        session.rollback()
        session.script_encoding = "UTF8"
        session.run(f"{self.restore}; SELECT {self.checked()}")

    @contextlib.contextmanager
    def kept(self, session: Session) -> t.Iterator[None]:
        """Keep what a script has set while a callback runs between two of its statements."""
        encoding = session.script_encoding
        role, user, settings = session.rows(_SCRIPT_SETTINGS)[0]
        session.script_encoding = "UTF8"
        yield
        session.script_encoding = encoding
        # The role that logged in may have made settings that a role of the script may not make.
        parts = ["SET SESSION AUTHORIZATION DEFAULT; SET ROLE NONE; RESET ALL"]
        parts += [f"SELECT {settings}"] if settings else []
        if user != self._user:
            parts.append(f"SET SESSION AUTHORIZATION {quote_name(user)}")
        parts.append("SET ROLE NONE" if role == "none" else self.set_role(role))
        session.run("; ".join(parts))


def _setting_name(name: str) -> str:
    """The name as SET takes it: that of an extension's setting has two parts."""
    return ".".join(quote_name(part) for part in name.split("."))


def is_lock_lost(error: SqlError) -> bool:
    """Whether a check found that the run's lock is not held."""
    return LOCK_LOST in error.text


def is_not_restored(error: SqlError) -> bool:
    """Whether a check found another role or user than before."""
    return _NOT_RESTORED in error.text


def flush(session: Session) -> None:
    """Wait until everything that was committed is on disk (and, where configured, on the standbys)."""
    session.run("BEGIN; SELECT pg_catalog.txid_current(); COMMIT")


def flush_quietly(session: Session) -> None:
    """The same where another failure is to be told: scripts that succeeded before it are reported as done, so they
    must last.
    """
    with contextlib.suppress(SqlError):
        flush(session)
