"""The plan of a host: one pure function from what is declared, what the host answered and who takes part in the run to
what the role's tasks do. Pure but for one look at the controller's disk: whether a generated file is there yet.
"""

from __future__ import annotations

import typing as t

from ..._core.answer import Answer
from ..._core.described import Described
from ..._generated import place
from ..replica_set import answer as set_answer
from . import known, members, monitoring, packages, preflight, report, settings, tls
from .known import Known
from .members import Members

Plan = dict[str, t.Any]


def host_plan(given: Described, asked: t.Mapping[str, Described]) -> Plan:
    """No part of it holds a secret, but for ``host_files``: the certificate of a server is one file with its key.

    :param given: see :func:`.known.read`.
    :param asked: parts that only a task or two read, by the names of :data:`_ASKED`, each with what only it needs.
    :raises GroundworkError: an answer does not fit, or the members of a set contradict each other.
    """
    seen = known.read(given)
    plan = _of_host(seen)
    for name, inputs in asked.items():
        plan.update(_ASKED[name](seen, inputs))
    return plan


def _of_host(seen: Known) -> Plan:
    """What the host alone decides."""
    server = seen.server
    return {
        "paths": server.paths,
        "state": seen.state,
        "endpoint": {
            "address": server.address, "certificate": tls.certificate(seen), "tls_directory": server.tls.directory,
        },
        "addresses": server.addresses,
        "others": [address for address in server.addresses if address != server.address],
        "has_others": server.has_others,
        "requested_members": server.requested_members(),
        "restart": members.restart(seen),
        "restarts_at_once": members.restarts_at_once(seen),
        "knows_tls": server.tls.is_known,
        "reached_after_probe": tls.reached_after_probe(seen),
        "login": tls.login(seen),
        "contents_login": report.contents_login(seen),
    }  # fmt: skip


def _set(seen: Known, inputs: Described) -> Plan:
    """What the hosts of the run decide together."""
    of_set = Members(seen, members.read(seen.batch, inputs["hosts"]))
    return {
        "absent": of_set.absent,
        "speaker": of_set.speaker,
        "withheld": of_set.withheld,
        "restart_order": of_set.restart_order,
        "unready": of_set.unready,
        "reached_at_last": tls.reached_at_last(seen, of_set),
        "refusals": preflight.refusals_of_members(seen, of_set),
        "fills": report.fills(seen, of_set),
        "server": report.server(seen, of_set),
    }


def _stages(seen: Known, inputs: Described) -> Plan:
    everyone = members.read(inputs["everyone"], inputs["hosts"])
    of_set = Members(seen, [other for other in everyone if other.name in seen.batch])
    way = tls.way(of_set)
    return {
        "stages": [stage._asdict() for stage in way],
        "reached_at_first": tls.reached_at_first(seen, way[0]),
        "refusal": tls.refusal(of_set, everyone),
        "certificates": tls.certificates(seen, of_set),
    }


def _files(seen: Known, controller: Described) -> Plan:
    plan: Plan = {"controller_files": tls.controller_files(seen, controller)}
    if "contents" in controller:
        plan["host_files"] = tls.entries(seen, controller)
    return plan


def _secrets(seen: Known, inputs: Described) -> Plan:
    """Where the controller keeps what it generates. What a check makes that has no place to keep it is thrown away."""
    server = seen.server
    name = inputs["keyfile_name"] or (server.replica_set if server.has_others else seen.host)
    files = {kind: f"{inputs['directory']}/{name}.{kind}" for kind in ("keyfile", "exporter")}
    return {
        "secrets": {
            kind: "/dev/null" if place.is_to_come(path, seen.check_mode) else path for kind, path in files.items()
        }
    }


def _packages(seen: Known, inputs: Described) -> Plan:
    return {
        "packages": packages.packages(seen, inputs), "repository": packages.repository(seen, inputs["repository"]),
    }  # fmt: skip


def _health(seen: Known, inputs: Described) -> Plan:
    answer = Answer.of(seen.host, "mongo_member", inputs["answer"])
    return {"unwell": report.unwell(set_answer.parse_member(answer))}


_ASKED: dict[str, t.Callable[[Known, Described], Plan]] = {
    "exporter": lambda seen, inputs: {"exporter": monitoring.exporter(seen, inputs)},
    "files": _files,
    "health": _health,
    "members": _set,
    "packages": _packages,
    "preflight": lambda seen, inputs: {"refusals": preflight.refusals(seen, inputs)},
    "secrets": _secrets,
    "settings": lambda seen, inputs: {"settings": settings.settings(seen, inputs)},
    "stages": _stages,
    "next_stage": lambda seen, inputs: {"reached_at_next": tls.reached_at_next(seen, str(inputs["mode"]))},
}
