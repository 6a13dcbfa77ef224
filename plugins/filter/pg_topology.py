# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pg_topology
short_description: Say who is the primary of a replicated PostgreSQL cluster, and what its other members need
version_added: 1.0.0
author:
  - Groundwork maintainers (@groundwork)
description:
  - Decides from the live states of the members, which M(groundwork.databases.pg_replication_info) reads. The inventory
    only says who begins when no member has any data.
  - Two primaries, none, members that are copies of different clusters, and everything else that nobody should go on
    with, become RV(_value.refusal).
options:
  _input:
    description: The state of every member that answered, by name.
    type: dict
    required: true
  members:
    description: All members.
    type: list
    elements: str
    required: true
  initial_primary:
    description: The member that begins when none has any data. Defaults to the first of O(members).
    type: str
  rebuild:
    description: Members that may be thrown away and made again.
    type: list
    elements: str
    default: []
  playing:
    description: Members that this run works on. All of them when it is unset.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Stop here when there is no one primary
  ansible.builtin.assert:
    that: topology.refusal == ''
    fail_msg: "{{ topology.refusal }}"
  vars:
    topology: >-
      {{ {'pg1': states.pg1, 'pg2': states.pg2} | groundwork.databases.pg_topology(members=['pg1', 'pg2']) }}
"""

RETURN = r"""
_value:
  description: The decision.
  type: dict
  contains:
    primary:
      description: The member that is, or by initialisation becomes, the primary. Empty when there is none.
      type: str
    actions:
      description: For every member that answered, V(keep), V(create), V(rebuild) or V(initialise).
      type: dict
    refusal:
      description: Why nothing may be touched; empty when work can go on.
      type: str
    notes:
      description: What is worth telling.
      type: list
      elements: str
    diverged:
      description: Members that cannot follow the primary any more, and why.
      type: dict
"""

import typing as t

from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.topology import decide


def pg_topology(
    states: dict[str, dict[str, t.Any]],
    members: list[str],
    initial_primary: str = "",
    rebuild: t.Sequence[str] = (),
    playing: list[str] | None = None,
) -> dict[str, t.Any]:
    return decide(states, list(members), initial_primary or members[0], rebuild=list(rebuild), playing=playing).result()


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"pg_topology": pg_topology}
