# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the guard of a pause along with the module, packed from its source on the controller."""

from __future__ import annotations

import base64
import typing as t

from ansible.plugins.action.normal import ActionModule as NormalAction

from ..module_utils._pgbouncer.operations.control import GUARD_PROGRAM
from ..module_utils._programs import archive


class ActionModule(NormalAction):  # type: ignore[misc]
    """What a module without an action has, and one argument more."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        packed = base64.b64encode(archive.program(GUARD_PROGRAM)).decode()
        self._task.args = {**self._task.args, "_guard_program": packed}
        return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))
