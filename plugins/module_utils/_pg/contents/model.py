"""The desired contents of a server, as immutable values.

``None`` always means "not said, leave alone"; an empty collection means "exactly nothing".
"""

from __future__ import annotations

import dataclasses
import typing as t

INFINITY = float("inf")

# GRANT's target: (kind, schema, object); schema and object are "" where the kind has none.
Target = tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class Password:
    """What a role shall log in with. Never shown: repr is off for both fields.

    :param plain: to compare with what the server holds, and to make a secret from.
    :param secret: a ready SCRAM secret to store as it is.
    """

    plain: str | None = dataclasses.field(default=None, repr=False)
    secret: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Role:
    """:param flags: the boolean attributes that were given, by their option name.
    :param valid_until: seconds since the epoch, or infinity.
    """

    name: str
    absent: bool = False
    flags: dict[str, bool] = dataclasses.field(default_factory=dict)
    connection_limit: int | None = None
    valid_until: float | None = None
    password: Password | None = None
    member_of: tuple[str, ...] | None = None
    settings: dict[str, t.Any] | None = None
    reassign_owned_to: str | None = None


@dataclasses.dataclass(frozen=True)
class Schema:
    name: str
    owner: str | None = None


@dataclasses.dataclass(frozen=True)
class Extension:
    """:param version: a version, or ``latest`` for the newest that the server has files for."""

    name: str
    schema: str | None = None
    version: str | None = None
    absent: bool = False


@dataclasses.dataclass(frozen=True)
class Grant:
    """:param objects: ``None`` for every object of the kind in the schema."""

    role: str
    kind: str
    schema: str
    objects: tuple[str, ...] | None
    excluded: tuple[str, ...]
    privileges: frozenset[str]
    grantable: bool = False


@dataclasses.dataclass(frozen=True)
class DefaultPrivilege:
    """:param schema: "" for the defaults that hold in every schema."""

    creator: str
    schema: str
    kind: str
    role: str
    privileges: frozenset[str]


@dataclasses.dataclass(frozen=True)
class RoleSettings:
    role: str
    settings: dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Database:
    """:param fixed: what PostgreSQL can only set at creation, as given (encoding, lc_collate, ...)."""

    name: str
    absent: bool = False
    owner: str | None = None
    fixed: dict[str, str] = dataclasses.field(default_factory=dict)
    template: str | None = None
    connection_limit: int | None = None
    settings: dict[str, t.Any] | None = None
    role_settings: tuple[RoleSettings, ...] = ()
    schemas: tuple[Schema, ...] = ()
    extensions: tuple[Extension, ...] = ()
    grants: tuple[Grant, ...] = ()
    default_privileges: tuple[DefaultPrivilege, ...] = ()
    terminate_sessions: bool = False

    @property
    def effective_template(self) -> str:
        """template1, unless an encoding or locale is asked for: PostgreSQL allows those only on a copy of template0."""
        return self.template or ("template0" if self.fixed.keys() - {"tablespace"} else "template1")

    def object_scopes(self) -> set[tuple[str, str]]:
        """The (kind, schema) pairs whose objects have to be read."""
        return {(grant.kind, grant.schema) for grant in self.grants if grant.kind not in ("database", "schema")}


@dataclasses.dataclass(frozen=True)
class Policy:
    """What happens to what nobody listed, and to passwords that differ."""

    purge_settings: bool = False
    purge_memberships: bool = False
    purge_grants: bool = False
    purge_default_privileges: bool = False
    update_passwords: bool = True
    report_missing_objects: bool = False


@dataclasses.dataclass(frozen=True)
class Contents:
    roles: tuple[Role, ...] = ()
    databases: tuple[Database, ...] = ()
    policy: Policy = Policy()

    def role_names(self) -> set[str]:
        """Every role that exists afterwards because it is listed."""
        return {role.name for role in self.roles if not role.absent}
