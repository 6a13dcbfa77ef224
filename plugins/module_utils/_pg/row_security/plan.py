"""From the rules and the catalogue to the steps: a pure function.

The server does not keep a condition as it was written, but parsed, and writes it back in its own words. So a policy
gets a comment with two marks: one of the description, one of what the server made of it. Both must still be true; a
change on either side is seen, and no lock is needed to find out.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from ..._core.problems import Problems, repeated
from ..quoting import identifier, literal
from .declared import UNTOUCHED, Policy, Rule, digest
from .live import LivePolicy, Table

COMMENT = "pg_row_security "


@dataclasses.dataclass(frozen=True)
class SecurityStep(Step):
    """:param marked: the policy to mark after its conditions have been written."""

    marked: Policy | None = None


@dataclasses.dataclass(frozen=True)
class TableSteps:
    """The steps of one table, which are one transaction."""

    table: Table
    steps: tuple[SecurityStep, ...]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """:param tables: what there is to do, table by table.
    :param protected: full names of the tables that a rule covers.
    :param missing: named tables that do not exist.
    :param unmanaged: policies of these tables that nobody listed, by table.
    """

    tables: tuple[TableSteps, ...]
    protected: tuple[str, ...]
    missing: tuple[str, ...]
    unmanaged: dict[str, list[str]]

    @property
    def plan(self) -> Plan:
        return Plan(tuple(step for each in self.tables for step in each.steps))


def plan(rules: t.Sequence[Rule], tables: dict[int, Table], purge: bool) -> Outcome:
    """:raises GroundworkError: two rules want the same policy in two ways."""
    work: list[TableSteps] = []
    problems = Problems()
    protected, unmanaged = [], {}
    for table in tables.values():
        mine = [rule for rule in rules if rule.schema == table.schema and rule.covers(table.name, table.columns)]
        if not mine or (table.parent is not None and not _named(mine, table)):
            continue
        for name in repeated(rule.policy.name for rule in mine):
            what = f"Two entries want the policy {name} on {table.full_name}."
            problems.add(f"policy {name}", what, "Give each a name of its own.")
        protected.append(table.full_name)
        force = any(rule.force for rule in mine)
        steps = [step for rule in mine for step in _policy_steps(table, rule)]
        if not all(rule.absent for rule in mine):
            steps = _switch_steps(table, force) + steps
            work += [TableSteps(child, tuple(_switch_steps(child, force))) for child in _descendants(table, tables)]
        others = sorted(table.policies.keys() - {rule.policy.name for rule in mine})
        if others and purge:
            steps += [_drop(table, table.policies[name]) for name in others]
        elif others:
            unmanaged[table.full_name] = others
        work.append(TableSteps(table, tuple(steps)))
    problems.raise_if_any("the policies", ErrorCode.BAD_POLICY, UNTOUCHED)
    return Outcome(
        tuple(each for each in work if each.steps), tuple(protected), tuple(_missing(rules, tables)), unmanaged
    )


def comment(policy: Policy, live: LivePolicy) -> str:
    """Marks of the description and of the conditions as the server writes them."""
    return f"{COMMENT}{policy.mark} {_live_mark(live)}"


def _live_mark(live: LivePolicy) -> str:
    return digest(repr((live.command, live.permissive, live.roles, live.using, live.with_check)))


def _named(rules: t.Sequence[Rule], table: Table) -> bool:
    return any(table.name in rule.tables for rule in rules)


def _switch_steps(table: Table, force: bool) -> list[SecurityStep]:
    steps = []
    if not table.enabled:
        statement = f"ALTER TABLE {table.sql} ENABLE ROW LEVEL SECURITY"
        steps.append(_switch(table, "enable", "row security off", "row security on", statement))
    if force and not table.forced:
        statement = f"ALTER TABLE {table.sql} FORCE ROW LEVEL SECURITY"
        steps.append(_switch(table, "force", "owner exempt", "owner bound too", statement))
    return steps


def _switch(table: Table, action: str, before: str, after: str, statement: str) -> SecurityStep:
    return SecurityStep(action, "row security", table.full_name, before, after, statement)


def _policy_steps(table: Table, rule: Rule) -> list[SecurityStep]:
    policy = rule.policy
    live = table.policies.get(policy.name)
    if rule.absent:
        return [_drop(table, live)] if live else []
    name = f"{policy.name} on {table.full_name}"
    if live is None:
        return [SecurityStep("create", "policy", name, None, policy.facts(), policy.create(table.sql), policy)]
    if live.comment == comment(policy, live):
        return []
    # ALTER POLICY can neither change the command or kind, nor take a condition away.
    alterable = (live.command, live.permissive) == (policy.command, policy.permissive) and not (
        (live.using and not policy.using) or (live.with_check and not policy.with_check)
    )
    if alterable:
        return [SecurityStep("alter", "policy", name, live.facts(), policy.facts(), policy.alter(table.sql), policy)]
    statement = f"DROP POLICY {identifier(policy.name)} ON {table.sql}; {policy.create(table.sql)}"
    return [SecurityStep("replace", "policy", name, live.facts(), policy.facts(), statement, policy)]


def _drop(table: Table, live: LivePolicy) -> SecurityStep:
    statement = f"DROP POLICY {identifier(live.name)} ON {table.sql}"
    name = f"{live.name} on {table.full_name}"
    return SecurityStep("drop", "policy", name, live.facts(), None, statement)


def mark_statement(table: Table, policy: Policy, live: LivePolicy) -> str:
    return f"COMMENT ON POLICY {identifier(policy.name)} ON {table.sql} IS {literal(comment(policy, live))}"


def _descendants(table: Table, tables: dict[int, Table]) -> list[Table]:
    children = [each for each in tables.values() if each.parent == table.oid]
    return children + [each for child in children for each in _descendants(child, tables)]


def refuse_missing(rules: t.Sequence[Rule], tables: dict[int, Table]) -> None:
    """:raises GroundworkError: a named table does not exist."""
    missing = _missing(rules, tables)
    if missing:
        raise GroundworkError(
            f"These tables do not exist: {', '.join(missing)}.",
            where=f"policy {', '.join(sorted({rule.policy.name for rule in rules}))}",
            untouched=UNTOUCHED,
            hint="Correct the names, or set missing_tables to report when a migration is yet to create them.",
            code=ErrorCode.NO_SUCH_TABLE,
        )


def plan_for_empty(rules: t.Sequence[Rule]) -> Outcome:
    """What will happen to named tables in a database that does not exist yet."""
    return with_missing(Outcome((), (), tuple(_missing(rules, {})), {}), rules, {})


def with_missing(outcome: Outcome, rules: t.Sequence[Rule], tables: dict[int, Table]) -> Outcome:
    """The outcome, and what will happen to named tables once a migration has created them."""
    named = {name: _table_to_come(-number, name) for number, name in enumerate(_missing(rules, tables), 1)}
    later = plan(rules, {table.oid: table for table in named.values()}, purge=False)
    return dataclasses.replace(outcome, tables=(*outcome.tables, *later.tables))


def _table_to_come(oid: int, full_name: str) -> Table:
    schema, name = full_name.split(".", 1)
    return Table(oid, schema, name, False, False, "", None, frozenset(), {})


def _missing(rules: t.Sequence[Rule], tables: dict[int, Table]) -> list[str]:
    known = {table.full_name for table in tables.values()}
    named = [f"{rule.schema}.{name}" for rule in rules if not rule.absent for name in rule.exact_names()]
    return sorted({name for name in named if name not in known})
