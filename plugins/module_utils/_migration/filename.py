"""What a file's name says about it, by Flyway's naming rules."""

from __future__ import annotations

import dataclasses
import functools

from .version import InvalidVersionError, Version

VERSIONED = "versioned"
REPEATABLE = "repeatable"
UNDO = "undo"
BASELINE = "baseline"
CALLBACK = "callback"

CALLBACK_EVENTS = frozenset((
    "beforeMigrate", "beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrateStatement",
    "afterEachMigrateStatementError", "afterEachMigrate", "afterEachMigrateError", "beforeRepeatables",
    "afterVersioned", "afterMigrateApplied", "afterMigrate", "afterMigrateError", "beforeUndo", "beforeEachUndo",
    "beforeEachUndoStatement", "afterEachUndoStatement", "afterEachUndoStatementError", "afterEachUndo",
    "afterEachUndoError", "afterUndo", "afterUndoError", "beforeClean", "afterClean", "afterCleanError",
    "beforeValidate", "afterValidate", "afterValidateError", "beforeBaseline", "afterBaseline", "afterBaselineError",
    "beforeRepair", "afterRepair", "afterRepairError", "beforeInfo", "afterInfo", "afterInfoError", "createSchema",
    "beforeCreateSchema", "beforeConnect", "afterConnect",
))  # fmt: skip

#: Events of Flyway's life cycle that a module does not have: it connects once, validates as a part of every run, and
#: information is another module's job.
EVENTS_THAT_NEVER_COME = frozenset((
    "afterBaselineError", "afterCleanError", "afterConnect", "afterInfo", "afterInfoError", "afterRepairError",
    "afterValidate", "afterValidateError", "beforeConnect", "beforeCreateSchema", "beforeInfo", "beforeValidate",
    "createSchema",
))  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Naming:
    """Flyway's naming options."""

    versioned_prefix: str = "V"
    repeatable_prefix: str = "R"
    undo_prefix: str = "U"
    baseline_prefix: str = "B"
    separator: str = "__"
    suffixes: tuple[str, ...] = (".sql",)

    @functools.cached_property
    def prefixes(self) -> list[tuple[str, str]]:
        """Prefix and kind, longest first, so that ``beforeMigrate`` wins over ``b``."""
        kinds = [
            (self.versioned_prefix, VERSIONED),
            (self.repeatable_prefix, REPEATABLE),
            (self.undo_prefix, UNDO),
            (self.baseline_prefix, BASELINE),
            *((event, CALLBACK) for event in CALLBACK_EVENTS),
        ]
        return sorted(kinds, key=lambda pair: -len(pair[0]))


@dataclasses.dataclass(frozen=True)
class Name:
    """A parsed file name.

    :ivar event: the callback's event, empty for migrations.
    :ivar problem: why the name is not valid; empty when it is.
    """

    kind: str
    description: str = ""
    version: Version | None = None
    event: str = ""
    problem: str = ""


def parse(file_name: str, naming: Naming) -> Name | None:
    """Return what the name says, ``None`` when it is no migration's or callback's name at all.

    Prefixes are case-sensitive, suffixes are not. The description is what follows the first separator, with every ``_``
    as a space, and is not trimmed.
    """
    stem = _without_suffix(file_name, naming.suffixes)
    if stem is None:
        return None
    for prefix, kind in naming.prefixes:
        if stem.startswith(prefix):
            return _parse_rest(stem[len(prefix) :], kind, prefix, naming)
    return None


def _without_suffix(file_name: str, suffixes: tuple[str, ...]) -> str | None:
    for suffix in sorted(suffixes, key=len, reverse=True):
        if suffix and file_name.lower().endswith(suffix.lower()):
            return file_name[: -len(suffix)]
    return None


def _parse_rest(rest: str, kind: str, prefix: str, naming: Naming) -> Name:
    left, _separator, right = rest.partition(naming.separator)
    description = right.replace("_", " ")
    if kind == CALLBACK:
        problem = f"a callback is named {prefix}.sql or {prefix}{naming.separator}description.sql" if left else ""
        return Name(kind, description, event=prefix, problem=problem)
    if kind == REPEATABLE:
        problem = ""
        if left or not _separator:
            problem = f"a repeatable migration is named {prefix}{naming.separator}description.sql, without a version"
        return Name(kind, description, problem=problem)
    try:
        return Name(kind, description, Version.parse(left))
    except InvalidVersionError as error:
        return Name(kind, description, problem=error.what)
