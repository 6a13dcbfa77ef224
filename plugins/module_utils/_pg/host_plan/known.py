"""Everything that a host's plan is made of: what is declared, what the host answered, and who takes part in the run.

A host's answer is read into typed facts here, whenever a plan is made. So nothing can use what was not read, and an
answer that does not fit is refused by the task after it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.answer import Answer
from ..._core.described import Described
from ..._host.kernel.answer import NotPermitted, not_permitted
from ..clusters import answer as clusters_answer
from ..configuration import answer as configuration_answer
from ..services import answer as services_answer
from . import declared
from .declared import Cluster

Topologies = dict[str, dict[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Known:
    """:ivar batch: hosts that the run works on now.
    :ivar described: clusters as they were written; :ivar clusters: those that are to be there, by name.
    :ivar found: where they are; empty before the host was asked.
    :ivar services: the servers; :ivar configuration: what came of the settings; both by name, ``None`` before.
    :ivar topologies: of replicated clusters, by name, ``None`` before the members were asked.
    :ivar to_copy: clusters that are still to be copied from a primary, ``None`` before the members were asked.
    :ivar restarted: clusters that this run restarted.
    :ivar not_permitted: what the platform does not let be set of the kernel.
    """

    host: str
    check_mode: bool
    batch: t.Sequence[str]
    restart_policy: str
    described: t.Sequence[Described]
    clusters: dict[str, Cluster]
    found: clusters_answer.HostFacts | None
    services: dict[str, services_answer.ServerFacts] | None
    configuration: dict[str, configuration_answer.ConfigurationFacts] | None
    topologies: Topologies | None
    to_copy: t.Sequence[str] | None
    restarted: t.Collection[str]
    not_permitted: t.Sequence[NotPermitted]

    @property
    def replicated(self) -> list[Cluster]:
        return [cluster for cluster in self.clusters.values() if cluster.replicated]

    @property
    def places(self) -> dict[str, clusters_answer.ClusterFacts]:
        """Where each cluster is; empty before the host was asked."""
        return self.found.clusters if self.found else {}

    @property
    def placed(self) -> list[tuple[Cluster, clusters_answer.ClusterFacts]]:
        return [(self.clusters[name], place) for name, place in self.places.items()]


def read(known: Described) -> Known:
    """What ``__postgresql_16_known`` of the role's ``vars/main.yml`` says.

    :raises GroundworkError: an answer does not fit.
    """
    host, described = str(known["host"]), known["clusters"]
    clusters = {cluster.name: cluster for cluster in declared.present(declared.read(described))}
    names = [str(each["name"]) for each in described]

    def answer(module: str, variable: str) -> Answer | None:
        return Answer.of(host, module, known[variable]) if known[variable] else None

    found, services = answer("pg_clusters", "found"), answer("pg_services", "services")
    configuration, kernel = answer("pg_configuration", "configuration"), answer("host_kernel", "kernel")
    return Known(
        host=host,
        check_mode=bool(known["check_mode"]),
        batch=known["batch"],
        restart_policy=str(known["restart_policy"]),
        described=described,
        clusters=clusters,
        found=clusters_answer.parse(found, described) if found else None,
        services=_by_name(services_answer.parse(services, names).clusters) if services else None,
        configuration=_by_name(configuration_answer.parse(configuration, names).clusters) if configuration else None,
        topologies=known["topologies"],
        to_copy=known["to_copy"],
        restarted=_restarted(known["restarts"]),
        not_permitted=not_permitted(kernel) if kernel else (),
    )


_Named = t.TypeVar("_Named", services_answer.ServerFacts, configuration_answer.ConfigurationFacts)


def _by_name(facts: t.Iterable[_Named]) -> dict[str, _Named]:
    return {each.name: each for each in facts}


def _restarted(restarts: Described | None) -> list[str]:
    results = (restarts or {}).get("results") or ()
    return [result["postgresql_16_due"]["name"] for result in results if result.get("seconds") is not None]
