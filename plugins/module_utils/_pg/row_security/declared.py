"""Row level security as it is wanted: the module's options, checked."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected
from ..quoting import PUBLIC, grantee, identifier

UNTOUCHED = "every table; nothing was written"
COMMANDS = ("all", "select", "insert", "update", "delete")


@dataclasses.dataclass(frozen=True)
class PolicyFacts:
    """What is declared of a policy, and what is live of it.

    :param using: condition on rows that exist; ``None`` where the command has none.
    :param with_check: condition on rows that are written; ``None`` means as PostgreSQL does, the same as ``using``.
    :param roles: sorted names; ``public`` is everybody.
    """

    name: str
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    with_check: str | None

    def facts(self) -> dict[str, t.Any]:
        return {
            "command": self.command,
            "permissive": self.permissive,
            "roles": list(self.roles),
            "using": self.using,
            "with_check": self.with_check,
        }


class Policy(PolicyFacts):
    """One policy, wherever it is put."""

    @property
    def mark(self) -> str:
        """What tells this description from another one."""
        return digest(repr((self.command, self.permissive, self.roles, self.using, self.with_check)))

    def create(self, table_sql: str) -> str:
        kind = "PERMISSIVE" if self.permissive else "RESTRICTIVE"
        return (
            f"CREATE POLICY {identifier(self.name)} ON {table_sql} AS {kind} FOR {self.command.upper()}"
            f" TO {', '.join(grantee(role) for role in self.roles)}{self._conditions()}"
        )

    def alter(self, table_sql: str) -> str:
        roles = ", ".join(grantee(role) for role in self.roles)
        return f"ALTER POLICY {identifier(self.name)} ON {table_sql} TO {roles}{self._conditions()}"

    def _conditions(self) -> str:
        using = f" USING ({self.using})" if self.using else ""
        return f"{using} WITH CHECK ({self.with_check})" if self.with_check else using


@dataclasses.dataclass(frozen=True)
class Rule:
    """A policy and the tables that it is put on.

    :param tables: patterns; a name without ``*`` and ``?`` must exist.
    :param having_column: only tables with this column, when the name is a pattern.
    """

    schema: str
    tables: tuple[str, ...]
    exceptions: tuple[str, ...]
    having_column: str | None
    policy: Policy
    absent: bool
    force: bool

    def exact_names(self) -> list[str]:
        return [name for name in self.tables if not _is_pattern(name)]

    def covers(self, table: str, columns: t.Container[str]) -> bool:
        if any(fnmatch.fnmatchcase(table, pattern) for pattern in self.exceptions):
            return False
        if table in self.tables:
            return True
        matches = any(fnmatch.fnmatchcase(table, pattern) for pattern in self.tables)
        return matches and (self.having_column is None or self.having_column in columns)


def parse(options: dict[str, t.Any]) -> tuple[Rule, ...]:
    """:raises GroundworkError: naming each policy that cannot be meant so."""
    with collected("the policies", ErrorCode.BAD_POLICY, UNTOUCHED) as problems:
        return tuple(_rule(entry, problems) for entry in options["policies"])


def _rule(entry: dict[str, t.Any], problems: Problems) -> Rule:
    policy = Policy(
        name=entry["name"],
        command=entry["command"],
        permissive=entry["permissive"],
        roles=tuple(sorted({PUBLIC if role.upper() == "PUBLIC" else role for role in entry["roles"]})),
        using=_condition(entry["using"]),
        with_check=_condition(entry["with_check"]),
    )
    absent = entry["state"] == "absent"
    if not absent:
        _check(policy, problems)
    return Rule(
        schema=entry["schema"],
        tables=tuple(entry["tables"]),
        exceptions=tuple(entry["except"] or ()),
        having_column=entry["having_column"],
        policy=policy,
        absent=absent,
        force=entry["force"],
    )


def _check(policy: Policy, problems: Problems) -> None:
    where = f"policy {policy.name}"
    if policy.command == "insert" and policy.using:
        problems.add(where, "A policy for insert has with_check only: there is no row yet.", "Remove using.")
    if policy.command in ("select", "delete") and policy.with_check:
        problems.add(where, f"A policy for {policy.command} writes nothing to check.", "Remove with_check.")
    if not policy.using and not policy.with_check:
        problems.add(where, "The policy has no condition.", "Set using, or with_check for insert.")
    if not policy.roles:
        problems.add(where, "The policy is for no role.", "Leave roles out to mean everybody.")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _condition(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text else None


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")
