#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongo_migrations
short_description: Apply ordered, once-only change files to the data of a MongoDB database
version_added: 1.0.0
description:
  - Applies change files for reference data and backfills, in the order of their versions, each once. File names and the
    rules of versions, checksums and order are those of Flyway, as in M(groundwork.databases.pg_schema_apply).
  - C(V<version>__<description>.yml) or C(.json) is applied once. C(R__<description>.yml) or C(.json) is applied again
    whenever its content changes, after all versioned ones.
  - All files are read and validated, and the server is asked to read every query and update, before the first write.
    Every problem is told with its file and line.
  - An interrupted run is continued by the next one. On a replica set and on Amazon DocumentDB each batch and its
    record are one transaction. On a single server a document that an operation must not change twice carries the
    field C(_groundwork_migration) between the change and the record of it; a validator with
    C(additionalProperties=false) refuses that field.
  - One run at a time works on a database, by a lock document with a lease that the run renews.
notes:
  - A change file is a mapping with the one name C(operations), a list. Each operation is a mapping with one name.
  - C(insert) takes C(collection) and C(documents).
  - C(upsert) takes C(collection), C(documents), C(key), a list of the fields that name a document, and C(on_match).
    With V(update), which is the default, the fields that are given are set on an existing document. With V(replace)
    it is replaced, with V(keep) it stays as it is.
  - C(update_many) takes C(collection), C(filter), C(update) with update operators, and C(batch_size).
  - C(backfill) takes C(collection), C(filter), C(pipeline) with the stages that an update can have, and C(batch_size).
  - C(delete_many) takes C(collection), C(filter) and C(batch_size), and V(all=true) in place of a filter.
  - C(command) is one of C(create), C(createIndexes), C(dropIndexes), C(collMod), C(renameCollection), C(aggregate) with
    C($merge) or C($out) as its last stage.
  - A repeatable file holds C(upsert) and C(delete_many) only.
  - Values that JSON does not have are written as MongoDB Extended JSON, for example a date as a mapping from C($date)
    to C(2026-01-31T00:00:00Z). In YAML files only what JSON has as well is a number, a flag or null, everything else
    is text. C(NO), C(12:30), C(007) and dates are text.
  - A scan walks through a collection in the order of C(_id), 1000 documents a batch unless C(batch_size) says
    otherwise. Documents that are added behind its position while it runs are met as well.
  - A file in YAML needs PyYAML where the module runs.
  - On Amazon DocumentDB a scan meets values of C(_id) of one type only, and the server reads no query beforehand.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._mongodb
options:
  database:
    description: Database that the files change. It holds the history and the lock as well.
    type: str
    required: true
  locations:
    description:
      - Folders with the change files, searched with their sub-folders.
      - They are folders of the controller, found as other files are (in the role, beside the playbook, in the working
        folder) and sent in one transfer, unless O(remote_src) is set.
    type: list
    elements: str
    required: true
  remote_src:
    description: Whether O(locations) are folders of the host that the module runs on.
    type: bool
    default: false
  target:
    description: Highest version to apply, or V(latest).
    type: str
    default: latest
  out_of_order:
    description:
      - Whether a file with a lower version than the highest applied one is applied. Without it such a file is an error.
    type: bool
    default: false
  history_collection:
    description:
      - Collection with one document per file that was applied or is under way. The lock is kept in the collection of
        the same name with C(_lock) appended.
    type: str
    default: groundwork_migrations
  lock_lease:
    description:
      - Seconds after which the lock of a run that has died is free. A run that lives renews it three times as often.
    type: int
    default: 30
  lock_timeout:
    description: Seconds to wait for another run. The default outlasts the lease of one that has died.
    type: int
    default: 60
  assume_empty:
    description:
      - Only has an effect in check mode. Plan as for a server without data and do not connect, for a server that the
        same run would set up.
    type: bool
    default: false
  _archive_path:
    description: Internal. The files of O(locations) as the action plugin sends them, when they are many.
    type: path
  _archive_data:
    description: Internal. The files of O(locations) as the action plugin sends them, when they are few.
    type: str
"""

EXAMPLES = r"""
- name: Apply the change files of CredForge
  groundwork.databases.mongo_migrations:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    database: cred_forge_db
    locations: [mongodb]

# mongodb/V1_0_0__default_workflows.yml
#   operations:
#     - upsert:
#         collection: workflow_configs
#         key: [workflow_name]
#         documents:
#           - {workflow_name: credit_check, steps: 3, since: {$date: 2026-01-31T00:00:00Z}}
#
# mongodb/V1_1_0__lower_case_engines.json
#   {"operations": [{"backfill": {
#      "collection": "ecm_request_log", "filter": {"engine": {"$exists": true}},
#      "pipeline": [{"$set": {"engine": {"$toLower": "$engine"}}}], "batch_size": 5000}}]}
"""

RETURN = r"""
actions:
  description: The files that were, or in check mode would be, applied, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: apply, kind: migration, name: cred_forge_db 1.0.0 default workflows}
schema_version:
  description: Highest version that is applied. In check mode, the one before the run.
  returned: success
  type: str
  sample: 1.1.0
server_version:
  description: Version of the server.
  returned: success
  type: str
  sample: 7.0.14
"""

import typing as t

from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._migration import source
from ..module_utils._migration.version import Target
from ..module_utils._mongo import api
from ..module_utils._mongo.connection import connection_argument_spec
from ..module_utils._mongo.migrations import resolve, run


def argument_spec() -> dict[str, dict[str, t.Any]]:
    return {
        **connection_argument_spec(),
        "database": {"type": "str", "required": True},
        "locations": {"type": "list", "elements": "str", "required": True},
        "remote_src": {"type": "bool", "default": False},
        "target": {"type": "str", "default": "latest"},
        "out_of_order": {"type": "bool", "default": False},
        "history_collection": {"type": "str", "default": "groundwork_migrations"},
        "lock_lease": {"type": "int", "default": 30},
        "lock_timeout": {"type": "int", "default": 60},
        "assume_empty": {"type": "bool", "default": False},
        "_archive_path": {"type": "path"},
        "_archive_data": {"type": "str", "no_log": True},
    }


def read_scripts(options: dict[str, t.Any]) -> list[resolve.Script]:
    """The change files, from the archive of the action plugin or from folders of this host."""
    if options["_archive_path"] or options["_archive_data"]:
        files = source.from_archive(options["_archive_path"], options["_archive_data"])
    else:
        files, _warnings = source.from_folders(options["locations"], fail_on_missing=True)
    try:
        return resolve.resolve(files, api.invalid_value)
    finally:
        files.close()


def read_job(options: dict[str, t.Any], count: bool) -> run.Job:
    for name, lowest in (("lock_lease", 3), ("lock_timeout", 0)):
        if options[name] < lowest:
            raise GroundworkError(f"{name} is {options[name]}, at least {lowest} is needed.", untouched="everything")
    target = Target.parse(options["target"])
    if target.keyword not in ("", "latest"):
        raise GroundworkError(f"target is {target.keyword}, a version or latest is expected.", untouched="everything")
    return run.Job(
        options["database"], read_scripts(options), target, options["out_of_order"], options["history_collection"],
        options["lock_lease"], options["lock_timeout"], count,
    )


def migrate(module: GroundworkModule) -> dict[str, t.Any]:
    # Counting reads whole collections, so it is done only where somebody looks at the numbers.
    job = read_job(module.params, count=bool(module.check_mode or module._diff))
    user = str(module.params["login_user"] or "")
    if module.check_mode and module.params["assume_empty"]:
        return result(module, run.Run(None, job, user).imagine(), "")
    server = api.connect(module.params, "groundwork mongo_migrations")
    try:
        work = run.Run(server, job, user)
        return result(module, work.check() if module.check_mode else work.apply(), server.facts.version_text)
    finally:
        server.close()


def result(module: GroundworkModule, outcome: run.Outcome, server_version: str) -> dict[str, t.Any]:
    for warning in outcome.warnings:
        module.warn(warning)
    return {
        "changed": outcome.plan.changed, "actions": outcome.plan.actions(), "diff": outcome.plan.diff(),
        "schema_version": outcome.version, "server_version": server_version,
    }


def main() -> None:
    run_module(migrate, argument_spec(), require=api.require_driver)


if __name__ == "__main__":
    main()
