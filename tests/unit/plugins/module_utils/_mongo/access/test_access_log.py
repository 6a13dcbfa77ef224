"""Entries as MongoDB 6.0 and 7.0 write them."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.access import files
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.access.log import Reader, Refusal

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
FORBIDDEN = 'not authorized on admin to execute command { find: "system.users", filter: { ssn: "078-05-1120" } }'


def entry(identity: int, context: str, moment: str = "2026-03-01T10:00:00.000+00:00", **attributes: t.Any) -> str:
    component = "NETWORK" if identity == 22943 else "ACCESS"
    body = {"t": {"$date": moment}, "s": "I", "c": component, "id": identity, "ctx": context, "attr": attributes}
    return json.dumps(body, separators=(",", ":")) + "\n"


def accepted(number: int, remote: str) -> str:
    return entry(22943, "listener", remote=remote, connectionId=number)


def failed(context: str, speculative: bool, **changes: t.Any) -> str:
    attributes = {
        "mechanism": "SCRAM-SHA-256", "speculative": speculative, "principalName": "eve",
        "authenticationDatabase": "admin", "remote": "10.0.0.9:4000", "error": 'UserNotFound: no user "eve"',
    }
    return entry(20249, context, **{**attributes, **changes})


def found(*lines: str, since: datetime.datetime | None = None) -> dict[Refusal, int]:
    reader = Reader(since)
    reader.read(lines)
    return {refusal: count.count for refusal, count in reader.found.items()}


def test_a_login_that_a_driver_tries_twice_is_one():
    lines = [accepted(1, "10.0.0.9:4000"), failed("conn1", True), failed("conn1", False)]
    assert found(*lines) == {Refusal("login", "eve@admin", "10.0.0.9", "UserNotFound"): 1}


def test_two_connections_are_two_attempts():
    lines = [failed("conn1", True), failed("conn1", False), accepted(2, "10.0.0.9:4001"), failed("conn2", True)]
    assert list(found(*lines).values()) == [2]


def test_the_words_of_7_0():
    line = entry(
        5286307, "conn3", client="[::1]:4000", isSpeculative=False, mechanism="SCRAM-SHA-256", user="eve", db="admin",
        error="AuthenticationFailed: SCRAM authentication failed, storedKey mismatch", result=18,
    )
    assert found(line) == {Refusal("login", "eve@admin", "[::1]", "AuthenticationFailed"): 1}


def test_a_refused_command_belongs_to_who_logged_in_over_its_connection():
    lines = [
        accepted(7, "10.0.0.7:4000"),
        entry(20250, "conn7", principalName="shop", authenticationDatabase="admin", remote="10.0.0.7:4000"),
        entry(20436, "conn7", error={"code": 13, "errmsg": FORBIDDEN}),
    ]
    assert found(*lines) == {Refusal("command", "shop@admin", "10.0.0.7", "find admin.system.users"): 1}


def test_what_a_command_was_about_is_not_told():
    assert "078-05-1120" not in str(found(entry(20436, "conn7", error={"errmsg": FORBIDDEN})))


def test_a_connection_s_number_is_used_again_after_a_restart():
    lines = [
        entry(20250, "conn7", principalName="shop", authenticationDatabase="admin", remote="10.0.0.7:4000"),
        accepted(7, "10.0.0.8:5000"),
        entry(20436, "conn7", error={"errmsg": FORBIDDEN}),
    ]
    assert found(*lines) == {Refusal("command", "", "10.0.0.8", "find admin.system.users"): 1}


def test_what_happened_before_is_read_and_not_counted():
    before = "2026-03-01T09:00:00.000Z"
    lines = [failed("conn1", True).replace("2026-03-01T10:00:00.000+00:00", before), failed("conn2", True)]
    assert list(found(*lines, since=NOW - datetime.timedelta(hours=2)).values()) == [1]


def test_lines_of_other_kinds_are_passed_over():
    assert found("not JSON at all\n", '{"c":"ACCESS"}\n', '{"c":"ACCESS","id":20249,"ctx":"conn1"', "[]\n") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("90m", NOW - datetime.timedelta(minutes=90)),
        ("7d", NOW - datetime.timedelta(days=7)),
        ("2026-03-01T08:00:00Z", NOW.replace(hour=8)),
        ("2026-03-01", NOW.replace(hour=0)),
    ],
)
def test_since(text, expected):
    assert files.since(text, NOW) == expected


def test_a_time_that_is_none():
    with pytest.raises(GroundworkError, match="is no time"):
        files.since("yesterday", NOW)


def test_rotated_files_come_first_the_oldest_of_them_at_the_start(tmp_path):
    log = tmp_path / "mongod.log"
    with gzip.open(tmp_path / "mongod.log.2.gz", "wt") as out:
        out.write("oldest\n")
    (tmp_path / "mongod.log.1").write_text("older\n")
    log.write_text("now\n")
    (tmp_path / "other.log").write_text("no\n")
    for hours, name in ((30, "mongod.log.2.gz"), (20, "mongod.log.1"), (0, "mongod.log")):
        moment = NOW.timestamp() - hours * 3600
        os.utime(tmp_path / name, (moment, moment))
    assert [line for file in files.with_rotated(str(log), None) for line in files.lines(file)] == [
        "oldest\n", "older\n", "now\n",
    ]
    assert [file.name for file in files.with_rotated(str(log), NOW - datetime.timedelta(hours=24))] == [
        "mongod.log.1", "mongod.log",
    ]


def test_a_log_that_is_not_there(tmp_path):
    with pytest.raises(GroundworkError, match="no such log"):
        files.with_rotated(str(tmp_path / "mongod.log"), None)
