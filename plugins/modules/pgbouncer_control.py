#!/usr/bin/python

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbouncer_control
short_description: Pause, resume and reconnect the PgBouncer processes of a host
version_added: 1.0.0
description:
  - Does the same on all processes of a host at once, through their Unix sockets.
  - "V(paused) holds clients back while a server is restarted, restored or switched over: they wait instead of failing.
    The module returns when no server connection is used any more. When that takes longer than O(time_limit), everything
    goes on again and the run fails, naming who was still busy."
  - "A pause ends by itself after O(resume_after) seconds. The guard for it is set before the pause begins, and lives on
    the host (a systemd timer, C(groundwork-pgbouncer-resume.timer), or a process where there is no systemd), so that it
    works when the play dies, the controller is switched off or the connection is lost. There is one guard for a host:
    the last pause sets it, and it resumes everything that is paused by then."
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
attributes:
  idempotent:
    support: partial
    details: V(reconnected) is an act, done in every run.
options:
  state:
    description:
      - V(paused) and V(resumed) as above. V(reconnected) closes every server connection when it is given back, so that
        clients move to a new server without waiting.
    type: str
    choices: [paused, resumed, reconnected]
    required: true
  databases:
    description: Only these databases, by the names that clients use. Everything by default.
    type: list
    elements: str
    default: []
  time_limit:
    description: Seconds that running transactions (in session mode, sessions) may take to end.
    type: int
    default: 10
  resume_after:
    description:
      - Seconds after which a pause ends by itself. Clients wait C(query_wait_timeout) (120 s by default) before
        they fail, so a longer one is of no use to them.
    type: int
    default: 60
  account:
    description: Account that runs the processes.
    type: str
    default: pgbouncer
  runtime_directory:
    description: Folder with one folder per process.
    type: path
    default: /run/pgbouncer
  _guard_program:
    description: Internal. The guard's program as the action plugin sends it.
    type: str
requirements:
  - psycopg2 >= 2.8
seealso:
  - module: groundwork.databases.pgbouncer_configuration
"""

EXAMPLES = r"""
- name: Hold the clients back while the server is restarted
  groundwork.databases.pgbouncer_control:
    state: paused
    time_limit: 5
    resume_after: 90
  become: true

- name: Let them go on
  groundwork.databases.pgbouncer_control:
    state: resumed
  become: true

- name: Move to the new server, connection by connection
  groundwork.databases.pgbouncer_control:
    state: reconnected
    databases: [shop]
  become: true
"""

RETURN = r"""
processes:
  description: The processes and whether they are paused after the run.
  returned: success
  type: list
  elements: dict
  sample: [{process: "1", paused: true}]
waited:
  description: Seconds until the last server connection was given back.
  returned: with O(state=paused)
  type: float
guard:
  description: What resumes when nobody else does.
  returned: with O(state=paused)
  type: str
  sample: groundwork-pgbouncer-resume.timer
actions:
  description: What was, or in check mode would be, done.
  returned: success
  type: list
  elements: dict
"""

import base64
import contextlib
import typing as t

from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan, Step
from ..module_utils._host.account import require_account
from ..module_utils._pg import api
from ..module_utils._pgbouncer.operations import control


def plan_state(
    state: str, folders: list[str], paused: list[bool], any_paused: list[bool], armed: bool, needed: bool
) -> Plan:
    """What has to be done to which process.

    :param armed: whether the guard is set.
    :param needed: whether it has to stay for something that was not asked for.
    """
    if state == "reconnected":
        return Plan(tuple(Step("reconnect", "pooler", folder) for folder in folders))
    if state == "paused":
        steps = [
            Step("pause", "pooler", folder, before="serves", after="paused")
            for folder, is_paused in zip(folders, paused, strict=True)
            if not is_paused
        ]
        if steps or not armed:
            steps.append(Step("arm", "guard", control.GUARD_UNIT, after="set"))
    else:
        steps = [
            Step("resume", "pooler", folder, before="paused", after="serves")
            for folder, is_paused in zip(folders, any_paused, strict=True)
            if is_paused
        ]
        if armed and not needed:
            steps.append(Step("disarm", "guard", control.GUARD_UNIT, before="set", after="gone"))
    return Plan(tuple(steps))


def guard_program(packed: str | None) -> bytes:
    """What the action of this module packed on the controller.

    :raises GroundworkError: it packed nothing.
    """
    if not packed:
        raise GroundworkError(
            "The program of the guard did not come with the module.", where=control.GUARD_UNIT, untouched="everything",
            hint="Call the module as groundwork.databases.pgbouncer_control, so that its action runs first.",
        )  # fmt: skip
    return base64.b64decode(packed, validate=True)


def run(module: GroundworkModule) -> dict[str, t.Any]:
    options = module.params
    state, databases = options["state"], options["databases"]
    if state == "paused" and options["resume_after"] <= options["time_limit"]:
        raise GroundworkError(
            f"resume_after ({options['resume_after']} s) must be longer than time_limit ({options['time_limit']} s).",
            where="resume_after", untouched="everything", hint="The guard would resume while the pause still begins.",
        )  # fmt: skip
    who = require_account(options["account"], "account")
    folders = control.processes(options["runtime_directory"])
    guard = control.Guard(options["runtime_directory"], who, guard_program(options["_guard_program"]))
    poolers = control.Poolers(folders, who, databases)
    with contextlib.closing(poolers):
        needed = poolers.others_paused()
        plan = plan_state(state, folders, poolers.paused(), poolers.any_paused(), guard.is_armed(), needed)
        result: dict[str, t.Any] = {"changed": plan.changed, "actions": plan.actions()}
        if state == "paused":
            result |= {"waited": 0.0, "guard": guard.name}
        if plan and not module.check_mode:
            if state == "paused":
                guard.arm(options["resume_after"])
                try:
                    result["waited"] = round(poolers.pause(options["time_limit"]), 3)
                except GroundworkError:
                    if not needed:
                        guard.disarm()
                    raise
            elif state == "resumed":
                poolers.resume()
                if not needed:
                    guard.disarm()
            else:
                poolers.reconnect()
        result["processes"] = control.summary(folders, poolers.any_paused())
    if module._diff:
        result["diff"] = plan.diff()
    return result


def main() -> None:
    run_module(
        run,
        {
            "state": {"type": "str", "choices": ["paused", "resumed", "reconnected"], "required": True},
            "databases": {"type": "list", "elements": "str", "default": []},
            "time_limit": {"type": "int", "default": 10},
            "resume_after": {"type": "int", "default": 60},
            "account": {"type": "str", "default": "pgbouncer"},
            "runtime_directory": {"type": "path", "default": "/run/pgbouncer"},
            "_guard_program": {"type": "str"},
        },
        require=api.require_driver,
    )


if __name__ == "__main__":
    main()
