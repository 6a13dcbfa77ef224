# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs mongod_upgrade_check like any other module.

It is here for its imports: see plugin_utils/_ahead.py. This module is the first one of the role mongodb_7, whose
tasks read their plan from a filter.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction

from ..module_utils._mongo.host_plan import plan
from ..plugin_utils import _ahead

AHEAD = (*_ahead.FILTERS, plan)


class ActionModule(NormalAction):  # type: ignore[misc]
    """Nothing else than what a module without an action has."""
