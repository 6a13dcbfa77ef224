"""What the host's modules are asked about its clusters."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError


def test_a_port_given_as_text_is_a_number_everywhere(host):
    one = host({"name": "shop", "port": "5433"})
    plan = one.plan()
    assert [unit["port"] for unit in plan["units"]] == [5433]
    assert [server["port"] for server in plan["servers"]] == [5433]
    assert [cluster["port"] for cluster in one.configuration()] == [5433]


def test_clusters_keep_their_own_facts_whatever_order_the_host_answers_in(host):
    one = host({"name": "shop", "port": 5432}, {"name": "archive", "port": 5433})
    expected = one.plan()
    for module in ("found", "services", "configuration"):
        one.known[module]["clusters"].reverse()
    assert one.plan() == {**expected, "due": expected["due"]}
    assert [(server["name"], server["running_port"]) for server in expected["servers"]] == [
        ("shop", 5432), ("archive", 5433),
    ]  # fmt: skip


def test_what_the_host_says_of_a_described_folder_counts_for_nothing(host):
    one = host({"name": "shop", "data_directory": "/srv/shop"})
    one.answer("found", "shop", data_directory="/root", config_directory="/root", unit="ssh.service", roles=["x"])
    (unit,) = one.plan()["units"]
    assert unit == {"name": "shop", "port": 5432, "data_directory": "/srv/shop"}
    assert one.plan()["places"][0]["unit"] == "postgresql@16-shop.service"


@pytest.mark.parametrize(
    ("module", "field", "value"),
    [
        ("found", "wal_directory", "/srv/wal\nExecStartPre=+/bin/sh"),
        ("found", "name", "third"),
        ("configuration", "pending_restart", "work_mem"),
        ("services", "running", "yes"),
    ],
)
def test_an_answer_that_does_not_fit_leaves_no_plan(host, module, field, value):
    one = host({"name": "shop"})
    one.answer(module, "shop", **{field: value})
    with pytest.raises(GroundworkError, match=f"The host db1 answered clusters\\[0\\].{field} = "):
        one.plan()


def test_nothing_but_the_request_is_planned_before_the_host_was_asked(host):
    plan = host({"name": "shop", "roles": [{"name": "app", "password": "x"}]}, found=None).plan()
    assert set(plan) == {"replicated_names", "pg_clusters"}
    assert plan["pg_clusters"]["clusters"] == [{"name": "shop"}]


def test_a_server_is_reached_on_its_old_port_until_it_is_restarted(host):
    one = host({"name": "shop", "port": 5433, "roles": [{"name": "app"}]})
    one.answer("services", "shop", running_port=5432)
    assert one.plan()["filled"][0]["login_port"] == 5432
    restarts = [{"postgresql_16_due": {"name": "shop"}, "seconds": 0.4}]
    assert host(*one.known["clusters"], restarts={"results": restarts}).plan()["filled"][0]["login_port"] == 5433
    skipped = [{"postgresql_16_due": {"name": "shop"}, "changed": False}]
    one.known["restarts"] = {"results": skipped}
    assert one.plan()["filled"][0]["login_port"] == 5432


def test_an_unknown_system_is_refused(host):
    one = host({"name": "shop"})
    one.known["found"]["system"] = {"id": "debian", "version": "11", "codename": "bullseye", "name": "Debian 11"}
    assert one.refusals() == ["Debian 11 is not one of ubuntu 22.04, debian 12. Nothing was touched."]


def test_packages(host):
    clusters = [{"name": "a", "locale": "de_DE.UTF-8"}, {"name": "b", "audit": ["ddl"], "locale": "c.utf8"}]
    wanted = {"version": "16.15", "hold": "no", "extra": ["postgresql-16-cron"]}
    packages = host(*clusters).plan(packages=wanted)["packages"]
    assert packages[:2] == [
        {"name": "postgresql-16", "hold": False, "version": "16.15-*"},
        {"name": "postgresql-client-16", "hold": False, "version": "16.15-*"},
    ]
    assert [package["name"] for package in packages[2:]] == [
        "python3-psycopg2", "acl", "locales", "postgresql-16-pgaudit", "postgresql-16-cron",
    ]  # fmt: skip
    plain = host({"name": "a", "databases": [{"name": "x", "locale": "C"}]})
    names = [
        package["name"] for package in plain.plan(packages={**wanted, "version": "16.15-1", "extra": []})["packages"]
    ]
    assert names == ["postgresql-16", "postgresql-client-16", "python3-psycopg2", "acl"]


def test_locales_of_databases_are_generated_with_the_cluster(host):
    databases = [{"name": "x", "locale": "de_DE.UTF-8"}, {"name": "y", "lc_collate": "fr_FR.UTF-8"}, {"name": "z"}]
    assert host({"name": "a", "databases": databases}).plan()["pg_clusters"]["locales"] == [
        "de_DE.UTF-8",
        "fr_FR.UTF-8",
    ]


def test_kernel_parameters(host):
    inputs = {"overcommit": True, "sysctl": {"vm.swappiness": "", "vm.x": 3}, "huge_pages": {"pages": 120}}
    sysctl = host({"name": "shop"}).plan(kernel=inputs)["sysctl"]
    assert sysctl["vm.overcommit_memory"] == 2 and sysctl["vm.nr_hugepages"] == 120 and sysctl["vm.x"] == 3
    assert "vm.swappiness" not in sysctl
    inputs = {"overcommit": "no", "sysctl": {}, "huge_pages": {"skipped": True, "changed": False}}
    assert set(host({"name": "shop"}).plan(kernel=inputs)["sysctl"]) == {
        "vm.swappiness", "vm.dirty_background_bytes", "vm.dirty_bytes",
    }  # fmt: skip


def test_huge_pages_are_a_number(host):
    inputs = {"overcommit": False, "sysctl": {}, "huge_pages": {"pages": "10\nkernel.core_pattern=|/intruder"}}
    with pytest.raises(GroundworkError, match="The host db1 answered pages = "):
        host({"name": "shop"}).plan(kernel=inputs)


def test_an_absent_cluster_is_asked_for_and_has_no_other_part(host):
    gone = {"name": "gone", "state": "absent", "confirm_removal": "gone", "tls": {"mode": "given"}}
    one = host({"name": "shop"}, gone)
    plan = one.plan()
    assert one.refusals() == []
    assert [cluster["name"] for cluster in plan["pg_clusters"]["clusters"]] == ["shop", "gone"]
    assert [unit["name"] for unit in plan["units"]] == ["shop"]


def test_a_version_that_lost_its_last_digit_and_a_folder_that_cannot_be_are_refused(host):
    one = host({"name": "a", "tls": {"mode": "given"}})
    folder = {"present": "/x", "problem": "/x is below the inventory.", "move": {}}
    refusals = one.refusals([folder], 16.1)
    assert refusals[0] == "/x is below the inventory."
    assert refusals[1].startswith("postgresql_16_package_version is the number 16.1, and YAML takes 16.10 for 16.1.")
    assert refusals[2].startswith("Cluster a: tls.mode given asks for") and len(refusals) == 3
    assert host({"name": "a"}).refusals([{**folder, "problem": ""}], "16.1") == []
