"""The steps for roles, their memberships and settings, and for dropping roles."""

from __future__ import annotations

import datetime
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from .. import scram
from ..quoting import identifier, literal
from . import live, model, settings
from .steps import Require, SqlStep, sql_step

HIDDEN = "'***'"


def role_steps(role: model.Role, cluster: live.Cluster, policy: model.Policy) -> list[SqlStep]:
    """Create or alter one role, then its settings. Memberships come later, when every role exists."""
    before = cluster.roles.get(role.name)
    options, old, new = _attribute_changes(role, before)
    secret = _new_secret(role, cluster, policy)
    if secret:
        old |= {"password": "(differs)"}
        new |= {"password": "(as given)"}
    found: list[SqlStep] = []
    if before is None or options or secret:
        verb = "ALTER" if before else "CREATE"
        head = " ".join([f"{verb} ROLE {identifier(role.name)}", *options])
        shown, sql = (f"{head} PASSWORD {HIDDEN}", f"{head} PASSWORD {literal(secret)}") if secret else (head, head)
        found.append(
            SqlStep(
                action="alter" if before else "create",
                kind="role",
                name=role.name,
                before=old if before else None,
                after=new,
                statement=shown,
                sql=sql,
                secret=secret,
            )
        )
    stored = cluster.settings.get(("", role.name), {})
    owner = f"ALTER ROLE {identifier(role.name)}"
    return found + settings.steps(owner, "role setting", role.name, role.settings, stored, policy.purge_settings)


def _attribute_changes(
    role: model.Role, before: live.Role | None
) -> tuple[list[str], dict[str, t.Any], dict[str, t.Any]]:
    """The options of CREATE or ALTER ROLE, and the attributes before and after."""
    options: list[str] = []
    old: dict[str, t.Any] = {}
    new: dict[str, t.Any] = {}
    for flag, value in role.flags.items():
        if before is None or before.flags.get(flag) != value:
            options.append(flag.upper() if value else f"NO{flag.upper()}")
            old[flag], new[flag] = before and before.flags.get(flag), value
    if role.connection_limit is not None and (before is None or before.connection_limit != role.connection_limit):
        options.append(f"CONNECTION LIMIT {role.connection_limit}")
        old["connection_limit"], new["connection_limit"] = before and before.connection_limit, role.connection_limit
    if role.valid_until is not None and (before is None or before.valid_until != role.valid_until):
        options.append(f"VALID UNTIL {literal(instant_text(role.valid_until))}")
        old["valid_until"] = before and instant_text(before.valid_until)
        new["valid_until"] = instant_text(role.valid_until)
    return options, old, new


def instant_text(instant: float) -> str:
    if instant == model.INFINITY:
        return "infinity"
    try:
        return datetime.datetime.fromtimestamp(instant, datetime.timezone.utc).isoformat(" ")
    except (OverflowError, ValueError, OSError):
        return f"{instant:.0f} seconds since 1970"


def _new_secret(role: model.Role, cluster: live.Cluster, policy: model.Policy) -> str | None:
    """The secret to store, or ``None`` when the stored one already lets the wanted password in."""
    password = role.password
    if password is None:
        return None
    before = cluster.roles.get(role.name)
    if before:
        if not policy.update_passwords:
            return None
        if cluster.verifiers is None:
            # Without pg_authid only a login can tell, and an expired password cannot log in. One that is let in again
            # is written, or the next run would find it wrong. When nothing can tell, the password is left alone.
            revived = before.expired and role.valid_until is not None and role.valid_until > before.valid_until
            if cluster.probes.get(role.name) is not False and not revived:
                return None
        elif _fits(password, cluster.verifiers.get(role.name)):
            return None
    return password.secret or scram.make_secret(password.plain or "")


def _fits(password: model.Password, stored: str | None) -> bool:
    if password.secret is not None:
        return stored == password.secret
    return scram.matches(password.plain or "", stored)


def membership_steps(role: model.Role, cluster: live.Cluster, policy: model.Policy) -> list[SqlStep]:
    if role.member_of is None:
        return []
    current = {m.role for m in cluster.memberships if m.member == role.name}
    member = identifier(role.name)
    found = [
        sql_step(
            "grant",
            "membership",
            f"{group} to {role.name}",
            f"GRANT {identifier(group)} TO {member}",
            after={"member_of": group},
        )
        for group in role.member_of
        if group not in current
    ]
    if policy.purge_memberships:
        for membership in unlisted_memberships(role, cluster):
            # From 16 each grantor's grant stands on its own and only goes when its grantor is named.
            by = f" GRANTED BY {identifier(membership.grantor)}" if cluster.version >= 160000 else ""
            found.append(
                sql_step(
                    "revoke",
                    "membership",
                    f"{membership.role} from {role.name}",
                    f"REVOKE {identifier(membership.role)} FROM {member}{by}",
                    before={"member_of": membership.role},
                )
            )
    return found


def unlisted_memberships(role: model.Role, cluster: live.Cluster) -> list[live.Membership]:
    if role.member_of is None:
        return []
    return [m for m in cluster.memberships if m.member == role.name and m.role not in role.member_of]


def drop_steps(
    role: model.Role, cluster: live.Cluster, dropped_databases: set[str], require: Require, problems: Problems
) -> list[SqlStep]:
    """Drop one role. What it owns goes to another role first, and only when that role was named."""
    if role.name not in cluster.roles:
        return []
    if role.name == cluster.session.name:
        problems.add(
            f"role {role.name}", f"{role.name} is the role that this module is logged in as.", code=ErrorCode.OWN_ROLE
        )
        return []
    left = [d for d in cluster.dependencies if d.role == role.name and d.database not in dropped_databases]
    found: list[SqlStep] = []
    if left and role.reassign_owned_to is None:
        places = "; ".join(f"{d.database or 'the server'}: owns {d.owned}, {d.other} grants or policies" for d in left)
        problems.add(
            f"role {role.name}",
            f"{role.name} cannot be dropped: it still owns objects or holds grants ({places}).",
            "Set reassign_owned_to to the role that takes its objects over; its grants are then revoked. "
            "No data is dropped.",
            ErrorCode.ROLE_IN_USE,
        )
        return []
    name = identifier(role.name)
    if left:
        require(role.name, "take its objects from it")
        require(role.reassign_owned_to or "", f"give it the objects of {role.name}")
    # Objects shared by the whole server (databases, grants on them) can be handled from any database.
    for database in sorted({d.database for d in left}):
        sql = f"REASSIGN OWNED BY {name} TO {identifier(role.reassign_owned_to or '')}; DROP OWNED BY {name}"
        found.append(
            sql_step(
                "reassign",
                "role",
                f"{role.name} in {database or 'the server'}",
                sql,
                database=database,
                before={"owner": role.name},
                after={"owner": role.reassign_owned_to},
            )
        )
    found.append(sql_step("drop", "role", role.name, f"DROP ROLE {name}", before={"name": role.name}))
    return found
