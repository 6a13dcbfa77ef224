#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_schema_info
short_description: Tell the state of a PostgreSQL schema's migrations
version_added: 1.0.0
description:
  - Compares the migration files of a folder, Flyway's history table and the live catalogue, and changes nothing.
extends_documentation_fragment:
  - groundwork.databases._attributes.info_module
  - groundwork.databases._attributes
  - groundwork.databases._postgresql
  - groundwork.databases._schema_migration
options:
  drift:
    description:
      - Compare the catalogue with the fingerprint that M(groundwork.databases.pg_schema_apply) stored after its last
        run.
    type: bool
    default: true
seealso:
  - module: groundwork.databases.pg_schema_apply
author:
  - Groundwork maintainers (@groundwork)
"""

EXAMPLES = r"""
- name: Look at the migrations of an application
  groundwork.databases.pg_schema_info:
    login_db: cred_forge_db
    locations: [postgresql]
  register: schema

- name: Fail when somebody has changed the schema by hand
  ansible.builtin.assert:
    that: not schema.drift.drifted
    fail_msg: "Changed by hand: {{ schema.drift.created + schema.drift.changed + schema.drift.dropped }}"
"""

RETURN = r"""
database:
  description: The database.
  returned: success
  type: str
schema_name:
  description: Schema of the history table.
  returned: success
  type: str
schema_version:
  description: Newest applied version, null before the first.
  returned: success
  type: str
history_table_exists:
  description: Whether there is a history table.
  returned: success
  type: bool
all_schemas_empty:
  description: Whether the schemas hold no objects.
  returned: success
  type: bool
migrations:
  description: Every migration, from files and history, with Flyway's names and states.
  returned: success
  type: list
  elements: dict
  contains:
    category:
      description: Versioned, Repeatable, Baseline, Undo or Delete.
      type: str
    version:
      description: The version, empty for repeatable migrations.
      type: str
    raw_version:
      description: The same.
      type: str
    description:
      description: The description.
      type: str
    type:
      description: SQL, BASELINE, DELETE and so on.
      type: str
    state:
      description: Pending, Success, Missing, Out of Order and so on.
      type: str
    installed_rank:
      description: Position in the history, null when it is not applied.
      type: int
    installed_on_utc:
      description: When it was applied.
      type: str
    installed_by:
      description: Who applied it.
      type: str
    execution_time:
      description: Milliseconds it took.
      type: int
    checksum:
      description: Checksum in the history, else of the file.
      type: int
    undoable:
      description: Yes when there is an undo script.
      type: str
    filepath:
      description: The file, empty when there is none.
      type: str
    undo_filepath:
      description: The undo script, empty when there is none.
      type: str
pending:
  description: Those of C(migrations) that a run would execute, in order.
  returned: success
  type: list
  elements: dict
validation_successful:
  description: Whether a run would pass validation.
  returned: success
  type: bool
invalid_migrations:
  description: What would not pass, with Flyway's error code and message.
  returned: success
  type: list
  elements: dict
unfinished:
  description: Scripts that an interrupted run left in the middle, and how many of their statements are finished.
  returned: success
  type: list
  elements: dict
run_lock_holders:
  description: The session that is migrating now, if there is one.
  returned: success
  type: list
  elements: dict
drift:
  description: Whether a fingerprint is C(known), whether the catalogue has C(drifted) from it, and the objects
    C(created), C(changed) and
    C(dropped) since.
  returned: success
  type: dict
  sample: {known: true, drifted: true, since: '2026-02-03T04:05:06+00:00', created: [index public.by_hand], changed:
    [], dropped: []}
"""

import typing as t

from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg import api
from ..module_utils._pg.connection import connection_argument_spec
from ..module_utils._pg.migration.commands.info import Look
from ..module_utils._pg.migration.commands.migrate import Job
from ..module_utils._pg.migration.commands.settings import argument_spec, from_params, reading_params
from ..module_utils._pg.migration.files import load


def run(module: GroundworkModule) -> dict[str, t.Any]:
    params = module.params
    if not params["login_db"] or not params["locations"]:
        raise GroundworkError("login_db and locations are needed.")
    settings = from_params(reading_params(params))
    files, warnings = load.files(params)
    job = Job(params, settings, load.scripts(files, settings), check=True, with_text=False)
    result = Look(job, params["login_db"]).look(params["drift"])
    for warning in warnings:
        module.warn(warning)
    return {"changed": False, **result}


def main() -> None:
    run_module(
        run,
        {**connection_argument_spec(), **argument_spec(), "drift": {"type": "bool", "default": True}},
        require=api.require_driver,
    )


if __name__ == "__main__":
    main()
