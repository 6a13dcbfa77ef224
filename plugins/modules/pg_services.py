#!/usr/bin/python

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_services
short_description: Have the servers of a host's PostgreSQL 16 clusters run as systemd units
version_added: 1.0.0
description:
  - For every cluster of a host in one task. Has systemd read changed units, has the clusters start with the host,
    starts what does not run and waits until it answers.
  - Tells a server to reload when files that it reads then, such as a renewed certificate, are newer than what it has
    read.
  - Never stops and never restarts a server. Why one has to be restarted, as far as its unit is concerned, is returned.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
requirements:
  - systemd
  - postgresql-common and postgresql-16, outside check mode
  - root
options:
  clusters:
    description: The clusters.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the cluster.
        type: str
        required: true
      data_directory:
        description: Its data folder.
        type: path
        required: true
      port:
        description: Its port. A server that listens on another one has to be restarted.
        type: int
  reload_for:
    description:
      - Files that a server reads when it is told to reload; C(%c) stands for the cluster's name. One that is not there
        does not count.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds to wait for a server to answer. One that was not shut down replays its write-ahead log first.
    type: int
    default: 300
  state_directory:
    description:
      - Folder where the drop-ins that each server runs with are noted, which M(groundwork.databases.pg_restart) falls
        back to.
    type: path
    default: /var/lib/groundwork/postgresql_16/configuration
"""

EXAMPLES = r"""
- name: Have both servers run
  groundwork.databases.pg_services:
    clusters:
      - name: shop
        data_directory: /var/lib/postgresql/16/shop
      - name: archive
        data_directory: /var/lib/postgresql/16/archive
    reload_for: [/etc/postgresql/16/%c/tls/server.pem]
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: start, kind: server, name: shop, statement: systemctl start postgresql@16-shop.service}
clusters:
  description: The clusters in the order of the description, as they are afterwards.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      type: str
    unit:
      description: systemd unit.
      type: str
    running:
      description: Whether the server runs.
      type: bool
    running_port:
      description: Port that the server listens on, V(null) when it does not run.
      type: int
    pid:
      description: Process of the postmaster.
      type: int
    version:
      description: Version that the running server says it is.
      type: str
    standby:
      description: Whether the running server is a standby.
      type: bool
    restart_reasons:
      description: Why the server has to be restarted; what waits in its settings is not among it.
      type: list
      elements: str
"""

import typing as t
from pathlib import Path

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg.services import drop_ins
from ..module_utils._pg.services.apply import apply_plan
from ..module_utils._pg.services.live import read_units
from ..module_utils._pg.services.plan import Unit, Wanted, newer_drop_ins, plan_services, restart_reasons


def describe(cluster: Wanted, unit: Unit) -> dict[str, t.Any]:
    return {
        "name": cluster.name,
        "unit": cluster.unit,
        "running": unit.active,
        "running_port": unit.port,
        "pid": unit.pid,
        "version": unit.version,
        "standby": unit.standby,
        "restart_reasons": restart_reasons(cluster, unit),
    }


def keep_units(wanted: t.Sequence[Wanted], units: dict[str, Unit], state: Path) -> None:
    """Note the drop-ins that servers run with, for pg_restart to fall back to."""
    for cluster in wanted:
        if units[cluster.name].active and not newer_drop_ins(units[cluster.name]):
            drop_ins.keep(cluster.unit, state / cluster.name)


def run(module: GroundworkModule) -> dict[str, t.Any]:
    wanted = [
        Wanted(
            name=options["name"],
            data_directory=options["data_directory"],
            port=options["port"],
            reload_for=tuple(path.replace("%c", options["name"]) for path in module.params["reload_for"]),
        )
        for options in module.params["clusters"]
    ]
    units, whole = read_units(wanted)
    plan = plan_services(wanted, units, whole)
    if plan and not module.check_mode:
        apply_plan(plan, wanted, module.params["timeout"])
        units, whole = read_units(wanted)
        left = plan_services(wanted, units, whole)
        if left:
            raise GroundworkError(
                "The servers are not as described after everything was done: "
                + ", ".join(f"{step.action} {step.kind} {step.name}" for step in left),
                hint="Something else changes them at the same time. Run again.",
                code=ErrorCode.NOT_CONVERGED,
            )
    if not module.check_mode:
        keep_units(wanted, units, Path(module.params["state_directory"]))
    return {
        "changed": plan.changed,
        "actions": plan.actions(),
        "diff": plan.diff(),
        "clusters": [describe(cluster, units[cluster.name]) for cluster in wanted],
    }


def main() -> None:
    run_module(
        run,
        {
            "clusters": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "data_directory": {"type": "path", "required": True},
                    "port": {"type": "int"},
                },
            },
            "reload_for": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 300},
            "state_directory": {"type": "path", "default": "/var/lib/groundwork/postgresql_16/configuration"},
        },
    )


if __name__ == "__main__":
    main()
