"""The module's options as users and roles, with everything refused that can be refused without a server."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from .. import scram
from . import model

RESOURCES = "{db, collection}, {cluster: true} or {anyResource: true}"


def argument_spec() -> dict[str, dict[str, t.Any]]:
    """The options of ``mongo_users`` beside those of the connection."""
    grant_options = {"role": {"type": "str", "required": True}, "db": {"type": "str"}}
    grants = {"type": "list", "elements": "dict", "options": grant_options}
    restrictions = {
        "type": "list",
        "elements": "dict",
        "options": {
            "client_source": {"type": "list", "elements": "str", "aliases": ["clientSource"]},
            "server_address": {"type": "list", "elements": "str", "aliases": ["serverAddress"]},
        },
    }
    common = {
        "name": {"type": "str", "required": True},
        "database": {"type": "str", "default": "admin"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "roles": grants,
        "authentication_restrictions": restrictions,
    }
    user = {
        **common,
        "password": {"type": "str", "no_log": True},
        "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
        "mechanisms": {"type": "list", "elements": "str", "choices": [scram.SHA_1, scram.SHA_256]},
        "custom_data": {"type": "dict"},
    }
    privilege = {
        "resource": {"type": "dict", "required": True},
        "actions": {"type": "list", "elements": "str", "required": True},
    }
    role = {**common, "privileges": {"type": "list", "elements": "dict", "options": privilege}}
    return {
        "users": {"type": "list", "elements": "dict", "default": [], "options": user},
        "roles": {"type": "list", "elements": "dict", "default": [], "options": role},
        "unmanaged": {"type": "str", "choices": ["report", "ignore", "drop"], "default": "report"},
        "protected": {"type": "list", "elements": "str", "default": []},
        "assume_empty": {"type": "bool", "default": False},
    }


@dataclasses.dataclass(frozen=True)
class Declaration:
    """Everything that the module is asked for."""

    users: tuple[model.UserSpec, ...]
    roles: tuple[model.RoleSpec, ...]

    def grants(self) -> frozenset[model.Grant]:
        """Every role that something present is to have."""
        owners: list[model.UserSpec | model.RoleSpec] = [*self.users, *self.roles]
        return frozenset(grant for owner in owners if owner.present for grant in owner.roles or ())


def read(options: dict[str, t.Any]) -> Declaration:
    """Parse the validated options.

    :raises GroundworkError: something is wrong in itself; all problems are told at once.
    """
    problems = Problems()
    users = [_user(item, f"users[{index}]", problems) for index, item in enumerate(options["users"])]
    roles = [_role(item, f"roles[{index}]", problems) for index, item in enumerate(options["roles"])]
    for group in (users, roles):
        refuse_twins(group, problems)
    _refuse_cycles(roles, problems)
    problems.raise_if_any("the declaration", ErrorCode.INVALID_DECLARATION)
    return Declaration(tuple(users), tuple(roles))


def _user(item: dict[str, t.Any], path: str, problems: Problems) -> model.UserSpec:
    identity = _identity(item, path, problems)
    mechanisms = None if item["mechanisms"] is None else frozenset(item["mechanisms"])
    if mechanisms is not None and not mechanisms:
        problems.add(f"{path}.mechanisms", "at least one mechanism is needed")
    password = item["password"]
    if identity.database == model.EXTERNAL:
        for name in ("password", "mechanisms"):
            if item[name]:
                problems.add(f"{path}.{name}", f"a user of {model.EXTERNAL} has none: its certificate decides")
    elif password is not None:
        _check_password(password, mechanisms, f"{path}.password", problems)
    return model.UserSpec(
        identity, path, item["state"] == "present", password, item["update_password"] != "always",  # noqa: S105 (a choice)
        _grants(item["roles"], identity), mechanisms, _restrictions(item, path, problems), item["custom_data"],
    )


def _check_password(password: str, mechanisms: frozenset[str] | None, path: str, problems: Problems) -> None:
    if not password:
        problems.add(path, "the password is empty; leave it unset to keep the one that the user has")
    elif mechanisms is None or scram.SHA_256 in mechanisms:
        try:
            scram.saslprep(password)
        except scram.ForbiddenCharactersError as error:
            problems.add(path, f"{scram.SHA_256} refuses the password: {error}")


def _role(item: dict[str, t.Any], path: str, problems: Problems) -> model.RoleSpec:
    identity = _identity(item, path, problems)
    listed = item["privileges"]
    privileges = None
    if listed is not None:
        resources = [
            _resource(one["resource"], f"{path}.privileges[{index}].resource", problems)
            for index, one in enumerate(listed)
        ]
        privileges = model.privileges(
            {"resource": resource, "actions": one["actions"]} for resource, one in zip(resources, listed, strict=True)
        )
    return model.RoleSpec(
        identity, path, item["state"] == "present", privileges, _grants(item["roles"], identity),
        _restrictions(item, path, problems),
    )


def _resource(value: dict[str, t.Any], path: str, problems: Problems) -> dict[str, t.Any]:
    """A resource with its values in the types that the server wants, whatever templating made of them."""
    names, parts = set(value), list(value.values())
    if names in ({"cluster"}, {"anyResource"}) and str(parts[0]).lower() in ("true", "1"):
        return dict.fromkeys(value, True)
    if names in ({"db", "collection"}, {"db", "system_buckets"}) and all(isinstance(part, str) for part in parts):
        return dict(value)
    problems.add(path, f"a resource is {RESOURCES}")
    return {}


def _identity(item: dict[str, t.Any], path: str, problems: Problems) -> model.Identity:
    for name in ("name", "database"):
        if not item[name]:
            problems.add(f"{path}.{name}", "a name is expected, not an empty text")
    return model.Identity(item["name"], item["database"])


def _grants(listed: list[dict[str, t.Any]] | None, owner: model.Identity) -> frozenset[model.Grant] | None:
    if listed is None:
        return None
    # As in the server's own short form, a role without a database is one of the owner's database.
    default = "admin" if owner.database == model.EXTERNAL else owner.database
    return frozenset(model.Grant(item["role"], item["db"] or default) for item in listed)


def _restrictions(item: dict[str, t.Any], path: str, problems: Problems) -> frozenset[model.Restriction] | None:
    listed = item["authentication_restrictions"]
    if listed is None:
        return None
    found = set()
    for index, one in enumerate(listed):
        restriction = model.Restriction(frozenset(one["client_source"] or ()), frozenset(one["server_address"] or ()))
        for name in ("client_source", "server_address"):
            for text in one[name] or ():
                if not _is_network(text):
                    where = f"{path}.authentication_restrictions[{index}].{name}"
                    problems.add(where, f"{text!r} is neither an address nor a network such as 192.0.2.0/24")
        if not any(restriction):
            problems.add(f"{path}.authentication_restrictions[{index}]", "client_source or server_address is needed")
        found.add(restriction)
    return frozenset(found)


def _is_network(text: str) -> bool:
    address, slash, length = text.partition("/")
    try:
        return ipaddress.ip_interface(text) is not None and (not slash or length.isdecimal()) and "%" not in address
    except ValueError:
        return False


def refuse_twins(specs: t.Sequence[model.UserSpec | model.RoleSpec], problems: Problems) -> None:
    first: dict[model.Identity, str] = {}
    for spec in specs:
        if spec.identity in first:
            problems.add(spec.path, f"{spec.identity} is already declared by {first[spec.identity]}")
        first.setdefault(spec.identity, spec.path)


def _refuse_cycles(roles: t.Sequence[model.RoleSpec], problems: Problems) -> None:
    try:
        in_creation_order(roles)
    except RecursionError as error:
        problems.add("roles", f"{error} inherits itself")


def in_creation_order(roles: t.Iterable[model.RoleSpec]) -> list[model.RoleSpec]:
    """Roles after those that they inherit.

    :raises RecursionError: with the name of a role that inherits itself.
    """
    declared = {model.Grant(*spec.identity): spec for spec in roles}
    ordered: list[model.RoleSpec] = []
    open_grants: set[model.Grant] = set()

    def visit(grant: model.Grant) -> None:
        spec = declared[grant]
        if spec in ordered:
            return
        if grant in open_grants:
            raise RecursionError(str(grant))
        open_grants.add(grant)
        for parent in sorted(spec.roles or ()):
            if parent in declared:
                visit(parent)
        ordered.append(spec)

    for grant in declared:
        visit(grant)
    return ordered
