# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the controller's migration folders along with the module, as pg_schema_apply does."""

from __future__ import annotations

from .pg_schema_apply import ActionModule as SchemaAction


class ActionModule(SchemaAction):
    """The same for the module that only reads."""

    MODULE = "groundwork.databases.pg_schema_info"
