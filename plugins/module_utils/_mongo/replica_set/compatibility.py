"""The feature compatibility version: never raised or lowered while members run different programs."""

from __future__ import annotations

import json
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Step
from .. import api
from . import live, model

CONFIRMATION_SINCE = (7,)


def steps(server: api.Server, members: list[model.Member], now: str | None, options: dict[str, t.Any]) -> list[Step]:
    """The step to the wanted version, none when it is there or nothing is wanted.

    :param now: the version in force.
    :raises GroundworkError: members run different programs or do not answer, or the confirmation is missing.
    """
    wanted = options["feature_compatibility_version"]
    if not wanted or now is None or wanted == now:
        return []
    _same_program(server, members, options)
    needs_confirmation = server.facts.version >= CONFIRMATION_SINCE
    if needs_confirmation and not options["confirm_feature_compatibility_version"]:
        raise GroundworkError(
            f"Changing the feature compatibility version from {now} to {wanted} wants a confirmation.",
            where=server.where, untouched="everything; nothing was written", code=ErrorCode.CONFIRMATION_NEEDED,
            hint="Set confirm_feature_compatibility_version: true once a return to the older program is not needed "
            "any more.",
        )
    command = {"setFeatureCompatibilityVersion": wanted, **({"confirm": True} if needs_confirmation else {})}
    return [Step(
        "alter", "feature compatibility version", wanted, before=now, after=wanted, statement=json.dumps(command),
    )]


def _same_program(server: api.Server, members: list[model.Member], options: dict[str, t.Any]) -> None:
    expected = server.facts.version[:2]
    others = {}
    for member in members:
        host = member["host"]
        try:
            found = api.connect_member(live.anonymous(live.at(options, host)), live.APPLICATION)
        except GroundworkError:
            others[host] = "does not answer"
            continue
        if found.facts.version[:2] != expected:
            others[host] = f"runs {found.facts.version_text}"
        found.close()
    if others:
        text = ", ".join(f"{host} {what}" for host, what in others.items())
        raise GroundworkError(
            f"The feature compatibility version stays as long as members differ: {text}; the primary runs "
            f"{server.facts.version_text}.", where=server.where, untouched="everything; nothing was written",
            hint="Upgrade or start these members first.", code=ErrorCode.MIXED_VERSIONS,
        )
