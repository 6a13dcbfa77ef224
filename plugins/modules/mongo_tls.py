#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongo_tls
short_description: Bring a running MongoDB server to a stage of TLS, and to renewed certificates, without a restart
version_added: 1.0.0
description:
  - Runs on the host of the server. A server that was started with TLS goes from V(allowTLS) to V(preferTLS) and
    V(requireTLS) as it runs, and from V(sendKeyFile) to V(sendX509) and V(x509) among members. For the other ways, the
    first one up and all down, it says that a restart is needed. It restarts nothing.
  - The certificate that the server shows is compared with the one in O(certificate_key_file). When they differ, the
    server is told to read its files again (C(rotateCertificates)). Open connections stay.
  - In a replica set every member takes one stage before any takes the next. Before this one does, the others are asked,
    and one that is further away or does not answer stops it; in check mode too. Arbiters have no users, so they are not
    asked.
notes:
  - With O(ssl=true) it connects through TLS when the server speaks it, and without when it does not yet. A handshake
    without a login tells which.
  - C(mongod.conf) is not its business. Keep the file at the same stage, or the next restart goes back.
  - The module talks to a single server, so O(login_uri) and O(replica_set) have no effect.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._mongodb
options:
  mode:
    description: Stage of TLS to bring the server to. Unset leaves it.
    type: str
    choices: [disabled, allowTLS, preferTLS, requireTLS]
  cluster_auth_mode:
    description: How members prove to each other who they are. Unset leaves it.
    type: str
    choices: [keyFile, sendKeyFile, sendX509, x509]
  certificate_key_file:
    description: The server's own file with its certificate and key, to compare with what it shows.
    type: path
  rotate:
    description:
      - Rotate the certificates also when the one that is shown is the one in the file, for new authorities or
        revocation lists, which the module cannot see.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See how far the server is
  groundwork.databases.mongo_tls:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    ssl: true
    ssl_ca_certs: /etc/ssl/mongodb/ca.pem
  register: tls

- name: Take the next stage once every member has the one before
  groundwork.databases.mongo_tls:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    ssl: true
    ssl_ca_certs: /etc/ssl/mongodb/ca.pem
    mode: preferTLS
    certificate_key_file: /etc/ssl/mongodb/server.pem
"""

RETURN = r"""
actions:
  description: The steps that were, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - action: alter
      kind: parameter
      name: tlsMode
      statement: '{"setParameter": 1, "tlsMode": "preferTLS"}'
restart_needed:
  description: Whether O(mode) or O(cluster_auth_mode) can only be reached by a restart.
  returned: success
  type: bool
  sample: false
running:
  description: Whether a server answers.
  returned: success
  type: bool
  sample: true
mode:
  description: Stage of TLS now; empty when it could not be read.
  returned: success
  type: str
  sample: preferTLS
cluster_auth_mode:
  description: How members prove to each other who they are; empty when it could not be read.
  returned: success
  type: str
  sample: keyFile
tls:
  description: Whether the server can be reached through TLS.
  returned: success
  type: bool
  sample: true
"""

import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan
from ..module_utils._mongo import api
from ..module_utils._mongo.connection import connection_argument_spec
from ..module_utils._mongo.tls import live, other_members, stages

# A server that does not run has no stage before the wanted one.
NOT_RUNNING = stages.Stage("disabled", "keyFile")


def result(plan: Plan, reached: bool, tls: bool, now: stages.Stage | None, **facts: t.Any) -> dict[str, t.Any]:
    return {
        "changed": plan.changed, "actions": plan.actions(), "diff": plan.diff(), "running": reached, "tls": tls,
        "mode": now.mode if now else "", "cluster_auth_mode": now.cluster_auth_mode if now else "",
        "restart_needed": False, **facts,
    }


def wanted_stage(options: dict[str, t.Any], now: stages.Stage) -> stages.Stage:
    """
    :raises GroundworkError: no server can be at this stage.
    """
    wanted = stages.Stage(options["mode"] or now.mode, options["cluster_auth_mode"] or now.cluster_auth_mode)
    problem = stages.contradiction(wanted)
    if problem:
        raise GroundworkError(
            problem, where="mode, cluster_auth_mode", untouched="everything", code=ErrorCode.CONTRADICTION
        )
    return wanted


def run(module: GroundworkModule) -> dict[str, t.Any]:
    options = live.reachable_options(module.params)
    if options is None:
        wanted_stage(module.params, NOT_RUNNING)
        # Nobody depends on a server that does not run: it starts at the last stage. The host may lack the driver yet.
        return result(Plan(), False, False, None)
    asked = module.params["mode"] or module.params["cluster_auth_mode"] or module.params["certificate_key_file"]
    if api.DRIVER_IMPORT_ERROR is not None and (module.check_mode or not asked):
        # The driver comes before anything is to be changed.
        wanted_stage(module.params, NOT_RUNNING)
        return result(Plan(), True, options["ssl"], None)
    api.require_driver(module)
    try:
        server = api.connect_member(options, live.APPLICATION)
    except api.AuthenticationFailed:
        if module.params["mode"] or module.params["cluster_auth_mode"]:
            raise
        return result(Plan(), True, options["ssl"], None)
    try:
        return bring(module, server, options)
    finally:
        server.close()


def bring(module: GroundworkModule, server: api.Server, options: dict[str, t.Any]) -> dict[str, t.Any]:
    now = live.stage_of(server)
    target = wanted_stage(options, now)
    steps, restart = live.plan_stage(now, target)
    rotation = live.rotation(options, options["rotate"]) if now.mode != "disabled" else []
    if steps:
        other_members.check(server, module.params, target)
    plan = Plan((*rotation, *steps))
    if plan and not module.check_mode:
        live.carry_out(server, plan)
        now = live.stage_of(server)
        verify(now, target, restart, rotation, options)
    return result(plan, True, options["ssl"], now, restart_needed=restart)


def verify(
    now: stages.Stage, target: stages.Stage, restart: bool, rotation: list[t.Any], options: dict[str, t.Any]
) -> None:
    """:raises GroundworkError: the server accepted the commands and is not at the target."""
    if not restart and now != target:
        raise GroundworkError(
            f"The server accepted every command, and is at {now.mode}, {now.cluster_auth_mode}.",
            where=options["login_host"], code=ErrorCode.NOT_CONVERGED,
        )
    if rotation and live.rotation(options, False):
        raise GroundworkError(
            "The server read its files again, and still shows another certificate.", where=options["login_host"],
            hint="See that certificate_key_file is net.tls.certificateKeyFile of its configuration.",
            code=ErrorCode.NOT_CONVERGED,
        )


def main() -> None:
    run_module(
        run,
        {
            **connection_argument_spec(),
            "mode": {"type": "str", "choices": list(stages.MODES)},
            "cluster_auth_mode": {"type": "str", "choices": list(stages.CLUSTER_AUTH_MODES)},
            "certificate_key_file": {"type": "path", "no_log": False},
            "rotate": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
