"""What a switchover has to do, decided from the states of all members, and where the cluster is on this host."""

from __future__ import annotations

import typing as t

from ..._core.described import Described
from ..replication.switchover_plan import plan_switchover
from . import replication
from .known import Known


def decide(known: Known, inputs: Described) -> dict[str, t.Any]:
    """Empty for a cluster that is not replicated; ``place`` is its entry of :func:`.replication.replicated`.

    :param inputs: ``cluster``, ``target`` and ``ignore``.
    """
    name = inputs["cluster"]
    decided = (known.topologies or {}).get(name)
    if not decided:
        return {}
    (place,) = (item for item in replication.replicated(known) if item["name"] == name)
    plan = plan_switchover(decided["states"], place["members"], str(inputs["target"]), list(inputs["ignore"]))
    address = decided["addresses"].get(plan.target, plan.target)
    return {**plan.result(), "primary_state": decided["primary_state"], "place": place, "target_address": address}
