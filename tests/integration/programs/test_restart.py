# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the role pgbouncer restarts its exporter, and that check mode asks for the same."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._programs import archive
from answering_hosts import Case, Outcome, run_role

LIBRARY = "/usr/local/lib/groundwork"
PROGRAM = f"{LIBRARY}/pgbouncer_exporter.pyz"
UNIT = "/etc/systemd/system/groundwork-pgbouncer-exporter.service"
ALERTS = "/etc/groundwork/pgbouncer-alerts.yml"
DESCRIBED = {
    "pgbouncer_databases": [{"name": "shop", "host": "192.0.2.1"}], "pgbouncer_processes": 1,
    "pgbouncer_client_tls": "disabled", "pgbouncer_server_tls_mode": "prefer",
}  # fmt: skip
ANSWERS: dict[str, t.Any] = {
    "setup": {
        "changed": False,
        "ansible_facts": {"ansible_distribution": "Debian", "ansible_distribution_version": "12",
                          "ansible_distribution_release": "bookworm"},
    },
    "command": {"changed": False, "stdout": "inactive", "rc": 0},
    "getent": {"changed": False, "ansible_facts": {"getent_passwd": {"pgbouncer": ["x", "1", "1", "", "/", "/"]}}},
    "host_packages": {"changed": False, "actions": []},
    "host_kernel": {"changed": False, "not_permitted": []},
    "pgbouncer_configuration": {
        "changed": False, "actions": [], "version": "1.25.2", "known_holes": [], "restart_needed": [],
        "processes": [], "servers_reached": [], "capacity": [], "pools": [],
    },
}  # fmt: skip
# What the files of the host need → the state that systemd is asked for.
CASES: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({}, "started"),
    "rules": ({ALERTS: "replace"}, "started"),
    "program": ({PROGRAM: "create", f"{LIBRARY}/pgbouncer_exporter.py": "remove"}, "restarted"),
    "unit": ({UNIT: "replace"}, "restarted"),
}


def answers(changes: dict[str, str]) -> dict[str, t.Any]:
    actions = [{"action": action, "kind": "file", "name": path} for path, action in changes.items()]
    return {**ANSWERS, "host_files": {"changed": bool(changes), "changed_files": list(changes), "actions": actions}}


@pytest.fixture(scope="module", params=[[], ["--check"]], ids=["run", "check"])
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    changes = {**{name: case[0] for name, case in CASES.items()}, "new": {PROGRAM: "create", UNIT: "create"}}
    cases = {name: Case({"pooler1": DESCRIBED}, {"pooler1": answers(files)}) for name, files in changes.items()}
    outcomes = run_role(tmp_path_factory.mktemp("exporter"), "pgbouncer", cases, *request.param)
    outcomes["checked"] = outcomes["new"] if request.param else outcomes["nothing"]
    return outcomes


@pytest.mark.parametrize("name", CASES)
def test_what_the_exporter_is_made_of_decides(outcomes: dict[str, Outcome], name: str) -> None:
    assert outcomes[name].code == 0, outcomes[name].output
    (asked,) = outcomes[name].arguments("systemd_service")
    assert (asked["name"], asked["state"]) == ("groundwork-pgbouncer-exporter.service", CASES[name][1])


def test_a_check_tells_of_a_unit_that_systemd_does_not_know_yet(outcomes: dict[str, Outcome]) -> None:
    new = outcomes["new"]
    checked = outcomes["checked"] is new
    assert new.code == 0, new.output
    assert len(new.arguments("systemd_service")) == (0 if checked else 1)
    assert ("would be enabled and started" in new.output) is checked


def test_the_host_gets_the_packed_program_and_loses_the_former(outcomes: dict[str, Outcome]) -> None:
    (asked,) = outcomes["nothing"].arguments("host_files")
    files = {entry["path"]: entry for entry in asked["files"]}
    assert base64.b64decode(files[PROGRAM]["content_b64"]) == archive.program("pgbouncer_exporter")
    assert files[PROGRAM]["mode"] == "0755"
    assert files[f"{LIBRARY}/pgbouncer_exporter.py"] == {"path": f"{LIBRARY}/pgbouncer_exporter.py", "state": "absent"}
    (unit,) = [line for line in files[UNIT]["content"].splitlines() if line.startswith("ExecStart=")]
    assert unit == f"ExecStart={PROGRAM} --address 127.0.0.1 --port 9127"
