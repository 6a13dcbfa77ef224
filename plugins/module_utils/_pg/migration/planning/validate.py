"""Flyway's validation: which differences between files and history are errors, in Flyway's words and with its codes."""

from __future__ import annotations

import dataclasses
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ..history.table import DELETE
from . import state
from .state import Info, Situation

_PATTERN_TYPES = ("repeatable", "versioned", "*")
_STATUSES = {
    "missing": frozenset((state.MISSING_SUCCESS, state.MISSING_FAILED)),
    "pending": frozenset((state.PENDING,)),
    "ignored": frozenset((state.IGNORED,)),
    "future": frozenset((state.FUTURE_SUCCESS, state.FUTURE_FAILED)),
}


@dataclasses.dataclass(frozen=True)
class IgnorePattern:
    """One of Flyway's ``ignoreMigrationPatterns``: ``type:status``."""

    type: str
    status: str

    @classmethod
    def parse(cls, text: str) -> IgnorePattern:
        """Read a pattern, without regard to case.

        :raises GroundworkError: not two parts, or an unknown word.
        """
        kind, _colon, status = text.lower().partition(":")
        if kind not in _PATTERN_TYPES or status not in (*_STATUSES, "*"):
            raise GroundworkError(
                f"Invalid pattern '{text}'. Pattern must be in the form <migration_type>:<migration_status>",
                untouched="the database",
                hint=f"Types are {', '.join(_PATTERN_TYPES)}; statuses are {', '.join(_STATUSES)} and *.",
            )
        return cls(kind, status)

    def matches(self, info: Info) -> bool:
        if self.type != "*" and (self.type == "versioned") != (info.version is not None):
            return False
        statuses = _STATUSES.values() if self.status == "*" else [_STATUSES[self.status]]
        return any(info.state in states for states in statuses)


@dataclasses.dataclass(frozen=True)
class Invalid:
    """One migration that does not validate."""

    info: Info
    code: ErrorCode
    message: str

    def output(self) -> dict[str, t.Any]:
        """As Flyway's JSON has it."""
        info = self.info
        return {
            "version": str(info.version) if info.version else "",
            "description": info.description,
            "filepath": info.script.label if info.script else "",
            "error_details": {"error_code": self.code.value, "error_message": self.message},
        }


def validate(situation: Situation, patterns: t.Sequence[IgnorePattern], ignore_pending: bool) -> list[Invalid]:
    """Return what is wrong, in the order of the migrations.

    :param ignore_pending: pending migrations are no error, because they are about to be run.
    """
    found = []
    for info in situation.infos:
        problem = _problem(info, situation, patterns, ignore_pending)
        if problem:
            found.append(Invalid(info, *problem))
    return found


def error(invalid: t.Sequence[Invalid], where: str) -> GroundworkError:
    """The one error for everything that did not validate."""
    code = invalid[0].code if len(invalid) == 1 else ErrorCode.VALIDATE_ERROR
    return GroundworkError(
        "Validate failed: Migrations have failed validation\n" + "\n".join(item.message for item in invalid),
        where=where,
        untouched="the database; nothing was run",
        code=code,
        hint=_HINTS.get(invalid[0].code),
        details={"invalid_migrations": [item.output() for item in invalid]},
    )


_HINTS = {
    ErrorCode.CHECKSUM_MISMATCH: "Put the file back as it was applied and write a new migration for the change; "
    "state=repaired takes "
    "the new checksum over when the database really is as the file says.",
    ErrorCode.FAILED_VERSIONED_MIGRATION: "Undo by hand what the failed script left behind, then run this module with "
    "state=repaired.",
    ErrorCode.FAILED_REPEATABLE_MIGRATION: "Undo by hand what the failed script left behind, then run this module with "
    "state=repaired.",
    ErrorCode.APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED: "Is this the right folder and the right branch? If so, and the "
    "file is gone on "
    "purpose, run this module with state=repaired, or add '*:missing' to ignore_migration_patterns.",
    ErrorCode.RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED: "A migration with a lower version than the newest applied one "
    "arrived late: "
    "give it a higher version, or set out_of_order=true.",
}


def _problem(
    info: Info, situation: Situation, patterns: t.Sequence[IgnorePattern], ignore_pending: bool
) -> tuple[ErrorCode, str] | None:
    left_out = info.row is None and info.script is not None and not info.script.executes
    if left_out or any(pattern.matches(info) for pattern in patterns):
        return None
    if info.state in (state.ABOVE_TARGET, state.DELETED, state.UNDONE, state.BELOW_BASELINE, state.BASELINE_IGNORED):
        return None
    return (
        _failed(info)
        or _unresolved(info)
        or _unapplied(info, ignore_pending)
        or _mismatch(info, situation, ignore_pending)
    )


def _failed(info: Info) -> tuple[ErrorCode, str] | None:
    if info.state not in state.FAILED_STATES:
        return None
    advice = "Please remove any half-completed changes then run repair to fix the schema history."
    if info.version is None:
        what = f"Detected failed repeatable migration: {info.description}.\n{advice}"
        return ErrorCode.FAILED_REPEATABLE_MIGRATION, what
    return (
        ErrorCode.FAILED_VERSIONED_MIGRATION,
        f"Detected failed migration to version {info.version} ({info.description}).\n{advice}",
    )


def _unresolved(info: Info) -> tuple[ErrorCode, str] | None:
    row = info.row
    if info.script or row is None or row.is_synthetic or row.is_undo or info.state == state.SUPERSEDED:
        return None
    versioned = ErrorCode.APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED
    code = versioned if info.version else ErrorCode.APPLIED_REPEATABLE_MIGRATION_NOT_RESOLVED
    return code, (
        f"Detected applied migration not resolved locally: {info.version or info.description}.\n"
        "If you removed this migration intentionally, run repair to mark the migration as deleted."
    )


def _unapplied(info: Info, ignore_pending: bool) -> tuple[ErrorCode, str] | None:
    versioned = info.version is not None
    code = (
        ErrorCode.RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED
        if versioned
        else ErrorCode.RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED
    )
    what = (
        f"Detected resolved migration not applied to database: {info.version}.\n"
        if versioned
        else f"Detected resolved repeatable migration not applied to database: {info.description}.\n"
    )
    if info.state == state.IGNORED:
        allow = " To allow executing this migration, set -outOfOrder=true." if versioned else ""
        return code, f"{what}To ignore this migration, set -ignoreMigrationPatterns='*:ignored'.{allow}"
    if ignore_pending:
        return None
    if info.state == state.PENDING:
        return code, f"{what}To fix this error, either run migrate, or set -ignoreMigrationPatterns='*:pending'."
    if info.state == state.OUTDATED:
        return ErrorCode.OUTDATED_REPEATABLE_MIGRATION, (
            "Detected outdated resolved repeatable migration that should be re-applied to database: "
            f"{info.description}.\nRun migrate to execute this migration."
        )
    return None


def _mismatch(info: Info, situation: Situation, ignore_pending: bool) -> tuple[ErrorCode, str] | None:
    script, row = info.script, info.row
    if script is None or row is None or row.type == DELETE:
        return None
    baseline = situation.applied_baseline
    if info.version is not None and baseline is not None and info.version <= baseline:
        return None
    identifier = row.script if info.version is None else f"version {row.version_text}"
    if script.row_type != row.type:
        return ErrorCode.TYPE_MISMATCH, _mismatch_text("type", identifier, row.type, script.row_type)
    compared = info.version is not None or (ignore_pending and info.state not in (state.OUTDATED, state.SUPERSEDED))
    if compared and not script.checksum_matches(row.checksum):
        applied = "null" if row.checksum is None else str(row.checksum)
        return ErrorCode.CHECKSUM_MISMATCH, _mismatch_text("checksum", identifier, applied, str(script.checksum))
    if script.description != row.description:
        what = _mismatch_text("description", identifier, row.description, script.description)
        return ErrorCode.DESCRIPTION_MISMATCH, what
    return None


def _mismatch_text(what: str, identifier: str, applied: str, resolved: str) -> str:
    return (
        f"Migration {what} mismatch for migration {identifier}\n"
        f"-> Applied to database : {applied}\n"
        f"-> Resolved locally    : {resolved}\n"
        "Either revert the changes to the migration, or run repair to update the schema history."
    )
