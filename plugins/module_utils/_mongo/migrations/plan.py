"""What the history says about each change file, and which files are to be applied. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._migration.version import InvalidVersionError, Target, Version
from .document import UNTOUCHED
from .resolve import Script


@dataclasses.dataclass(frozen=True)
class Record:
    """One document of the history.

    :ivar key: its ``_id``, see ``Script.key``.
    :ivar operations: checksum of every operation that is done.
    :ivar progress: of the operation that is under way: ``after`` and ``documents``.
    """

    key: str
    version: Version | None
    description: str
    checksum: int
    script: str
    success: bool
    rank: int = 0
    operations: tuple[int, ...] = ()
    progress: dict[str, t.Any] | None = None
    token: str = ""

    @property
    def title(self) -> str:
        return f"{self.version or 'repeatable'} {self.description}".strip()


def record_from(found: dict[str, t.Any]) -> Record:
    version = None
    if found.get("version") is not None:
        try:
            version = Version.parse(str(found["version"]))
        except InvalidVersionError:
            version = None
    return Record(
        str(found["_id"]), version, str(found.get("description", "")), int(found.get("checksum", 0)),
        str(found.get("script", "")), bool(found.get("success")), int(found.get("installed_rank", 0)),
        tuple(int(one["checksum"]) for one in found.get("operations") or ()), found.get("progress"),
        str(found.get("token", "")),
    )


@dataclasses.dataclass(frozen=True)
class Pending:
    """A file to apply.

    :ivar record: what an earlier run has left, when there was one.
    """

    script: Script
    record: Record | None = None

    @property
    def continues(self) -> bool:
        """Whether an interrupted run has begun with exactly this file."""
        record = self.record
        return record is not None and not record.success and bool(record.operations or record.progress)

    @property
    def done(self) -> int:
        """Operations that are done already."""
        return len(self.record.operations) if self.record and self.continues else 0


class Verdict(t.NamedTuple):
    """What there is to do, and what a person ought to know."""

    pending: list[Pending]
    warnings: list[str]


def judge(scripts: list[Script], records: list[Record], target: Target, out_of_order: bool) -> Verdict:
    """Compare files and history by the rules of Flyway.

    :raises GroundworkError: a file does not agree with the history; all disagreements are told at once.
    """
    by_key = {record.key: record for record in records}
    applied = [record.version for record in records if record.version and record.success]
    highest_applied = max(applied, default=None)
    problems: list[tuple[ErrorCode, str]] = []
    warnings = _missing(scripts, records, problems)
    pending = []
    for script in scripts:
        record = by_key.get(script.key)
        if script.version is None:
            if record is None or not record.success or record.checksum != script.checksum:
                pending.append(Pending(script, _usable(script, record)))
            continue
        if record is not None:
            _compare(script, record, problems)
            if not record.success:
                pending.append(Pending(script, record))
        elif not _beyond(script.version, target):
            if highest_applied and script.version < highest_applied and not out_of_order:
                problems.append((ErrorCode.RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED, (
                    f"{script.label}: version {script.version} was not applied, and {highest_applied} is already; "
                    "set out_of_order to apply it now, or give it a higher version")))
            pending.append(Pending(script))
    _raise(problems)
    return Verdict(pending, warnings)


def _usable(script: Script, record: Record | None) -> Record | None:
    """The record of a repeatable file when the same content was interrupted; otherwise it starts anew."""
    if record is None or record.checksum == script.checksum:
        return record
    return dataclasses.replace(record, operations=(), progress=None)


def _compare(script: Script, record: Record, problems: list[tuple[ErrorCode, str]]) -> None:
    if record.description != script.description:
        problems.append((ErrorCode.DESCRIPTION_MISMATCH, (
            f"{script.label}: the description is {script.description!r}, version {script.version} was applied as "
            f"{record.description!r}; rename the file back")))
    if record.checksum == script.checksum:
        return
    if record.success:
        problems.append((ErrorCode.CHECKSUM_MISMATCH, (
            f"{script.label}: the file was edited after version {script.version} was applied (checksum "
            f"{record.checksum} then, {script.checksum} now); revert the edit and put the change into a new file")))
        return
    begun = len(record.operations) + (1 if record.progress else 0)
    kept = tuple(one.checksum for one in script.operations[: len(record.operations)])
    current = (record.progress or {}).get("checksum")
    under_way = script.operations[begun - 1].checksum if begun <= len(script.operations) and begun else None
    if kept != record.operations or (begun > len(record.operations) and under_way != current):
        problems.append((ErrorCode.CHECKSUM_MISMATCH, (
            f"{script.label}: an interrupted run has done or begun the first {begun} operations of this file, and one "
            "of them was edited since; revert that edit, later operations may change")))


def _missing(scripts: list[Script], records: list[Record], problems: list[tuple[ErrorCode, str]]) -> list[str]:
    keys = {script.key for script in scripts}
    highest_local = max((script.version for script in scripts if script.version), default=None)
    warnings = []
    for record in records:
        if record.key in keys or record.version is None:
            continue
        if highest_local is not None and record.version < highest_local:
            problems.append((ErrorCode.APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED, (
                f"version {record.title} was applied from {record.script}, and that file is gone; bring it back")))
        else:
            warnings.append(f"Version {record.title} was applied and is newer than every file here. An old checkout?")
    return warnings


def _beyond(version: Version, target: Target) -> bool:
    return target.version is not None and target.version < version


def _raise(problems: list[tuple[ErrorCode, str]]) -> None:
    if not problems:
        return
    lines = [text for _code, text in problems]
    what = lines[0] if len(lines) == 1 else "The change files do not agree with the history:\n  " + "\n  ".join(lines)
    raise GroundworkError(what, untouched=UNTOUCHED, code=problems[0][0])
