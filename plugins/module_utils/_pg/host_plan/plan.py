# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a host: one pure function from what is declared, what the host answered and who takes part in the run to
what the role's tasks do. Pure but for one look at the controller's disk: whether a certificate is there yet.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ..._generated import place
from . import clusters, configuration, host_files, known, monitoring, replication, report, switchover, tls, upgrade
from .declared import Described

Plan = dict[str, t.Any]


def host_plan(
    given: Described,
    hosts: Described | None = None,
    others: Described | None = None,
    contents: t.Mapping[str, str] | None = None,
) -> Plan:
    """What is known so far decides which parts the plan has: a task cannot read one that comes too early.

    :param given: see :class:`.known.Known`.
    :param hosts: variables of all hosts, for what the members answered.
    :param others: what members outside of this run answered.
    :param contents: of the files that part ``controller_files`` names, by their paths.
    :raises GroundworkError: an answer does not fit.
    """
    seen = known.read(given)
    plan: Plan = {
        "refusals": tls.refusals(seen) + replication.refusals(seen) + clusters.refusals(seen),
        "replicated_names": [cluster.name for cluster in seen.replicated],
        "pg_clusters": clusters.request(seen),
    }
    if plan["refusals"] or not seen.found:
        return plan
    plan.update(_of_host(seen))
    plan.update(_of_files(seen, place.from_variables(given["inventory"]), contents))
    if hosts is not None:
        plan["topologies"] = replication.topologies(seen, hosts, others or {})
    if seen.topologies is not None or not seen.replicated:
        plan["configuration"] = configuration.request(seen)
    if seen.topologies is not None:
        plan.update(_of_members(seen, hosts))
    return plan


def _of_host(seen: known.Known) -> Plan:
    """What the host alone decides."""
    replicated = replication.replicated(seen)
    return {
        "installed": seen.found and seen.found.installed,
        "codename": seen.found and seen.found.system.codename,
        "places": [_place(seen, cluster.name) for cluster, _where in seen.placed],
        "packages": clusters.packages(seen),
        "certificates": tls.generated(seen),
        "tuned_later": clusters.tuned_later(seen),
        "sysctl": clusters.sysctl(seen),
        "units": clusters.units(seen),
        "due": configuration.due(seen),
        "held_standbys": replication.held_standbys(seen),
        "filled": report.filled(seen),
        "exporters": monitoring.exporters(seen),
        "exporter_environments": monitoring.environments(seen),
        "servers": report.servers(seen),
        "report": report.lines(seen),
        "replicated": replicated,
        "outside": replication.outside(replicated),
        "passwords": replication.passwords(seen),
    }


def _place(seen: known.Known, name: str) -> dict[str, t.Any]:
    """Where a cluster is, for loops over all of them."""
    where, cluster = seen.places[name], seen.clusters[name]
    return {
        "name": name, "port": where.running_port or cluster.port, "data_directory": where.data_directory,
        "config_directory": where.config_directory, "socket_directory": where.socket_directory,
        "log_file": where.log_file, "unit": where.unit,
    }  # fmt: skip


def _of_files(seen: known.Known, inventory: place.Inventory, contents: t.Mapping[str, str] | None) -> Plan:
    needed = tls.controller_files(seen, inventory)
    if needed is None:
        return {}
    plan: Plan = {"controller_files": needed}
    if contents is not None or not needed:
        plan["host_files"] = host_files.entries(seen, inventory, contents or {})
    return plan


def _of_members(seen: known.Known, hosts: Described | None) -> Plan:
    """What all members of the replicated clusters decide together."""
    plan: Plan = {
        "copied_here": replication.copied_here(seen),
        "kept_primaries": replication.kept_primaries(seen),
        "switchover": switchover.decide(seen),
        "upgrade": {
            "problems": upgrade.problems(seen),
            "led": upgrade.led(seen),
            "led_old": upgrade.led_old(seen),
            "old": upgrade.old(seen),
            "is_turn": upgrade.is_turn(seen),
        },
    }
    if hosts is not None:
        items = replication.with_primary(replication.replicated(seen), replication.primary_states(seen, hosts))
        kept = replication.kept_standbys(seen)
        plan["kept_standbys"] = [item for item in items if item["name"] in kept]
        plan["copies"] = [item for item in items if item["name"] in (seen.to_copy or ())]
    return plan
