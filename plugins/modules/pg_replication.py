#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_replication
short_description: Keep one member of a replicated PostgreSQL cluster in order
version_added: 1.0.0
description:
  - On a primary, makes the role that standbys log in with, and one physical slot for every other member.
  - On a standby, makes the same slots, empty, for the day it is promoted, and empties those that are left over from a
    time as primary, as they would keep WAL back for ever.
  - Reports a standby that lags, and fails for one that cannot follow its primary any more, with the way out. Nothing is
    ever rebuilt here; see M(groundwork.databases.pg_standby).
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._replication
options:
  name:
    description: This member's inventory name.
    type: str
    required: true
  members:
    description: All members.
    type: list
    elements: str
    required: true
  user:
    description: Role that standbys log in with.
    type: str
    required: true
  password:
    description: Its password. Only its SCRAM secret is sent to the server.
    type: str
    required: true
  rewind:
    description: Grant the role what C(pg_rewind) calls.
    type: bool
    default: true
  slots:
    description: Keep a physical slot for every other member.
    type: bool
    default: true
  purge_slots:
    description: Drop inactive physical slots that belong to no member. They are reported otherwise.
    type: bool
    default: false
  primary:
    description:
      - State of the primary as M(groundwork.databases.pg_replication_info) returns it. A standby is compared with it.
    type: dict
    default: {}
  max_lag_bytes:
    description: Warn about a standby that is further behind than this.
    type: int
    default: 67108864
  max_lag_seconds:
    description: Warn about a standby that is further behind than this.
    type: float
    default: 60
  wait_streaming:
    description:
      - Seconds to wait until a standby streams, before it counts as one that does not. A primary that has nothing to
        send answers only after half of the standby's C(wal_receiver_timeout), which is 30 s by default.
    type: float
    default: 60
seealso:
  - module: groundwork.databases.pg_standby
  - module: groundwork.databases.pg_replication_info
author:
  - Groundwork maintainers (@groundwork)
"""

EXAMPLES = r"""
- name: Keep replication in order
  groundwork.databases.pg_replication:
    data_directory: /var/lib/postgresql/16/main
    name: "{{ inventory_hostname }}"
    members: [pg1, pg2, pg3]
    user: replicator
    password: "{{ replication_password }}"
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done, in order; without secrets.
  returned: success
  type: list
  elements: dict
  sample:
    - action: create
      kind: replication slot
      name: pg2
      statement: SELECT pg_create_physical_replication_slot('pg2', false)
member:
  description: The state after the change, see M(groundwork.databases.pg_replication_info).
  returned: success
  type: dict
unlisted_slots:
  description: Permanent physical slots that belong to no member.
  returned: success
  type: list
  elements: str
problems:
  description: What is not as it should be but is no reason to fail.
  returned: success
  type: list
  elements: str
"""

import contextlib
import time
import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan, Step
from ..module_utils._pg import api, secret_statement
from ..module_utils._pg.replication.access import read_role, role_steps
from ..module_utils._pg.replication.health import Tolerance, cannot_follow, problems
from ..module_utils._pg.replication.live import from_session, is_ready
from ..module_utils._pg.replication.server import Server, server_argument_spec
from ..module_utils._pg.replication.slots import slot_steps, unlisted_slots
from ..module_utils._pg.session import Session, SqlError

POLL_SECONDS = 0.2


def argument_spec() -> dict[str, dict[str, t.Any]]:
    return {
        **server_argument_spec(),
        "name": {"type": "str", "required": True},
        "members": {"type": "list", "elements": "str", "required": True},
        "user": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
        "rewind": {"type": "bool", "default": True},
        "slots": {"type": "bool", "default": True},
        "purge_slots": {"type": "bool", "default": False},
        "primary": {"type": "dict", "default": {}},
        "max_lag_bytes": {"type": "int", "default": 64 << 20},
        "max_lag_seconds": {"type": "float", "default": 60.0},
        "wait_streaming": {"type": "float", "default": 60.0},
    }


def plan(params: dict[str, t.Any], session: Session, member: dict[str, t.Any]) -> list[tuple[Step, str]]:
    """Steps with the SQL that is really sent."""
    steps: list[tuple[Step, str]] = []
    if member["role"] == "primary":
        role = read_role(session, params["user"])
        steps += role_steps(params["user"], params["password"], params["rewind"], role)
    if params["slots"]:
        wanted = slot_steps(params["name"], params["members"], member, purge=params["purge_slots"])
        steps += [(step, step.statement or "") for step in wanted]
    return steps


def apply(session: Session, steps: list[tuple[Step, str]]) -> None:
    """Run the steps one by one.

    :raises GroundworkError: the server refuses one; those before it are done.
    """
    for number, (step, sql) in enumerate(steps):
        # What is sent differs from what is shown only where that hides the role's secret.
        hidden = sql != step.statement
        try:
            with secret_statement.unwritten(session) if hidden else contextlib.nullcontext():
                session.run(sql)
        except SqlError as error:
            raise GroundworkError(
                f"PostgreSQL refused a statement: {error.text} (SQLSTATE {error.sqlstate or 'none'}). "
                f"Statement: {step.statement}",
                untouched=f"everything but the first {number} of {len(steps)} steps, which are done",
                hint=error.hint or "Correct the cause and run again: what is done already is recognised.",
                code=ErrorCode.STATEMENT_FAILED,
            ) from None


def settled(session: Session, member: dict[str, t.Any], seconds: float) -> dict[str, t.Any]:
    """The member once it streams, or as it is when the time is over."""
    deadline = time.monotonic() + seconds
    now = member
    while not is_ready(now, member) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        now = from_session(session)
    return now


def predict(params: dict[str, t.Any], server: Server) -> list[Step]:
    """What a primary that is not there yet will need; of one that is stopped nothing can be said."""
    if server.exists():
        return []
    fresh = {"role": "primary", "slots": []}
    steps = [step for step, _sql in role_steps(params["user"], params["password"], params["rewind"], None)]
    if params["slots"]:
        steps += slot_steps(params["name"], params["members"], fresh, purge=False)
    return steps


def run(module: GroundworkModule) -> dict[str, t.Any]:
    params = module.params
    server = Server.from_params(params)
    if module.check_mode and server.pid() is None:
        predicted = Plan(tuple(predict(params, server)))
        return outcome(module, predicted, {}, [], [])
    api.require_driver(module)
    session = server.session("groundwork pg_replication")
    try:
        # The very first commits come before there is a synchronous standby to wait for.
        session.run("SET synchronous_commit = local")
        member = from_session(session)
        steps = plan(params, session, member)
        hidden = any(sql != step.statement for step, sql in steps)
        places = secret_statement.still_written(session) if hidden else []
        if places:
            module.warn(secret_statement.warning(f"holds the SCRAM secret of {params['user']}", places))
        if not module.check_mode:
            apply(session, steps)
        cannot_follow(params["name"], member, params["primary"])
        if steps and not module.check_mode:
            member = from_session(session)
        member = settled(session, member, 0 if module.check_mode else params["wait_streaming"])
    finally:
        session.close()
    cannot_follow(params["name"], member, params["primary"])
    found = problems(
        params["name"], member, params["primary"], Tolerance(params["max_lag_bytes"], params["max_lag_seconds"])
    )
    strangers = unlisted_slots(params["name"], params["members"], member)
    if strangers and not params["purge_slots"]:
        found.append(f"{params['name']} has slots of no member, which keep WAL back: {', '.join(strangers)}")
    for problem in found:
        module.warn(problem)
    return outcome(module, Plan(tuple(step for step, _sql in steps)), member, strangers, found)


def outcome(
    module: GroundworkModule, plan: Plan, member: dict[str, t.Any], strangers: list[str], found: list[str]
) -> dict[str, t.Any]:
    result = {"changed": plan.changed, "actions": plan.actions(), "member": member}
    if module._diff:
        result["diff"] = plan.diff()
    return {**result, "unlisted_slots": strangers, "problems": found}


def main() -> None:
    run_module(run, argument_spec())


if __name__ == "__main__":
    main()
