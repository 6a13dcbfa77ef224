"""What each migration is now: files and history rows brought together by Flyway's rules (``MigrationInfoServiceImpl``).
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._migration.java_text import order_key
from ...._migration.version import Target, Version
from ..files.resolve import Resolved
from ..files.script import Script
from ..history.table import BASELINE, DELETE, SCHEMA, Row

PENDING = "Pending"
ABOVE_TARGET = "Above Target"
BELOW_BASELINE = "Below Baseline"
BASELINE_IGNORED = "Ignored (Baseline)"
IS_BASELINE = "Baseline"
IGNORED = "Ignored"
MISSING_SUCCESS = "Missing"
MISSING_FAILED = "Failed (Missing)"
SUCCESS = "Success"
UNDONE = "Undone"
FAILED = "Failed"
OUT_OF_ORDER = "Out of Order"
FUTURE_SUCCESS = "Future"
FUTURE_FAILED = "Failed (Future)"
OUTDATED = "Outdated"
SUPERSEDED = "Superseded"
DELETED = "Deleted"

FAILED_STATES = frozenset((FAILED, MISSING_FAILED, FUTURE_FAILED))
APPLIED_STATES = frozenset(
    (
        IS_BASELINE,
        MISSING_SUCCESS,
        MISSING_FAILED,
        SUCCESS,
        UNDONE,
        FAILED,
        OUT_OF_ORDER,
        FUTURE_SUCCESS,
        FUTURE_FAILED,
        OUTDATED,
        SUPERSEDED,
        DELETED,
    )
)


@dataclasses.dataclass
class _Applied:
    row: Row
    out_of_order: bool = False
    deleted: bool = False
    undone: bool = False


@dataclasses.dataclass(frozen=True)
class Info:
    """One migration: its script, its history row, or both."""

    script: Script | None
    row: Row | None
    state: str

    @property
    def version(self) -> Version | None:
        return self.row.version if self.row else t.cast(Script, self.script).version

    @property
    def description(self) -> str:
        return self.row.description if self.row else t.cast(Script, self.script).description

    @property
    def type(self) -> str:
        return self.row.type if self.row else t.cast(Script, self.script).row_type

    @property
    def path(self) -> str:
        return self.row.script if self.row else t.cast(Script, self.script).path

    @property
    def category(self) -> str:
        """Flyway's name for the sort of migration."""
        if self.row and self.row.type in (SCHEMA, BASELINE, DELETE):
            return {SCHEMA: "", BASELINE: "Baseline", DELETE: "Delete"}[self.row.type]
        if self.row and self.row.is_undo:
            return "Undo"
        if self.type == "SQL_BASELINE":
            return "Baseline"
        return "Versioned" if self.version else "Repeatable"


@dataclasses.dataclass(frozen=True)
class Situation:
    """All migrations in Flyway's order, and the versions that decide.

    :ivar pending: what a migration run would execute, in order.
    :ivar current: the schema's version; ``None`` before the first.
    """

    infos: list[Info]
    pending: list[Script]
    current: Version | None
    applied_baseline: Version | None
    target: Version | None


def survey(resolved: Resolved, rows: t.Sequence[Row], target: Target, out_of_order: bool) -> Situation:
    """Work out every migration's state.

    :raises GroundworkError: the history takes the same row back twice; ``target`` names a version that no migration
        has.
    """
    return _Survey(resolved, rows, target, out_of_order).result()


class _Survey:
    def __init__(self, resolved: Resolved, rows: t.Sequence[Row], target: Target, out_of_order: bool) -> None:
        self.out_of_order = out_of_order
        self.target = target
        self.target_version = target.version
        self.repeatables = {script.description: script for script in resolved.repeatables}
        self.versioned = {
            (script.version, script.row_type): script for script in [*resolved.versioned, *resolved.baselines]
        }
        self.applied_versioned: list[_Applied] = []
        self.applied_repeatable: list[_Applied] = []
        self.applied_baseline: Version | None = None
        for row in rows:
            self._take(row)
        self.last_resolved = max((script.version for script in self.versioned.values() if script.version), default=None)
        self.last_applied = self._mark_out_of_order()
        if target.keyword == "current":
            self.target_version = self.last_applied
        self.latest_runs: dict[str, int] = {}
        for applied in self.applied_repeatable:
            if not (applied.deleted and applied.row.type == DELETE):
                self.latest_runs[applied.row.description] = applied.row.installed_rank
        self.pending_baseline = self._pending_baseline(resolved)

    def _take(self, row: Row) -> None:
        if row.is_undo:
            if row.success:
                self._mark(row, self.applied_versioned, "undone")
            return
        if row.version_text is None:
            self.applied_repeatable.append(_Applied(row))
            if row.type == DELETE and row.success:
                self._mark(row, self.applied_repeatable, "deleted")
            return
        if row.is_baseline and row.version and (self.applied_baseline is None or row.version > self.applied_baseline):
            self.applied_baseline = row.version
        if row.type == DELETE and row.success:
            self._mark(row, self.applied_versioned, "deleted")
            return
        self.applied_versioned.append(_Applied(row))

    @staticmethod
    def _mark(row: Row, applied: list[_Applied], attribute: str) -> None:
        """Take back the latest run of the same version or, for repeatables, description."""
        for other in reversed(applied):
            same = (
                row.version == other.row.version
                if row.version_text is not None
                else row.description == other.row.description
            )
            if not same or other.row.is_synthetic:
                continue
            if attribute == "deleted" and other.deleted and row.version_text is not None:
                raise GroundworkError(
                    f"Corrupted schema history: multiple delete entries for version {row.version}",
                    code=ErrorCode.DUPLICATE_DELETED_MIGRATION,
                    untouched="the database",
                    hint="Somebody wrote to the history table by hand: remove the surplus DELETE row.",
                )
            setattr(other, attribute, True)
            return

    def _mark_out_of_order(self) -> Version | None:
        last: Version | None = None
        for applied in self.applied_versioned:
            version = applied.row.version
            if version is None:
                continue
            if last is not None and version <= last:
                applied.out_of_order = True
            elif not applied.deleted and not applied.undone:
                last = version
        return last

    def _pending_baseline(self, resolved: Resolved) -> Version | None:
        """The version of the ``B`` script that a new database starts with: the newest within the target."""
        if self.last_applied is not None:
            return None
        versions = [
            script.version
            for script in resolved.baselines
            if script.version and (self.target_version is None or script.version <= self.target_version)
        ]
        return max(versions, default=None)

    # -- states

    def result(self) -> Situation:
        infos = [self._applied_info(applied, self._script_of(applied.row)) for applied in self.applied_versioned]
        infos += [Info(script, None, self._pending_state(script)) for script in self._unapplied_versioned()]
        self._check_target(infos)
        infos += [
            self._applied_info(applied, self.repeatables.get(applied.row.description))
            for applied in self.applied_repeatable
        ]
        infos += [Info(script, None, PENDING) for script in self._unapplied_repeatables()]
        infos.sort(key=functools.cmp_to_key(_compare))
        pending = _pending(infos)
        if self.target.keyword == "next":
            first = next((script.version for script in pending if script.version), None)
            if first is not None:
                infos = [_above(info, first) for info in infos]
            pending = _pending(infos)[:1]
            self.target_version = first
        return Situation(infos, pending, self._current(infos), self.applied_baseline, self.target_version)

    def _script_of(self, row: Row) -> Script | None:
        return self.versioned.get((row.version, row.type))

    def _unapplied_versioned(self) -> list[Script]:
        applied = {
            (item.row.version, item.row.type) for item in self.applied_versioned if not item.deleted and not item.undone
        }
        return [script for key, script in self.versioned.items() if key not in applied]

    def _unapplied_repeatables(self) -> list[Script]:
        done = set()
        for item in self.applied_repeatable:
            script = self.repeatables.get(item.row.description)
            latest = self.latest_runs.get(item.row.description) == item.row.installed_rank
            counts = latest and not item.deleted and item.row.type != DELETE
            if script and counts and script.checksum_matches(item.row.checksum):
                done.add(script.description)
        return [script for script in self.repeatables.values() if script.description not in done]

    def _pending_state(self, script: Script) -> str:
        version = t.cast(Version, script.version)
        if script.row_type == "SQL_BASELINE":
            if version == self.pending_baseline:
                return PENDING
            return ABOVE_TARGET if self.target_version and version > self.target_version else BASELINE_IGNORED
        baseline = self.pending_baseline if self.last_applied is None else self.applied_baseline
        if baseline is not None and version <= baseline:
            return BELOW_BASELINE if version < baseline else BASELINE_IGNORED
        if self.target_version is not None and version > self.target_version:
            return ABOVE_TARGET
        if self.target.keyword == "current" and self.target_version is None:
            return ABOVE_TARGET
        if self.last_applied is not None and version < self.last_applied and not self.out_of_order:
            return IGNORED
        return PENDING

    def _applied_info(self, applied: _Applied, script: Script | None) -> Info:
        row = applied.row
        if row.type == DELETE:
            return Info(script, row, SUCCESS)
        return Info(script, row, self._applied_state(applied, script))

    def _applied_state(self, applied: _Applied, script: Script | None) -> str:
        row = applied.row
        if applied.deleted:
            return DELETED
        if applied.undone:
            return UNDONE
        if row.type == BASELINE:
            return IS_BASELINE
        latest = (
            row.version_text is not None
            or self.latest_runs.get(row.description, row.installed_rank) == row.installed_rank
        )
        if script is None and latest:
            if row.type == SCHEMA:
                return SUCCESS
            if row.version is None or (self.last_resolved is not None and row.version < self.last_resolved):
                return MISSING_SUCCESS if row.success else MISSING_FAILED
            return FUTURE_SUCCESS if row.success else FUTURE_FAILED
        if not row.success:
            return FAILED
        if row.version_text is None:
            if not latest:
                return SUPERSEDED
            return SUCCESS if script and script.checksum_matches(row.checksum) else OUTDATED
        if row.is_baseline:
            return IS_BASELINE
        return OUT_OF_ORDER if applied.out_of_order else SUCCESS

    def _check_target(self, infos: list[Info]) -> None:
        version = self.target.version
        if version is None or self.target.optional or any(info.version == version for info in infos):
            return
        raise GroundworkError(
            f"No migration with a target version {version} could be found. Ensure target is specified correctly "
            "and the "
            "migration exists.",
            untouched="the database",
            code=ErrorCode.VALIDATE_ERROR,
            hint=f"Write {version}? to accept that no migration has that version.",
        )

    @staticmethod
    def _current(infos: list[Info]) -> Version | None:
        return max(
            (
                info.version
                for info in infos
                if info.state in APPLIED_STATES
                and info.state not in (DELETED, UNDONE)
                and info.type != DELETE
                and info.version
            ),
            default=None,
        )


def _pending(infos: t.Iterable[Info]) -> list[Script]:
    return [info.script for info in infos if info.state == PENDING and info.script and info.script.executes]


def _above(info: Info, target: Version) -> Info:
    beyond = info.state == PENDING and info.version is not None and info.version > target
    return dataclasses.replace(info, state=ABOVE_TARGET) if beyond else info


def _compare(a: Info, b: Info) -> int:
    """Flyway's order of display: what a baseline covers, then as installed, then what is not applied."""
    if a.row and b.row:
        return a.row.installed_rank - b.row.installed_rank
    for one, other, sign in ((a, b, -1), (b, a, 1)):
        if other.row and one.state in (BELOW_BASELINE, BASELINE_IGNORED):
            return sign
    if a.row or b.row:
        return -1 if a.row else 1
    if a.version and b.version:
        return _order(a.version, b.version)
    if a.version or b.version:
        return -1 if a.version else 1
    one_key, other_key = order_key(a.description), order_key(b.description)
    return (one_key > other_key) - (one_key < other_key)


def _order(a: Version, b: Version) -> int:
    return (a > b) - (a < b)
