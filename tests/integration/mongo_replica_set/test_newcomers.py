# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that a configuration is about to name: what they are is asked first, and a wrong one changes nothing."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pymongo
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._local import port
from replica_set_subject import (
    BRIEF_QUESTIONS,
    QUICK_BY_HAND,
    QUICK_GREETINGS,
    Run,
    arguments,
    by_host,
    configuration,
    has_left,
    sees_down,
    verbs,
    wait_until,
)
from servers import Member, Mongod, ReplicaSet

MakeSet = t.Callable[..., ReplicaSet]
Hosts = list[dict[str, t.Any]]


def primary_of(one: ReplicaSet) -> str:
    with one.client() as client:
        return str(client.admin.command("hello")["me"])


def other_name(address: str) -> str:
    return address.replace("127.0.0.1", "localhost")


def declared(*hosts: str) -> Hosts:
    return [{"host": host} for host in hosts]


def refused(one: ReplicaSet, run_module: Run, members: Hosts, **options: t.Any) -> str:
    """The message of a run that must fail in check mode and without it alike, and leave the set as it is."""
    before, primary = configuration(one), primary_of(one)
    options = arguments(one, one.at(primary), members=members, **BRIEF_QUESTIONS, **options)
    messages = []
    for check in (True, False):
        result = run_module("mongo_replica_set", options, check=check)
        assert result.get("failed") and result["error_code"] == "HOST_REFUSED", result
        assert "previous_host" in result["msg"]
        messages.append(result["msg"])
    assert messages[0] == messages[1]
    assert configuration(one) == before and primary_of(one) == primary
    return messages[0]


def reconfigured(one: ReplicaSet, change: t.Callable[[Hosts], object]) -> None:
    """One ``replSetReconfig`` by hand."""
    with one.client() as client:
        config = client.admin.command("replSetGetConfig")["config"]
        change(config["members"])
        config["version"] += 1
        client.admin.command("replSetReconfig", config)


def has_read_its_configuration(member: Member) -> bool:
    with member.client() as client:
        return bool(client.admin.command("replSetGetConfig")["config"])


def started_as(member: Member, settings: dict[str, t.Any]) -> None:
    member.stop()
    member.configure(settings)
    member.start()


@contextlib.contextmanager
def single_server(settings: dict[str, t.Any] | None = None) -> t.Iterator[Mongod]:
    server = Mongod(settings)
    server.server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def fourth_member(one: ReplicaSet) -> t.Iterator[Member]:
    member = one.add()
    try:
        yield member
    finally:
        one.members.remove(member)
        member.kill()


@pytest.mark.parametrize("purge", [False, True])
def test_members_under_another_name_are_not_added(three: ReplicaSet, run_module: Run, purge: bool) -> None:
    first, *rest = sorted(three.addresses, key=lambda address: address != primary_of(three))
    doubles = [other_name(address) for address in rest]
    message = refused(three, run_module, declared(first, *doubles), purge_members=purge)
    for address in rest:
        assert f"{other_name(address)}: it is the member {address} under another name" in message
        assert f"previous_host: {address}" in message
    assert f"it is the member {first} under another name" in refused(
        three, run_module, declared(*three.addresses, other_name(first)), purge_members=purge
    )
    assert not run_module("mongo_replica_set", arguments(three, three.at(first)))["changed"]


def test_one_new_server_under_two_names(three: ReplicaSet, run_module: Run) -> None:
    known = declared(*three.addresses)
    with fourth_member(three) as fresh:
        twice = [*known, *declared(fresh.address, other_name(fresh.address))]
        assert f"it is the same server as {fresh.address}" in refused(three, run_module, twice)


def test_a_host_that_does_not_answer(three: ReplicaSet, run_module: Run) -> None:
    silent = f"127.0.0.1:{port.free_port(0)}"
    message = refused(three, run_module, declared(*three.addresses, silent, "nowhere.invalid:27017"))
    assert f"{silent}: it does not answer" in message and "Connection refused" in message
    assert "nowhere.invalid:27017: it does not answer" in message
    # Where the very run would start it, check mode expects it; the run itself does not.
    members = declared(*three.addresses, silent)
    options = arguments(three, three.members[0], members=members, assume_started=[silent], **BRIEF_QUESTIONS)
    assert verbs(run_module("mongo_replica_set", options, check=True)) == ["create", "grant vote"]
    before = configuration(three)
    assert "it does not answer" in run_module("mongo_replica_set", options)["msg"]
    assert configuration(three) == before


def test_a_server_that_wants_tls_is_named_with_the_reason(
    three: ReplicaSet, make_set: MakeSet, run_module: Run, tmp_path: Path
) -> None:
    certificate = {"name": "server", "ip_addresses": ["127.0.0.1"], "usage": ["server", "client"]}
    folder = tmp_path / "tls"
    made = run_module("tls_certificates", {"directory": str(folder), "certificates": [certificate]})
    assert not made.get("failed"), made["msg"]
    secured = make_set(1, started=False).members[0]
    home = secured.server.layout.servers
    for source, name in (("ca.crt", "ca.pem"), ("server.pem", "server.pem")):
        target = home / name
        target.write_bytes((folder / source).read_bytes())
        target.chmod(0o400)
        secured.account.own(target)
    tls = {"mode": "requireTLS", "certificateKeyFile": f"{home}/server.pem", "CAFile": f"{home}/ca.pem"}
    secured.configure(
        {
            "net": {"bindIp": "127.0.0.1", "port": secured.port, "tls": tls},
            "replication": {"replSetName": "rs0"},
            "security": {"authorization": "enabled", "keyFile": str(secured.key_file)},
        }
    )
    secured.start()
    message = refused(three, run_module, declared(*three.addresses, secured.address))
    assert f"{secured.address}: it does not answer" in message and "asked without TLS" in message


def test_a_member_of_another_set_stays_there(three: ReplicaSet, make_set: MakeSet, run_module: Run) -> None:
    for name in ("other", "rs0"):
        other = make_set(1, name=name)
        host = other.addresses[0]
        assert run_module("mongo_replica_set", arguments(other, other.members[0]))["changed"]
        before = configuration(other)
        message = refused(three, run_module, declared(*three.addresses, host))
        assert f"{host}: it already belongs to" in message and f"as {host}" in message
        assert ("of the same name" in message) is (name == "rs0")
        assert configuration(other) == before


def test_a_server_without_a_set_and_one_for_another_set(
    three: ReplicaSet, make_set: MakeSet, run_module: Run
) -> None:
    with single_server() as alone:
        address = f"{alone.host}:{alone.port}"
        message = refused(three, run_module, declared(*three.addresses, address))
        assert f"{address}: it was not started for a replica set" in message
    other = make_set(1, name="other", settings={"security": {}}).members[0]
    message = refused(three, run_module, declared(*three.addresses, other.address))
    assert f"{other.address}: it was started for the replica set other" in message


def test_a_server_with_data_keeps_it(three: ReplicaSet, make_set: MakeSet, run_module: Run) -> None:
    """It was a single server with the same administrator: joining would drop everything that it holds."""
    replicated = {"replication": {"replSetName": "rs0"}}
    lonely = make_set(1, started=False).members[0]
    started_as(lonely, {"security": {"authorization": "enabled"}})
    assert run_module("mongo_replica_set", lonely.login)["changed"]
    with lonely.client() as client:
        client.shop.things.insert_one({"_id": 1})
    # Before the role restarts it, a check can know it already.
    members = declared(*three.addresses, lonely.address)
    expected = arguments(three, three.members[0], members=members, assume_started=[lonely.address])
    promised = run_module("mongo_replica_set", expected, check=True)
    assert promised["failed"] and "it holds 1 collections and views" in promised["msg"]
    security = {"authorization": "enabled", "keyFile": str(lonely.key_file)}
    started_as(lonely, {**replicated, "security": security})
    message = refused(three, run_module, declared(*three.addresses, lonely.address))
    assert f"{lonely.address}: it holds 1 collections and views, which it would drop" in message
    started_as(lonely, {"security": {"authorization": "enabled"}})
    with lonely.client() as client:
        assert client.shop.things.count_documents({}) == 1


def test_a_member_that_was_removed_may_come_back(three: ReplicaSet, run_module: Run) -> None:
    """It holds data, those of this very set."""
    with three.client() as client:
        client.shop.get_collection("things", write_concern=pymongo.WriteConcern(3)).insert_one({})
    gone = next(address for address in three.addresses if address != primary_of(three))
    helper = three.at(primary_of(three))
    left = declared(*(address for address in three.addresses if address != gone))
    assert verbs(run_module("mongo_replica_set", arguments(three, helper, members=left, purge_members=True))) == [
        "remove"
    ]
    wait_until(lambda: has_left(three.at(gone)), "the member knows that it was removed")
    assert verbs(run_module("mongo_replica_set", arguments(three, helper))) == ["create", "grant vote"]
    with three.client() as client:
        client.drop_database("shop")


def test_another_name_is_not_another_server(three: ReplicaSet, run_module: Run) -> None:
    old = next(address for address in three.addresses if address != primary_of(three))
    kept = declared(*(address for address in three.addresses if address != old))
    with fourth_member(three) as fresh:
        known = three.addresses[:-1]
        message = refused(three, run_module, [*kept[:-1], {"host": fresh.address, "previous_host": old}])
        assert f"{fresh.address}: it is not the server that is the member {old}" in message
        # The member of that name is down, and the fresh server still is not it.
        three.at(old).stop()
        message = refused(three, run_module, [*kept[:-1], {"host": fresh.address, "previous_host": old}])
        assert f"it is not the server that is the member {old}" in message
        three.at(old).start()
        third = next(address for address in known if address not in (old, primary_of(three)))
        message = refused(three, run_module, [*declared(primary_of(three)), {"host": other_name(third),
                                                                             "previous_host": old}])
        assert f"it is the member {third} under another name" in message


def test_a_member_that_moved_to_another_port_keeps_its_place(three: ReplicaSet, run_module: Run) -> None:
    moved = three.at(next(address for address in three.addresses if address != primary_of(three)))
    old, number = moved.address, by_host(three)[moved.address]["_id"]
    helper = three.at(primary_of(three))
    moved.stop()
    moved.port = port.free_port(0)
    moved.configure(
        {
            "replication": {"replSetName": three.name},
            "security": {"authorization": "enabled", "keyFile": str(moved.key_file)},
        }
    )
    moved.start()
    wait_until(lambda: sees_down(helper, old), "the primary misses the old name")
    # Before it has read its own copy of the configuration, nothing says whose member it is.
    wait_until(lambda: has_read_its_configuration(moved), "the moved member knows its set")
    members: Hosts = [
        {"host": address, **({"previous_host": old} if address == moved.address else {})}
        for address in three.addresses
    ]
    options = arguments(three, helper, members=members, settle_timeout=1)
    promised = run_module("mongo_replica_set", options, check=True)
    made = run_module("mongo_replica_set", options)
    assert verbs(made) == ["rename"] and made["actions"] == promised["actions"]
    assert by_host(three)[moved.address]["_id"] == number and old not in by_host(three)
    wait_until(
        lambda: not run_module("mongo_replica_set", options)["unhealthy"], "the moved member serves", seconds=60
    )


def test_a_host_named_wrongly_is_not_waited_for(three: ReplicaSet, run_module: Run) -> None:
    """An earlier run, or a person, put a host into the configuration that never was there."""
    typo = f"127.0.0.1:{port.free_port(0)}"
    joining = {"votes": 0, "priority": 0, "tags": {"groundwork_joining": "true"}}
    for number, fields in enumerate(({}, joining)):
        reconfigured(three, lambda members, more=fields: members.append({"_id": 90, "host": typo, **more}))
        helper = three.at(primary_of(three))
        wait_until(lambda at=helper: sees_down(at, typo), "the primary misses it")
        # Still declared: said at once when a step would wait for it.
        if number:
            assert f"{typo}: it does not answer" in refused(three, run_module, declared(*three.addresses, typo))
        with fourth_member(three) as fresh:
            options = arguments(three, helper, settle_timeout=3600, wait_timeout=40)
            promised = run_module("mongo_replica_set", options, check=True)
            made = run_module("mongo_replica_set", options)
            assert verbs(made) == ["create", "grant vote"] and made["actions"] == promised["actions"]
            assert made["unmanaged"] == [typo] and made["unhealthy"] == [typo]
            again = run_module("mongo_replica_set", options)
            assert not again["changed"] and again["unmanaged"] == [typo]
            assert any(f"{typo} is DOWN, and not declared" in str(warning) for warning in again["warnings"])
            if number:
                free = run_module("mongo_member", {**fresh.login, "ready_for": "stop", "wait_timeout": 30})
                assert not free.get("failed"), free["msg"]
            left = declared(*three.addresses[:-1])
            purged = run_module("mongo_replica_set", {**options, "members": left, "purge_members": True})
            assert sorted(verbs(purged)) == ["remove", "remove"] and purged["unmanaged"] == []


def test_a_member_that_the_others_do_not_reach_is_named_with_the_reason(
    three: ReplicaSet, make_set: MakeSet, run_module: Run
) -> None:
    """It has another key file, which cannot be seen from outside; the list is corrected afterwards."""
    stranger = make_set(1).members[0]
    options = arguments(three, three.members[0], settle_timeout=3600)
    members = declared(*three.addresses, stranger.address)
    made = run_module("mongo_replica_set", {**options, "members": members, "sync_timeout": 5})
    assert made["failed"] and made["error_code"] == "TIMEOUT"
    assert f"Waited 5 s in vain until {stranger.address} holds the data. To the primary it is DOWN" in made["msg"]
    assert "it has another key file or certificate than the others" in made["msg"], made["msg"]
    again = run_module("mongo_replica_set", options)
    assert not again["changed"] and again["unmanaged"] == [stranger.address]


def test_a_set_is_not_begun_with_a_server_under_two_names(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(2)
    first, second = one.members
    for members in (
        declared(first.address, other_name(first.address)),
        declared(first.address, second.address, other_name(second.address)),
    ):
        for check in (True, False):
            result = run_module("mongo_replica_set", arguments(one, first, members=members), check=check)
            assert result["failed"] and result["error_code"] == "HOST_REFUSED", result
            assert "under another name" in result["msg"] or "it is the same server as" in result["msg"]
    with single_server() as alone:
        members = declared(first.address, f"{alone.host}:{alone.port}")
        result = run_module("mongo_replica_set", arguments(one, first, members=members))
        assert result["failed"] and "it was not started for a replica set" in result["msg"]
    elsewhere = run_module("mongo_replica_set", {**arguments(one, first), "member": second.address})
    assert elsewhere["failed"] and f"{second.address} is another server" in elsewhere["msg"]
    for member in one.members:
        client: t.Any = pymongo.MongoClient(member.host, member.port, directConnection=True)
        with client:
            assert "setName" not in client.admin.command("hello")
    assert verbs(run_module("mongo_replica_set", arguments(one, first, settings=QUICK_GREETINGS))) == [
        "initiate", "create", "create", "grant vote"
    ]


def test_a_set_is_begun_without_a_silent_member_on_request(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(2, started=False)
    first, second = one.members
    first.start()
    options = arguments(one, first, initiate="always", settings=QUICK_GREETINGS, **BRIEF_QUESTIONS)
    promised = run_module("mongo_replica_set", options, check=True)
    made = run_module("mongo_replica_set", options)
    assert verbs(made) == ["initiate", "create"] and made["actions"] == promised["actions"]
    assert any(f"{second.address} does not answer and was left out" in str(text) for text in made["warnings"])
    before = configuration(one)
    later = run_module("mongo_replica_set", options)
    assert later["failed"] and f"{second.address}: it does not answer" in later["msg"]
    assert configuration(one) == before
    second.start()
    assert verbs(run_module("mongo_replica_set", options)) == ["create", "grant vote"]


def test_a_wrong_host_is_found_before_the_first_user_is_made(make_set: MakeSet, run_module: Run) -> None:
    one = make_set(1)
    first = one.members[0]
    client: t.Any = pymongo.MongoClient(first.host, first.port, directConnection=True)
    with client:
        config = {"_id": one.name, "members": [{"_id": 0, "host": first.address}], "settings": QUICK_BY_HAND}
        client.admin.command("replSetInitiate", config)
        wait_until(lambda: bool(client.admin.command("hello")["isWritablePrimary"]), "there is a primary")
    silent = f"127.0.0.1:{port.free_port(0)}"
    for members in (declared(first.address, silent), declared(first.address, other_name(first.address))):
        for check in (True, False):
            options = arguments(one, first, members=members, **BRIEF_QUESTIONS)
            result = run_module("mongo_replica_set", options, check=check)
            assert result["failed"] and result["error_code"] == "HOST_REFUSED", result
    assert verbs(run_module("mongo_replica_set", arguments(one, first), check=True)) == ["create"]
