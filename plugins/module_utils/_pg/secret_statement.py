"""Statements that carry a password, its SCRAM secret or another secret, and leave no text of theirs on the server.

What is set belongs to the session, and is put back after the block: a SET LOCAL would be too late for
log_transaction_sample_rate, which counts when a transaction begins.
"""

from __future__ import annotations

import contextlib
import typing as t

from .quoting import identifier, literal
from .session import Session, SqlError

# Each setting that makes the server keep text, and the values that keep it from doing so, the one to set first.
# pgaudit still logs that a statement ran, so errors stay in the log where it is loaded: it logs by the same rule.
SETTINGS = {
    "log_statement": ("none",),
    "log_min_duration_statement": ("-1",),
    "log_min_duration_sample": ("-1",),
    "log_transaction_sample_rate": ("0",),
    "log_min_error_statement": ("panic",),
    "log_min_messages": ("fatal", "panic"),
    "log_error_verbosity": ("terse",),
    "debug_print_parse": ("off",),
    "debug_print_rewritten": ("off",),
    "debug_print_plan": ("off",),
    "track_activities": ("off",),
    "auto_explain.log_min_duration": ("-1",),
    "pg_stat_statements.track": ("none",),
    "pg_stat_statements.track_utility": ("off",),
    "pgaudit.log_statement": ("off",),
    "pgaudit.log_parameter": ("off",),
}
# Those that keep the text of every CREATE ROLE and ALTER ROLE, by value; the others of some, or only for its duration.
_CERTAIN: dict[str, t.Callable[[str], bool]] = {
    "log_statement": lambda value: value != "none",
    "log_min_duration_statement": lambda value: value == "0",
    "log_transaction_sample_rate": lambda value: float(value) > 0,
    "pg_stat_statements.track": lambda value: value != "none",
}
_FIRST_WITH_GRANTS = 150000
# The role that logged in sets them: a script may have become another one. Settings of libraries that are not loaded
# are not in the view, so none is made.
_READ = """
SELECT name, setting, context = 'user' OR {allowed} FROM pg_catalog.pg_settings
WHERE name = ANY (%s) AND context IN ('user', 'superuser')
  AND (name <> 'log_min_messages'
    OR NOT EXISTS (SELECT FROM pg_catalog.pg_settings AS audit WHERE audit.name = 'pgaudit.log'))
ORDER BY name
"""
_BY_GRANT = "pg_catalog.has_parameter_privilege(session_user, name, 'SET')"
_BY_SUPERUSER = "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user)"


@contextlib.contextmanager
def unwritten(session: Session) -> t.Iterator[dict[str, str]]:
    """Keep what is sent in this block out of the server's log, statistics and activity, as far as the login may.

    Transactions begin and end inside the block.

    :return: the settings that do so, with their values.
    :raises SqlError: the server refuses to change or to put back a setting.
    """
    before = {name: value for name, value, allowed in _loud(session) if allowed}
    quiet = {name: SETTINGS[name][0] for name in before}
    _set(session, quiet)
    try:
        yield quiet
    finally:
        if not session.is_lost:
            _put_back(session, before)


def still_written(session: Session) -> list[str]:
    """Settings, with their values, that keep the text of a role's secret and that this login may not change."""
    loud = {name: value for name, value, allowed in _loud(session) if not allowed}
    if "pg_stat_statements.track_utility" not in loud:
        loud.pop("pg_stat_statements.track", None)
    return [f"{name} = {value}" for name, value in loud.items() if name in _CERTAIN and _CERTAIN[name](value)]


def warning(what: str, places: list[str]) -> str:
    """What to tell the user about :func:`still_written`.

    :param what: what they do, such as ``holds the SCRAM secret of x``.
    """
    names = ", ".join(place.partition(" = ")[0] for place in places)
    return (
        f"The server keeps the text of statements ({', '.join(places)}), and this login may not change that: its log, "
        f"or pg_stat_statements, {what}. Log in as a superuser, or have one GRANT SET ON PARAMETER {names} TO this "
        "login."
    )


def _loud(session: Session) -> list[tuple[str, str, bool]]:
    """Settings that keep text, with their values, and whether this login may change them."""
    allowed = _BY_GRANT if session.server_version >= _FIRST_WITH_GRANTS else _BY_SUPERUSER
    rows = session.rows(_READ.format(allowed=allowed), list(SETTINGS))
    return [(name, value, allowed) for name, value, allowed in rows if value not in SETTINGS[name]]


def _set(session: Session, values: dict[str, str]) -> None:
    if not values:
        return
    role = session.value("SELECT pg_catalog.current_setting('role')")
    back = "SET ROLE NONE" if role == "none" else f"SET ROLE {identifier(role)}"
    calls = ", ".join(
        f"pg_catalog.set_config({literal(name)}, {literal(value)}, false)" for name, value in values.items()
    )
    session.run(f"SET ROLE NONE; SELECT {calls}; {back}")


def _put_back(session: Session, values: dict[str, str]) -> None:
    session.rollback()
    try:
        _set(session, values)
    except SqlError:
        # A session that ended meanwhile took its settings with it.
        if not session.is_lost:
            raise
