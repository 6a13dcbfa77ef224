"""The facts in what mongod_upgrade_check and mongod_configuration return, as the controller takes them."""

from __future__ import annotations

import dataclasses

from ..._core.answer import VERSION, Answer


@dataclasses.dataclass(frozen=True)
class Found:
    """What a host has; see RETURN of mongod_upgrade_check."""

    installed_version: str
    running_version: str
    authentication: bool | None
    server_process: bool
    driver: bool


def parse_found(answer: Answer) -> Found:
    return Found(
        installed_version=answer.text("installed_version", VERSION + "|"),
        running_version=answer.text("running_version", VERSION + "|"),
        authentication=answer.flag("authentication", default=None),
        server_process=answer.flag("server_process"),
        driver=answer.flag("driver"),
    )


@dataclasses.dataclass(frozen=True)
class Configuration:
    """What came of a configuration; see RETURN of mongod_configuration."""

    changed: bool
    running: bool
    restart_needed: bool
    restart_reasons: list[str]


def parse(answer: Answer) -> Configuration:
    return Configuration(
        changed=answer.flag("changed"),
        running=answer.flag("running"),
        restart_needed=answer.flag("restart_needed"),
        restart_reasons=answer.sentences("restart_reasons"),
    )
