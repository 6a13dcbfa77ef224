#!/usr/bin/python
# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_row_security
short_description: Keep tenants apart with row level security on every table that has their column
version_added: 1.0.0
description:
  - Puts a policy on tables, by name or on every table that has a certain column, so that a table which a later
    migration brings is not forgotten. Switches row level security on for them and, unless told otherwise, for their
    owner too (C(FORCE)).
  - Partitions of such a table get row level security without a policy of their own. Otherwise their rows could be read
    by the partition's name, past the policies of the table.
  - "Says who stands beyond all policies (RV(beyond)): superusers and roles with C(BYPASSRLS)."
  - The server does not keep a condition as it was written. The module marks a policy in its comment, and so sees a
    change of the description and a change on the server alike, without a lock. A policy without a mark, for example
    from a migration, is written once more.
  - The steps of a table are one transaction. They need the table for themselves for an instant; each attempt gives way
    after O(lock_timeout).
options:
  login_db:
    description: Database of the tables.
    type: str
    required: true
  policies:
    description: Policies and the tables that they are put on.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the policy.
        type: str
        required: true
      state:
        description:
          - V(absent) drops the policy. Row level security stays on, so that then nobody but the owner sees any row.
        type: str
        choices: [present, absent]
        default: present
      schema:
        description: Schema of the tables.
        type: str
        default: public
      tables:
        description:
          - Names or patterns with C(*) and C(?). A name must exist. Partitions are covered through their table.
        type: list
        elements: str
        default: ['*']
      having_column:
        description: Of the tables that a pattern matches, only those with this column.
        type: str
      except:
        description: Names or patterns of tables to leave out.
        type: list
        elements: str
      using:
        description: Condition on existing rows, an SQL expression.
        type: str
      with_check:
        description: Condition on rows that are written. Unset means the same as O(policies[].using).
        type: str
      command:
        description: What the policy is for.
        type: str
        choices: [all, select, insert, update, delete]
        default: all
      permissive:
        description: Whether one such policy is enough to see a row. Restrictive ones must all agree.
        type: bool
        default: true
      roles:
        description: Roles that the policy is for. V(PUBLIC) is everybody.
        type: list
        elements: str
        default: [PUBLIC]
      force:
        description: Whether the owner of the table is bound too. Unset again it is never switched off.
        type: bool
        default: true
  purge_policies:
    description: Whether to drop policies that are not listed from the tables that are covered.
    type: bool
    default: false
  missing_tables:
    description:
      - What to do about a named table that does not exist. V(report) is for a run before the migrations that create it.
    type: str
    choices: [fail, report]
    default: fail
  assume_empty:
    description:
      - In check mode, plan for an empty database without connecting, for plays that would have created the server
        before.
      - A database that does not exist is planned as empty in check mode anyway. What a pattern will match then cannot
        be predicted, what is done about named tables can.
    type: bool
    default: false
  lock_timeout:
    description: Seconds to wait for a table before giving way to others.
    type: float
    default: 2
  attempts:
    description: How often a table that could not be had is tried.
    type: int
    default: 10
author:
  - The groundwork.databases maintainers (@groundwork)
seealso:
  - module: groundwork.databases.pg_partitions
  - module: groundwork.databases.pg_contents
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._postgresql
"""

EXAMPLES = r"""
- name: Each tenant sees its own rows, in every table that has a tenant
  groundwork.databases.pg_row_security:
    login_db: launch
    policies:
      - name: tenant_isolation_policy
        having_column: tenant_id
        using: tenant_id = current_setting('app.tenant_id')
      - name: tenant_isolation_policy
        tables: [tenants]
        using: id = current_setting('app.tenant_id')
"""

RETURN = r"""
protected:
  description: Tables that a policy of the list covers.
  returned: success
  type: list
  elements: str
  sample: [public.audit_log, public.tenants]
missing:
  description: Named tables that do not exist.
  returned: success
  type: list
  elements: str
unmanaged:
  description: Policies of these tables that are not listed, by table.
  returned: success
  type: dict
beyond:
  description: Roles that can log in and that no policy holds, because they are superusers or have C(BYPASSRLS).
  returned: success
  type: list
  elements: str
actions:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: Such as C(enable), C(force), C(create), C(alter), C(replace), C(drop).
      type: str
    kind:
      description: C(row security) or C(policy).
      type: str
    name:
      description: Table, or policy and table.
      type: str
    statement:
      description: What is sent.
      type: str
"""

import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg import api
from ..module_utils._pg.connection import connection_argument_spec
from ..module_utils._pg.row_security import apply, declared, live, plan
from ..module_utils._pg.session import Session, SqlError


def argument_spec() -> dict[str, t.Any]:
    names = {"type": "list", "elements": "str"}
    policy = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "schema": {"type": "str", "default": "public"},
        "tables": {**names, "default": ["*"]},
        "having_column": {"type": "str"},
        "except": names,
        "using": {"type": "str"},
        "with_check": {"type": "str"},
        "command": {"type": "str", "choices": list(declared.COMMANDS), "default": "all"},
        "permissive": {"type": "bool", "default": True},
        "roles": {**names, "default": ["PUBLIC"]},
        "force": {"type": "bool", "default": True},
    }
    return {
        **connection_argument_spec(),
        "login_db": {"type": "str", "required": True},
        "policies": {"type": "list", "elements": "dict", "required": True, "options": policy},
        "purge_policies": {"type": "bool", "default": False},
        "missing_tables": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
        "assume_empty": {"type": "bool", "default": False},
        "lock_timeout": {"type": "float", "default": 2},
        "attempts": {"type": "int", "default": 10},
    }


def run(module: GroundworkModule) -> dict[str, t.Any]:
    options = module.params
    rules = declared.parse(options)
    session = Session.open_unless_to_come(options, "pg_row_security", check_mode=module.check_mode)
    if session is None:
        return _result(module, plan.plan_for_empty(rules), [])
    try:
        tables = live.read(session)
        if options["missing_tables"] == "fail":
            plan.refuse_missing(rules, tables)
        outcome = plan.plan(rules, tables, options["purge_policies"])
        if module.check_mode:
            outcome = plan.with_missing(outcome, rules, tables)
        elif outcome.plan:
            apply.apply(session, outcome, options["lock_timeout"], options["attempts"])
            _verify(plan.plan(rules, live.read(session), options["purge_policies"]))
        return _result(module, outcome, live.roles_beyond(session))
    except SqlError as error:
        raise GroundworkError(
            f"The server refuses to show its catalogue: {error.text}", untouched="every table"
        ) from None
    finally:
        session.close()


def _verify(left: plan.Outcome) -> None:
    if left.plan:
        raise GroundworkError(
            "The policies still differ from the description after the run.",
            where=", ".join(f"{step.action} {step.name}" for step in left.plan),
            hint="Look for another session that changes the same tables, then run again.",
            code=ErrorCode.NOT_CONVERGED,
        )


def _result(module: GroundworkModule, outcome: plan.Outcome, beyond: list[str]) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {
        "changed": outcome.plan.changed,
        "actions": outcome.plan.actions(),
        "protected": list(outcome.protected),
        "missing": list(outcome.missing),
        "unmanaged": outcome.unmanaged,
        "beyond": beyond,
    }
    if module._diff:
        result["diff"] = outcome.plan.diff()
    return result


def main() -> None:
    run_module(run, argument_spec(), require=api.require_driver_for_a_server)


if __name__ == "__main__":
    main()
