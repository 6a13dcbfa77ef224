"""The linter on pending scripts: what it is given, and what becomes of what it finds."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...session import LOCK_NOT_AVAILABLE, Session, SqlError
from .prepare import Prepared

OFF = "off"
WARN = "warn"
ERROR = "error"

#: So many findings are shown as warnings; the result has all of them.
SHOWN = 20


@dataclasses.dataclass(frozen=True)
class LintSettings:
    """The option ``lint``.

    :ivar level: ``off``; ``warn`` tells; ``error`` refuses to run while there is a finding of level error.
    :ivar rules: level by rule.
    :ivar naming: pattern by kind of object.
    :ivar thresholds: ``small_rows`` and so on, those that were given.
    """

    level: str
    rules: dict[str, str]
    naming: dict[str, str]
    thresholds: dict[str, int]

    @classmethod
    def from_option(cls, option: dict[str, t.Any] | None) -> LintSettings:
        option = option or {}
        names = ("small_rows", "small_bytes", "large_rows", "large_bytes")
        thresholds = {name: option[name] for name in names if option.get(name) is not None}
        return cls(option.get("level") or WARN, option.get("rules") or {}, option.get("naming") or {}, thresholds)


def lint(
    settings: LintSettings, prepared: t.Sequence[Prepared], session: Session | None
) -> tuple[list[dict[str, t.Any]], list[str]]:
    """Lint what is going to run.

    :return: all findings, and the warnings to show.
    :raises GroundworkError: findings of level error while ``settings.level`` is ``error``; an unknown rule or level.
    """
    if settings.level == OFF or not prepared:
        return [], []
    # Only here, because a run with nothing pending should not pay for loading the rules.
    from ...lint import engine, live

    known, blocked = live.LiveObjects(), []
    if session is not None:
        found = _catalogue(session, live.CATALOGUE_QUERY)
        if found is None:
            blocked = ["The sizes of tables are not known to the linter: a table is locked by another session."]
        else:
            known = live.from_catalogue(found if isinstance(found, dict) else json.loads(found))
    files = [item.pending for item in prepared if item.pending]
    findings = engine.lint(
        files,
        known,
        settings.rules,
        thresholds=live.Thresholds(**settings.thresholds),
        naming=settings.naming,
    )
    skipped = [f"{item.script.path} is too large to be linted." for item in prepared if not item.pending]
    serious = [finding for finding in findings if finding.level == "error"]
    if serious and settings.level == ERROR:
        raise _refused(serious)
    told = [str(finding) for finding in findings if finding.level in ("warning", "error")]
    if len(told) > SHOWN:
        told = [*told[:SHOWN], f"{len(told) - SHOWN} more findings of the linter are in the result."]
    return [dataclasses.asdict(finding) for finding in findings], told + skipped + blocked


def _catalogue(session: Session, query: str) -> t.Any:
    """The query's value; ``None`` when it would wait for a lock: the size of a table cannot be read while it is
    locked.
    """
    try:
        session.run("BEGIN; SET LOCAL lock_timeout = '500ms'")
        found = session.value(query)
        session.run("COMMIT")
        return found
    except SqlError as error:
        session.rollback()
        if error.sqlstate != LOCK_NOT_AVAILABLE:
            raise
        return None


def _refused(findings: t.Sequence[t.Any]) -> GroundworkError:
    shown = "\n".join(str(finding) for finding in findings[:SHOWN])
    more = f"\nand {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""
    return GroundworkError(
        f"The linter found {len(findings)} dangerous statements in pending scripts:\n{shown}{more}",
        where=f"{findings[0].file}:{findings[0].line}:{findings[0].column}",
        untouched="the database; nothing was run",
        code=ErrorCode.LINT,
        hint="Change the script, or put -- groundwork:ignore <rule> above the statement, or set the rule's level "
        "in lint.rules.",
        details={"lint": [dataclasses.asdict(finding) for finding in findings]},
    )
