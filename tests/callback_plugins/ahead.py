# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads plugins ahead of the first task.

Ansible forks a worker for each task and host, and what a worker loads ends with it: the same plugins and their
documentation are read again by the next one. What the parent has loaded, every worker has.
"""

from __future__ import annotations

import typing as t

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import (
    action_loader,
    connection_loader,
    filter_loader,
    lookup_loader,
    shell_loader,
    test_loader,
)

DOCUMENTATION = """
name: ahead
type: aggregate
short_description: Loads plugins ahead of the first task
description: Loads plugins ahead of the first task, so that no worker has to.
author: The groundwork.databases maintainers (@groundwork)
"""

CLASSES = (
    (connection_loader, ("container", "local")),
    (shell_loader, ("sh",)),
    (action_loader, ("ansible.builtin.normal", "ansible.builtin.set_fact", "ansible.builtin.assert")),
    (lookup_loader, ("ansible.builtin.file", "ansible.builtin.env", "groundwork.databases.generated_files")),
)
FUNCTIONS = (
    (filter_loader, ("combine", "groundwork.databases.host_answer")),
    (test_loader, ("match",)),
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "ahead"

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        for loader, names in CLASSES:
            for name in names:
                loader.get(name, class_only=True)
        for loader, names in FUNCTIONS:
            for name in names:
                loader.get(name)
