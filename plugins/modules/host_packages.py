#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_packages
short_description: Bring the packages of a Debian or Ubuntu host to state, with their repositories, in one call
version_added: 1.0.0
description:
  - Adds repositories, pins and holds versions, installs, upgrades and removes packages, and guards services against
    restarts by others.
  - Finishes what an interrupted package run left half-way before anything else, and waits for a run that is at work.
  - Everything that apt is to do is simulated first. Nothing is done when apt would remove, downgrade or change a held
    package that the call does not name.
  - Package lists are fetched only when something has to be installed or a repository changed. A call that changes
    nothing needs no network and no lock.
  - Configuration files of packages that were edited on the host are kept. needrestart restarts nothing in this run.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
notes:
  - Needs C(dpkg) and C(apt-get) on the host, no Python library, and C(gpg) only where apt itself needs it.
  - In check mode a version that only a repository of the same call offers, or newer package lists than the host has,
    is predicted as it was asked for, without the packages that come along.
options:
  packages:
    description: The packages. A package may be named once.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the package, without a version.
        type: str
        required: true
      version:
        description:
          - Exact version, or the start of one with V(*) at its end, such as V(16.15-*). Of several that fit the newest
            is taken, unless apt's own choice fits.
          - Without it, any version that is installed is right, and apt chooses for one that is not.
        type: str
      hold:
        description:
          - Whether the package is held, so that nothing but this module upgrades it. Without it the mark stays as it
            is.
        type: bool
      state:
        description: V(absent) removes the package and keeps its configuration and data.
        type: str
        choices: [present, absent]
        default: present
  repositories:
    description:
      - Package sources, each a file C(/etc/apt/sources.list.d/NAME.sources) with its key in
        C(/etc/apt/keyrings/NAME.asc).
      - A repository that apt cannot use is rolled back, and the module fails.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the files.
        type: str
        required: true
      uris:
        description: Base addresses.
        type: list
        elements: str
      suites:
        description: Suites, such as V(jammy-pgdg).
        type: list
        elements: str
      components:
        description: Components, such as V(main).
        type: list
        elements: str
      architectures:
        description: Architectures. Without it, those of the host.
        type: list
        elements: str
      key:
        description:
          - Public key in ASCII armour that the repository is signed with, and the only one that is accepted for it.
          - Without it the keys count that the host trusts for every repository.
        type: str
      state:
        description: V(absent) removes the source and its key, and leaves what was installed from it.
        type: str
        choices: [present, absent]
        default: present
  guard:
    description:
      - Keeps needrestart from restarting services, and unattended-upgrades from upgrading packages.
      - Written whether or not these two are installed.
    type: dict
    suboptions:
      name:
        description: Name of the two files; each caller has its own.
        type: str
        required: true
      services:
        description:
          - Units that needrestart never restarts by itself; V(*) stands for any part of a name. An empty list removes
            the file.
        type: list
        elements: str
        default: []
      packages:
        description:
          - Packages that unattended-upgrades never touches. Without it, the held ones of O(packages); an empty list
            removes the file.
        type: list
        elements: str
  no_autostart:
    description:
      - Keep the packages from starting, stopping and restarting services while they are installed. Packages that are
        removed still stop theirs.
      - A C(/usr/sbin/policy-rc.d) of the host's own is asked meanwhile by everybody else, and put back afterwards.
    type: bool
    default: false
  install_recommends:
    description: Whether recommended packages are installed too. Without it, as apt on the host is configured.
    type: bool
  allow_downgrade:
    description: Whether a package may be replaced by an older version.
    type: bool
    default: false
  lock_timeout:
    description: Seconds to wait for another run of apt or dpkg.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Install PostgreSQL in one minor version and keep it there
  groundwork.databases.host_packages:
    repositories:
      - name: pgdg
        uris: [https://apt.postgresql.org/pub/repos/apt]
        suites: [jammy-pgdg]
        components: [main]
        key: "{{ lookup('ansible.builtin.file', 'pgdg.asc') }}"
    packages:
      - name: postgresql-16
        version: 16.15-*
        hold: true
      - name: postgresql-client-16
        version: 16.15-*
        hold: true
    guard:
      name: postgresql
      services: [postgresql, postgresql@*]
    no_autostart: true
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done. Packages that come along have the kind V(dependency).
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: file, name: /etc/apt/sources.list.d/pgdg.sources}
    - {action: install, kind: package, name: postgresql-16}
installed:
  description:
    - Versions of the packages of the call; in check mode those that a run would bring, as far as they can be known.
  returned: success
  type: dict
  sample: {postgresql-16: 16.15-1.pgdg22.04+1}
recovered:
  description: Packages that an earlier, interrupted run had left half-way.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._host.packages.declared import read
from ..module_utils._host.packages.run import Request, converge

STRINGS = {"type": "list", "elements": "str"}
PRESENT_OR_ABSENT = {"choices": ["present", "absent"], "default": "present"}


def build_request(module: GroundworkModule) -> Request:
    params = module.params
    packages, repositories, guard = read(params)
    return Request(
        packages=packages,
        repositories=repositories,
        guard=guard,
        no_autostart=params["no_autostart"],
        allow_downgrade=params["allow_downgrade"],
        recommends=params["install_recommends"],
        lock_timeout=params["lock_timeout"],
        check_mode=module.check_mode,
    )


def run(module: GroundworkModule) -> dict[str, t.Any]:
    outcome = converge(build_request(module))
    for warning in outcome.warnings:
        module.warn(warning)
    return {
        "changed": outcome.plan.changed,
        "actions": outcome.plan.actions(),
        "diff": outcome.plan.diff(),
        "installed": outcome.installed,
        "recovered": outcome.recovered,
    }


def main() -> None:
    run_module(
        run,
        {
            "packages": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "version": {"type": "str"},
                    "hold": {"type": "bool"},
                    "state": PRESENT_OR_ABSENT,
                },
            },
            "repositories": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "uris": STRINGS,
                    "suites": STRINGS,
                    "components": STRINGS,
                    "architectures": STRINGS,
                    "key": {"type": "str", "no_log": False},
                    "state": PRESENT_OR_ABSENT,
                },
            },
            "guard": {
                "type": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "services": {**STRINGS, "default": []},
                    "packages": STRINGS,
                },
            },
            "no_autostart": {"type": "bool", "default": False},
            "install_recommends": {"type": "bool"},
            "allow_downgrade": {"type": "bool", "default": False},
            "lock_timeout": {"type": "int", "default": 300},
        },
    )


if __name__ == "__main__":
    main()
