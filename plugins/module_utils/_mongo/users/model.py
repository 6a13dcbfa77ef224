"""Users and custom roles, desired and live, in forms that compare without regard to order."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .. import scram

EXTERNAL = "$external"


class Grant(t.NamedTuple):
    """A role that something has."""

    role: str
    db: str

    def __str__(self) -> str:
        return f"{self.role}@{self.db}"

    def command(self) -> dict[str, str]:
        return {"role": self.role, "db": self.db}


class Identity(t.NamedTuple):
    """A user's or a custom role's name; it is unique together with its database."""

    name: str
    database: str

    def __str__(self) -> str:
        return f"{self.name}@{self.database}"


class Restriction(t.NamedTuple):
    """From and through which addresses a login is allowed."""

    client_source: frozenset[str]
    server_address: frozenset[str]

    def command(self) -> dict[str, list[str]]:
        named = {"clientSource": sorted(self.client_source), "serverAddress": sorted(self.server_address)}
        return {name: addresses for name, addresses in named.items() if addresses}


class Privilege(t.NamedTuple):
    """Actions on one resource. ``resource`` is its JSON text with sorted keys."""

    resource: str
    actions: frozenset[str]

    def command(self) -> dict[str, t.Any]:
        return {"resource": json.loads(self.resource), "actions": sorted(self.actions)}


@dataclasses.dataclass(frozen=True)
class UserSpec:
    """A user as declared. ``None`` leaves the live value untouched.

    :ivar path: where it stands in the module's options, for messages.
    :ivar mechanisms: empty when the engine has no such choice.
    """

    identity: Identity
    path: str
    present: bool = True
    password: str | None = dataclasses.field(default=None, repr=False)
    keep_password: bool = False
    roles: frozenset[Grant] | None = None
    mechanisms: frozenset[str] | None = None
    restrictions: frozenset[Restriction] | None = None
    custom_data: dict[str, t.Any] | None = None


@dataclasses.dataclass(frozen=True)
class RoleSpec:
    """A custom role as declared. ``None`` leaves the live value untouched."""

    identity: Identity
    path: str
    present: bool = True
    privileges: frozenset[Privilege] | None = None
    roles: frozenset[Grant] | None = None
    restrictions: frozenset[Restriction] | None = None


@dataclasses.dataclass(frozen=True)
class LiveUser:
    """A user as the server reports it.

    :ivar credentials: per mechanism, or ``None`` when the server does not show them.
    """

    identity: Identity
    roles: frozenset[Grant]
    mechanisms: frozenset[str]
    restrictions: frozenset[Restriction]
    custom_data: dict[str, t.Any]
    credentials: dict[str, t.Any] | None = dataclasses.field(default=None, repr=False)

    def has_password(self, password: str) -> bool | None:
        """Whether every stored credential belongs to this password; ``None`` when the server shows none to tell by."""
        if not self.credentials:
            return None
        answers = [
            scram.matches(mechanism, self.identity.name, password, credential)
            for mechanism, credential in self.credentials.items()
        ]
        return None if None in answers else all(answers)


@dataclasses.dataclass(frozen=True)
class LiveRole:
    """A custom role as the server reports it."""

    identity: Identity
    privileges: frozenset[Privilege]
    roles: frozenset[Grant]
    restrictions: frozenset[Restriction]


@dataclasses.dataclass(frozen=True)
class Live:
    """What the plan needs to know of the server.

    :ivar everyone: all users, ``None`` when nobody asked.
    :ivar all_roles: all custom roles, ``None`` when nobody asked or the server does not tell.
    :ivar known_grants: which of the roles that the declaration refers to exist, ``None`` when the server does not tell.
    :ivar logged_in: whom this very session is authenticated as.
    """

    users: dict[Identity, LiveUser] = dataclasses.field(default_factory=dict)
    roles: dict[Identity, LiveRole] = dataclasses.field(default_factory=dict)
    everyone: frozenset[Identity] | None = frozenset()
    all_roles: frozenset[Identity] | None = frozenset()
    known_grants: frozenset[Grant] | None = None
    logged_in: frozenset[Identity] = frozenset()


def privileges(listed: t.Iterable[dict[str, t.Any]]) -> frozenset[Privilege]:
    """One privilege per resource: the server merges what names the same resource twice."""
    merged: dict[str, set[str]] = {}
    for privilege in listed:
        merged.setdefault(json.dumps(privilege["resource"], sort_keys=True), set()).update(privilege["actions"])
    return frozenset(Privilege(resource, frozenset(actions)) for resource, actions in merged.items())


def restrictions(listed: t.Iterable[t.Any]) -> frozenset[Restriction]:
    """Restrictions from a reply; of a role the server returns a list of lists."""
    found: set[Restriction] = set()
    for item in listed:
        if isinstance(item, list):
            found |= restrictions(item)
        else:
            found.add(
                Restriction(frozenset(item.get("clientSource") or ()), frozenset(item.get("serverAddress") or ()))
            )
    return frozenset(found)


def grants(listed: t.Iterable[dict[str, t.Any]]) -> frozenset[Grant]:
    return frozenset(Grant(item["role"], item["db"]) for item in listed)
