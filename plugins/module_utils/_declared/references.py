"""What the keys of descriptions say about each other: names that are there twice, and names that are used and not
declared, in all applications that one server holds.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from .._core.errors import GroundworkError
from .._migration.source import location_path
from .._migration.version import Target, Version
from .application import Application, Server
from .located import Located
from .problem import Problem, suggestion

Key = t.Union[str, tuple[str, ...]]  # noqa: UP007 (made when it is imported, on older versions of Python too)
Reference = tuple[Located, str]


@dataclasses.dataclass(frozen=True)
class Declared:
    """:ivar entry: what declares the name. :ivar reference: it is a name alone, for what another may declare."""

    application: Application
    path: str
    entry: Located
    reference: bool

    @property
    def place(self) -> str:
        return f"{self.application.file}:{self.entry.line}"


class Names:
    """The names of one kind that are declared on a server.

    :ivar shared: an entry with nothing but a name leaves the object as it is, so that several applications may have it.
    :ivar complete: every name is known; nothing can be said to be undeclared otherwise.
    """

    def __init__(self, kind: str, shared: bool = False) -> None:
        self.kind = kind
        self.shared = shared
        self.declared: dict[Key, Declared] = {}
        self.complete = True

    def read(
        self,
        application: Application,
        store: Located | None,
        part: str,
        key_of: t.Callable[[Located], Key | None] = lambda entry: entry.text("name"),
    ) -> t.Iterator[Problem]:
        """Take the entries of a list, and yield those whose name is there before."""
        name = part.partition(".")[2]
        listed = store.get(name) if store else None
        if listed is not None and not isinstance(listed.value, list):
            self.complete = False
        for number, entry in enumerate(store.items(name) if store else []):
            key = key_of(entry)
            if key is None:
                self.complete = False
                continue
            given = Declared(application, f"{part}[{number}]", entry, self.shared and set(entry.value) == {"name"})
            before = self.declared.get(key)
            if before is None or (before.reference and before.application is not application):
                self.declared[key] = given
            elif before.application is application or not given.reference:
                yield Problem(application.file, entry.line, given.path, self._twice(key, before, application))

    def _twice(self, key: Key, before: Declared, application: Application) -> str:
        shown = key if isinstance(key, str) else "@".join(key)
        if before.application is application:
            return f"the {self.kind} {shown} is already declared in line {before.entry.line}"
        return f"the application {before.application.name} already declares the {self.kind} {shown}, in {before.place}"

    def undeclared(self, name: str, place: str) -> str:
        """What to say about a name that is used and not declared."""
        meant = suggestion(name, [key if isinstance(key, str) else key[0] for key in self.declared])
        question = f", did you mean {meant}?" if meant else f"; declare it under {place}"
        return f"no application of this run declares the {self.kind} {name}{question}"


def postgresql(applications: t.Sequence[Application], server: Server, complete: bool) -> t.Iterator[Problem]:
    """
    :param complete: the structure of all of them is right. Otherwise what seems undeclared may stand under a wrong key.
    """
    roles, databases = Names("role", shared=True), Names("database")
    for application in applications:
        store = application.store("postgresql")
        yield from roles.read(application, store, "postgresql.roles")
        yield from databases.read(application, store, "postgresql.databases")
    roles.complete &= complete
    databases.complete &= complete
    for application in applications:
        store = application.store("postgresql")
        if store is not None:
            yield from _twice_in_databases(application, store)
            yield from _undeclared_roles(application, store, roles, server)
            yield from _undeclared_databases(application, store, databases, server)
            yield from _migrations(application, store, "postgresql", ("latest", "next", "current"))


def mongodb(applications: t.Sequence[Application], server: Server, complete: bool) -> t.Iterator[Problem]:
    """See :func:`postgresql`."""
    users, roles, databases = Names("user"), Names("role", shared=True), Names("database")
    for application in applications:
        store = application.store("mongodb")
        yield from users.read(application, store, "mongodb.users", _in_database)
        yield from roles.read(application, store, "mongodb.roles", _in_database)
        yield from databases.read(application, store, "mongodb.databases")
    roles.complete &= complete
    databases.complete &= complete
    for application in applications:
        store = application.store("mongodb")
        if store is not None:
            for number, database in enumerate(store.items("databases")):
                path = f"mongodb.databases[{number}]"
                yield from _twice(application.file, database, "collections", "name", path, "collection")
            yield from _undeclared_mongodb_roles(application, store, roles, server)
            yield from _undeclared_databases(application, store, databases, server, engine="mongodb")
            yield from _migrations(application, store, "mongodb", ("latest",))


def _in_database(entry: Located) -> Key | None:
    name, database = entry.text("name"), entry.get("database")
    where = "admin" if database is None else entry.text("database")
    return None if name is None or where is None else (name, where)


def _twice(
    file: str, owner: Located, part: str, key: str, path: str, kind: str, extra: str = ""
) -> t.Iterator[Problem]:
    """Two entries of one list that have the same name."""
    first: dict[tuple[str | None, ...], int] = {}
    for number, entry in enumerate(owner.items(part)):
        name = entry.text(key)
        if name is None:
            continue
        whole = (entry.text(extra) if extra else None, name)
        if whole in first:
            text = f"the {kind} {name} is already declared in line {first[whole]}"
            yield Problem(file, entry.line, f"{path}.{part}[{number}]", text)
        first.setdefault(whole, entry.line)


def _twice_in_databases(application: Application, store: Located) -> t.Iterator[Problem]:
    for number, database in enumerate(store.items("databases")):
        path = f"postgresql.databases[{number}]"
        yield from _twice(application.file, database, "schemas", "name", path, "schema")
        yield from _twice(application.file, database, "extensions", "name", path, "extension")
        yield from _twice(application.file, database, "role_settings", "role", path, "settings of the role")
    for number, part in enumerate(store.items("partitions")):
        path = f"postgresql.partitions[{number}]"
        yield from _twice(application.file, part, "tables", "name", path, "table", extra="schema")


def _undeclared_roles(application: Application, store: Located, roles: Names, server: Server) -> t.Iterator[Problem]:
    if not roles.complete:
        return
    for found, path in _role_references(store):
        name = found.value
        if name in roles.declared or name in server.roles or _is_predefined(name):
            continue
        text = roles.undeclared(name, "postgresql.roles, where a name alone leaves an existing role as it is")
        yield Problem(application.file, found.line, path, text)


def _is_predefined(name: str) -> bool:
    """Roles of PostgreSQL itself, of Amazon RDS, and the words that stand for a role."""
    words = ("public", "current_user", "session_user", "current_role", "postgres", "rdsadmin")
    return name.startswith(("pg_", "rds_")) or name.lower() in words


def _role_references(store: Located) -> t.Iterator[Reference]:
    """Every name of a role that is used, with its path."""
    for number, role in enumerate(store.items("roles")):
        path = f"postgresql.roles[{number}]"
        yield from _texts(role, path, "reassign_owned_to")
        yield from _all_texts(role, path, "member_of")
    for number, database in enumerate(store.items("databases")):
        if database.text("state") != "absent":
            yield from _references_of_database(database, f"postgresql.databases[{number}]")
    for number, migration in enumerate(store.items("migrations")):
        yield from _texts(migration, f"postgresql.migrations[{number}]", "session_role")
    for number, part in enumerate(store.items("row_security")):
        for index, policy in enumerate(part.items("policies")):
            if policy.text("state") != "absent":
                yield from _all_texts(policy, f"postgresql.row_security[{number}].policies[{index}]", "roles")


def _references_of_database(database: Located, path: str) -> t.Iterator[Reference]:
    yield from _texts(database, path, "owner")
    for part, keys in (
        ("schemas", ["owner"]),
        ("grants", ["role"]),
        ("default_privileges", ["creator", "role"]),
        ("role_settings", ["role"]),
    ):
        for number, entry in enumerate(database.items(part)):
            yield from _texts(entry, f"{path}.{part}[{number}]", *keys)


def _texts(owner: Located, path: str, *keys: str) -> t.Iterator[Reference]:
    for key in keys:
        if owner.text(key) is not None:
            yield t.cast(Located, owner.get(key)), f"{path}.{key}"


def _all_texts(owner: Located, path: str, key: str) -> t.Iterator[Reference]:
    yield from _texts(owner, path, key)  # a list of one
    for number, item in enumerate(owner.items(key)):
        if item.known and isinstance(item.value, str):
            yield item, f"{path}.{key}[{number}]"


def _undeclared_databases(
    application: Application, store: Located, databases: Names, server: Server, engine: str = "postgresql"
) -> t.Iterator[Problem]:
    if not databases.complete:
        return
    for found, path in _database_references(store, engine):
        name = found.value
        if name not in databases.declared and name not in server.databases:
            yield Problem(application.file, found.line, path, databases.undeclared(name, f"{engine}.databases"))


def _database_references(store: Located, engine: str) -> t.Iterator[Reference]:
    for part in ("migrations", "partitions", "row_security"):
        for number, entry in enumerate(store.items(part)):
            path = f"{engine}.{part}[{number}]"
            yield from _texts(entry, path, "database")
            for index, target in enumerate(entry.items("targets")):
                yield from _texts(target, f"{path}.targets[{index}]", "database")


# Of MongoDB itself, for users and for what custom roles inherit.
_MONGODB_ROLES = frozenset((
    "read", "readWrite", "dbAdmin", "dbOwner", "userAdmin", "clusterAdmin", "clusterManager", "clusterMonitor",
    "hostManager", "enableSharding", "backup", "restore", "readAnyDatabase", "readWriteAnyDatabase",
    "userAdminAnyDatabase", "dbAdminAnyDatabase", "root", "directShardOperations", "searchCoordinator", "__system",
    "__queryableBackup",
))  # fmt: skip


def _undeclared_mongodb_roles(
    application: Application, store: Located, roles: Names, server: Server
) -> t.Iterator[Problem]:
    if not roles.complete:
        return
    for part in ("users", "roles"):
        for number, owner in enumerate(store.items(part)):
            if owner.text("state") == "absent":
                continue
            for index, grant in enumerate(owner.items("roles")):
                name, database = grant.text("role"), _database_of(grant, owner)
                if name is None or database is None or name in _MONGODB_ROLES:
                    continue
                if (name, database) not in roles.declared and f"{name}@{database}" not in server.roles:
                    path = f"mongodb.{part}[{number}].roles[{index}].role"
                    line = t.cast(Located, grant.get("role")).line
                    text = roles.undeclared(name, f"mongodb.roles, in the database {database}")
                    yield Problem(application.file, line, path, text)


def _database_of(grant: Located, owner: Located) -> str | None:
    """As in the server's own short form, a role without a database is one of its owner's database."""
    if grant.get("db") is not None:
        return grant.text("db")
    database = "admin" if owner.get("database") is None else owner.text("database")
    return "admin" if database == "$external" else database


def _migrations(
    application: Application, store: Located, engine: str, keywords: tuple[str, ...]
) -> t.Iterator[Problem]:
    for number, entry in enumerate(store.items("migrations")):
        path = f"{engine}.migrations[{number}]"
        for found, where in _all_texts(entry, path, "locations"):
            text = _missing_folder(found.value, application.folder)
            if text:
                yield Problem(application.file, found.line, where, text)
        for found, where in _texts(entry, path, "target", "baseline_version"):
            if not _is_version(found.value, keywords if where.endswith("target") else ()):
                words = f", {', '.join(keywords)}" if where.endswith("target") else ""
                text = f"it is not a version such as 1.2.0{words}"
                yield Problem(application.file, found.line, where, text)


def _missing_folder(location: str, folder: str) -> str | None:
    try:
        path = Path(folder, location_path(location))
    except GroundworkError as error:
        return error.what.rstrip(".")
    return None if path.is_dir() else f"there is no folder {path}; relative ones begin next to the application.yml"


def _is_version(text: str, keywords: tuple[str, ...]) -> bool:
    try:
        if not keywords:
            Version.parse(text)
            return True
        target = Target.parse(text)
    except GroundworkError:
        return False
    return not target.keyword or target.keyword in keywords
