"""From live users and roles to the declared ones: one command each. Pure; nothing here talks to a server.

Order: roles that are missing or differ (a role after those that it inherits), users, then what goes: users before
roles. The session's own user comes last among the users, so that a new password cannot lock out the rest of the run.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.plan import Plan, Step
from ..._core.problems import Problems
from .. import scram
from ..values import fingerprint
from . import declared, model

HIDDEN = "********"
DEFAULT_MECHANISMS = frozenset({scram.SHA_256})
# A mongod's own internal user, and the one by which AWS runs an Amazon DocumentDB cluster.
ENGINE_USERS = frozenset({"__system", "serviceadmin"})

SET_PASSWORD = "the declared one"  # noqa: S105 (a description)
OTHER_PASSWORD = "another one"  # noqa: S105 (a description)


@dataclasses.dataclass(frozen=True)
class AccountStep(Step):
    """A step and its command.

    :param database: where the command is sent.
    :param command: may hold a password, unlike ``statement``.
    """

    database: str = ""
    command: dict[str, t.Any] = dataclasses.field(default_factory=dict, repr=False)


def unmanaged(
    wanted: declared.Declaration, live: model.Live, protected: list[str]
) -> dict[str, list[model.Identity]]:
    """Users and custom roles that nobody declared and that neither a pattern nor their nature protects."""
    declared_users = {spec.identity for spec in wanted.users}
    declared_roles = {spec.identity for spec in wanted.roles}
    users = [
        identity for identity in live.everyone or ()
        if identity not in declared_users | live.logged_in and identity.name not in ENGINE_USERS
    ]
    roles = [identity for identity in live.all_roles or () if identity not in declared_roles]
    return {
        kind: sorted(identity for identity in found if not _protected(identity, protected))
        for kind, found in (("users", users), ("roles", roles))
    }


def build_plan(
    wanted: declared.Declaration,
    live: model.Live,
    password_fits: dict[model.Identity, bool],
    drop: dict[str, list[model.Identity]],
) -> Plan:
    """The steps to the declared state.

    :param password_fits: for every existing user with a declared password, whether it is already the right one.
    :param drop: what ``unmanaged`` found, when it is to go.
    :raises GroundworkError: the declaration cannot be reached; nothing may be written then.
    """
    _refuse_impossible(wanted, live)
    present_roles = [spec for spec in declared.in_creation_order(wanted.roles) if spec.present]
    present_users = [spec for spec in wanted.users if spec.present]
    steps = [_role_step(spec, live.roles.get(spec.identity)) for spec in present_roles]
    for spec in sorted(present_users, key=lambda spec: spec.identity in live.logged_in):
        steps.append(_user_step(spec, live.users.get(spec.identity), password_fits))
    leaving_users = [s.identity for s in wanted.users if not s.present and s.identity in live.users] + drop["users"]
    leaving_roles = [s.identity for s in wanted.roles if not s.present and s.identity in live.roles] + drop["roles"]
    steps += [_drop("user", identity, _describe(live.users.get(identity))) for identity in leaving_users]
    steps += [_drop("role", identity, _describe(live.roles.get(identity))) for identity in leaving_roles]
    return Plan(tuple(step for step in steps if step is not None))


def _refuse_impossible(wanted: declared.Declaration, live: model.Live) -> None:
    problems = Problems()
    for spec in wanted.users:
        now = live.users.get(spec.identity)
        if not spec.present:
            if spec.identity in live.logged_in:
                problems.add(spec.path, f"{spec.identity} is the user of this very session and cannot be dropped by it")
        elif now is None:
            if spec.password is None and spec.identity.database != model.EXTERNAL:
                problems.add(f"{spec.path}.password", f"{spec.identity} does not exist yet, and a new user needs one")
        else:
            added = ", ".join(sorted((spec.mechanisms or frozenset()) - now.mechanisms))
            if added and spec.password is None:
                problems.add(f"{spec.path}.mechanisms", f"the server can only add {added} together with the password")
            elif added and spec.keep_password:
                problems.add(
                    f"{spec.path}.mechanisms",
                    f"{added} can only be added with the password, which update_password: on_create leaves alone",
                )
    _refuse_unknown_grants(wanted, live, problems)
    problems.raise_if_any("the declaration", ErrorCode.IMPOSSIBLE_DECLARATION)


def _refuse_unknown_grants(wanted: declared.Declaration, live: model.Live, problems: Problems) -> None:
    if live.known_grants is None:
        return
    coming = {model.Grant(*spec.identity) for spec in wanted.roles if spec.present}
    going = {model.Grant(*spec.identity) for spec in wanted.roles if not spec.present}
    owners: list[model.UserSpec | model.RoleSpec] = [*wanted.users, *wanted.roles]
    for spec in owners:
        for grant in sorted(spec.roles or ()) if spec.present else ():
            if grant in going:
                problems.add(f"{spec.path}.roles", f"the role {grant} is declared absent")
            elif grant not in coming and grant not in live.known_grants:
                problems.add(f"{spec.path}.roles", f"there is no role {grant}")


def _user_step(
    spec: model.UserSpec, now: model.LiveUser | None, password_fits: dict[model.Identity, bool]
) -> AccountStep | None:
    external = spec.identity.database == model.EXTERNAL
    if now is None:
        mechanisms = (frozenset() if external else DEFAULT_MECHANISMS) if spec.mechanisms is None else spec.mechanisms
        fields = _fields(spec.roles or frozenset(), spec.restrictions or frozenset(), spec.custom_data or {})
        fields["mechanisms"] = sorted(mechanisms)
        secret = {} if external else {"pwd": spec.password}
        sent = {"roles": fields["roles"], **{name: value for name, value in fields.items() if value}}
        command = {"createUser": spec.identity.name, **secret, **sent}
        return _step("create", "user", spec.identity, command, None, fields)
    before = _describe_user(now)
    after = dict(before)
    if spec.roles is not None:
        after["roles"] = _roles(spec.roles)
    if spec.restrictions is not None:
        after["authenticationRestrictions"] = _restrictions(spec.restrictions)
    if spec.custom_data is not None and not _same_mapping(spec.custom_data, now.custom_data):
        after["customData"] = spec.custom_data
    if spec.mechanisms:
        after["mechanisms"] = sorted(spec.mechanisms)
    changed = {name: value for name, value in after.items() if value != before[name]}
    wrong = spec.password is not None and not spec.keep_password and not password_fits[spec.identity]
    adds_mechanism = bool((spec.mechanisms or frozenset()) - now.mechanisms)
    if wrong:
        before, after = {"password": OTHER_PASSWORD, **before}, {"password": SET_PASSWORD, **after}
    if wrong or adds_mechanism:
        # Without their names the server derives credentials for every mechanism it knows, SHA-1 included.
        named = {"mechanisms": after["mechanisms"]} if after["mechanisms"] and spec.mechanisms != frozenset() else {}
        changed = {"pwd": spec.password, **named, **changed}
    if not changed:
        return None
    return _step("alter", "user", spec.identity, {"updateUser": spec.identity.name, **changed}, before, after)


def _role_step(spec: model.RoleSpec, now: model.LiveRole | None) -> AccountStep | None:
    if now is None:
        fields = {
            "privileges": _privileges(spec.privileges or frozenset()), "roles": _roles(spec.roles or frozenset()),
            "authenticationRestrictions": _restrictions(spec.restrictions or frozenset()),
        }
        sent = {name: value for name, value in fields.items() if value or name != "authenticationRestrictions"}
        return _step("create", "role", spec.identity, {"createRole": spec.identity.name, **sent}, None, fields)
    before = _describe_role(now)
    after = dict(before)
    if spec.privileges is not None:
        after["privileges"] = _privileges(spec.privileges)
    if spec.roles is not None:
        after["roles"] = _roles(spec.roles)
    if spec.restrictions is not None:
        after["authenticationRestrictions"] = _restrictions(spec.restrictions)
    changed = {name: value for name, value in after.items() if value != before[name]}
    if not changed:
        return None
    return _step("alter", "role", spec.identity, {"updateRole": spec.identity.name, **changed}, before, after)


def _step(
    action: str, kind: str, identity: model.Identity, command: dict[str, t.Any], before: t.Any, after: t.Any
) -> AccountStep:
    shown = {**command, "pwd": HIDDEN} if "pwd" in command else command
    return AccountStep(
        action, kind, str(identity), before, after, json.dumps(shown, default=str), identity.database, command
    )


def _drop(kind: str, identity: model.Identity, before: t.Any) -> AccountStep:
    command = {"dropUser" if kind == "user" else "dropRole": identity.name}
    return _step("drop", kind, identity, command, before or {}, None)


def _describe(now: model.LiveUser | model.LiveRole | None) -> dict[str, t.Any] | None:
    if now is None:
        return None
    return _describe_user(now) if isinstance(now, model.LiveUser) else _describe_role(now)


def _describe_user(now: model.LiveUser) -> dict[str, t.Any]:
    return {**_fields(now.roles, now.restrictions, now.custom_data), "mechanisms": sorted(now.mechanisms)}


def _describe_role(now: model.LiveRole) -> dict[str, t.Any]:
    return {
        "privileges": _privileges(now.privileges), "roles": _roles(now.roles),
        "authenticationRestrictions": _restrictions(now.restrictions),
    }


def _fields(
    roles: frozenset[model.Grant], restrictions: frozenset[model.Restriction], custom_data: dict[str, t.Any]
) -> dict[str, t.Any]:
    return {
        "roles": _roles(roles), "authenticationRestrictions": _restrictions(restrictions), "customData": custom_data,
    }


def _roles(grants: frozenset[model.Grant]) -> list[dict[str, str]]:
    return [grant.command() for grant in sorted(grants)]


def _restrictions(restrictions: frozenset[model.Restriction]) -> list[dict[str, list[str]]]:
    return sorted((restriction.command() for restriction in restrictions), key=json.dumps)


def _privileges(privileges: frozenset[model.Privilege]) -> list[dict[str, t.Any]]:
    return [privilege.command() for privilege in sorted(privileges, key=lambda one: one.resource)]


def _same_mapping(one: t.Any, other: t.Any) -> bool:
    """Equal by the server's comparison of values, whatever the order of the fields: a mapping has none."""
    return fingerprint(_sorted(one)) == fingerprint(_sorted(other))


def _sorted(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _protected(identity: model.Identity, patterns: list[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(text, pattern) for pattern in patterns for text in (identity.name, str(identity))
    )
