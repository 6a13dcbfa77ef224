#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: local_secrets
short_description: Generate the passwords of the local environment once
version_added: 1.0.0
description:
  - Makes sure that a password file exists for every given name. A password that exists is never changed or returned.
  - Files are readable by their owner only; a file or folder that others can read is closed again.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
options:
  directory:
    description: Folder that holds one file per password. Created with mode 0700.
    type: path
    required: true
  names:
    description: Names of the files.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Generate the passwords that are not there yet
  groundwork.databases.local_secrets:
    directory: .local/secrets
    names: [postgresql_superuser, mongodb_admin]
"""

RETURN = r"""
actions:
  description: The files that were, or in check mode would be, created or closed.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: password file, name: .local/secrets/mongodb_admin}
"""

import stat
import typing as t
from pathlib import Path

from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan, Step
from ..module_utils._host import filesystem
from ..module_utils._local.secret import write_secret


def plan_secrets(directory: Path, names: list[str]) -> Plan:
    """Files to create and files that others than their owner can read."""
    steps = []
    for name in names:
        path = directory / name
        if not path.is_file() or not path.stat().st_size:
            steps.append(Step("create", "password file", str(path), after="mode 0600"))
        elif _is_open(path):
            steps.append(Step("close", "password file", str(path), before=_mode(path), after="mode 0600"))
    if directory.is_dir() and _is_open(directory):
        steps.append(Step("close", "password folder", str(directory), before=_mode(directory), after="mode 0700"))
    return Plan(tuple(steps))


def apply_plan(plan: Plan) -> None:
    for step in plan:
        path = Path(step.name)
        if step.action == "create":
            write_secret(path)
        else:
            filesystem.set_attributes(path, mode=0o700 if path.is_dir() else 0o600)


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _mode(path: Path) -> str:
    return f"mode {stat.S_IMODE(path.stat().st_mode):04o}"


def check_names(names: list[str]) -> None:
    """A name is a file's name, never a path."""
    for name in names:
        if not name or name != Path(name).name:
            raise GroundworkError(
                f"{name!r} is not a file name.",
                where="names",
                untouched="everything",
                hint="Use letters, digits, '-', '_' and '.'.",
            )


def run(module: GroundworkModule) -> dict[str, t.Any]:
    check_names(module.params["names"])
    plan = plan_secrets(Path(module.params["directory"]), module.params["names"])
    if not module.check_mode:
        apply_plan(plan)
    return {"changed": plan.changed, "actions": plan.actions(), "diff": plan.diff()}


def main() -> None:
    run_module(
        run,
        {
            "directory": {"type": "path", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
        },
    )


if __name__ == "__main__":
    main()
