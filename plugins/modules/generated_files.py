#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: generated_files
short_description: Move generated keys and certificates out of the inventory
version_added: 1.0.0
description:
  - Moves what the roles of this collection generated from the folder below the inventory where earlier versions kept
    it. Ansible reads every file there as an inventory, and showed the lines of keys as names of hosts.
  - Moves only what is generated, by its names. Other files stay.
  - Copies and syncs all files before it removes the first, so a run that is interrupted is completed by the next.
  - Refuses, before anything is changed, when both folders hold files that differ.
  - Warns of what was moved, from where to where.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
options:
  moves:
    description: The folders. One whose C(former) is empty, or is not there, needs nothing.
    type: list
    elements: dict
    required: true
    suboptions:
      kind:
        description: Certificates with their keys, or the shared keys and passwords of replica sets.
        type: str
        choices: [certificates, keys]
        required: true
      former:
        description: Where the files are.
        type: str
        required: true
      directory:
        description: Where they are to be. Made with mode 0700.
        type: path
        required: true
seealso:
  - plugin: groundwork.databases.generated_files
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Keep the certificates outside of the inventory
  groundwork.databases.generated_files:
    moves:
      - kind: certificates
        former: "{{ inventory_dir }}/tls"
        directory: "{{ lookup('groundwork.databases.secrets_directory', 'postgresql') }}"
  delegate_to: localhost
  become: false
  run_once: true
"""

RETURN = r"""
actions:
  description: The files that were, or in check mode would be, moved.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: move, kind: certificates, name: ca.key}
"""

import typing as t
from pathlib import Path

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan, Step
from ..module_utils._generated.move import move
from ..module_utils._generated.state import KINDS


def run(module: GroundworkModule) -> dict[str, t.Any]:
    steps = []
    for wanted in module.params["moves"]:
        former, directory, kind = wanted["former"], wanted["directory"], wanted["kind"]
        names = move(Path(former), Path(directory), kind, module.check_mode) if former else []
        steps += [Step("move", kind, name, f"{former}/{name}", f"{directory}/{name}") for name in names]
        if names:
            done = "would be moved" if module.check_mode else "were moved"
            module.warn(f"The {kind} in {former}, which Ansible reads as an inventory, {done} to {directory}.")
    plan = Plan(tuple(steps))
    return {"changed": plan.changed, "actions": plan.actions(), "diff": plan.diff()}


def main() -> None:
    run_module(
        run,
        {
            "moves": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "kind": {"type": "str", "choices": list(KINDS), "required": True},
                    "former": {"type": "str", "required": True},
                    "directory": {"type": "path", "required": True},
                },
            },
        },
    )


if __name__ == "__main__":
    main()
