# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_answer
short_description: Take only the facts of what a module of this collection returned on a host
version_added: 1.0.0
author:
  - The groundwork.databases maintainers (@groundwork)
description:
  - "The owner of a host decides what its modules return. This reads an answer into a record of known types: fields
    that are no facts are dropped, what the description says is taken from the description, and an answer that does
    not fit is refused with a sentence that names the host and the field."
positional: module, host
options:
  _input:
    description: What was registered, the result of one task or of one item of its loop.
    type: dict
    required: true
  module:
    description: Module that was run.
    type: str
    required: true
    choices:
      - pg_clusters
      - pg_configuration
      - pg_huge_pages_info
      - pg_replication
      - pg_replication_info
      - pg_services
      - mongod_configuration
      - mongod_upgrade_check
      - mongo_member
      - mongo_replica_set
      - mongo_tls
      - pgbouncer_configuration
      - local_server
  host:
    description: Inventory name of the host that it was run on.
    type: str
    required: true
  clusters:
    description:
      - The described clusters, with C(name), C(state), C(data_directory) and C(wal_directory). For C(pg_clusters),
        C(pg_configuration) and C(pg_services).
    type: list
    elements: dict
    default: []
  engine:
    description: Engine of the server, for C(local_server).
    type: str
    choices: [postgresql, mongodb]
  port:
    description: The described port, for C(local_server). C(0) leaves it to the host.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Read the host's clusters
  groundwork.databases.pg_clusters:
    clusters: "{{ clusters }}"
  check_mode: true
  register: answer

- name: Take its facts
  ansible.builtin.set_fact:
    found: "{{ answer | groundwork.databases.host_answer('pg_clusters', inventory_hostname, clusters=clusters) }}"
"""

RETURN = r"""
_value:
  description: The facts. For C(pg_replication) and C(pg_replication_info) the state of the member, as
    M(groundwork.databases.pg_replication_info) describes it; otherwise fields of the module's return values.
  type: dict
"""

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils import _deferred

# Where the parser of each module's answer is.
PARSERS = {
    "pg_clusters": "_pg.clusters.answer:parse",
    "pg_configuration": "_pg.configuration.answer:parse",
    "pg_huge_pages_info": "_pg.clusters.answer:parse_huge_pages",
    "pg_replication": "_pg.replication.answer:parse",
    "pg_replication_info": "_pg.replication.answer:parse",
    "pg_services": "_pg.services.answer:parse",
    "mongod_configuration": "_mongo.configuration.answer:parse",
    "mongod_upgrade_check": "_mongo.configuration.answer:parse_found",
    "mongo_member": "_mongo.replica_set.answer:parse_member",
    "mongo_replica_set": "_mongo.replica_set.answer:parse",
    "mongo_tls": "_mongo.tls.answer:parse",
    "pgbouncer_configuration": "_pgbouncer.configuration.answer:parse",
    "local_server": "_local.answer:parse",
}
# These are matched with the described clusters by their names.
BY_NAME = ("pg_configuration", "pg_services")


def host_answer(
    answer: t.Any,
    module: str,
    host: str,
    clusters: t.Sequence[dict[str, t.Any]] = (),
    engine: str = "",
    port: int = 0,
) -> dict[str, t.Any]:
    """See DOCUMENTATION.

    :raises AnsibleFilterError: the answer does not fit.
    """
    if module not in PARSERS:
        raise AnsibleFilterError(f"host_answer knows no module {module}.")
    answered = _deferred.call("_core.answer:Answer.of", host, module, answer)
    facts = _deferred.call(PARSERS[module], answered, *_described(module, clusters, engine, int(port)))
    return dataclasses.asdict(facts) if dataclasses.is_dataclass(facts) else dict(facts)  # type: ignore[arg-type]


def _described(module: str, clusters: t.Sequence[dict[str, t.Any]], engine: str, port: int) -> tuple[t.Any, ...]:
    """What the parser needs of the description."""
    if module == "pg_clusters":
        return (clusters,)
    if module == "local_server":
        return (engine, port)
    return ([cluster["name"] for cluster in clusters],) if module in BY_NAME else ()


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"host_answer": host_answer}
