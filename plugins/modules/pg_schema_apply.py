#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_schema_apply
short_description: Migrate a PostgreSQL schema with versioned SQL files
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import GroundworkError
from ..module_utils._pg import api
from ..module_utils._pg.connection import connection_argument_spec
from ..module_utils._pg.migration import fan_out, load
from ..module_utils._pg.migration.commands import RUNS
from ..module_utils._pg.migration.fan_out import Place, Visit
from ..module_utils._pg.migration.migrate import Job
from ..module_utils._pg.migration.outcome import Outcome
from ..module_utils._pg.migration.settings import apply_argument_spec, argument_spec, from_params


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **argument_spec(), **apply_argument_spec()},
        supports_check_mode=True,
        required_one_of=[["login_db", "targets"]],
        required_if=[["state", state, ["locations"]] for state in RUNS if state != "cleaned"],
    )
    api.require_driver(module)
    try:
        run(module)
    except GroundworkError as error:
        module.fail_json(**error.result())


def run(module: AnsibleModule) -> None:
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
        report_all(module, fan_out.visit_all(places, visit, params["parallel"], params["on_failure"] == "stop"))
    outcome = visit(Place(params["login_db"]))
    warn(module, outcome)
    result = outcome.result()
    if module._diff:
        result["diff"] = outcome.diff()
    module.exit_json(changed=outcome.changed, **result)


def warn(module: AnsibleModule, outcome: Outcome) -> None:
    for warning in outcome.warnings:
        module.warn(warning)


def report_all(module: AnsibleModule, visits: list[Visit]) -> None:
    """End the module with one result for all places."""
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
        module.fail_json(msg=f"{failed} of {len(visits)} targets failed.\n" + "\n".join(result["summary"]), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
