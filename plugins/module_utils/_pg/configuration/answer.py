"""The facts in what pg_configuration returns, as the controller takes them."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.answer import VERSION, Answer

_SETTING = r"[A-Za-z_][A-Za-z0-9_.]*"


@dataclasses.dataclass(frozen=True)
class Waiting:
    """A setting that waits for a restart; the values are only shown and compared."""

    name: str
    current: str
    new: str


@dataclasses.dataclass(frozen=True)
class Versions:
    running: str
    installed: str


@dataclasses.dataclass(frozen=True)
class ConfigurationFacts:
    """What came of one cluster; see RETURN of pg_configuration."""

    name: str
    running: bool
    changed: bool
    pending_restart: list[Waiting]
    binary_newer: Versions | None
    warnings: list[str]


@dataclasses.dataclass(frozen=True)
class HostConfiguration:
    clusters: list[ConfigurationFacts]


def parse(answer: Answer, described: t.Sequence[str]) -> HostConfiguration:
    """:param described: names of the described clusters; of those that are still to be copied nothing is said."""
    return HostConfiguration([
        ConfigurationFacts(
            name=name,
            running=found.flag("running"),
            changed=found.flag("changed"),
            pending_restart=[
                Waiting(waiting.text("name", _SETTING), waiting.sentence("current"), waiting.sentence("new"))
                for waiting in found.records("pending_restart")
            ],
            binary_newer=_versions(found.record("binary_newer")),
            warnings=found.sentences("warnings"),
        )
        for name, found in answer.by_name("clusters", described).items()
    ])


def _versions(found: Answer | None) -> Versions | None:
    return Versions(found.text("running", VERSION), found.text("installed", VERSION)) if found else None
