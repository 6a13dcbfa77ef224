"""Which hosts a configuration may name: rules over what the hosts say about themselves."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.replica_set import newcomers
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.replica_set.newcomers import Answer, Inside

ID = {"$oid": "6b0c829c04e037087f24dcc7"}
OTHER = {"$oid": "6b0c829c04e037087f24dcc8"}
KNOWN = newcomers.Known(
    "rs0", set_id=ID, primary="a:1", members=frozenset({"a:1", "b:1", "c:1"}), processes={"a:1": "pa", "b:1": "pb"},
    arbiters=frozenset({"c:1"}),
)
FRESH = Answer("d:1", process="pd", replicated=True)
MEMBER = dataclasses.replace(FRESH, set_name="rs0", me="d:1", primary="a:1")


def refusal(*answers: Answer, renamed: dict[str, str] | None = None, expected: tuple[str, ...] = ()) -> str:
    try:
        newcomers.check(KNOWN, answers, renamed or {}, expected)
    except GroundworkError as error:
        assert error.code == "HOST_REFUSED" and "previous_host" in error.message
        return error.what
    return ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"silence": "refused", "process": None}, "does not answer (refused)"),
        ({"router": True, "replicated": False}, "it is a mongos"),
        ({"process": "pb"}, "previous_host: b:1"),
        ({"replicated": False}, "not started for a replica set"),
        ({"set_name": "rs1", "me": "d:1"}, "belongs to the replica set rs1"),
        ({"set_name": "rs0", "me": "b:1"}, "another replica set of the same name"),
        ({"set_name": "rs0", "me": "d:1", "primary": "x:1"}, "another replica set of the same name"),
        ({"set_name": "rs0", "me": "c:1"}, "rename it with previous_host: c:1"),
        # It was removed while it was down, and still follows this primary.
        ({"set_name": "rs0", "me": "d:1", "primary": "a:1"}, ""),
        ({"inside": Inside("rs0", None, 0)}, ""),
        ({"inside": Inside("rs1", None, 0)}, "was started for the replica set rs1"),
        ({"inside": Inside("rs0", None, 2)}, "it holds 2 collections"),
        ({"inside": Inside("rs0", ID, 2)}, ""),
        ({"inside": Inside("rs0", OTHER, 0)}, "removed from"),
    ],
)  # fmt: skip
def test_a_new_host(change: dict[str, object], reason: str) -> None:
    found = refusal(dataclasses.replace(FRESH, **change))  # type: ignore[arg-type]
    assert reason in found if reason else not found


@pytest.mark.parametrize(
    ("old", "change", "reason"),
    [
        ("b:1", {"process": "pb", "set_name": "rs0", "me": "b:1"}, ""),
        ("b:1", {}, "it is not the server that is the member b:1"),
        ("b:1", {"process": "pa"}, "previous_host: a:1"),
        # The old name does not answer any more: the server itself has to say that it was the member.
        ("e:1", {}, "it is not the server that is the member e:1"),
        ("e:1", {"set_name": "rs0", "me": "e:1"}, ""),
        ("e:1", {"inside": Inside("rs0", ID, 5)}, ""),
        ("e:1", {"inside": Inside("rs0", OTHER, 5)}, "it is not the server that is the member e:1"),
        ("c:1", {}, ""),
    ],
)
def test_another_name_of_a_member(old: str, change: dict[str, object], reason: str) -> None:
    found = refusal(dataclasses.replace(FRESH, **change), renamed={old: "d:1"})  # type: ignore[arg-type]
    assert reason in found if reason else not found


def test_what_the_run_starts_itself_need_not_be_ready() -> None:
    silent = Answer("d:1", silence="refused")
    assert not refusal(silent, expected=("d:1",))
    single = dataclasses.replace(FRESH, replicated=False)
    assert not refusal(single, expected=("d:1",))
    assert "it holds 1 collections" in refusal(
        dataclasses.replace(single, inside=Inside(None, None, 1)), expected=("d:1",)
    )
    assert "mongos" in refusal(dataclasses.replace(single, router=True), expected=("d:1",))


def test_all_hosts_are_named_at_once_and_two_names_of_one_too() -> None:
    found = refusal(Answer("x:1", silence="refused"), FRESH, dataclasses.replace(FRESH, host="e:1"))
    assert "x:1: it does not answer" in found and "e:1: it is the same server as d:1" in found


def test_a_member_that_is_waited_for_is_itself() -> None:
    known = dataclasses.replace(KNOWN, members=KNOWN.members | {"d:1"})
    newcomers.check(known, [dataclasses.replace(MEMBER, primary=None)], {})
    with pytest.raises(GroundworkError, match="it does not answer"):
        newcomers.check(known, [Answer("d:1", silence="refused")], {})
