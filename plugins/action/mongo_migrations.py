# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the controller's folders of change files along with the module, as one archive."""

from __future__ import annotations

from ..module_utils._mongo.migrations.resolve import SUFFIXES
from .pg_schema_apply import ActionModule as ShippingAction


class ActionModule(ShippingAction):
    """Finds, packs and sends as for SQL files; only the module and the endings of the files differ."""

    MODULE = "groundwork.databases.mongo_migrations"
    SUFFIXES = SUFFIXES
