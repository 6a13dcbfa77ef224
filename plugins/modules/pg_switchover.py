#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_switchover
short_description: Hand the part of the primary over to a standby
version_added: 1.0.0
description:
  - O(step=hand_over) runs on the host of the primary. It checks everything that can be checked, then stops the primary
    fast (which ships all WAL), waits until the target has replayed the primary's last record, marks the old primary
    as a standby, promotes the target and starts the old primary again as a standby.
  - The target is promoted over a session that was opened before the stop, by the replication role, which may call
    C(pg_promote) for just this moment. So only the servers' own work is outage, no round trip through Ansible.
  - A failure before the promotion is rolled back, and the old primary serves again. There are never two primaries.
  - O(step=prepare) runs on the target before that, and O(step=promote) finishes a switchover that was interrupted when
    the old primary was stopped and nobody was promoted yet.
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._replication
options:
  step:
    description: Which part to do.
    type: str
    choices: [prepare, hand_over, promote]
    required: true
  target:
    description: Inventory name of the standby that becomes the primary.
    type: str
    required: true
  target_host:
    description: Its address, as seen from this host. Needed for O(step=hand_over).
    type: str
  target_port:
    description: Its port.
    type: int
    default: 5432
  primary:
    description:
      - State of the primary as M(groundwork.databases.pg_replication_info) returns it. Needed for O(step=prepare).
    type: dict
    default: {}
  user:
    description: The replication role.
    type: str
  passfile:
    description: Password file of libpq with its password, on this host.
    type: path
  replication_ssl_mode:
    description: How TLS is negotiated with the target.
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
    default: prefer
  replication_ca_cert:
    description: File with the authorities that may have signed the target's certificate.
    type: path
  max_lag_bytes:
    description: Do not begin while a standby is further behind than this.
    type: int
    default: 16777216
  max_lag_seconds:
    description: Do not begin while a standby is further behind than this.
    type: float
    default: 10
  max_transaction_seconds:
    description: Do not begin while a transaction has been open for longer than this.
    type: float
    default: 30
  stop_timeout:
    description: Seconds for the primary to stop.
    type: float
    default: 30
  receive_timeout:
    description: Seconds for the target to replay what the primary shipped.
    type: float
    default: 15
  promote_timeout:
    description: Seconds for the target to become a primary.
    type: float
    default: 30
seealso:
  - module: groundwork.databases.pg_replication
author:
  - Groundwork maintainers (@groundwork)
"""

EXAMPLES = r"""
- name: Hand over to pg2, on the host of the primary
  groundwork.databases.pg_switchover:
    step: hand_over
    data_directory: /var/lib/postgresql/16/main
    service: postgresql@16-main
    target: pg2
    target_host: pg2
    user: replicator
    passfile: /var/lib/postgresql/replication.pgpass
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
timing:
  description: Milliseconds from the stop of the primary until it was down, all was replayed, the target was promoted.
  returned: when step is hand_over, outside check mode
  type: dict
  sample: {stopped_ms: 118, received_ms: 131, promoted_ms: 243}
shutdown_checkpoint:
  description: Position of the old primary's last record, which the target has.
  returned: when step is hand_over, outside check mode
  type: str
"""

import os
import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan, Step
from ..module_utils._pg import api
from ..module_utils._pg.replication.gates import Thresholds, against_host, against_primary, against_target
from ..module_utils._pg.replication.live import from_session
from ..module_utils._pg.replication.server import Server, server_argument_spec
from ..module_utils._pg.replication.switchover import Handover, Limits, promote_here
from ..module_utils._pg.session import Session


def argument_spec() -> dict[str, dict[str, t.Any]]:
    ssl_modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
    return {
        **server_argument_spec(),
        "step": {"type": "str", "choices": ["prepare", "hand_over", "promote"], "required": True},
        "target": {"type": "str", "required": True},
        "target_host": {"type": "str"},
        "target_port": {"type": "int", "default": 5432},
        "primary": {"type": "dict", "default": {}},
        "user": {"type": "str"},
        "passfile": {"type": "path", "no_log": False},
        "replication_ssl_mode": {"type": "str", "choices": ssl_modes, "default": "prefer"},
        "replication_ca_cert": {"type": "path"},
        "max_lag_bytes": {"type": "int", "default": 16 << 20},
        "max_lag_seconds": {"type": "float", "default": 10.0},
        "max_transaction_seconds": {"type": "float", "default": 30.0},
        "stop_timeout": {"type": "float", "default": 30.0},
        "receive_timeout": {"type": "float", "default": 15.0},
        "promote_timeout": {"type": "float", "default": 30.0},
    }


def refuse(reasons: list[str], target: str) -> None:
    """:raises GroundworkError: there are reasons."""
    if reasons:
        raise GroundworkError(
            f"No switchover to {target} now: {'; '.join(reasons)}.",
            untouched="everything; the primary goes on serving",
            hint="Mend what is named, or raise the limits of the switchover, and run again.",
            code=ErrorCode.SWITCHOVER_REFUSED, details={"reasons": reasons},
        )


def open_target(params: dict[str, t.Any], server: Server) -> Session:
    """A session of the replication role on the target: as it opens, the old primary can follow it later."""
    options = {
        **server.login,
        "login_host": params["target_host"],
        "login_port": params["target_port"],
        "login_user": params["user"],
        "login_password": None,
        "ssl_mode": params["replication_ssl_mode"],
        "ca_cert": params["replication_ca_cert"],
    }
    if params["passfile"]:
        os.environ["PGPASSFILE"] = params["passfile"]
    return Session.open(options, "postgres", "groundwork switchover")


def prepare(params: dict[str, t.Any], server: Server, check: bool) -> list[Step]:
    session = server.session("groundwork switchover")
    try:
        target = from_session(session)
        refuse(against_target(target, params["target"], params["primary"]), params["target"])
        if not check:
            session.run("CHECKPOINT")
    finally:
        session.close()
    return []


def hand_over(params: dict[str, t.Any], server: Server, check: bool) -> tuple[list[Step], dict[str, t.Any]]:
    local = server.session("groundwork switchover")
    primary = from_session(local)
    if primary["role"] != "primary":
        raise GroundworkError("The server on this host is not the primary.", where=server.where, untouched="everything")
    limits = Thresholds(params["max_lag_bytes"], params["max_lag_seconds"], params["max_transaction_seconds"])
    refuse(against_primary(primary, params["target"], limits), params["target"])
    target = open_target(params, server)
    if target.value("SELECT system_identifier::text FROM pg_control_system()") != primary["system_identifier"]:
        refuse([f"{params['target_host']} is not a copy of this primary"], params["target"])
    in_recovery, slot = target.rows("SELECT pg_is_in_recovery(), current_setting('primary_slot_name')")[0]
    address = f"{params['target_host']}:{params['target_port']}"
    refuse(against_host(address, params["target"], in_recovery, slot), params["target"])
    steps = [
        Step("stop", "primary", server.where, "primary", "stopped"),
        Step("promote", "standby", params["target"], "standby", "primary"),
        Step("start", "standby", server.where, "stopped", "standby"),
    ]
    if check:
        return steps, {}
    outcome = Handover(
        server, local, target, params["user"],
        Limits(params["stop_timeout"], params["receive_timeout"], params["promote_timeout"]),
    ).run()  # fmt: skip
    server.stop_service()
    server.start()
    timing = {name: value for name, value in vars(outcome).items() if name.endswith("_ms")}
    return steps, {"timing": timing, "shutdown_checkpoint": outcome.shutdown_checkpoint}


def promote(params: dict[str, t.Any], server: Server, check: bool) -> list[Step]:
    session = server.session("groundwork switchover")
    try:
        if not session.value("SELECT pg_is_in_recovery()"):
            return []
        if not check:
            promote_here(session, params["promote_timeout"])
    finally:
        session.close()
    return [Step("promote", "standby", params["target"], "standby", "primary")]


def run(module: GroundworkModule) -> dict[str, t.Any]:
    params = module.params
    extra: dict[str, t.Any] = {}
    server = Server.from_params(params)
    if params["step"] == "hand_over":
        steps, extra = hand_over(params, server, module.check_mode)
    else:
        steps = (prepare if params["step"] == "prepare" else promote)(params, server, module.check_mode)
    plan = Plan(tuple(steps))
    result: dict[str, t.Any] = {"changed": plan.changed, "actions": plan.actions(), **extra}
    if module._diff:
        result["diff"] = plan.diff()
    return result


def main() -> None:
    run_module(
        run,
        argument_spec(),
        require=api.require_driver,
        required_if=[("step", "hand_over", ["target_host", "user"])],
    )


if __name__ == "__main__":
    main()
