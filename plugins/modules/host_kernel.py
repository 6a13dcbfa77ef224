#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_kernel
short_description: Set what a database wants of the kernel, as far as the platform lets it
version_added: 1.0.0
description:
  - Sets sysctl values, transparent huge pages and the read-ahead of disks, now and at every boot.
  - Containers and some hosts do not permit all of it. What is not permitted is left, and returned in RV(not_permitted);
    the files for the next boot are written all the same, as an image is often made in a container.
  - What is not given stays as it is.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
options:
  name:
    description:
      - Name of the files C(/etc/sysctl.d/NAME.conf), C(/etc/tmpfiles.d/NAME.conf) and C(/etc/udev/rules.d/NAME.rules).
        Each caller has its own; files are read in the order of their names, and the last one counts.
    type: str
    required: true
  sysctl:
    description: Values by name, such as V(vm.swappiness). An empty dictionary removes the file; live values stay.
    type: dict
  transparent_huge_pages:
    description: How the kernel uses transparent huge pages. An empty dictionary removes the file; live values stay.
    type: dict
    suboptions:
      enabled:
        description: For which memory.
        type: str
        choices: [always, madvise, never]
      defrag:
        description: When memory is compacted for them.
        type: str
        choices: [always, defer, defer+madvise, madvise, never]
  read_ahead:
    description: Read-ahead of the disks below some paths. An empty list removes the file; live values stay.
    type: list
    elements: dict
    suboptions:
      path:
        description:
          - Absolute path, such as a server's data folder; when it is not there yet, the folder above it counts.
        type: str
        required: true
      kb:
        description: Kilobytes.
        type: int
        required: true
  strict:
    description: Fail, before anything is changed, when something is not permitted.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Prepare the kernel for a database
  groundwork.databases.host_kernel:
    name: 60-groundwork-postgresql
    sysctl:
      vm.swappiness: 1
      vm.overcommit_memory: 2
    transparent_huge_pages:
      enabled: never
    read_ahead:
      - {path: /var/lib/postgresql, kb: 128}
  register: kernel

- name: Say what the platform does not permit
  ansible.builtin.debug:
    msg: "{{ item.name }} stays {{ item.found }}: {{ item.why }}"
  loop: "{{ kernel.not_permitted }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: set, kind: sysctl, name: vm.swappiness}
not_permitted:
  description: Settings that are not as asked for, and cannot be on this platform.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(sysctl), V(transparent huge pages) or V(read-ahead).
      type: str
    name:
      description: The setting or the disk.
      type: str
    wanted:
      description: The value asked for.
      type: str
    found:
      description: The value that is there, null when the setting is not.
      type: str
    why:
      description: The reason, for people.
      type: str
"""

import os
import typing as t
from pathlib import PurePosixPath

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan
from ..module_utils._core.problems import Problems, collected
from ..module_utils._host.files import apply as files_apply
from ..module_utils._host.files import live as files_live
from ..module_utils._host.files import plan as files_planning
from ..module_utils._host.files.declared import Wanted
from ..module_utils._host.kernel import declared, live
from ..module_utils._host.kernel import plan as planning


def wanted_settings(params: dict[str, t.Any], problems: Problems) -> dict[str, list[declared.Setting]]:
    """The settings of the call by option; an option that is not given is not there."""
    wanted = {}
    if params["sysctl"] is not None:
        wanted["sysctl"] = declared.read_sysctl(params["sysctl"], problems)
    if params["transparent_huge_pages"] is not None:
        wanted["transparent_huge_pages"] = declared.read_huge_pages(params["transparent_huge_pages"])
    if params["read_ahead"] is not None:
        entries = declared.read_read_ahead(params["read_ahead"], problems)
        devices = {entry.path: live.find_device(entry.path) for entry in entries}
        wanted["read_ahead"] = declared.read_ahead_settings(entries, devices, problems)
    return wanted


def wanted_files(name: str, wanted: dict[str, list[declared.Setting]]) -> list[Wanted]:
    """The files for the next boot."""
    makers = {
        "sysctl": (f"/etc/sysctl.d/{name}.conf", declared.sysctl_file),
        "transparent_huge_pages": (f"/etc/tmpfiles.d/{name}.conf", declared.tmpfiles_file),
        "read_ahead": (f"/etc/udev/rules.d/{name}.rules", declared.udev_file),
    }
    files = []
    for option, settings in wanted.items():
        path, make = makers[option]
        text = make(settings)
        if text is None:
            files.append(Wanted(path, "absent", None, None, None, None, None, False, (), False))
            continue
        parent = str(PurePosixPath(path).parent)
        for folder in ("/etc/udev", parent) if option == "read_ahead" else (parent,):
            files.append(Wanted(folder, "directory", None, None, None, None, None, False, (), False))
        files.append(Wanted(path, "present", text.encode(), None, "root", "root", 0o644, False, (), False))
    return files


def plan_files(entries: list[Wanted], check_mode: bool) -> list[files_planning.Change]:
    found = {entry.path: files_live.read_path(entry.path) for entry in entries}
    runner = files_planning.Runner(os.geteuid(), os.getegid(), frozenset(os.getgroups()), check_mode)
    return files_planning.plan_files(entries, found, [], files_live.Accounts(), runner)


def refuse_not_permitted(plan: planning.KernelPlan) -> None:
    if not plan.not_permitted:
        return
    first = plan.not_permitted[0]
    raise GroundworkError(
        f"{first['name']} is {first['found']} and cannot be {first['wanted']}: {first['why']}.",
        where=first["name"],
        untouched=declared.UNTOUCHED,
        hint="Set it on the machine below, or allow the difference with strict: false.",
        code=ErrorCode.KERNEL_NOT_PERMITTED,
        details={"not_permitted": list(plan.not_permitted)},
    )


def run(module: GroundworkModule) -> dict[str, t.Any]:
    params = module.params
    with collected("the description", ErrorCode.INVALID_KERNEL_SETTING, declared.UNTOUCHED) as problems:
        declared.check_name(params["name"], problems)
        wanted = wanted_settings(params, problems)
    settings = [setting for group in wanted.values() for setting in group]
    plan = planning.plan_kernel(settings, live.read_settings(settings))
    if params["strict"]:
        refuse_not_permitted(plan)
    files = plan_files(wanted_files(params["name"], wanted), module.check_mode)
    not_permitted = list(plan.not_permitted)
    steps = []
    for setting, step in plan.changes:
        why = None if module.check_mode else live.write(setting)
        if why is None:
            steps.append(step)
        else:
            not_permitted.append(
                {"kind": setting.kind, "name": setting.name, "wanted": step.after, "found": step.before, "why": why}
            )
    if files and not module.check_mode:
        files_apply.apply_changes(files)
    own = f"/etc/sysctl.d/{params['name']}.conf"
    others = live.other_sysctl_files(own) if wanted.get("sysctl") else []
    for warning in planning.overridden(wanted.get("sysctl", []), PurePosixPath(own).name, others):
        module.warn(warning)
    shown = Plan((*steps, *(change.step for change in files)))
    return {
        "changed": shown.changed,
        "actions": shown.actions(),
        "diff": shown.diff(),
        "not_permitted": not_permitted,
    }


def main() -> None:
    run_module(
        run,
        {
            "name": {"type": "str", "required": True},
            "sysctl": {"type": "dict"},
            "transparent_huge_pages": {
                "type": "dict",
                "options": {
                    "enabled": {"choices": ["always", "madvise", "never"]},
                    "defrag": {"choices": ["always", "defer", "defer+madvise", "madvise", "never"]},
                },
            },
            "read_ahead": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "path": {"type": "str", "required": True},
                    "kb": {"type": "int", "required": True},
                },
            },
            "strict": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
