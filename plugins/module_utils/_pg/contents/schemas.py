"""The steps for the schemas and extensions in a database."""

from __future__ import annotations

import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from ..quoting import identifier
from . import live, model
from .privileges import KINDS
from .steps import Require, SqlStep, sql_step


def schemas_afterwards(
    database: model.Database, inside: live.Inside, session: str, version: int
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


def schema_steps(database: model.Database, inside: live.Inside, require: Require) -> list[SqlStep]:
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
                    "create",
                    "schema",
                    place,
                    f"CREATE SCHEMA {name}{authorization}",
                    after={"owner": schema.owner},
                    database=database.name,
                )
            )
        elif schema.owner and schema.owner != before.owner:
            require(before.owner, f"alter the schema {place}")
            require(schema.owner, f"give the schema {place} to it")
            found.append(
                sql_step(
                    "alter",
                    "schema",
                    place,
                    f"ALTER SCHEMA {name} OWNER TO {identifier(schema.owner)}",
                    before={"owner": before.owner},
                    after={"owner": schema.owner},
                    database=database.name,
                )
            )
    return found


def extension_steps(
    database: model.Database,
    inside: live.Inside,
    cluster: live.Cluster,
    schemas: t.Container[str],
    require: Require,
    problems: Problems,
) -> list[SqlStep]:
    found: list[SqlStep] = []
    for extension in database.extensions:
        where = f"database {database.name}, extension {extension.name}"
        before = inside.extensions.get(extension.name)
        if extension.absent:
            if before:
                sql = f"DROP EXTENSION {identifier(extension.name)}"
                found.append(
                    _extension_step("drop", database.name, extension.name, sql, {"version": before.version}, None)
                )
            continue
        if extension.schema and extension.schema not in schemas and extension.schema != "pg_catalog":
            problems.add(
                where,
                f"The schema {extension.schema} does not exist.",
                "List it under schemas of this database.",
                ErrorCode.UNKNOWN_SCHEMA,
            )
        newest = None if cluster.extensions is None else cluster.extensions.get(extension.name)
        if cluster.extensions is not None and newest is None and before is None:
            problems.add(
                where,
                "The server has no files for this extension.",
                "Install its package on the server (for contrib: postgresql-contrib), or correct the name.",
                ErrorCode.UNKNOWN_EXTENSION,
            )
            continue
        if before is None:
            require(live.DATABASE_OWNER, f"create extensions in {database.name}")
        found += _extension_changes(database.name, extension, before, newest)
    return found


def _extension_changes(
    database: str, extension: model.Extension, before: live.Extension | None, newest: str | None
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
            _extension_step(
                "alter", database, extension.name, sql, {"schema": before.schema}, {"schema": extension.schema}
            )
        )
    return found


def _extension_step(
    action: str, database: str, name: str, sql: str, before: dict[str, t.Any] | None, after: dict[str, t.Any] | None
) -> SqlStep:
    return sql_step(action, "extension", f"{database}: {name}", sql, before=before, after=after, database=database)
