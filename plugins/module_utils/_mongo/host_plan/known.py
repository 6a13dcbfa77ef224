"""Everything that a host's plan is made of: what is declared, and what the host answered, read into typed facts."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.answer import Answer
from ..._core.described import Described, truth
from ..._host.kernel.answer import NotPermitted, not_permitted
from ..configuration import answer as configuration_answer
from ..configuration.answer import Configuration, Found
from ..replica_set import answer as set_answer
from ..replica_set.answer import MemberFacts, SetFacts
from ..tls import answer as tls_answer
from ..tls.answer import TlsFacts
from ..tls.stages import Stage
from . import declared
from .declared import Server


@dataclasses.dataclass(frozen=True)
class Known:
    """What was not answered yet is ``None``.

    :ivar batch: hosts that the run works on now; one that failed is not among them.
    :ivar found: what the host has.
    :ivar tls_found: how far the running server's TLS is.
    :ivar reached_by_tls: whether the server is reached through TLS by now.
    :ivar stage: the stage of TLS that the run is at.
    :ivar configuration: what came of the settings.
    :ivar member: this host's member, as the set knows it, before a restart.
    :ivar replica_set: what came of the set.
    :ivar not_permitted: what the platform does not let be set of the kernel.
    """

    host: str
    check_mode: bool
    batch: t.Sequence[str]
    server: Server
    found: Found | None
    tls_found: TlsFacts | None
    reached_by_tls: bool | None
    stage: Stage | None
    configuration: Configuration | None
    member: MemberFacts | None
    replica_set: SetFacts | None
    not_permitted: t.Sequence[NotPermitted]

    @property
    def state(self) -> str:
        """What check mode can ask: ``running``, ``would_start`` or ``would_create``; a run has everything running."""
        if not self.check_mode or (self.found and self.found.running_version):
            return "running"
        return "would_start" if self.found and self.found.installed_version else "would_create"


_Facts = t.TypeVar("_Facts")


def read(known: Described) -> Known:
    """What ``__mongodb_7_known`` of the role's ``vars/main.yml`` says.

    :raises GroundworkError: an answer does not fit.
    """
    host = str(known["host"])

    def answer(module: str, variable: str, parse: t.Callable[[Answer], _Facts]) -> _Facts | None:
        return parse(Answer.of(host, module, known[variable])) if known[variable] else None

    stage = known["stage"]
    return Known(
        host=host,
        check_mode=bool(known["check_mode"]),
        batch=known["batch"],
        server=declared.read(known),
        found=answer("mongod_upgrade_check", "found", configuration_answer.parse_found),
        tls_found=answer("mongo_tls", "tls_found", tls_answer.parse),
        reached_by_tls=None if known["tls"] in (None, "") else truth(known["tls"]),
        stage=Stage(str(stage["mode"]), str(stage["cluster_auth_mode"])) if stage else None,
        configuration=answer("mongod_configuration", "configuration", configuration_answer.parse),
        member=answer("mongo_member", "member_state", set_answer.parse_member),
        replica_set=answer("mongo_replica_set", "replica_set", set_answer.parse),
        not_permitted=answer("host_kernel", "kernel", not_permitted) or (),
    )
