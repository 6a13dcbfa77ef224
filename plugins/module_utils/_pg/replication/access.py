"""The role that standbys log in with: its attributes, its password, and what pg_rewind calls as it."""

from __future__ import annotations

import typing as t

from ..._core.plan import Step
from .. import scram
from ..quoting import identifier, literal

if t.TYPE_CHECKING:
    from ..session import Session

# The manual's page on pg_rewind lists these for a source role that is no superuser.
REWIND_FUNCTIONS = (
    "pg_ls_dir(text, boolean, boolean)",
    "pg_stat_file(text, boolean)",
    "pg_read_binary_file(text)",
    "pg_read_binary_file(text, bigint, bigint, boolean)",
)
# Granted for the seconds of a switchover only, see switching.py.
PROMOTE_FUNCTION = "pg_promote(boolean, integer)"

_ROLE = """
SELECT rolcanlogin, rolreplication, rolpassword, rolsuper FROM pg_authid WHERE rolname = %s
"""
_EXECUTE = "SELECT f, has_function_privilege(%s, 'pg_catalog.' || f, 'EXECUTE') FROM unnest(%s::text[]) AS f"


class RoleState(t.NamedTuple):
    """The role as it is; ``secret`` is the stored SCRAM secret, ``functions`` what it may call by a grant."""

    login: bool
    replication: bool
    secret: str | None
    functions: frozenset[str]
    superuser: bool = False


def read_role(session: Session, name: str) -> RoleState | None:
    rows = session.rows(_ROLE, name)
    if not rows:
        return None
    login, replication, secret, superuser = rows[0]
    if superuser:
        return RoleState(login, replication, secret, frozenset(REWIND_FUNCTIONS), superuser)
    granted = session.rows(_EXECUTE, name, [*REWIND_FUNCTIONS, PROMOTE_FUNCTION])
    return RoleState(login, replication, secret, frozenset(text for text, allowed in granted if allowed))


def role_steps(name: str, password: str, rewind: bool, live: RoleState | None) -> list[tuple[Step, str]]:
    """Steps, each with the SQL that is really sent: only that holds the secret.

    :param rewind: whether pg_rewind is to work as this role.
    """
    role = identifier(name)
    steps: list[tuple[Step, str]] = []
    if live is None:
        shown = f"CREATE ROLE {role} LOGIN REPLICATION PASSWORD '********'"
        real = f"CREATE ROLE {role} LOGIN REPLICATION PASSWORD {literal(scram.make_secret(password))}"
        steps.append((Step("create", "role", name, None, {"login": True, "replication": True}, shown), real))
        live = RoleState(True, True, None, frozenset())
    else:
        if not (live.login and live.replication):
            sql = f"ALTER ROLE {role} LOGIN REPLICATION"
            before = {"login": live.login, "replication": live.replication}
            steps.append((Step("alter", "role", name, before, {"login": True, "replication": True}, sql), sql))
        if not scram.matches(password, live.secret):
            real = f"ALTER ROLE {role} PASSWORD {literal(scram.make_secret(password))}"
            shown = f"ALTER ROLE {role} PASSWORD '********'"
            steps.append((Step("alter", "password of role", name, "another one", "the one given", shown), real))
    missing = [text for text in REWIND_FUNCTIONS if text not in live.functions] if rewind else []
    steps += [_grant(role, name, text, True) for text in missing]
    if PROMOTE_FUNCTION in live.functions:
        steps.append(_grant(role, name, PROMOTE_FUNCTION, False))
    return steps


def promote_grant(name: str, granted: bool) -> str:
    return _grant(identifier(name), name, PROMOTE_FUNCTION, granted)[1]


def _grant(role: str, name: str, function: str, granted: bool) -> tuple[Step, str]:
    verb, preposition = ("GRANT", "TO") if granted else ("REVOKE", "FROM")
    sql = f"{verb} EXECUTE ON FUNCTION pg_catalog.{function} {preposition} {role}"
    before, after = (None, "EXECUTE") if granted else ("EXECUTE", None)
    return Step(verb.lower(), "privilege", f"{name} on {function}", before, after, sql), sql
