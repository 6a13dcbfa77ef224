"""What a run reports."""

from __future__ import annotations

import dataclasses
import typing as t

from ...._core.plan import Plan
from ..files.script import Script


@dataclasses.dataclass
class Outcome:
    """The result of one database or schema; ``result`` names its fields as Flyway's JSON does, in snake_case.

    :ivar wrote: something has been written already, for the case that a later step fails.
    """

    database: str
    schema: str
    plan: Plan = dataclasses.field(default_factory=Plan)
    initial_version: str | None = None
    final_version: str | None = None
    pending: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    migrations: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    retries: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    lint: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    preview: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    more_diff: list[dict[str, str]] = dataclasses.field(default_factory=list)
    callbacks: list[str] = dataclasses.field(default_factory=list)
    milliseconds: int = 0
    wrote: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.plan)

    def stopped(self) -> dict[str, t.Any]:
        """The result of a run that an error ended: its version is that of the last script that went through."""
        reached = next((m["version"] for m in reversed(self.migrations) if m["version"]), self.initial_version)
        return {**self.result(), "schema_version": reached, "changed": self.wrote or bool(self.migrations)}

    def diff(self) -> list[dict[str, str]]:
        return [*self.plan.diff(), *self.more_diff]

    def result(self) -> dict[str, t.Any]:
        return {
            "database": self.database,
            "schema_name": self.schema,
            "initial_schema_version": self.initial_version,
            "target_schema_version": next((m["version"] for m in reversed(self.migrations) if m["version"]), None),
            "schema_version": self.final_version,
            "pending": self.pending,
            "migrations": self.migrations,
            "migrations_executed": len(self.migrations),
            "lint": self.lint,
            "preview": self.preview,
            "callbacks": self.callbacks,
            "retries": self.retries,
            "execution_time": self.milliseconds,
            "actions": self.plan.actions(),
        }


def describe(script: Script, milliseconds: int | None = None) -> dict[str, t.Any]:
    """One migration as Flyway's JSON has it."""
    entry: dict[str, t.Any] = {
        "category": "Versioned" if script.kind == "versioned" else script.kind.capitalize(),
        "version": str(script.version) if script.version else "",
        "description": script.description,
        "type": script.row_type,
        "filepath": script.label,
    }
    if milliseconds is not None:
        entry["execution_time"] = milliseconds
    return entry
