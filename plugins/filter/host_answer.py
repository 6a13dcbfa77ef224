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
from ansible_collections.groundwork.databases.plugins.module_utils import _answer, _errors
from ansible_collections.groundwork.databases.plugins.module_utils._local import answer as local
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.configuration import answer as mongod
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.replica_set import answer as replica_set
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.tls import answer as tls
from ansible_collections.groundwork.databases.plugins.module_utils._pg.clusters import answer as clusters_answer
from ansible_collections.groundwork.databases.plugins.module_utils._pg.configuration import answer as configuration
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication import answer as replication
from ansible_collections.groundwork.databases.plugins.module_utils._pg.services import answer as services
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer import answer as pgbouncer

PARSERS: dict[str, t.Callable[[_answer.Answer], t.Any]] = {
    "pg_huge_pages_info": clusters_answer.parse_huge_pages,
    "pg_replication": replication.parse,
    "pg_replication_info": replication.parse,
    "mongod_configuration": mongod.parse,
    "mongod_upgrade_check": mongod.parse_found,
    "mongo_member": replica_set.parse_member,
    "mongo_replica_set": replica_set.parse,
    "mongo_tls": tls.parse,
    "pgbouncer_configuration": pgbouncer.parse,
}
# These are matched with the described clusters by their names.
PARSERS_BY_NAME: dict[str, t.Callable[[_answer.Answer, list[str]], t.Any]] = {
    "pg_configuration": configuration.parse,
    "pg_services": services.parse,
}


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
    try:
        facts = _parse(_answer.Answer.of(host, module, answer), clusters, engine, int(port))
    except _errors.GroundworkError as error:
        raise AnsibleFilterError(error.message) from None
    return dataclasses.asdict(facts) if dataclasses.is_dataclass(facts) else dict(facts)  # type: ignore[arg-type]


def _parse(answer: _answer.Answer, clusters: t.Sequence[dict[str, t.Any]], engine: str, port: int) -> t.Any:
    if answer.module == "pg_clusters":
        return clusters_answer.parse(answer, clusters)
    if answer.module == "local_server":
        return local.parse(answer, engine, port)
    if answer.module in PARSERS_BY_NAME:
        return PARSERS_BY_NAME[answer.module](answer, [cluster["name"] for cluster in clusters])
    if answer.module in PARSERS:
        return PARSERS[answer.module](answer)
    raise AnsibleFilterError(f"host_answer knows no module {answer.module}.")


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"host_answer": host_answer}
