# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs mongod_upgrade_check like any other module.

It is here for its imports, as pg_clusters: each host of the role mongodb_7 is looked at by this module first.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction

from ..filter import host_answer, mongo_host_plan, pg_host_plan, pgbouncer_host_plan, scram_sha_256
from ..module_utils._mongo.host_plan import plan

AHEAD = (host_answer, mongo_host_plan, pg_host_plan, pgbouncer_host_plan, scram_sha_256, plan)


class ActionModule(NormalAction):  # type: ignore[misc]
    """Nothing else than what a module without an action has."""
