#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_schema_apply
short_description: Migrate a PostgreSQL schema with versioned SQL files
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import GroundworkError
from ..module_utils._pg import api
from ..module_utils._pg.connection import connection_argument_spec
from ..module_utils._pg.migration import resolve, source
from ..module_utils._pg.migration.migrate import Job, Run
from ..module_utils._pg.migration.settings import apply_argument_spec, argument_spec, from_params


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **argument_spec(), **apply_argument_spec()},
        supports_check_mode=True,
        required_one_of=[["login_db"]],
    )
    api.require_driver(module)
    try:
        run(module)
    except GroundworkError as error:
        module.fail_json(**error.result())


def run(module: AnsibleModule) -> None:
    params = module.params
    settings = from_params(params)
    warnings: list[str] = []
    if params["_archive_data"] or params["_archive_path"]:
        files = source.from_archive(params["_archive_path"], params["_archive_data"])
    else:
        files, warnings = source.from_folders(params["locations"] or [], params["fail_on_missing_locations"])
    reading = resolve.Reading(
        settings.naming, settings.encoding, settings.placeholder_replacement, settings.validate_names
    )
    resolved = resolve.resolve(files, reading)
    check = module.check_mode or settings.state == "validated"
    job = Job(params, settings, resolved, check, module._diff)
    outcome = Run(job, params["login_db"]).execute()
    for warning in [*warnings, *outcome.warnings]:
        module.warn(warning)
    result = outcome.result()
    if module._diff:
        result["diff"] = outcome.plan.diff()
    module.exit_json(changed=outcome.changed, **result)


if __name__ == "__main__":
    main()
