"""What the role says at its end, and what monitoring needs."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError

ADDRESS = {"address": "127.0.0.1"}
QUIET = {"name": "quiet", "port": "5433"}
SHOP = {"name": "shop", "databases": [{"name": "orders"}, {"name": "gone", "state": "absent"}]}


def test_servers_and_their_states(host):
    one = host(SHOP, QUIET, check_mode=True)
    one.answer("found", "quiet", exists=False, running_port=None)
    for name in ("shop", "quiet"):
        one.answer("services", name, running=False, running_port=None, version=None)
    assert [(server["name"], server["state"]) for server in one.plan()["servers"]] == [
        ("shop", "would_start"), ("quiet", "would_create"),
    ]  # fmt: skip
    assert one.plan()["report"] == [
        "shop: port 5432, would be started, /var/lib/postgresql/16/shop",
        "quiet: port 5433, would be started, /var/lib/postgresql/16/quiet",
    ]


def test_what_waits_is_said_where_nothing_is_restarted(host):
    one = host(QUIET, kernel={"not_permitted": [{"name": "vm.swappiness", "found": "60", "wanted": "10"}]})
    one.known["found"]["unlisted"] = ["old"]
    one.answer("services", "quiet", restart_reasons=["the unit changed"])
    one.answer(
        "configuration", "quiet", warnings=["careful"], binary_newer={"running": "16.14", "installed": "16.15"},
        pending_restart=[{"name": "work_mem", "current": "", "new": "4MB"}],
    )  # fmt: skip
    assert one.plan()["report"] == [
        "quiet: port 5433, 16.15, /var/lib/postgresql/16/quiet",
        "  waits for a restart: the unit changed",
        "  waits for a restart: work_mem: (empty) becomes 4MB",
        "  waits for a restart: the server is 16.14, 16.15 is installed",
        "  note: careful",
        "left alone, not described: old",
        "kernel, not permitted here: vm.swappiness stays 60 (10 was asked for)",
    ]
    one.known["restart_policy"] = "when_needed"
    assert one.plan()["report"][1] == "  note: careful"


def test_the_exporter_may_connect_to_what_is_described(host):
    shop, quiet = host(SHOP, QUIET).plan(exporters=ADDRESS)["exporters"]
    assert [database["name"] for database in shop["databases"]] == ["postgres", "orders"]
    assert [database["name"] for database in quiet["databases"]] == ["postgres"]
    assert (quiet["login_port"], quiet["running"]) == (5433, True)


def test_every_exporter_has_a_port_of_its_own(host):
    files = host(SHOP, QUIET, {"name": "own", "port": 5434, "exporter_port": "9999"}).plan(exporters=ADDRESS)
    listening = [
        line for file in files["exporter_environments"] for line in file["content"].split() if "listen" in line
    ]
    assert [address.rpartition(":")[2] for address in listening] == ["9187", "9188", "9999"]


def test_a_standby_has_the_exporters_role_from_its_primary(trio):
    assert trio.host("pg2").plan(exporters=ADDRESS)["exporters"] == []
    assert len(trio.host("pg2").plan(exporters=ADDRESS)["exporter_environments"]) == 1


def test_what_a_host_says_of_its_kernel_is_only_shown(host):
    lies = {"name": "vm.swappiness", "found": "60\x1b[2J", "wanted": "{{ lookup('env', 'HOME') }}"}
    assert host(QUIET, kernel={"not_permitted": [lies]}).plan()["report"][-1] == (
        "kernel, not permitted here: vm.swappiness stays 60 [2J ({  lookup('env', 'HOME') }} was asked for)"
    )
    with pytest.raises(GroundworkError, match="The host db1 answered not_permitted = "):
        host(QUIET, kernel={"not_permitted": "all"}).plan()
    assert host(QUIET, kernel={"skipped": True, "changed": False}).plan()["report"][-1].startswith("quiet: ")
