"""The steps for databases themselves and their settings."""

from __future__ import annotations

import re

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from ..language_tag import language_tag
from ..quoting import identifier, literal
from . import live, model, settings
from .privileges import KINDS
from .steps import Require, SqlStep, sql_step

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
    database: model.Database, cluster: live.Cluster, require: Require, policy: model.Policy, problems: Problems
) -> list[SqlStep]:
    """Create or alter one database, then its settings."""
    before = cluster.databases.get(database.name)
    name = identifier(database.name)
    found: list[SqlStep] = []
    if before is None:
        found.append(_create(database, cluster, require, problems))
    else:
        _refuse_fixed_differences(database, before, problems)
        if database.owner is not None and database.owner != before.owner:
            require(before.owner, f"change the owner of the database {database.name}")
            require(database.owner, f"give the database {database.name} to it")
            found.append(
                sql_step(
                    "alter",
                    "database",
                    database.name,
                    f"ALTER DATABASE {name} OWNER TO {identifier(database.owner)}",
                    before={"owner": before.owner},
                    after={"owner": database.owner},
                )
            )
        if database.connection_limit is not None and database.connection_limit != before.connection_limit:
            require(before.owner, f"alter the database {database.name}")
            found.append(
                sql_step(
                    "alter",
                    "database",
                    database.name,
                    f"ALTER DATABASE {name} CONNECTION LIMIT {database.connection_limit}",
                    before={"connection_limit": before.connection_limit},
                    after={"connection_limit": database.connection_limit},
                )
            )
    return found + _settings(database, cluster, require, policy)


def owner_afterwards(database: model.Database, cluster: live.Cluster) -> str:
    before = cluster.databases.get(database.name)
    return database.owner or (before.owner if before else cluster.session.name)


def acl_afterwards(database: model.Database, cluster: live.Cluster) -> live.Acl:
    """The privileges on the database with its owner. CREATE DATABASE never copies those of the template."""
    before = cluster.databases.get(database.name)
    owner = owner_afterwards(database, cluster)
    if before is None:
        return live.default_acl(KINDS["database"], owner, cluster.version)
    return live.with_owner(before.acl, before.owner, owner)


def _create(database: model.Database, cluster: live.Cluster, require: Require, problems: Problems) -> SqlStep:
    template = database.effective_template
    if template not in cluster.databases:
        problems.add(
            f"database {database.name}",
            f"The template {template} does not exist.",
            "template0 and template1 always do.",
            ErrorCode.UNKNOWN_TEMPLATE,
        )
    options = []
    if database.owner:
        require(database.owner, f"create the database {database.name} for it")
        options.append(f"OWNER {identifier(database.owner)}")
    if template != "template1":
        options.append(f"TEMPLATE {identifier(template)}")
    for option, keyword in CREATE_OPTIONS.items():
        if value := database.fixed.get(option):
            options.append(f"{keyword} {identifier(value) if option in NAMES_NOT_STRINGS else literal(value)}")
    if database.connection_limit is not None:
        options.append(f"CONNECTION LIMIT {database.connection_limit}")
    after = {"owner": owner_afterwards(database, cluster), "template": template, **database.fixed}
    sql = " ".join([f"CREATE DATABASE {identifier(database.name)}", *options])
    return sql_step("create", "database", database.name, sql, after=after, alone=True)


def _refuse_fixed_differences(database: model.Database, before: live.Database, problems: Problems) -> None:
    for option, value in database.fixed.items():
        current = before.fixed.get(option) or ""
        if _same_fixed(option, value, current):
            continue
        hint = (
            f"Move it in a maintenance window with ALTER DATABASE {identifier(database.name)} SET TABLESPACE, "
            "which needs all sessions gone; or take tablespace out of the input."
            if option == "tablespace"
            else "Create a new database with it, copy the data with pg_dump and pg_restore and rename it; "
            "or take the option out of the input."
        )
        problems.add(
            f"database {database.name}",
            f"{option} is {current or 'not set'}, not {value}, and PostgreSQL fixes it when a database is created.",
            hint,
            ErrorCode.IMMUTABLE,
        )


def _same_fixed(option: str, one: str, other: str) -> bool:
    if option == "encoding":
        return _encoding(one) == _encoding(other)
    if option in ("lc_collate", "lc_ctype"):
        return _locale(one) == _locale(other)
    if option == "icu_locale":
        return language_tag(one) == language_tag(other)
    return one == other


def _encoding(name: str) -> str:
    bare = re.sub(r"[^A-Z0-9]", "", name.upper())
    return {"UNICODE": "UTF8", "LATIN1": "LATIN1", "ISO88591": "LATIN1"}.get(bare, bare)


def _locale(name: str) -> str:
    """The C library takes en_US.UTF-8 and en_US.utf8 for the same locale."""
    language, dot, codeset = name.partition(".")
    return language + dot + codeset.replace("-", "").lower()


def _settings(
    database: model.Database, cluster: live.Cluster, require: Require, policy: model.Policy
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


def drop_database_step(
    database: model.Database, cluster: live.Cluster, login_db: str, problems: Problems
) -> list[SqlStep]:
    before = cluster.databases.get(database.name)
    if before is None:
        return []
    if database.name == login_db:
        problems.add(
            f"database {database.name}",
            "The maintenance database of this very session cannot be dropped.",
            "Set login_db to another one.",
            ErrorCode.OWN_DATABASE,
        )
    force = " WITH (FORCE)" if database.terminate_sessions else ""
    sql = f"DROP DATABASE {identifier(database.name)}{force}"
    return [sql_step("drop", "database", database.name, sql, before={"owner": before.owner}, alone=True)]
