"""What is decided for the hosts of several sets in one run, before any of them is touched."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError

from .conftest import STAGES, configured, tls_found

SET = ["a1", "a2", "a3"]
DISABLED, ALLOW, PREFER, REQUIRE = STAGES.values()


def test_every_set_takes_its_own_stages_and_has_its_own_certificates(sets):
    assert [sets.stages(name)["stages"] for name in SET] == [[ALLOW, PREFER, REQUIRE]] * 3
    assert sets.stages("b1")["stages"] == [REQUIRE]
    assert [sets.stages(name)["reached_at_first"] for name in (*SET, "b1")] == [False, False, False, True]
    made = {name: [each["name"] for each in sets.stages(name)["certificates"]] for name in sets.batch}
    assert made == {"none": [], "a1": SET, "a2": [], "a3": [], "b1": ["b1"]}
    assert not any(sets.stages(name)["refusal"] for name in sets.batch)


def test_a_set_goes_where_its_slowest_member_is(sets):
    sets.known["a1"]["tls_found"] = tls_found("a1", ALLOW)
    assert [sets.stages(name)["stages"][0] for name in SET] == [ALLOW] * 3


def test_tls_does_not_change_without_all_members(sets):
    sets.batch = ["a1", "a2", "b1"]
    assert "a3:27017 is not part of this run" in sets.stages("a1")["refusal"]
    assert "Nothing was written" in sets.stages("a2")["refusal"]
    assert sets.stages("b1")["stages"] == [REQUIRE] and sets.stages("b1")["refusal"] == ""


def test_answers_of_members_that_have_failed_count(sets):
    """Beyond Ansible's forks, hosts come here when others of their set have been refused here."""
    sets.known["a3"]["tls_found"] = tls_found("a3", REQUIRE)
    sets.batch = ["a3", "b1"]
    assert "a1:27017, a2:27017 is not part of this run or has failed" in sets.stages("a3", ["a1", "a2"])["refusal"]
    assert sets.stages("a3")["refusal"] == ""


def test_a_set_that_is_there_may_be_run_in_parts(sets):
    for name in SET:
        sets.known[name]["tls_found"] = tls_found(name, REQUIRE)
    sets.batch = ["a2"]
    decided = sets.stages("a2")
    assert decided["refusal"] == "" and [each["name"] for each in decided["certificates"]] == ["a2"]


def test_a_member_too_far_away_is_refused(sets):
    sets.known["a3"]["tls_found"] = tls_found("a3", REQUIRE)
    with pytest.raises(GroundworkError, match="a3 is at requireTLS, keyFile"):
        sets.stages("a1")


def test_the_stages_end_where_a_restart_is_withheld(sets):
    sets.every(SET, stage=ALLOW, restart_policy="never", configuration=configured())
    sets.known["a2"]["configuration"] = configured(restart_needed=True)
    assert [sets.of_set(name)["withheld"] for name in SET] == [True] * 3
    assert [sets.settings(name)["net"]["tls"]["mode"] for name in SET] == ["allowTLS"] * 3
    assert [sets.of_set(name)["reached_at_last"] for name in SET] == [False] * 3
    assert [sets.plan(name)["login"]["tls"] for name in SET] == [False] * 3
    assert sets.of_set("b1")["withheld"] is False


def test_a_stage_that_was_reached_is_what_the_next_one_is_reached_through(sets):
    sets.every(SET, stage=ALLOW)
    assert sets.plan("a1", next_stage={"mode": "preferTLS"})["reached_at_next"] is True
    assert sets.plan("a1", next_stage={"mode": "disabled"})["reached_at_next"] is False
    assert sets.of_set("a1")["reached_at_last"] is True


def test_a_member_that_failed_is_not_left_behind(sets):
    sets.batch = ["a1", "a2"]
    assert sets.of_set("a1")["absent"] == ["a3:27017"] and sets.plan("a1")["has_others"] is True


def test_another_key_is_an_outage_of_all_members(sets):
    sets.every(replace_keyfile=True)
    sets.batch = SET
    (refusal,) = sets.of_set("a1")["refusals"]
    assert "restarts all members" in refusal and "missing are" not in refusal and "Nothing was written" in refusal
    sets.every(allow_outage="yes")
    sets.batch = ["a1"]
    (refusal,) = sets.of_set("a1")["refusals"]
    assert "missing are a2:27017, a3:27017" in refusal
    sets.batch = [*SET, "b1"]
    assert [sets.of_set(name)["refusals"] for name in sets.batch] == [[]] * 4
    assert sets.plan("a1")["restarts_at_once"] is True
    assert sets.plan("b1")["restarts_at_once"] is False


@pytest.mark.parametrize(
    ("installed", "version", "asked_for"),
    [("", "", ""), ("7.0.14", "", ""), ("6.0.27", "", "7.0.*"), ("6.0.27", "7.0.14", "7.0.14")],
    ids=["new", "kept", "next", "named"],
)
def test_the_next_release_is_asked_for(hosts, installed, version, asked_for):
    known = hosts.add("db1", version=version)
    known["found"] = {**known["found"], "installed_version": installed}
    repository = {
        "url": "https://x", "suite": "", "component": "", "key": "k", "distribution": "Debian", "codename": "bookworm",
    }  # fmt: skip
    inputs = {"packages": ["mongodb-org", "other"], "hold": "no", "driver": "python3-pymongo", "repository": repository}
    plan = hosts.plan("db1", packages=inputs)
    server, other, driver = plan["packages"]
    assert server == {"name": "mongodb-org", "hold": False, **({"version": asked_for} if asked_for else {})}
    assert other == {"name": "other", "hold": False} and driver == {"name": "python3-pymongo"}
    assert plan["repository"] == {
        "name": "mongodb-org-7.0", "uris": ["https://x/debian"], "suites": ["bookworm/mongodb-org/7.0"],
        "components": ["main"], "key": "k",
    }  # fmt: skip


def test_arbiters_are_refused(sets):
    sets.batch = ["a1"]
    members = [{"host": "a1:27017"}, {"host": "a2:27017", "arbiter_only": False}, {"host": "a3:27017"}]
    sets.every(SET, members=members)
    assert sets.of_set("a1")["refusals"] == []
    members[2]["arbiter_only"] = True
    (refusal,) = sets.of_set("a1")["refusals"]
    assert "mongodb_7_members has an arbiter" in refusal


def test_what_the_run_would_start_is_known_before_it_answers(sets):
    """Check mode asks the members of a list; those that are installed by the very run do not answer it."""
    sets.every(check_mode=True, configuration=configured())
    found = sets.known["a1"]["found"]
    sets.known["a2"]["found"] = {**found, "installed_version": "", "running_version": ""}
    sets.known["a3"]["found"] = {**found, "running_version": ""}
    sets.batch = SET
    assert [sets.plan(name)["state"] for name in SET] == ["running", "would_create", "would_start"]
    assert [sets.of_set(name)["unready"] for name in SET] == [["a2:27017", "a3:27017"]] * 3


def test_a_run_has_everything_running(sets):
    assert [sets.plan(name)["state"] for name in SET] == ["running"] * 3


def test_members_are_restarted_with_the_primary_last(sets):
    sets.every(SET, configuration=configured(restart_needed=True))
    sets.known["a1"]["member_state"] = {"member": "a1:27017", "primary": "a1:27017"}
    sets.known["a2"]["member_state"] = {"changed": False, "skipped": True}
    sets.known["b1"]["configuration"] = configured()
    assert sets.of_set("none")["restart_order"] == ["a2", "a3", "a1"]
    sets.every(SET, restart_policy="never")
    assert sets.of_set("a1")["restart_order"] == []
    sets.every(restart_policy="always")
    assert sets.of_set("a1")["restart_order"] == ["a2", "a3", "b1", "a1"]
