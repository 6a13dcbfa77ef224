"""The facts in what local_server returns, as the controller takes them: later plays log in there with a password."""

from __future__ import annotations

import dataclasses

from .._core.answer import VERSION, Action, Answer, actions
from .login import ADDRESS, SUPERUSERS


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """How to reach a server, and what it is; see RETURN of local_server."""

    state: str
    host: str
    port: int
    superuser: str
    version: str
    binary: str
    data: str
    log: str
    pid: int | None


@dataclasses.dataclass(frozen=True)
class LocalServer:
    server: Endpoint
    actions: list[Action]


def parse(answer: Answer, engine: str, port: int) -> LocalServer:
    """:param port: the described port, 0 when the host chooses one."""
    found = answer.record("server")
    if found is None:
        raise answer.refusal("server", None, "how to reach the server")
    return LocalServer(
        Endpoint(
            state=found.one_of("state", ("running", "stopped", "absent", "would_create", "would_start")),
            host=ADDRESS,
            port=port or found.port("port"),
            superuser=SUPERUSERS[engine],
            version=found.text("version", VERSION + "|"),
            binary=found.path("binary", default=""),
            data=found.path("data"),
            log=found.path("log"),
            pid=found.whole("pid", 1, 2**31, default=None),
        ),
        actions(answer.records("actions")),
    )
