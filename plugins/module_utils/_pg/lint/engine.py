"""Lint pending migration files. This is the way in.


    files = [PendingFile.read("V2__x.sql", stream), ...]           # lint.pending; in the order they will be applied
    live = from_catalogue(json_of(CATALOGUE_QUERY))                  # lint.live; or LiveObjects() when offline
    findings = lint(files, live, {"varchar-limit": "off"})

Rules are in ``rules/``, one function each, entered into ``rule.RULES``. Levels: the user's for the rule, else what the
rule says of the case, else by the live size of the table (info below ``Thresholds.small_*``, error from ``large_*``
on), else the rule's own. Objects that pending files create themselves are exempt from rules about locks and about
running programs.
"""

from __future__ import annotations

import builtins
import dataclasses
import difflib
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..sql import ddl as ddl_reader
from ..sql.model import Ddl
from ..sql.transaction_mode import TransactionModes
from . import effects, ignore
from .context import Context, FileState
from .live import LiveObjects, Thresholds
from .pending import PendingFile
from .rule import LEVELS, RULES, Hit, Rule
from .rules import column, constraint, data, file, index, naming, partition, table, transaction, type

#: Every module of rules: to be imported is what enters its rules into RULES.
RULE_MODULES = (column, constraint, data, file, index, naming, partition, table, transaction, type)
UNUSED_IGNORE = "unused-ignore"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a rule has found.

    :ivar level: ``info``, ``warning`` or ``error``.
    :ivar line, column: 1-based place in the file.
    :ivar lock: the lock that does the harm, if one does.
    :ivar alternative: what to do instead, with the names filled in.
    """

    rule: str
    level: str
    file: str
    line: int
    column: int
    object: str
    message: str
    alternative: str
    lock: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.level}: {self.message} [{self.rule}]; instead: {self.alternative}"


def lint(
    files: t.Iterable[PendingFile],
    live: LiveObjects | None = None,
    levels: t.Mapping[str, str] | None = None,
    *,
    thresholds: Thresholds | None = None,
    naming: t.Mapping[str, str] | None = None,
    modes: TransactionModes | None = None,
) -> list[Finding]:
    """Lint files in the order in which they will be applied.

    :param levels: level per rule id, ``off`` included. Overrides sizes too.
    :param naming: pattern per kind of object (``table``, ``column``, ``index``, ``constraint``, ``view``...).
    :param modes: what is known of partitioned tables and the like; it learns from the files.
    :raises GroundworkError: for a rule or level in ``levels`` that does not exist.
    """
    levels = dict(levels or {})
    check_levels(levels)
    run = _Run(live or LiveObjects(), levels, thresholds or Thresholds(), naming or {}, modes or TransactionModes())
    return [finding for pending in files for finding in run.file(pending)]


def check_levels(levels: t.Mapping[str, str]) -> None:
    """Refuse rules and levels that do not exist, before anything else is done."""
    for rule, level in levels.items():
        if rule not in RULES:
            near = difflib.get_close_matches(rule, RULES, 1)
            raise GroundworkError(
                f"there is no lint rule {rule!r}",
                untouched="nothing was read or changed",
                hint=f"did you mean {near[0]}?" if near else "the rules are listed in docs/lint-rules.md",
                code=ErrorCode.LINT_RULE_UNKNOWN,
            )
        if level not in LEVELS:
            raise GroundworkError(
                f"lint rule {rule} cannot have the level {level!r}",
                untouched="nothing was read or changed",
                hint=f"use one of {', '.join(LEVELS)}",
                code=ErrorCode.LINT_LEVEL_UNKNOWN,
            )


class _Run:
    """One run over all files: the context is carried from file to file."""

    def __init__(
        self,
        live: LiveObjects,
        levels: t.Mapping[str, str],
        thresholds: Thresholds,
        naming: t.Mapping[str, str],
        modes: TransactionModes,
    ) -> None:
        self._levels = levels
        self._modes = modes
        self._context = Context(live, thresholds, naming)
        self._rules = [rule for rule in RULES.values() if self._base_level(rule) != "off"]
        self._rules_of: dict[builtins.type[Ddl], list[Rule]] = {}

    def _base_level(self, rule: Rule) -> str:
        if rule.id == "naming-policy" and not self._context.naming:
            return "off"
        return self._levels.get(rule.id, rule.level)

    def file(self, pending: PendingFile) -> list[Finding]:
        """Lint one file."""
        context = self._context
        decisions = pending.decisions
        if decisions is None:
            decisions = [self._modes.of_statement(statement) for statement in pending.statements]
        context.begin(pending, FileState(decisions))
        ignores = ignore.read(pending.comments)
        findings: list[Finding] = []
        for statement, decision in zip(pending.statements, decisions, strict=True):
            context.statement = statement
            context.decision = decision
            ddl = ddl_reader.parse(statement)
            for rule in self._rules_for(ddl):
                for hit in rule.check(ddl, context):
                    covering = [one for one in ignores if one.covers(rule.id, statement.number)]
                    for one in covering:
                        one.used = True
                    if not covering:
                        findings.append(self._finding(rule, hit))
            effects.apply(ddl, context)
        findings += self._unused(pending, ignores)
        return sorted(findings, key=lambda finding: (finding.line, finding.column))

    def _rules_for(self, ddl: Ddl) -> list[Rule]:
        kind = ddl.__class__
        if kind not in self._rules_of:
            self._rules_of[kind] = [rule for rule in self._rules if issubclass(kind, rule.statements)]
        return self._rules_of[kind]

    def _level(self, rule: Rule, hit: Hit) -> str:
        if rule.id in self._levels:
            return self._levels[rule.id]
        if hit.level:
            return hit.level
        size = self._context.size(hit.table) if rule.scales and hit.table else None
        return self._context.thresholds.level(size) if size else rule.level

    def _finding(self, rule: Rule, hit: Hit) -> Finding:
        place = self._context.statement.place(hit.start + 1)
        return Finding(
            rule.id,
            self._level(rule, hit),
            self._context.file.path,
            place.line,
            place.column,
            hit.object,
            hit.message,
            hit.alternative,
            rule.lock,
        )

    def _unused(self, pending: PendingFile, ignores: t.Iterable[ignore.Ignore]) -> t.Iterator[Finding]:
        level = self._levels.get(UNUSED_IGNORE, RULES[UNUSED_IGNORE].level)
        if level == "off":
            return
        for one in ignores:
            switched_off = one.rule in RULES and self._base_level(RULES[one.rule]) == "off"
            if one.used or switched_off or one.foreign:
                continue
            if one.known:
                where = f"statement {one.statement}" if one.statement else "the file"
                message = f"{one.written} finds nothing in {where}: the comment ignores nothing"
            else:
                message = f"there is no rule {one.written}" if one.written else "the comment names no rule"
            advice = "Take the comment out, or correct it"
            yield Finding(UNUSED_IGNORE, level, pending.path, one.line, 1, one.written, message, advice)
