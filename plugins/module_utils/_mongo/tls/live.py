"""The TLS state of a running server, and what brings it to the wanted one without a restart."""

from __future__ import annotations

import json
import typing as t

from ..._core.plan import Plan, Step
from .. import api
from . import certificate, stages

APPLICATION = "groundwork mongo_tls"
PROBE_SECONDS = 5


def reachable_options(options: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """The connection options that the server accepts at its present stage: with TLS, or without; ``None`` when nobody
    listens.

    Only a handshake is tried, so no credentials go to where they should not.
    """
    if not certificate.somebody_listens(_host(options), options["login_port"], PROBE_SECONDS):
        return None
    return {**options, "ssl": options["ssl"] and shown_certificate(options) is not None}


def stage_of(server: api.Server) -> stages.Stage:
    """What the server does now.

    :raises ServerRefused: the session may not read parameters.
    """
    return stages.from_parameters(server.run("admin", {"getParameter": 1, "tlsMode": 1, "clusterAuthMode": 1}))


def plan_stage(now: stages.Stage, wanted: stages.Stage) -> tuple[list[Step], bool]:
    """The steps to a stage, and whether a restart is needed instead: pure."""
    found = stages.commands(now, wanted)
    if found is None:
        return [], True
    steps = []
    for command in found:
        name = next(key for key in command if key != "setParameter")
        before = now.mode if name == "tlsMode" else now.cluster_auth_mode
        text = json.dumps(command)
        steps.append(Step("alter", "parameter", name, before=before, after=command[name], statement=text))
    return steps, False


def rotation(options: dict[str, t.Any], insist: bool) -> list[Step]:
    """The step that makes the server show the certificate in its file, none when it does already."""
    path = options["certificate_key_file"]
    if not path:
        return []
    in_file = certificate.fingerprint_of_file(path)
    shown = shown_certificate(options)
    if shown is None or (shown == in_file and not insist):
        return []
    return [Step(
        "rotate", "certificate", path, before={"sha256": shown}, after={"sha256": in_file},
        statement='{"rotateCertificates": 1}',
    )]


def shown_certificate(options: dict[str, t.Any]) -> str | None:
    client = options["ssl_certfile"] or options["certificate_key_file"]
    return certificate.fingerprint_of_server(_host(options), options["login_port"], client, PROBE_SECONDS)


def _host(options: dict[str, t.Any]) -> str:
    return str(options["login_host"]).partition(",")[0].strip()


def carry_out(server: api.Server, plan: Plan) -> None:
    """Send the commands.

    :raises ServerRefused: the server refuses one.
    """
    for step in plan:
        if step.statement:
            server.run("admin", json.loads(step.statement))
