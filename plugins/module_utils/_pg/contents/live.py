"""The live contents of a server, as values: what the catalogue queries return, and what a virgin server holds."""

from __future__ import annotations

import dataclasses
import typing as t

from ..quoting import PUBLIC
from .model import INFINITY
from .privileges import KINDS, Kind

ASSUMED_VERSION = 160000
DATABASE_OWNER = "pg_database_owner"

# Every setting of a (database, role) pair; "" stands for "any".
SettingsKey = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class AclEntry:
    grantee: str
    grantor: str
    privilege: str
    grantable: bool = False


Acl = tuple[AclEntry, ...]


def acl_from_rows(rows: list[list[t.Any]] | None) -> Acl:
    return tuple(AclEntry(*row) for row in rows or ())


def default_acl(kind: Kind, owner: str, version: int) -> Acl:
    """What acldefault() gives for an object of this owner."""
    entries = [AclEntry(owner, owner, privilege) for privilege in kind.known(version)]
    return tuple(entries + [AclEntry(PUBLIC, owner, privilege) for privilege in kind.public])


def with_owner(acl: Acl, before: str, after: str) -> Acl:
    """The entries after ALTER ... OWNER TO, which passes the old owner's own entries on to the new owner."""
    if before == after:
        return acl

    def renamed(name: str) -> str:
        return after if name == before else name

    return tuple(dataclasses.replace(e, grantee=renamed(e.grantee), grantor=renamed(e.grantor)) for e in acl)


@dataclasses.dataclass(frozen=True)
class Role:
    """:param expired: the password is no longer valid, so no login can tell whether it is right.
    :param usable: the session has this role's privileges without SET ROLE.
    :param settable: the session may SET ROLE to it, and so give objects to it.
    :param administrable: the session may grant membership in it.
    """

    name: str
    flags: dict[str, bool]
    connection_limit: int = -1
    valid_until: float = INFINITY
    expired: bool = False
    usable: bool = True
    settable: bool = True
    administrable: bool = True


@dataclasses.dataclass(frozen=True)
class Session:
    """The role that the module is logged in as."""

    name: str
    superuser: bool = True
    createrole: bool = True


@dataclasses.dataclass(frozen=True)
class Database:
    name: str
    owner: str
    fixed: dict[str, str]
    connection_limit: int
    acl: Acl
    is_template: bool = False
    allows_connections: bool = True


@dataclasses.dataclass(frozen=True)
class Membership:
    role: str
    member: str
    grantor: str


@dataclasses.dataclass(frozen=True)
class Dependency:
    """How many things in one database (or "" for the server) depend on a role, as owner or as grantee."""

    role: str
    database: str
    owned: int
    other: int


@dataclasses.dataclass(frozen=True)
class Cluster:
    """:param verifiers: stored secrets by role, or ``None`` when the session may not read pg_authid.
    :param probes: where pg_authid is unreadable: whether a login with the password worked, ``None`` if undecidable.
    :param extensions: newest version of each listed extension that the server has files for.
    """

    version: int
    version_text: str | None
    session: Session
    roles: dict[str, Role]
    databases: dict[str, Database]
    memberships: tuple[Membership, ...] = ()
    settings: dict[SettingsKey, dict[str, str]] = dataclasses.field(default_factory=dict)
    extensions: dict[str, str] | None = None
    verifiers: dict[str, str | None] | None = None
    probes: dict[str, bool | None] = dataclasses.field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()
    in_recovery: bool = False


@dataclasses.dataclass(frozen=True)
class Object:
    """A table, sequence, function or type.

    :param identity: as it is shown and found: its name, for functions ``name(argument types)``.
    :param sql: its qualified and quoted name, for functions with the argument types.
    """

    name: str
    identity: str
    sql: str
    owner: str
    acl: Acl
    of_extension: bool = False


@dataclasses.dataclass(frozen=True)
class Schema:
    name: str
    owner: str
    acl: Acl


@dataclasses.dataclass(frozen=True)
class Extension:
    name: str
    version: str
    schema: str


@dataclasses.dataclass(frozen=True)
class Inside:
    """What one database holds.

    :param objects: objects by (kind, schema), for the scopes that were asked for.
    :param defaults: explicit default privileges by (creator, schema, kind); schema "" for those of every schema.
    """

    schemas: dict[str, Schema]
    extensions: dict[str, Extension]
    objects: dict[tuple[str, str], tuple[Object, ...]] = dataclasses.field(default_factory=dict)
    defaults: dict[tuple[str, str, str], Acl] = dataclasses.field(default_factory=dict)


# Roles that initdb makes in version 16 (https://www.postgresql.org/docs/16/predefined-roles.html).
PREDEFINED_ROLES = (
    DATABASE_OWNER,
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_execute_server_program",
    "pg_monitor",
    "pg_read_all_data",
    "pg_read_all_settings",
    "pg_read_all_stats",
    "pg_read_server_files",
    "pg_signal_backend",
    "pg_stat_scan_tables",
    "pg_use_reserved_connections",
    "pg_write_all_data",
    "pg_write_server_files",
)


def virgin_cluster(login: str) -> Cluster:
    """A server straight from initdb, for planning before it exists."""
    flags = dict.fromkeys(("login", "superuser", "createdb", "createrole", "replication", "bypassrls", "inherit"), True)
    names = (login, *PREDEFINED_ROLES)
    databases = {
        name: Database(name, login, {}, -1, default_acl(KINDS["database"], login, ASSUMED_VERSION), name != "postgres")
        for name in ("postgres", "template0", "template1")
    }
    return Cluster(
        version=ASSUMED_VERSION,
        version_text=None,
        session=Session(login),
        roles={name: Role(name, flags if name == login else {}) for name in names},
        databases=databases,
        verifiers={},
    )


def virgin_inside(version: int = ASSUMED_VERSION) -> Inside:
    """What template0 holds: the schema public, owned by the database's owner, open for use (before 15: for writing)."""
    kind = KINDS["schema"]
    public = ("USAGE",) if version >= 150000 else ("USAGE", "CREATE")
    acl = default_acl(kind, DATABASE_OWNER, version) + tuple(AclEntry(PUBLIC, DATABASE_OWNER, p) for p in public)
    return Inside(
        schemas={"public": Schema("public", DATABASE_OWNER, acl)},
        extensions={"plpgsql": Extension("plpgsql", "1.0", "pg_catalog")},
    )
