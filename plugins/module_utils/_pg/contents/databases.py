# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps for databases themselves and for the schemas and extensions in them.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import re
import typing as t

from . import live, settings, wanted
from .privileges import KINDS
from .quoting import identifier, literal
from .steps import Refusals, Require, SqlStep, sql_step

CREATE_OPTIONS = {
    "encoding": "ENCODING",
    "lc_collate": "LC_COLLATE",
    "lc_ctype": "LC_CTYPE",
    "locale_provider": "LOCALE_PROVIDER",
    "icu_locale": "ICU_LOCALE",
    "tablespace": "TABLESPACE",
}
NAMES_NOT_STRINGS = ("locale_provider", "tablespace")


def database_steps(
    database: wanted.Database, cluster: live.Cluster, require: Require, policy: wanted.Policy, refusals: Refusals
) -> list[SqlStep]:
    """Create or alter one database, then its settings."""
    before = cluster.databases.get(database.name)
    name = identifier(database.name)
    found: list[SqlStep] = []
    if before is None:
        found.append(_create(database, cluster, require, refusals))
    else:
        _refuse_fixed_differences(database, before, refusals)
        if database.owner is not None and database.owner != before.owner:
            require(before.owner, f"change the owner of the database {database.name}")
            require(database.owner, f"give the database {database.name} to it")
            found.append(
                sql_step(
                    "alter", "database", database.name, f"ALTER DATABASE {name} OWNER TO {identifier(database.owner)}",
                    before={"owner": before.owner}, after={"owner": database.owner},
                )
            )
        if database.connection_limit is not None and database.connection_limit != before.connection_limit:
            require(before.owner, f"alter the database {database.name}")
            found.append(
                sql_step(
                    "alter", "database", database.name, f"ALTER DATABASE {name} CONNECTION LIMIT {database.connection_limit}",
                    before={"connection_limit": before.connection_limit}, after={"connection_limit": database.connection_limit},
                )
            )
    return found + _settings(database, cluster, require, policy)


def owner_afterwards(database: wanted.Database, cluster: live.Cluster) -> str:
    before = cluster.databases.get(database.name)
    return database.owner or (before.owner if before else cluster.session.name)


def acl_afterwards(database: wanted.Database, cluster: live.Cluster) -> live.Acl:
    """The privileges on the database once it exists with its owner. CREATE DATABASE never copies those of the template."""
    before = cluster.databases.get(database.name)
    owner = owner_afterwards(database, cluster)
    if before is None:
        return live.default_acl(KINDS["database"], owner, cluster.version)
    return live.with_owner(before.acl, before.owner, owner)


def _create(database: wanted.Database, cluster: live.Cluster, require: Require, refusals: Refusals) -> SqlStep:
    template = database.effective_template
    if template not in cluster.databases:
        refusals.add(
            f"The template {template} does not exist.", where=f"database {database.name}", code="UNKNOWN_TEMPLATE",
            hint="template0 and template1 always do.",
        )
    options = []
    if database.owner:
        require(database.owner, f"create the database {database.name} for it")
        options.append(f"OWNER {identifier(database.owner)}")
    if template != "template1":
        options.append(f"TEMPLATE {identifier(template)}")
    for option, value in database.fixed.items():
        text = identifier(value) if option in NAMES_NOT_STRINGS else literal(value)
        options.append(f"{CREATE_OPTIONS[option]} {text}")
    if database.connection_limit is not None:
        options.append(f"CONNECTION LIMIT {database.connection_limit}")
    after = {"owner": owner_afterwards(database, cluster), "template": template, **database.fixed}
    sql = " ".join([f"CREATE DATABASE {identifier(database.name)}", *options])
    return sql_step("create", "database", database.name, sql, after=after, alone=True)


def _refuse_fixed_differences(database: wanted.Database, before: live.Database, refusals: Refusals) -> None:
    for option, value in database.fixed.items():
        current = before.fixed.get(option) or ""
        if _same_fixed(option, value, current):
            continue
        hint = (
            f"Move it in a maintenance window: ALTER DATABASE {identifier(database.name)} SET TABLESPACE (needs all sessions gone), "
            "or take tablespace out of the input."
            if option == "tablespace"
            else "Create a new database with it, copy the data with pg_dump and pg_restore and rename; or take the option out of the input."
        )
        refusals.add(
            f"{option} is {current or 'not set'}, not {value}, and PostgreSQL fixes it when a database is created.",
            where=f"database {database.name}", hint=hint, code="IMMUTABLE",
        )


def _same_fixed(option: str, one: str, other: str) -> bool:
    if option == "encoding":
        return _encoding(one) == _encoding(other)
    if option in ("lc_collate", "lc_ctype"):
        return _locale(one) == _locale(other)
    return one == other


def _encoding(name: str) -> str:
    bare = re.sub(r"[^A-Z0-9]", "", name.upper())
    return {"UNICODE": "UTF8", "LATIN1": "LATIN1", "ISO88591": "LATIN1"}.get(bare, bare)


def _locale(name: str) -> str:
    """The C library takes en_US.UTF-8 and en_US.utf8 for the same locale."""
    language, dot, codeset = name.partition(".")
    return language + dot + codeset.replace("-", "").lower()


def _settings(
    database: wanted.Database, cluster: live.Cluster, require: Require, policy: wanted.Policy
) -> list[SqlStep]:
    name = identifier(database.name)
    stored = cluster.settings.get((database.name, ""), {})
    found = settings.steps(
        f"ALTER DATABASE {name}", "database setting", database.name, database.settings, stored, policy.purge_settings
    )
    for each in database.role_settings:
        stored = cluster.settings.get((database.name, each.role), {})
        owner = f"ALTER ROLE {identifier(each.role)} IN DATABASE {name}"
        place = f"{each.role} in {database.name}"
        found += settings.steps(owner, "role setting", place, each.settings, stored, policy.purge_settings)
    if found:
        require(owner_afterwards(database, cluster), f"set settings of the database {database.name}")
    return found


def drop_database_step(database: wanted.Database, cluster: live.Cluster, login_db: str, refusals: Refusals) -> list[SqlStep]:
    before = cluster.databases.get(database.name)
    if before is None:
        return []
    if database.name == login_db:
        refusals.add(
            "The maintenance database of this very session cannot be dropped.", where=f"database {database.name}",
            hint="Set login_db to another one.", code="OWN_DATABASE",
        )
    force = " WITH (FORCE)" if database.terminate_sessions else ""
    sql = f"DROP DATABASE {identifier(database.name)}{force}"
    return [sql_step("drop", "database", database.name, sql, before={"owner": before.owner}, alone=True)]


def schemas_afterwards(
    database: wanted.Database, inside: live.Inside, session: str, version: int
) -> dict[str, live.Schema]:
    """The schemas with owners and privileges as they are after the schema steps."""
    after = dict(inside.schemas)
    for schema in database.schemas:
        before = inside.schemas.get(schema.name)
        owner = schema.owner or (before.owner if before else session)
        if before:
            acl = live.with_owner(before.acl, before.owner, owner)
        else:
            # A new schema takes its owner's default privileges, where any were set.
            acl = inside.defaults.get((owner, "", "schemas")) or live.default_acl(KINDS["schema"], owner, version)
        after[schema.name] = live.Schema(schema.name, owner, acl)
    return after


def schema_steps(database: wanted.Database, inside: live.Inside, require: Require) -> list[SqlStep]:
    found: list[SqlStep] = []
    for schema in database.schemas:
        before = inside.schemas.get(schema.name)
        name = identifier(schema.name)
        place = f"{database.name}.{schema.name}"
        if before is None:
            require(live.DATABASE_OWNER, f"create schemas in {database.name}")
            if schema.owner:
                require(schema.owner, f"create the schema {place} for it")
            authorization = f" AUTHORIZATION {identifier(schema.owner)}" if schema.owner else ""
            found.append(
                sql_step(
                    "create", "schema", place, f"CREATE SCHEMA {name}{authorization}", after={"owner": schema.owner},
                    database=database.name,
                )
            )
        elif schema.owner and schema.owner != before.owner:
            require(before.owner, f"alter the schema {place}")
            require(schema.owner, f"give the schema {place} to it")
            found.append(
                sql_step(
                    "alter", "schema", place, f"ALTER SCHEMA {name} OWNER TO {identifier(schema.owner)}",
                    before={"owner": before.owner}, after={"owner": schema.owner}, database=database.name,
                )
            )
    return found


def extension_steps(
    database: wanted.Database, inside: live.Inside, cluster: live.Cluster, schemas: t.Container[str], require: Require,
    refusals: Refusals,
) -> list[SqlStep]:
    found: list[SqlStep] = []
    for extension in database.extensions:
        where = f"database {database.name}, extension {extension.name}"
        before = inside.extensions.get(extension.name)
        if extension.absent:
            if before:
                sql = f"DROP EXTENSION {identifier(extension.name)}"
                found.append(_extension_step("drop", database.name, extension.name, sql, {"version": before.version}, None))
            continue
        if extension.schema and extension.schema not in schemas and extension.schema != "pg_catalog":
            refusals.add(
                f"The schema {extension.schema} does not exist.", where=where, code="UNKNOWN_SCHEMA",
                hint="List it under schemas of this database.",
            )
        newest = None if cluster.extensions is None else cluster.extensions.get(extension.name)
        if cluster.extensions is not None and newest is None and before is None:
            refusals.add(
                "The server has no files for this extension.", where=where, code="UNKNOWN_EXTENSION",
                hint="Install its package on the server (for contrib: postgresql-contrib), or correct the name.",
            )
            continue
        if before is None:
            require(live.DATABASE_OWNER, f"create extensions in {database.name}")
        found += _extension_changes(database.name, extension, before, newest)
    return found


def _extension_changes(
    database: str, extension: wanted.Extension, before: live.Extension | None, newest: str | None
) -> list[SqlStep]:
    name = identifier(extension.name)
    version = newest if extension.version == "latest" else extension.version
    if before is None:
        options = [f"SCHEMA {identifier(extension.schema)}"] if extension.schema else []
        if extension.version and extension.version != "latest":
            options.append(f"VERSION {identifier(extension.version)}")
        sql = " ".join([f"CREATE EXTENSION {name}", *options])
        after = {"version": version or newest, "schema": extension.schema}
        return [_extension_step("create", database, extension.name, sql, None, after)]
    found: list[SqlStep] = []
    if version and version != before.version:
        sql = f"ALTER EXTENSION {name} UPDATE TO {identifier(version)}"
        found.append(
            _extension_step("alter", database, extension.name, sql, {"version": before.version}, {"version": version})
        )
    if extension.schema and extension.schema != before.schema:
        sql = f"ALTER EXTENSION {name} SET SCHEMA {identifier(extension.schema)}"
        found.append(
            _extension_step("alter", database, extension.name, sql, {"schema": before.schema}, {"schema": extension.schema})
        )
    return found


def _extension_step(
    action: str, database: str, name: str, sql: str, before: dict[str, t.Any] | None, after: dict[str, t.Any] | None
) -> SqlStep:
    return sql_step(action, "extension", f"{database}: {name}", sql, before=before, after=after, database=database)
