"""The plan of a host: one pure function from what is declared, what the host answered and who takes part in the run to
what the role's tasks do. Pure but for one look at the controller's disk: whether a certificate is there yet.
"""

from __future__ import annotations

import typing as t

from ..._core.described import Described
from . import (
    clusters,
    configuration,
    host_files,
    known,
    monitoring,
    preflight,
    replication,
    report,
    switchover,
    tls,
    upgrade,
)
from .known import Known

Plan = dict[str, t.Any]


def host_plan(given: Described, asked: t.Mapping[str, Described]) -> Plan:
    """What is known so far decides which parts the plan has: a task cannot read one that comes too early.

    :param given: see :func:`.known.read`.
    :param asked: parts that only a task or two read, by the names of :data:`_ASKED`, each with what only it needs. With
        ``preflight``, the plan is nothing but what :func:`.preflight.refusals` says.
    :raises GroundworkError: an answer does not fit.
    """
    seen = known.read(given)
    if "preflight" in asked:
        return {"refusals": preflight.refusals(seen, asked["preflight"])}
    plan: Plan = {
        "replicated_names": [cluster.name for cluster in seen.replicated],
        "pg_clusters": clusters.request(seen),
    }
    if not seen.found:
        return plan
    plan.update(_of_host(seen))
    if seen.topologies is not None:
        plan["copied_here"] = replication.copied_here(seen)
        plan["kept_primaries"] = replication.kept_primaries(seen)
    for name, inputs in asked.items():
        plan.update(_ASKED[name](seen, inputs))
    return plan


def _of_host(seen: Known) -> Plan:
    """What the host alone decides."""
    replicated = replication.replicated(seen)
    return {
        "installed": seen.found and seen.found.installed,
        "codename": seen.found and seen.found.system.codename,
        "places": clusters.places(seen),
        "generated_certificates": tls.generated(seen),
        "tuned_later": clusters.tuned_later(seen),
        "units": clusters.units(seen),
        "due": configuration.due(seen),
        "held_standbys": replication.held_standbys(seen),
        "filled": report.filled(seen),
        "servers": report.servers(seen),
        "report": report.lines(seen),
        "replicated": replicated,
        "outside": replication.outside(replicated),
    }


def _files(seen: Known, controller: Described) -> Plan:
    plan: Plan = {"controller_files": tls.controller_files(seen, controller)}
    if "contents" in controller:
        plan["host_files"] = host_files.entries(seen, controller)
    return plan


def _members(seen: Known, inputs: Described) -> Plan:
    plan: Plan = {"topologies": replication.topologies(seen, inputs)}
    if seen.topologies is not None:
        items = replication.with_primary(seen, inputs["hosts"])
        kept = replication.kept_standbys(seen)
        plan["kept_standbys"] = [item for item in items if item["name"] in kept]
        plan["copies"] = [item for item in items if item["name"] in (seen.to_copy or ())]
    return plan


def _exporters(seen: Known, inputs: Described) -> Plan:
    return {
        "exporters": monitoring.exporters(seen),
        "exporter_environments": monitoring.environments(seen, str(inputs["address"])),
    }


_ASKED: dict[str, t.Callable[[Known, Described], Plan]] = {
    "certificates": lambda seen, inputs: {"certificates": tls.certificates(seen, str(inputs["address"]))},
    "configuration": lambda seen, inputs: {"configuration": configuration.request(seen, inputs)},
    "exporters": _exporters,
    "files": _files,
    "kernel": lambda seen, inputs: {"sysctl": clusters.sysctl(seen, inputs)},
    "members": _members,
    "packages": lambda seen, inputs: {"packages": clusters.packages(seen, inputs)},
    "restarted": lambda seen, inputs: {"restarted": upgrade.restarted(seen, inputs)},
    "switchover": lambda seen, inputs: {"switchover": switchover.decide(seen, inputs)},
    "upgrade": lambda seen, inputs: {"upgrade": upgrade.decide(seen, inputs)},
}
