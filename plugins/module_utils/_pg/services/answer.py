"""The facts in what pg_services returns, as the controller takes them."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.answer import VERSION, Answer


@dataclasses.dataclass(frozen=True)
class ServerFacts:
    """A server; see RETURN of pg_services."""

    name: str
    running: bool
    running_port: int | None
    version: str | None
    standby: bool
    restart_reasons: list[str]


@dataclasses.dataclass(frozen=True)
class ServicesFacts:
    clusters: list[ServerFacts]


def parse(answer: Answer, described: t.Sequence[str]) -> ServicesFacts:
    """:param described: names of the described clusters; of those that are still to be copied nothing is said."""
    return ServicesFacts([
        ServerFacts(
            name=name,
            running=found.flag("running"),
            running_port=found.port("running_port", default=None),
            version=found.text("version", VERSION, default=None),
            standby=found.flag("standby"),
            restart_reasons=found.sentences("restart_reasons"),
        )
        for name, found in answer.by_name("clusters", described).items()
    ])
