"""Reading users and roles, within what the session's privileges and the engine allow."""

from __future__ import annotations

import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import api
from . import declared, model


def read(server: api.Server, wanted: declared.Declaration, everything: bool) -> model.Live:
    """The live state that the declaration is compared with.

    :param everything: also list what nobody declared.
    :raises GroundworkError: the session may not even look at the declared users.
    """
    logged_in = _logged_in(server)
    users = _users(server, [spec.identity for spec in wanted.users])
    roles = _roles(server, [spec.identity for spec in wanted.roles])
    return model.Live(
        users=users, roles=roles, logged_in=logged_in, known_grants=_known_grants(server, wanted.grants()),
        everyone=_everyone(server) if everything else None,
        all_roles=_all_roles(server, wanted) if everything else None,
    )


def _logged_in(server: api.Server) -> frozenset[model.Identity]:
    reply = server.run("admin", {"connectionStatus": 1})
    return frozenset(model.Identity(one["user"], one["db"]) for one in reply["authInfo"]["authenticatedUsers"])


def _users(server: api.Server, identities: list[model.Identity]) -> dict[model.Identity, model.LiveUser]:
    if not identities:
        return {}
    command: dict[str, t.Any] = {"usersInfo": [{"user": one.name, "db": one.database} for one in identities]}
    # What a server refuses to show differs: a lack of privileges, or options that Amazon DocumentDB does not know.
    credentials, restrictions = {"showCredentials": True}, {"showAuthenticationRestrictions": True}
    attempts: list[dict[str, t.Any]] = [{**credentials, **restrictions}, credentials, restrictions, {}]
    refusal = ""
    for attempt in attempts:
        try:
            found = server.run("admin", {**command, **attempt})["users"]
        except api.ServerRefused as error:
            refusal = error.server_message
        else:
            # A server may answer about users that it was not asked about; only the declared ones are compared.
            return {user.identity: user for user in map(_user, found) if user.identity in identities}
    raise GroundworkError(
        f"The declared users cannot be read: {refusal}", where=server.where, untouched="everything",
        hint="Give the login user the privilege viewUser, for example by the role userAdminAnyDatabase.",
        code=ErrorCode.CANNOT_READ_USERS,
    )


def _user(found: dict[str, t.Any]) -> model.LiveUser:
    return model.LiveUser(
        model.Identity(found["user"], found["db"]),
        model.grants(found.get("roles") or ()),
        frozenset(found.get("mechanisms") or ()) - {"external"},
        model.restrictions(found.get("authenticationRestrictions") or ()),
        found.get("customData") or {},
        {name: one for name, one in (found.get("credentials") or {}).items() if name != "external"} or None,
    )


def _roles(server: api.Server, identities: list[model.Identity]) -> dict[model.Identity, model.LiveRole]:
    if not identities:
        return {}
    asked = [{"role": one.name, "db": one.database} for one in identities]
    options: dict[str, t.Any] = {"showPrivileges": True}
    if server.facts.engine == "mongodb":
        options["showAuthenticationRestrictions"] = True
    try:
        found = server.run("admin", {"rolesInfo": asked, **options})["roles"]
    except api.ServerRefused as error:
        raise GroundworkError(
            f"The declared roles cannot be read: {error.server_message}", where=error.where, untouched="everything",
            hint="Give the login user the privilege viewRole, for example by the role userAdminAnyDatabase.",
            code=ErrorCode.CANNOT_READ_ROLES,
        ) from None
    for role in found:
        if role.get("isBuiltin"):
            raise GroundworkError(
                f"{role['role']} is a role that the server brings along and cannot be changed.",
                where=f"roles, {role['role']}@{role['db']}", untouched="everything; nothing was written",
                hint="Give the custom role another name.", code=ErrorCode.BUILTIN_ROLE,
            )
    return {role.identity: role for role in map(_role, found)}


def _role(found: dict[str, t.Any]) -> model.LiveRole:
    return model.LiveRole(
        model.Identity(found["role"], found["db"]),
        model.privileges(found.get("privileges") or ()),
        model.grants(found.get("roles") or ()),
        model.restrictions(found.get("authenticationRestrictions") or ()),
    )


def _known_grants(server: api.Server, grants: frozenset[model.Grant]) -> frozenset[model.Grant] | None:
    if not grants:
        return frozenset()
    try:
        found = server.run("admin", {"rolesInfo": [grant.command() for grant in sorted(grants)]})["roles"]
    except api.ServerRefused:
        return None
    return model.grants(found)


def _everyone(server: api.Server) -> frozenset[model.Identity] | None:
    for scope in ({"forAllDBs": True}, 1):
        try:
            found = server.run("admin", {"usersInfo": scope})["users"]
        except api.ServerRefused:
            continue
        return frozenset(model.Identity(user["user"], user["db"]) for user in found)
    return None


def _all_roles(server: api.Server, wanted: declared.Declaration) -> frozenset[model.Identity] | None:
    command = {"find": "system.roles", "projection": {"role": 1, "db": 1}}
    try:
        found = server.rows("admin", command)
    except api.ServerRefused:
        found = None
    if not found:
        # An engine that keeps its roles elsewhere answers with nothing: look into the databases in question.
        databases = sorted({"admin"} | {spec.identity.database for spec in wanted.roles})
        try:
            found = [role for name in databases for role in server.run(name, {"rolesInfo": 1})["roles"]]
        except api.ServerRefused:
            return None
    return frozenset(model.Identity(role["role"], role["db"]) for role in found)
