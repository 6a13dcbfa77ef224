#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_schema_apply
short_description: Migrate PostgreSQL schemas with versioned SQL files and Flyway's history table
version_added: 1.0.0
description:
  - Runs the SQL files of a folder that a database has not seen yet, in the order of their versions, and records each
    of them.
  - File names, checksums, history table, validation and lock are those of Flyway 9 to 13, so both can work on one
    database in
    turn.
  - Every file runs in one transaction together with its history row. Files with statements that cannot be in a
    transaction, such as
    C(CREATE INDEX CONCURRENTLY), run statement by statement; an interrupted run goes on behind the last finished
    statement.
  - All pending files are read, split, linted and validated before the first one runs.
  - What a file changes in its session (settings, role, temporary objects, prepared statements, advisory locks, ...) is
    as before when its history row is written, and for the next file. A file that releases the lock of the run fails.
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._postgresql
  - groundwork.databases._schema_migration
attributes:
  idempotent:
    support: partial
    details: A repeatable script with the placeholder C(flyway:timestamp) runs each time, as in Flyway. With
      O(callbacks=always)
      the scripts of the events C(beforeMigrate), C(afterVersioned) and C(afterMigrate) run each time, and are not
      counted as change.
options:
  state:
    description:
      - V(migrated) runs what is pending.
      - V(validated) fails unless files and history agree and nothing is pending. It changes nothing.
      - V(baselined) records an existing schema as O(baseline_version).
      - V(repaired) removes failed rows, marks rows without file as deleted and takes over the checksums and
        descriptions of the files.
      - V(undone) takes back the version O(target) and all above it, newest first, with the scripts
        C(U<version>__<description>.sql).
      - V(cleaned) drops everything in the schemas. It needs O(clean_disabled=false) and O(clean_confirmation).
    type: str
    choices: [migrated, validated, baselined, repaired, undone, cleaned]
    default: migrated
  tablespace:
    description: Tablespace of the history table when it is created.
    type: str
  create_schemas:
    description: Create missing schemas.
    type: bool
    default: true
  group:
    description: Run all pending files in one transaction.
    type: bool
    default: false
  mixed:
    description:
      - Accept files that have statements which cannot be in a transaction beside others. They run statement by
        statement.
    type: bool
    default: false
  validate_on_migrate:
    description: Validate before migrating. Failed rows are an error even when this is off.
    type: bool
    default: true
  baseline_on_migrate:
    description:
      - Record O(baseline_version) when the schemas hold objects but there is no history table. Files up to that
        version do not run.
    type: bool
    default: false
  baseline_version:
    description: Version that an existing schema stands for.
    type: str
    default: '1'
  baseline_description:
    description: Description of the row that says so.
    type: str
    default: << Flyway Baseline >>
  installed_by:
    description: What the history says about who migrated. Unset means the current role.
    type: str
  skip_executing_migrations:
    description: Record pending migrations without running them, for a database that has been migrated by other means.
    type: bool
    default: false
  callbacks:
    description:
      - When callback scripts (C(beforeMigrate.sql), C(afterMigrate__grants.sql), ...) run. V(always) is what Flyway
        does.
      - The events of connecting, validating, creating schemas and giving information, and those of errors of C(clean),
        C(baseline) and C(repair), do not exist here. A script for one of them is named in a warning.
    type: str
    choices: [always, when_pending, never]
    default: always
  lock_retry_count:
    description: How often, once a second, to try for the lock that keeps two runs apart. V(-1) means until O(deadline).
    type: int
    default: 50
  history_table_access:
    description:
      - V(owner) takes back what default privileges grant other roles on the history table when it is created, because
        an application
        that can write there can rewrite the history. V(default) leaves these privileges.
    type: str
    choices: [owner, default]
    default: owner
  assume_empty:
    description:
      - In check mode, plan for an empty database without connecting, for plays that would have created the server
        before.
      - A database that does not exist is planned as empty in check mode anyway.
    type: bool
    default: false
  lock_timeout:
    description:
      - How long a statement may wait for a lock, so that it does not hold up everybody who queues behind it. V(0)
        means for ever.
      - Set for each attempt. Does not apply to statements with CONCURRENTLY, whose waiting blocks nobody.
    type: str
    default: 5s
  statement_timeout:
    description: How long a statement may run. Unset means what the server says.
    type: str
  attempts:
    description:
      - How often to try a file (outside transactions, a statement) that fails with a lock timeout, a deadlock or a
        serialization failure.
    type: int
    default: 10
  retry_delay:
    description:
      - Seconds before the second attempt. The pause doubles each time and is shortened at random by up to a half.
    type: float
    default: 1.0
  retry_delay_max:
    description: Longest pause in seconds.
    type: float
    default: 30.0
  deadline:
    description: Seconds for the whole run of a database. V(0) means no limit.
    type: int
    default: 0
  undo_row_type:
    description:
      - Type of the row that O(state=undone) writes. V(delete) is understood by every edition of Flyway, V(undo_sql) by
        paid ones only,
        the others stop at it.
    type: str
    choices: [delete, undo_sql]
    default: delete
  accept_changed_undo:
    description: Run undo scripts that are not the ones which came with their migrations.
    type: bool
    default: false
  preview:
    description:
      - With V(rollback), check mode runs the pending files in a transaction, compares the catalogue before and after,
        and rolls back.
        It takes the locks that the migration would take.
    type: str
    choices: [none, rollback]
    default: none
  fingerprint:
    description:
      - Store what the schemas look like after a run, so that M(groundwork.databases.pg_schema_info) can tell later
        changes.
    type: bool
    default: true
  lost_indexes:
    description:
      - What to do about an index that was there after the last run and is gone or invalid now, although its table is
        there and nobody else has migrated since.
      - V(report) warns, V(restore) builds it again before anything else, without blocking writers, V(ignore) does not
        look.
      - Needs O(fingerprint). The indexes of constraints and of partitioned tables are not restored;
        M(groundwork.databases.pg_schema_info) tells that they are gone.
    type: str
    choices: [report, restore, ignore]
    default: report
  clean_disabled:
    description: Refuse O(state=cleaned).
    type: bool
    default: true
  clean_confirmation:
    description: The name of the database, to confirm O(state=cleaned).
    type: str
  lint:
    description:
      - Look for dangerous statements in pending files. What they do to a table of the same run, or to a small one, is
        no danger.
    type: dict
    suboptions:
      level:
        description:
          - V(warn) shows findings as warnings, V(error) also refuses to run while there is a finding of level error.
        type: str
        choices: ['off', warn, error]
        default: warn
      rules:
        description: Level by rule, one of V(off), V(info), V(warning) and V(error).
        type: dict
        default: {}
      naming:
        description:
          - Regular expression by kind of object (C(table), C(column), C(index), ...) for the rule C(naming-policy).
        type: dict
        default: {}
      small_rows:
        description: Tables with fewer rows are small.
        type: int
      small_bytes:
        description: Tables with fewer bytes are small.
        type: int
      large_rows:
        description: Tables with at least so many rows are large, which makes findings errors.
        type: int
      large_bytes:
        description: Tables with at least so many bytes are large.
        type: int
  targets:
    description: Several databases or schemas to treat alike, each with its own history table and outcome.
    type: list
    elements: dict
    suboptions:
      database:
        description: The database. Unset means O(login_db).
        type: str
      schema:
        description: The schema, as O(default_schema).
        type: str
  parallel:
    description: How many of O(targets) at a time.
    type: int
    default: 4
  on_failure:
    description: V(stop) begins no further target after a failure. V(continue) visits all.
    type: str
    choices: [stop, continue]
    default: stop
notes:
  - Commits wait for the disk once at the end of a run instead of once per file. A crash of the server can take the
    last files back,
    but only together with their history rows.
  - The module keeps tables of its own, named C(pg_schema_apply_*), beside the history table, and only when it needs
    them.
seealso:
  - module: groundwork.databases.pg_schema_info
  - module: groundwork.databases.pg_contents
author:
  - Groundwork maintainers (@groundwork)
"""

EXAMPLES = r"""
- name: Bring the schema of an application up to date
  groundwork.databases.pg_schema_apply:
    login_host: db1.example.com
    login_user: deployer
    login_password: "{{ vault_deployer_password }}"
    login_db: cred_forge_db
    session_role: cred_forge_owner
    locations: [postgresql]

- name: See what would happen, for real, and roll it back
  groundwork.databases.pg_schema_apply:
    login_db: cred_forge_db
    locations: [postgresql]
    preview: rollback
  check_mode: true
  diff: true

- name: Migrate every tenant, eight at a time
  groundwork.databases.pg_schema_apply:
    login_db: tenants
    locations: [tenant]
    targets: "{{ tenants | map('community.general.dict_kv', 'schema') }}"
    parallel: 8
    on_failure: continue

- name: Take version 2.1 and everything above it back
  groundwork.databases.pg_schema_apply:
    login_db: cred_forge_db
    locations: [postgresql]
    state: undone
    target: '2.1'
"""

RETURN = r"""
database:
  description: The database.
  returned: success, without O(targets)
  type: str
schema_name:
  description: Schema of the history table.
  returned: success, without O(targets)
  type: str
initial_schema_version:
  description: Version before the run, null before the first.
  returned: success, without O(targets)
  type: str
target_schema_version:
  description: Version of the last migration that ran, null when none did.
  returned: success, without O(targets)
  type: str
schema_version:
  description: Version after the run; in check mode the one that a run would lead to.
  returned: success, without O(targets)
  type: str
pending:
  description: What was pending when the run began, in the order of running.
  returned: success, without O(targets)
  type: list
  elements: dict
  sample: [{category: Versioned, version: 1.0.0, description: initial schema, type: SQL, filepath:
    sql/V1_0_0__initial_schema.sql}]
migrations:
  description: What ran, as C(pending) with C(execution_time) in milliseconds. With a failure, what ran before it.
  returned: without O(targets)
  type: list
  elements: dict
migrations_executed:
  description: How many ran.
  returned: without O(targets)
  type: int
actions:
  description: The steps that were taken, or would be taken in check mode.
  returned: always
  type: list
  elements: dict
lint:
  description: Findings of the linter with C(rule), C(level), C(file), C(line), C(column), C(object), C(message) and
    C(alternative).
  returned: success, without O(targets)
  type: list
  elements: dict
preview:
  description: With O(preview=rollback), whether it was C(possible), else the C(reason), and the objects C(created),
    C(changed) and C(dropped).
  returned: success, without O(targets)
  type: dict
callbacks:
  description: Callback scripts that ran.
  returned: success, without O(targets)
  type: list
  elements: str
retries:
  description: Attempts that were repeated, with C(script), C(attempt), C(sqlstate), C(pause) in seconds and
    C(blocked_by).
  returned: without O(targets)
  type: list
  elements: dict
execution_time:
  description: Milliseconds of the whole run.
  returned: success, without O(targets)
  type: int
summary:
  description: A few lines about all targets.
  returned: with O(targets)
  type: list
  elements: str
  sample: ['changed: 497', 'failed: 3 (t17, t18, t244)', 'schema versions: 3.1 (497)']
targets:
  description: The result of each target, with C(target) and C(status), one of C(ok), C(changed), C(failed) and
    C(skipped).
  returned: with O(targets)
  type: list
  elements: dict
error_code:
  description: Flyway's code of the error where it has one, such as C(CHECKSUM_MISMATCH).
  returned: failure
  type: str
invalid_migrations:
  description: What does not validate.
  returned: when validation fails
  type: list
  elements: dict
"""

import gc
import typing as t

from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg import api
from ..module_utils._pg.connection import connection_argument_spec
from ..module_utils._pg.migration.commands import fan_out
from ..module_utils._pg.migration.commands.commands import RUNS
from ..module_utils._pg.migration.commands.fan_out import Place, Visit
from ..module_utils._pg.migration.commands.migrate import Job
from ..module_utils._pg.migration.commands.settings import apply_argument_spec, argument_spec, from_params
from ..module_utils._pg.migration.files import load
from ..module_utils._pg.migration.running.outcome import Outcome
from ..module_utils._pg.migration.running.secret_parts import without_parts

OBJECTS_BEFORE_COLLECTION = 100_000


def run(module: GroundworkModule) -> dict[str, t.Any]:
    # Thousands of files are millions of objects, none of them in a cycle: looking for cycles takes a tenth of the time.
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    try:
        return apply(module)
    except GroundworkError as error:
        shown = without_parts(error.result(), module.params["secret_placeholders"].values())
        shown.pop("error_code", None)
        raise GroundworkError(shown.pop("msg"), code=error.code, details=shown) from None


def apply(module: GroundworkModule) -> dict[str, t.Any]:
    """Read the files, visit every database, report.

    :raises GroundworkError: with one database, its failure; otherwise what concerns all of them.
    """
    params = module.params
    settings = from_params(params)
    files, warnings = load.files(params)
    job = Job(
        params,
        settings,
        load.scripts(files, settings),
        check=module.check_mode or settings.state == "validated",
        with_text=module._diff,
    )

    def visit(place: Place) -> Outcome:
        return RUNS[settings.state](job, place.database, place.schema).execute()

    for warning in warnings:
        module.warn(warning)
    if params["targets"]:
        places = [Place(target["database"] or params["login_db"], target["schema"]) for target in params["targets"]]
        visits = fan_out.visit_all(places, visit, params["parallel"], params["on_failure"] == "stop")
        return result_of_all(module, visits)
    outcome = visit(Place(params["login_db"]))
    warn(module, outcome)
    result = outcome.result()
    if module._diff:
        result["diff"] = outcome.diff()
    return {"changed": outcome.changed, **result}


def warn(module: GroundworkModule, outcome: Outcome) -> None:
    for warning in outcome.warnings:
        module.warn(warning)


def result_of_all(module: GroundworkModule, visits: list[Visit]) -> dict[str, t.Any]:
    """One result for all places.

    :raises GroundworkError: with that result, when a visit failed.
    """
    result: dict[str, t.Any] = {
        "changed": any(visit.changed for visit in visits),
        "summary": fan_out.summary(visits),
        "targets": [visit.result() for visit in visits],
        "actions": [action for visit in visits if visit.outcome for action in visit.outcome.plan.actions()],
    }
    for warning in fan_out.warnings(visits):
        module.warn(warning)
    if module._diff:
        result["diff"] = [entry for visit in visits if visit.outcome for entry in visit.outcome.diff()]
    failed = sum(visit.error is not None for visit in visits)
    if failed:
        msg = f"{failed} of {len(visits)} targets failed.\n" + "\n".join(result["summary"])
        raise GroundworkError(msg, details=result)
    return result


def main() -> None:
    run_module(
        run,
        {**connection_argument_spec(), **argument_spec(), **apply_argument_spec()},
        require=api.require_driver,
        required_one_of=[["login_db", "targets"]],
        required_if=[["state", state, ["locations"]] for state in RUNS if state != "cleaned"],
    )


if __name__ == "__main__":
    main()
