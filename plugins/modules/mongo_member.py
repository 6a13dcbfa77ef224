#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongo_member
short_description: Pass one member of a MongoDB replica set through the gates of a rolling restart
version_added: 1.0.0
description:
  - Runs on one member. With O(ready_for=stop) it waits until the set can do without this member. A primary steps down
    first, when O(step_down) allows it. With O(ready_for=work) it waits until the member is back and has caught up.
  - Stops and starts nothing. The task between the two gates does that.
  - Nobody waits for an arbiter's data, or for a delayed member to catch up.
  - A server that belongs to no replica set, or waits for its first configuration, passes every gate.
notes:
  - The module talks to single members, so O(login_uri) and O(replica_set) have no effect.
  - In check mode it asks once and does not wait.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._mongodb
options:
  member:
    description:
      - C(host:port) of the member that the gate is for. Defaults to the one that is connected to.
      - With it O(login_host) can name other members, for a member that does not run.
    type: str
  ready_for:
    description:
      - V(stop) fails unless all other voting members serve, are a majority without this one, and are caught up.
      - V(work) fails unless this member is primary, secondary or arbiter, and is caught up.
      - V(nothing) only reports.
    type: str
    choices: [stop, work, nothing]
    default: nothing
  step_down:
    description:
      - Whether this member, when it is the primary and O(ready_for=stop), makes way for another one that can be elected
        and is caught up. Without it such a member is refused.
    type: bool
    default: false
  allow_outage:
    description:
      - Let the member go although the others are no majority, so that nobody can write until it is back. A set of two
        voting members needs it. A set of one does not, as nothing else is possible.
    type: bool
    default: false
  max_lag_seconds:
    description: Seconds behind the primary up to which a member counts as caught up.
    type: float
    default: 10
  wait_timeout:
    description: Seconds to wait at a gate.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Restart one member when the others can do without it
  block:
    - name: Wait until it may go
      groundwork.databases.mongo_member:
        login_user: admin
        login_password: "{{ mongodb_admin_password }}"
        ready_for: stop
        step_down: true

    - name: Restart it
      ansible.builtin.systemd_service:
        name: mongod
        state: restarted

    - name: Wait until it is back
      groundwork.databases.mongo_member:
        login_user: admin
        login_password: "{{ mongodb_admin_password }}"
        ready_for: work
"""

RETURN = r"""
actions:
  description: That the primary stepped down, or in check mode would.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: step down, kind: primary, name: "db1.example.com:27017", statement: '{"replSetStepDown": 60}'}
member:
  description: C(host:port) of this member in its set.
  returned: success
  type: str
  sample: db1.example.com:27017
primary:
  description: C(host:port) of the primary; V(none) without one.
  returned: success
  type: str
  sample: db2.example.com:27017
members:
  description: States of all members.
  returned: success
  type: list
  elements: dict
  sample:
    - {host: "db1.example.com:27017", state: SECONDARY, lag_seconds: 0.0, message: ''}
server_version:
  description: Version of this server.
  returned: success
  type: str
  sample: 7.0.14
"""

import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan, Step
from ..module_utils._mongo import api
from ..module_utils._mongo.connection import connection_argument_spec
from ..module_utils._mongo.replica_set import gate


def run(module: GroundworkModule) -> dict[str, t.Any]:
    options = module.params
    waits = options["ready_for"] == "work" and not module.check_mode
    session = gate.session_on(options, options["wait_timeout"] if waits else 0)
    if session is None:
        return without_a_set(None)
    try:
        if not gate.in_a_set(session):
            return without_a_set(session)
        return pass_gates(module, session, options)
    finally:
        session.close()


def without_a_set(session: api.Server | None) -> dict[str, t.Any]:
    """The result for a server whose stop stops nothing else: it has no configuration yet, or belongs to no set."""
    return {
        "changed": False, "actions": [], "diff": [], "member": None, "primary": None, "members": [],
        "server_version": session.facts.version_text if session else "",
    }


def pass_gates(module: GroundworkModule, session: api.Server, options: dict[str, t.Any]) -> dict[str, t.Any]:
    at = gate.Gate(session, options)
    plan = Plan()
    if options["ready_for"] == "work":
        at.until(gate.is_back, "This member is not back", wait=not module.check_mode)
    elif options["ready_for"] == "stop":
        plan = make_ready_to_stop(at, options["step_down"], options["allow_outage"], module.check_mode)
    return {
        "changed": plan.changed, "actions": plan.actions(), "diff": plan.diff(), "member": at.host,
        "primary": at.last.primary, "server_version": session.facts.version_text,
        "members": [state.summary() for state in at.last.health.states.values()],
    }


def make_ready_to_stop(at: gate.Gate, may_step_down: bool, allow_outage: bool, check_mode: bool) -> Plan:
    if not allow_outage:
        at.until(gate.may_go, "The replica set cannot do without", wait=not check_mode)
    if not at.is_primary or at.is_alone or (allow_outage and gate.successor(at.last, at.host, float("inf"))):
        return Plan()
    if not may_step_down:
        raise GroundworkError(
            f"{at.host} is the primary.", where=at.host, untouched="everything", code=ErrorCode.PRIMARY_IN_THE_WAY,
            hint="Restart the secondaries first, then this one with step_down: true.",
        )
    at.until(gate.successor, "Nobody can take over from", wait=not check_mode)
    step = Step(
        "step down", "primary", at.host, before={"primary": at.host}, after={"primary": "another member"},
        statement='{"replSetStepDown": 60}',
    )
    if not check_mode:
        at.step_down()
    return Plan((step,))


def main() -> None:
    run_module(
        run,
        {
            **connection_argument_spec(),
            "member": {"type": "str"},
            "ready_for": {"type": "str", "choices": ["stop", "work", "nothing"], "default": "nothing"},
            "step_down": {"type": "bool", "default": False},
            "allow_outage": {"type": "bool", "default": False},
            "max_lag_seconds": {"type": "float", "default": 10},
            "wait_timeout": {"type": "int", "default": 300},
        },
        require=api.require_driver,
    )


if __name__ == "__main__":
    main()
