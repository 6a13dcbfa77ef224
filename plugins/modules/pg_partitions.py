#!/usr/bin/python
# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_partitions
short_description: Create partitions in time ahead of the data, and retire old ones by policy
version_added: 1.0.0
description:
  - For tables that are partitioned by range of one C(date) or C(timestamp) column. Says which intervals must have a
    partition, how many past ones stay, and what happens to the others.
  - "Readers and writers are not locked out: a partition is created as a table of its own and then attached
    (C(CREATE TABLE ... PARTITION OF) would take the table away from everybody), an old one is detached with
    C(CONCURRENTLY). Each statement waits O(lock_timeout) for its lock and is tried O(attempts) times, so that the
    module does not queue others behind itself."
  - Existing partitions count by their bounds, whatever their names are. A wanted interval that is covered by larger or
    smaller partitions is left as it is, one that is covered in part is refused.
  - A partition of a table with row level security gets row level security without a policy. Otherwise its rows could be
    read by its own name, past the policies of the table.
  - Everything that can be refused is refused before the first statement. A run that is killed half-way, also in the
    middle of a concurrent detach, is completed by the next one.
  - "A table that is not a partition is never dropped: a partition is dropped in the transaction that takes it off its
    table. With O(tables[].retire=drop) a second session keeps the server from completing the concurrent detach before
    that, and proves, by a comment on the row type of the partition (comments on tables are never written), that this
    module began it. The proof is good for that one detach only. What a person detached, or finished to detach, or an
    earlier run detached with O(tables[].retire=detach), stays."
  - "When another session prevents the drop after that, the partition stays pending detach: its rows are not seen
    through the table. The next run drops it when O(tables[].keep) and O(tables[].retire) still say so, makes a table of
    its own of it with O(tables[].retire=detach), and attaches it again otherwise. Any other pending detach is finished,
    and the table is kept."
options:
  login_db:
    description: Database of the tables.
    type: str
    required: true
  tables:
    description: Partitioned tables.
    type: list
    elements: dict
    required: true
    suboptions:
      schema:
        description: Schema.
        type: str
        default: public
      name:
        description: Name, exactly as PostgreSQL stores it.
        type: str
        required: true
      interval:
        description: What one partition holds. Weeks begin on Monday.
        type: str
        choices: [day, week, month, year]
        default: month
      ahead:
        description:
          - How many intervals after the current one must have a partition. When nobody runs the module for longer than
            that, inserts fail (or pile up in the default partition).
        type: int
        default: 3
      keep:
        description: How many intervals before the current one stay. Unset keeps all.
        type: int
      retire:
        description:
          - What happens to partitions that lie wholly before what O(tables[].keep) keeps. V(report) returns their
            names, V(detach) makes tables of their own of them, V(drop) drops them B(with all their rows). To drop, the
            server waits until every query of the database that began before has ended.
        type: str
        choices: [report, detach, drop]
        default: report
      since:
        description:
          - A day in the earliest interval that must have a partition, such as V(2024-04-01), for loading older data.
            Unset means the current one. Intervals that O(tables[].keep) does not keep are never created.
        type: str
      partition_name:
        description:
          - Names of new partitions, with the fields C({table}), C({year}), C({month}), C({day}), C({isoyear}) and
            C({week}).
          - By default V({table}_y{year}m{month}) and alike.
        type: str
  timezone:
    description: Time zone in which days begin, for C(timestamp with time zone).
    type: str
    default: UTC
  today:
    description: Plan as of this day instead of the server's.
    type: str
  missing_tables:
    description:
      - What to do about a table that does not exist. V(report) is for a run before the migrations that create it; in
        check mode it predicts the partitions of a table without any.
    type: str
    choices: [fail, report]
    default: fail
  assume_empty:
    description:
      - In check mode, plan for an empty database without connecting, for plays that would have created the server
        before.
      - A database that does not exist is planned as empty in check mode anyway.
    type: bool
    default: false
  lock_timeout:
    description: Seconds that a statement waits for a lock before it gives way to others.
    type: float
    default: 2
  attempts:
    description: How often a statement that did not get its lock is tried.
    type: int
    default: 10
author:
  - The groundwork.databases maintainers (@groundwork)
seealso:
  - module: groundwork.databases.pg_row_security
  - module: groundwork.databases.pg_schema_apply
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._postgresql
"""

EXAMPLES = r"""
- name: Twelve months of audit log, three months ahead
  groundwork.databases.pg_partitions:
    login_db: launch
    tables:
      - name: audit_log
        interval: month
        ahead: 3
        keep: 12
        retire: drop
"""

RETURN = r"""
tables:
  description: Each table as it is after the run, or would be.
  returned: success
  type: list
  elements: dict
  contains:
    table:
      description: Schema and name.
      type: str
    interval:
      description: What one partition holds.
      type: str
    partitions:
      description: Number of partitions, the default one not counted.
      type: int
    covered_until:
      description: First day without a partition, counted without a gap from the current interval. V(null) when there is
        none even for today.
      type: str
    retired:
      description: Partitions older than what is kept; still there with O(tables[].retire=report).
      type: list
      elements: str
  sample:
    - {table: public.audit_log, interval: month, partitions: 16, covered_until: "2027-03-01", retired: []}
missing:
  description: Listed tables that do not exist.
  returned: success
  type: list
  elements: str
unproven:
  description: Tables that may have been meant to be dropped but are kept because nothing proves it, with what to do
    about each. These are warnings too.
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
      description: One of C(create), C(detach), C(drop), C(finish the detach of), C(attach again) and
        C(clear the mark of).
      type: str
    kind:
      description: Always C(partition).
      type: str
    name:
      description: Schema and name of the partition.
      type: str
    statement:
      description: The statement that matters most.
      type: str
"""

import datetime
import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan
from ..module_utils._pg import api
from ..module_utils._pg.connection import connection_argument_spec
from ..module_utils._pg.partitions import declared, interval
from ..module_utils._pg.partitions import plan as planning
from ..module_utils._pg.partitions import run as maintenance
from ..module_utils._pg.session import Session, SqlError


def argument_spec() -> dict[str, t.Any]:
    table = {
        "schema": {"type": "str", "default": "public"},
        "name": {"type": "str", "required": True},
        "interval": {"type": "str", "choices": list(interval.UNITS), "default": "month"},
        "ahead": {"type": "int", "default": 3},
        "keep": {"type": "int"},
        "retire": {"type": "str", "choices": ["report", "detach", "drop"], "default": "report"},
        "since": {"type": "str"},
        "partition_name": {"type": "str"},
    }
    return {
        **connection_argument_spec(),
        "login_db": {"type": "str", "required": True},
        "tables": {"type": "list", "elements": "dict", "required": True, "options": table},
        "timezone": {"type": "str", "default": "UTC"},
        "today": {"type": "str"},
        "missing_tables": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
        "assume_empty": {"type": "bool", "default": False},
        "lock_timeout": {"type": "float", "default": 2},
        "attempts": {"type": "int", "default": 10},
    }


def _refuse_missing(missing: list[str], database: str) -> None:
    raise GroundworkError(
        f"These tables do not exist in {database}: {', '.join(missing)}.",
        where=database,
        untouched="every table; nothing was written",
        hint="Correct the names, or set missing_tables to report when a migration is yet to create them.",
        code=ErrorCode.NO_SUCH_TABLE,
    )


def run(module: GroundworkModule) -> dict[str, t.Any]:
    options = module.params
    policy, day = declared.parse(options)
    session = Session.open_unless_to_come(options, "pg_partitions", check_mode=module.check_mode)
    if session is None:
        return _result(module, [], [each.full_name for each in policy], policy, day)
    work = None
    try:
        work = maintenance.Maintenance(
            session,
            lambda: Session.open(options, options["login_db"], "pg_partitions"),
            policy,
            day,
            options["timezone"],
            options["login_db"],
        )
        if not module.check_mode:
            work.lock(30)
        plans, missing = work.plan()
        if missing and options["missing_tables"] == "fail":
            _refuse_missing(missing, options["login_db"])
        if not module.check_mode and any(plan.steps for plan in plans):
            work.apply(plans, options["lock_timeout"], options["attempts"])
        return _result(module, plans, missing, policy, day)
    except SqlError as error:
        raise GroundworkError(
            f"The server refuses to show its catalogue: {error.text}", untouched="every table"
        ) from None
    finally:
        if work:
            work.close()
        session.close()


def _result(
    module: GroundworkModule,
    plans: list[planning.TablePlan],
    missing: list[str],
    policy: tuple[declared.Wanted, ...],
    day: datetime.date | None,
) -> dict[str, t.Any]:
    steps = [step for plan in plans for step in plan.steps]
    if module.check_mode:
        as_of = day or datetime.datetime.now(datetime.timezone.utc).date()
        steps += [s for each in policy if each.full_name in missing for s in maintenance.missing_plan(each, as_of)]
    plan = Plan(tuple(steps))
    unproven = [sentence for each in plans for sentence in each.unproven]
    for sentence in unproven:
        module.warn(sentence)
    result: dict[str, t.Any] = {
        "changed": plan.changed,
        "actions": plan.actions(),
        "tables": [maintenance.report(each) for each in plans],
        "missing": missing,
        "unproven": unproven,
    }
    if module._diff:
        result["diff"] = plan.diff()
    return result


def main() -> None:
    run_module(run, argument_spec(), require=api.require_driver_for_a_server)


if __name__ == "__main__":
    main()
