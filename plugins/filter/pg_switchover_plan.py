# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pg_switchover_plan
short_description: Say what a switchover has to do, whatever an earlier run left behind
version_added: 1.0.0
author:
  - Groundwork maintainers (@groundwork)
description:
  - Decides from the live states of the members, which M(groundwork.databases.pg_replication_info) reads, whether to
    hand over, to finish what was interrupted, to start the old primary again, or to refuse.
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
  target:
    description: The member that is to be the primary. Empty chooses the running standby with the most WAL.
    type: str
    default: ""
  ignore:
    description: Members that may be missing or broken.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Say what would be done
  ansible.builtin.debug:
    msg: "{{ (states | groundwork.databases.pg_switchover_plan(['pg1', 'pg2', 'pg3'], 'pg2')).found }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    source:
      description: The primary; empty when there is none.
      type: str
    target:
      description: The member that becomes the primary.
      type: str
    start_first:
      description: Whether the primary is stopped and only has to be started.
      type: bool
    stopped:
      description: Standbys to start afterwards.
      type: list
      elements: str
    found:
      description: What there is, and what is done about it.
      type: str
    refusal:
      description: Why nothing may be touched; empty when work can go on.
      type: str
"""

import typing as t

from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.switchover_plan import (
    plan_switchover,
)


def pg_switchover_plan(
    states: dict[str, dict[str, t.Any]], members: list[str], target: str = "", ignore: t.Sequence[str] = ()
) -> dict[str, t.Any]:
    return plan_switchover(states, list(members), target, list(ignore)).result()


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"pg_switchover_plan": pg_switchover_plan}
