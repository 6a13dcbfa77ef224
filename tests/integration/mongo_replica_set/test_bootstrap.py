# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the first start to the administrator's login: also when it was interrupted, and never on the wrong server."""

from __future__ import annotations

import contextlib
import json
import typing as t

import pymongo
import pymongo.errors
import pytest
from kill_points import MONGODB_MESSAGES, KillPoint, every_point
from module_process import ModuleProcess
from replica_set_subject import (
    BRIEF_QUESTIONS,
    QUICK_BY_HAND,
    QUICK_GREETINGS,
    Run,
    arguments,
    by_host,
    configuration,
    verbs,
    wait_until,
)
from servers import Member, Mongod, ReplicaSet

MakeSet = t.Callable[..., ReplicaSet]
WHOLE = ["initiate", "create", "create", "grant vote", "grant vote"]


def alone(member: Member) -> t.Any:
    """A client that is not logged in."""
    return pymongo.MongoClient(member.host, member.port, directConnection=True, serverSelectionTimeoutMS=5000)


def initiated_by_hand(one: ReplicaSet, member: Member) -> None:
    with alone(member) as client:
        config = {"_id": one.name, "members": [{"_id": 0, "host": member.address}], "settings": QUICK_BY_HAND}
        client.admin.command("replSetInitiate", config)
        wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]), "there is a primary")


def test_from_the_first_start_to_three_members(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(3)
    options = arguments(one, one.members[0], settings={"election_timeout_millis": 5000})
    promised = run_module("mongo_replica_set", options, check=True, diff=True)
    with alone(one.members[0]) as client, pytest.raises(pymongo.errors.OperationFailure, match="no replset config"):
        client.admin.command("replSetGetStatus")
    made = run_module("mongo_replica_set", options, diff=True)
    assert verbs(made) == WHOLE
    for name in ("changed", "actions", "diff"):
        assert promised[name] == made[name]
    assert made["primary"] == one.members[0].address and made["unhealthy"] == []
    assert [member["state"] for member in made["members"]] == ["PRIMARY", "SECONDARY", "SECONDARY"]
    assert made["authorization"] is True and made["feature_compatibility_version"] == "6.0"
    config = configuration(one)
    assert config["settings"]["electionTimeoutMillis"] == 5000
    assert [(m["_id"], m["votes"], m["priority"]) for m in config["members"]] == [(0, 1, 1), (1, 1, 1), (2, 1, 1)]
    for member in one.members:
        again = run_module("mongo_replica_set", {**options, **member.login, "member": member.address}, diff=True)
        assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
        assert again["primary"] == one.members[0].address
    assert configuration(one) == config
    with one.client() as client:
        user = client.admin.command({"usersInfo": "admin"})["users"][0]
    assert user["mechanisms"] == ["SCRAM-SHA-256"] and user["roles"] == [{"role": "root", "db": "admin"}]
    with alone(one.members[1]) as client, pytest.raises(pymongo.errors.OperationFailure, match="requires auth"):
        client.test.things.find_one({})


def test_a_plan_for_a_server_that_is_not_there_yet(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(3)
    options = arguments(one, one.members[0], settings=QUICK_GREETINGS)
    nothing = {**options, "login_host": "127.0.0.1", "login_port": 1, "assume_empty": True}
    assert run_module("mongo_replica_set", nothing, check=True)["actions"] == (
        run_module("mongo_replica_set", options)["actions"]
    )
    really = run_module("mongo_replica_set", {**nothing, "connect_timeout": 1})
    assert really["failed"] and "No server that takes writes was found" in really["msg"]


def test_an_interrupted_run_is_finished_by_the_next(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(2)
    first = one.members[0]
    options = arguments(one, first)
    initiated_by_hand(one, first)
    assert verbs(run_module("mongo_replica_set", options, check=True)) == ["create", "create", "grant vote"]
    with alone(first) as client:
        client.admin.command(
            "createUser", "admin", pwd=first.password, roles=["root"], mechanisms=["SCRAM-SHA-256"]
        )
    with first.client() as client:
        config = client.admin.command("replSetGetConfig")["config"]
        config["version"] += 1
        mark = {"groundwork_joining": "true"}
        config["members"].append({"_id": 1, "host": one.addresses[1], "votes": 0, "priority": 0, "tags": mark})
        client.admin.command("replSetReconfig", config)
    assert verbs(run_module("mongo_replica_set", options)) == ["grant vote"]
    assert by_host(one)[one.addresses[1]]["tags"] == {}
    assert verbs(run_module("mongo_replica_set", options)) == []


@pytest.mark.parametrize("first_message", [1, 4, 7, 10])
def test_killed_at_any_moment(
    make_set: MakeSet, run_module: Run, start_module: t.Callable[..., ModuleProcess], first_message: int
) -> None:
    """The module, then the server it works on, killed until a run comes through: each time some messages later."""
    one = make_set(2)
    first = one.members[0]
    # The second one may be elected while the first one is down.
    options = arguments(one, first, settings={"election_timeout_millis": 2000, **QUICK_GREETINGS})

    def start(point: KillPoint) -> ModuleProcess:
        return start_module("mongo_replica_set", options, kill_point=point)

    for kills, _message in enumerate(every_point(MONGODB_MESSAGES, start, at_least=15, first=first_message, step=12)):
        if kills % 2:
            first.kill()
            wait_until(lambda: not first.server.is_running(), "the server is gone")
            first.start()
    done = run_module("mongo_replica_set", options)
    assert not done.get("failed"), done["msg"]
    assert sorted(member["state"] for member in done["members"]) == ["PRIMARY", "SECONDARY"]
    assert not run_module("mongo_replica_set", options)["changed"]
    assert {member["votes"] for member in by_host(one).values()} == {1}


def test_a_password_that_nobody_could_log_in_with_creates_no_administrator(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(1)
    options = {**arguments(one, one.members[0]), "login_password": "a-Canary\u200bof-its-own"}
    refused = run_module("mongo_replica_set", options)
    assert refused["failed"] and "login_password: SCRAM-SHA-256 refuses it" in refused["msg"]
    assert "zero width space" in refused["msg"] and "Canary" not in refused.output
    assert run_module("mongo_replica_set", arguments(one, one.members[0]))["changed"], "the server has no users still"


def test_wrong_password_changes_nothing_and_is_not_repeated(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(1)
    options = arguments(one, one.members[0])
    assert run_module("mongo_replica_set", options)["changed"]
    before = configuration(one)
    tagged = [{"host": one.addresses[0], "tags": {"a": "b"}}]
    wrong = {**options, "login_password": "another-Canary-5", "members": tagged}
    refused = run_module("mongo_replica_set", wrong)
    assert refused["failed"] and refused["error_code"] == "LOGIN_REFUSED"
    assert "the localhost exception is over" in refused["msg"] and "another-Canary-5" not in refused.output
    assert configuration(one) == before


def test_secrets_stay_out_of_results(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(1)
    options = arguments(one, one.members[0], login_password="a-Canary-of-its-own")
    made = run_module("mongo_replica_set", options, diff=True)
    assert made["changed"] and "a-Canary-of-its-own" not in made.output


def test_a_member_of_an_existing_set_is_not_initiated_again(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(2)
    initiated_by_hand(one, one.members[0])
    refused = run_module("mongo_replica_set", arguments(one, one.members[1], initiate="always"))
    assert refused["failed"] and refused["error_code"] == "ALREADY_INITIATED"
    assert refused["initiated_member"] == one.addresses[0] and refused["primary"] == one.addresses[0]
    # Once the login works there, this one joins, wherever the module runs.
    assert verbs(run_module("mongo_replica_set", arguments(one, one.members[0], members=None))) == ["create"]
    assert verbs(run_module("mongo_replica_set", arguments(one, one.members[1]))) == ["create", "grant vote"]


def test_a_silent_member_could_hold_the_set(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(2, started=False)
    one.members[0].start()
    refused = run_module("mongo_replica_set", arguments(one, one.members[0], **BRIEF_QUESTIONS))
    assert refused["failed"] and refused["error_code"] == "MEMBERS_UNREACHABLE" and one.addresses[1] in refused["msg"]
    with alone(one.members[0]) as client, pytest.raises(pymongo.errors.OperationFailure, match="no replset config"):
        client.admin.command("replSetGetStatus")
    never = run_module("mongo_replica_set", arguments(one, one.members[0], initiate="never", **BRIEF_QUESTIONS))
    assert never["failed"] and never["error_code"] == "NOT_INITIATED"


def test_the_first_user_needs_the_host_of_the_primary(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(2)
    first, second = one.members
    with alone(first) as client:
        members = [{"_id": 0, "host": first.address, "priority": 2}, {"_id": 1, "host": second.address}]
        config = {"_id": one.name, "members": members, "settings": QUICK_BY_HAND}
        client.admin.command("replSetInitiate", config)
        wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]), "there is a primary")
    with alone(second) as client:
        wait_until(lambda: bool(client.admin.command("hello")["secondary"]), "the second holds the data")
    refused = run_module("mongo_replica_set", arguments(one, second))
    assert refused["failed"] and refused["error_code"] == "NOT_ON_THE_PRIMARY" and refused["primary"] == first.address
    members = [{"host": first.address, "priority": 2}, {"host": second.address}]
    assert verbs(run_module("mongo_replica_set", arguments(one, first, members=members))) == ["create"]


def test_a_single_server_gets_its_administrator(run_module: Run) -> None:
    server = Mongod()
    server.server.start()
    try:
        promised = run_module("mongo_replica_set", server.login, check=True)
        made = run_module("mongo_replica_set", server.login)
        assert verbs(made) == ["create"] and made["actions"] == promised["actions"]
        assert made["primary"] is None and made["members"] == [] and made["feature_compatibility_version"] == "6.0"
        assert not run_module("mongo_replica_set", server.login)["changed"]
        mistaken = run_module("mongo_replica_set", {**server.login, "name": "rs0"})
        assert mistaken["failed"] and mistaken["error_code"] == "REPLICA_SET_MISMATCH"
    finally:
        server.kill()


def test_another_name_than_the_set_has(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(1)
    assert run_module("mongo_replica_set", arguments(one, one.members[0]))["changed"]
    refused = run_module("mongo_replica_set", arguments(one, one.members[0], name="other"))
    assert refused["failed"] and refused["error_code"] == "REPLICA_SET_MISMATCH" and "rs0" in refused["msg"]
    unnamed = run_module("mongo_replica_set", one.members[0].login)
    assert unnamed["failed"] and unnamed["error_code"] == "REPLICA_SET_MISMATCH"


def test_a_server_without_authorization_is_told_so(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(1, settings={"security": {}})
    member = one.members[0]
    made = run_module("mongo_replica_set", arguments(one, member))
    assert verbs(made) == ["initiate", "create"] and made["authorization"] is False
    assert any("does not ask for logins" in str(warning) for warning in made["warnings"])
    with contextlib.suppress(ProcessLookupError):
        member.stop()
    key = {"authorization": "enabled", "keyFile": str(member.key_file)}
    member.configure({"replication": {"replSetName": "rs0"}, "security": key})
    member.start()
    after = run_module("mongo_replica_set", arguments(one, member))
    assert not after["changed"] and after["authorization"] is True


def test_bad_declarations_are_told_together(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(1)
    address = one.addresses[0]
    members = [{"host": address, "hidden": True, "priority": 1}, {"host": "x:1", "votes": 0, "priority": 3}]
    refused = run_module("mongo_replica_set", arguments(one, one.members[0], members=members, initiate="always"))
    assert refused["failed"] and len(refused["problems"]) == 2, json.dumps(refused)
    twice = run_module("mongo_replica_set", arguments(one, one.members[0], members=[{"host": address}] * 2))
    assert twice["failed"] and "is already declared" in twice["msg"]
