"""The module's options as one value; the names are Flyway's in snake_case."""

from __future__ import annotations

import dataclasses
import typing as t

from ...._migration.filename import Naming
from ...._migration.version import Target, Version
from ..files.placeholder import Placeholders
from ..planning.linting import LintSettings
from ..planning.validate import IgnorePattern


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything a run is told; see the module's documentation for the meanings."""

    state: str
    default_schema: str | None
    schemas: tuple[str, ...]
    table: str
    tablespace: str
    create_schemas: bool
    target: Target
    out_of_order: bool
    group: bool
    mixed: bool
    validate_on_migrate: bool
    ignore_patterns: tuple[IgnorePattern, ...]
    baseline_on_migrate: bool
    baseline_version: Version
    baseline_description: str
    installed_by: str | None
    skip_executing: bool
    encoding: str
    naming: Naming
    validate_names: bool
    placeholder_replacement: bool
    placeholders: Placeholders
    callbacks: str
    lock_retry_count: int
    session_role: str | None
    history_table_access: str
    assume_empty: bool
    lock_timeout: str
    statement_timeout: str | None
    attempts: int
    retry_delay: float
    retry_delay_max: float
    deadline: int
    undo_row_type: str
    accept_changed_undo: bool
    preview: str
    fingerprint: bool
    lost_indexes: str
    clean_disabled: bool
    clean_confirmation: str | None
    lint: LintSettings


STATES = ["migrated", "validated", "baselined", "repaired", "undone", "cleaned"]


def from_params(params: dict[str, t.Any]) -> Settings:
    """Read the module's parameters.

    :raises GroundworkError: a version, target or pattern that cannot be read.
    """
    values = {**(params["placeholders"] or {}), **(params["secret_placeholders"] or {})}
    as_given = {field.name: params[field.name] for field in dataclasses.fields(Settings) if field.name in params}
    read = {
        "schemas": tuple(params["schemas"] or ()),
        "tablespace": params["tablespace"] or "",
        "target": Target.parse(params["target"]),
        "ignore_patterns": tuple(IgnorePattern.parse(text) for text in params["ignore_migration_patterns"]),
        "baseline_version": Version.parse(params["baseline_version"]),
        "skip_executing": params["skip_executing_migrations"],
        "naming": Naming(
            params["sql_migration_prefix"],
            params["repeatable_sql_migration_prefix"],
            params["undo_sql_migration_prefix"],
            params["baseline_migration_prefix"],
            params["sql_migration_separator"],
            tuple(params["sql_migration_suffixes"]),
        ),
        "validate_names": params["validate_migration_naming"],
        "placeholders": Placeholders(
            {name: str(value) for name, value in values.items()},
            params["placeholder_prefix"],
            params["placeholder_suffix"],
            params["placeholder_separator"],
            secrets=params["secret_placeholders"] or {},
        ),
        "attempts": max(1, params["attempts"]),
        "lint": LintSettings.from_option(params["lint"]),
    }
    return Settings(**{**as_given, **read})


def argument_spec() -> dict[str, dict[str, t.Any]]:
    """The options that say which migrations there are and how they are read; shared with the info module."""
    text, flag = {"type": "str"}, {"type": "bool"}
    words = {"type": "list", "elements": "str"}
    return {
        "login_db": text,
        "locations": words,
        "remote_src": {**flag, "default": False},
        "fail_on_missing_locations": {**flag, "default": True},
        "default_schema": text,
        "schemas": words,
        "table": {**text, "default": "flyway_schema_history"},
        "target": {**text, "default": "latest"},
        "out_of_order": {**flag, "default": False},
        "ignore_migration_patterns": {**words, "default": ["*:future"]},
        "encoding": {**text, "default": "UTF-8"},
        "sql_migration_prefix": {**text, "default": "V"},
        "repeatable_sql_migration_prefix": {**text, "default": "R"},
        "undo_sql_migration_prefix": {**text, "default": "U"},
        "baseline_migration_prefix": {**text, "default": "B"},
        "sql_migration_separator": {**text, "default": "__"},
        "sql_migration_suffixes": {**words, "default": [".sql"]},
        "validate_migration_naming": {**flag, "default": False},
        "placeholders": {"type": "dict", "default": {}},
        "secret_placeholders": {"type": "dict", "default": {}, "no_log": True},
        "placeholder_prefix": {**text, "default": "${"},
        "placeholder_suffix": {**text, "default": "}"},
        "placeholder_separator": {**text, "default": ":"},
        "placeholder_replacement": {**flag, "default": True},
        "session_role": text,
        "_archive_path": {"type": "path"},
        "_archive_data": {**text, "no_log": True},
    }


def reading_params(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """The parameters of a module that only reads, completed with the defaults of what it does not know."""
    return {**{name: option.get("default") for name, option in apply_argument_spec().items()}, **params}


def apply_argument_spec() -> dict[str, dict[str, t.Any]]:
    """The options that only a module that writes has."""
    text, flag = {"type": "str"}, {"type": "bool"}
    return {
        "state": {**text, "default": "migrated", "choices": STATES},
        "tablespace": text,
        "create_schemas": {**flag, "default": True},
        "group": {**flag, "default": False},
        "mixed": {**flag, "default": False},
        "validate_on_migrate": {**flag, "default": True},
        "baseline_on_migrate": {**flag, "default": False},
        "baseline_version": {**text, "default": "1"},
        "baseline_description": {**text, "default": "<< Flyway Baseline >>"},
        "installed_by": text,
        "skip_executing_migrations": {**flag, "default": False},
        "callbacks": {**text, "default": "always", "choices": ["always", "when_pending", "never"]},
        "lock_retry_count": {"type": "int", "default": 50},
        "history_table_access": {**text, "default": "owner", "choices": ["owner", "default"]},
        "assume_empty": {**flag, "default": False},
        "lock_timeout": {**text, "default": "5s"},
        "statement_timeout": text,
        "attempts": {"type": "int", "default": 10},
        "retry_delay": {"type": "float", "default": 1.0},
        "retry_delay_max": {"type": "float", "default": 30.0},
        "deadline": {"type": "int", "default": 0},
        "undo_row_type": {**text, "default": "delete", "choices": ["delete", "undo_sql"]},
        "accept_changed_undo": {**flag, "default": False},
        "preview": {**text, "default": "none", "choices": ["none", "rollback"]},
        "fingerprint": {**flag, "default": True},
        "lost_indexes": {**text, "default": "report", "choices": ["report", "restore", "ignore"]},
        "clean_disabled": {**flag, "default": True},
        "clean_confirmation": text,
        "lint": {
            "type": "dict",
            "options": {
                "level": {**text, "default": "warn", "choices": ["off", "warn", "error"]},
                "rules": {"type": "dict", "default": {}},
                "naming": {"type": "dict", "default": {}},
                "small_rows": {"type": "int"},
                "small_bytes": {"type": "int"},
                "large_rows": {"type": "int"},
                "large_bytes": {"type": "int"},
            },
        },
        "targets": {
            "type": "list",
            "elements": "dict",
            "options": {"database": text, "schema": text},
        },
        "parallel": {"type": "int", "default": 4},
        "on_failure": {**text, "default": "stop", "choices": ["stop", "continue"]},
    }
