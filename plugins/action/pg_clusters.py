# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pg_clusters like any other module.

It is here for its imports. Ansible imports an action once, before it forks a worker for each task and host; a filter,
and all that it needs, once in every worker. This module is the first one of the role postgresql_16, whose tasks read
their plan from a filter.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction

from ..filter import host_answer, mongo_host_plan, pg_host_plan, pgbouncer_host_plan, scram_sha_256
from ..module_utils._pg.host_plan import plan

AHEAD = (host_answer, mongo_host_plan, pg_host_plan, pgbouncer_host_plan, scram_sha_256, plan)


class ActionModule(NormalAction):  # type: ignore[misc]
    """Nothing else than what a module without an action has."""
