#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_restart
short_description: Restart a PostgreSQL 16 server when it is needed and allowed
version_added: 1.0.0
description:
  - Asks the running server what waits for a restart, and restarts it when O(policy) allows that. Without a reason
    nothing happens, so a second run changes nothing.
  - Before the server is stopped, its installed program reads the configuration that it would start with. What that
    refuses is reported, and the server keeps running.
  - When the server does not come up nevertheless, the last configuration that worked is put back, and with it the
    drop-ins of the unit, which M(groundwork.databases.pg_services) notes. The server is started with them, and the
    module fails with what the log says. The configuration that failed is kept beside it, below O(state_directory).
  - A server that does not run is left alone.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
requirements:
  - psycopg2 >= 2.8
options:
  name:
    description: Name of the cluster.
    type: str
    required: true
  policy:
    description:
      - V(never) reports what waits. V(when_needed) restarts a server that has something waiting. V(always) does so
        after every change of its configuration too, see O(configuration_changed).
    type: str
    choices: [never, when_needed, always]
    default: never
  reasons:
    description: Further reasons that the caller knows of, such as a changed unit, one sentence each.
    type: list
    elements: str
    default: []
  configuration_changed:
    description: Whether the configuration has changed since the last run; a reason with O(policy=always).
    type: bool
    default: false
  manager:
    description: Who starts the server. V(pg_ctl) is for one without a unit of systemd.
    type: str
    choices: [systemd, pg_ctl]
    default: systemd
  unit:
    description: Unit of systemd. Defaults to C(postgresql@16-), the name, and C(.service).
    type: str
  timeout:
    description: Seconds to wait for the server, which may have to replay its write-ahead log.
    type: int
    default: 300
  port:
    description: Port of the server; while it runs, its own word counts.
    type: int
    default: 5432
  config_directory:
    description: Folder with C(postgresql.conf). Defaults to C(/etc/postgresql/16/) and the name.
    type: path
  data_directory:
    description: Data folder. Defaults to C(/var/lib/postgresql/16/) and the name.
    type: path
  socket_directory:
    description: Folder of the Unix socket.
    type: path
    default: /var/run/postgresql
  log_file:
    description: Log of the server. Defaults to C(/var/log/postgresql/postgresql-16-), the name, and C(.log).
    type: path
  bin_directory:
    description: Folder with the installed C(postgres).
    type: path
    default: /usr/lib/postgresql/16/bin
  owner:
    description: Account that the server runs as.
    type: str
    default: postgres
  superuser:
    description: Role to log in as over the Unix socket. Defaults to O(owner).
    type: str
  state_directory:
    description: Folder with the last configuration that worked, as M(groundwork.databases.pg_configuration) keeps it.
    type: path
    default: /var/lib/groundwork/postgresql_16/configuration
"""

EXAMPLES = r"""
- name: Restart what has to be restarted
  groundwork.databases.pg_restart:
    name: launch
    policy: when_needed
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: restart, kind: server, name: launch, statement: systemctl restart postgresql@16-launch.service}
reasons:
  description: Why the server has to be restarted, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ["max_connections: 100 becomes 1000"]
waits:
  description: Whether a restart is needed that O(policy) does not allow.
  returned: success
  type: bool
running:
  description: Whether the server runs.
  returned: success
  type: bool
seconds:
  description: How long the server did not answer.
  returned: when it was restarted
  type: float
restored:
  description: Whether the server runs again with the last configuration that worked.
  returned: when it did not start with the new one
  type: bool
"""

import typing as t
from pathlib import Path

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan, Step
from ..module_utils._host.account import find_account
from ..module_utils._host.service import GRACE_SECONDS, PgCtl, Systemd
from ..module_utils._pg.configuration import declared, restart


def read_subject(params: dict[str, t.Any]) -> restart.Subject | None:
    """The server, or ``None`` on a host that does not have its account yet."""
    (cluster,) = declared.parse([params])
    owner = find_account(params["owner"])
    if owner is None:
        return None
    log = Path(params["log_file"] or f"/var/log/postgresql/postgresql-16-{cluster.name}.log")
    unit = params["unit"] or f"postgresql@16-{cluster.name}.service"
    bin_directory = Path(params["bin_directory"])
    service: Systemd | PgCtl = Systemd(unit, params["timeout"] + GRACE_SECONDS)
    if params["manager"] == "pg_ctl":
        program, file = bin_directory / "pg_ctl", cluster.config / "postgresql.conf"
        service = PgCtl(program, cluster.data, owner, log, file, params["timeout"])
    return restart.Subject(
        cluster=cluster,
        owner=owner,
        superuser=params["superuser"] or params["owner"],
        bin_directory=bin_directory,
        state=Path(params["state_directory"]),
        service=service,
        log=log,
        timeout=params["timeout"],
    )


def plan_restart(subject: restart.Subject, need: restart.Need, policy: str) -> Plan:
    if policy == "never" or not need.reasons:
        return Plan()
    text = "\n".join(need.reasons)
    name = subject.cluster.name
    return Plan((Step("restart", "server", name, "running", f"restarted\n{text}", subject.service.describe()),))


def run(module: GroundworkModule) -> dict[str, t.Any]:
    params = module.params
    subject = read_subject(params)
    if subject is None:
        return {"changed": False, "actions": [], "reasons": [], "waits": False, "running": False}
    given = list(params["reasons"])
    if params["policy"] == "always" and params["configuration_changed"]:
        given.append("its configuration changed")
    need = restart.read_need(subject, given)
    plan = plan_restart(subject, need, params["policy"])
    result: dict[str, t.Any] = {
        "changed": plan.changed,
        "actions": plan.actions(),
        "diff": plan.diff(),
        "reasons": list(need.reasons),
        "waits": bool(need.reasons) and not plan,
        "running": need.started is not None,
    }
    if plan:
        restart.refuse_what_cannot_start(subject, need)
        if not module.check_mode:
            result["seconds"] = round(restart.restart(subject, need), 3)
    elif need.reasons:
        module.warn(f"Cluster {subject.cluster.name} waits for a restart: {'; '.join(need.reasons)}.")
    return result


def main() -> None:
    run_module(
        run,
        {
            "name": {"type": "str", "required": True},
            "policy": {"type": "str", "default": "never", "choices": ["never", "when_needed", "always"]},
            "reasons": {"type": "list", "elements": "str", "default": []},
            "configuration_changed": {"type": "bool", "default": False},
            "manager": {"type": "str", "default": "systemd", "choices": ["systemd", "pg_ctl"]},
            "unit": {"type": "str"},
            "timeout": {"type": "int", "default": 300},
            "port": {"type": "int", "default": 5432},
            "config_directory": {"type": "path"},
            "data_directory": {"type": "path"},
            "socket_directory": {"type": "path", "default": "/var/run/postgresql"},
            "log_file": {"type": "path"},
            "bin_directory": {"type": "path", "default": "/usr/lib/postgresql/16/bin"},
            "owner": {"type": "str", "default": "postgres"},
            "superuser": {"type": "str"},
            "state_directory": {"type": "path", "default": "/var/lib/groundwork/postgresql_16/configuration"},
        },
    )


if __name__ == "__main__":
    main()
