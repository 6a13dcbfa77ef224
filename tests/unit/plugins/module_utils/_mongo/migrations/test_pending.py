"""Files against history: Flyway's rules, and what an interrupted run left."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._migration.version import Target, Version
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.migrations import commands, plan
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.migrations.operation import Operation
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.migrations.resolve import Script, version_key


def script(
    version: str | None, checksum: int = 1, description: str = "x", operations: tuple[int, ...] = (10, 20)
) -> Script:
    parsed = Version.parse(version) if version else None
    listed = tuple(Operation("insert", "f", {"collection": "a", "documents": [{}]}, one) for one in operations)
    return Script(parsed, description, f"V{version}__x.json", f"dir/V{version}__x.json", checksum, listed)


def record(version: str | None, checksum: int = 1, success: bool = True, **fields: t.Any) -> plan.Record:
    parsed = Version.parse(version) if version else None
    key = version_key(parsed) if parsed else "R x"
    return plan.Record(key, parsed, fields.pop("description", "x"), checksum, "f", success, **fields)


def judge(scripts: list[Script], records: list[plan.Record], **options: t.Any) -> list[str]:
    target = Target.parse(options.pop("target", "latest"))
    verdict = plan.judge(scripts, records, target, options.pop("out_of_order", False))
    return [f"{'continue' if one.continues else 'apply'} {one.script.key}" for one in verdict.pending]


PENDING: list[tuple[list[Script], list[plan.Record], dict[str, t.Any], list[str]]] = [
    ([script("1"), script("1.1")], [], {}, ["apply V 1", "apply V 1.1"]),
    ([script("1_0_0")], [record("1")], {}, []),
    ([script("01")], [record("1.0")], {}, []),
    ([script("1"), script("2")], [], {"target": "1.0"}, ["apply V 1"]),
    ([script("1"), script("2")], [record("2")], {"out_of_order": True}, ["apply V 1"]),
    ([script("1")], [record("1"), record("9")], {}, []),
    ([script(None)], [record(None)], {}, []),
    ([script(None, checksum=2)], [record(None)], {}, ["apply R x"]),
    ([script("1")], [record("1", success=False)], {}, ["apply V 1"]),
    ([script("1")], [record("1", success=False, operations=(10,))], {}, ["continue V 1"]),
    ([script("1")], [record("1", success=False, progress={"checksum": 10})], {}, ["continue V 1"]),
    ([script("1", checksum=2)], [record("1", success=False)], {}, ["apply V 1"]),
    ([script("1", checksum=2)], [record("1", success=False, operations=(10,))], {}, ["continue V 1"]),
    ([script(None, checksum=2)], [record(None, success=False, operations=(10,))], {}, ["apply R x"]),
]


@pytest.mark.parametrize(("scripts", "records", "options", "expected"), PENDING)
def test_pending(
    scripts: list[Script], records: list[plan.Record], options: dict[str, t.Any], expected: list[str]
) -> None:
    assert judge(scripts, records, **options) == expected


REFUSED: list[tuple[list[Script], list[plan.Record], str]] = [
    ([script("1", checksum=2)], [record("1")], "CHECKSUM_MISMATCH"),
    ([script("1", description="y")], [record("1")], "DESCRIPTION_MISMATCH"),
    ([script("1"), script("2")], [record("2")], "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED"),
    ([script("2")], [record("1"), record("2")], "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED"),
    ([script("1", checksum=2)], [record("1", success=False, operations=(11,))], "CHECKSUM_MISMATCH"),
    ([script("1", checksum=2)], [record("1", success=False, progress={"checksum": 11})], "CHECKSUM_MISMATCH"),
    (
        [script("1", checksum=2, operations=(10,))],
        [record("1", success=False, operations=(10,), progress={"checksum": 20})],
        "CHECKSUM_MISMATCH",
    ),
]


@pytest.mark.parametrize(("scripts", "records", "code"), REFUSED)
def test_refused(scripts: list[Script], records: list[plan.Record], code: str) -> None:
    with pytest.raises(GroundworkError) as refused:
        judge(scripts, records)
    assert refused.value.code == code
    assert refused.value.untouched == "everything; nothing was written"


def test_newer_version_than_every_file_is_a_warning() -> None:
    assert len(plan.judge([script("1")], [record("1"), record("9")], Target(), False).warnings) == 1


def test_inserted_documents_have_the_same_id_in_every_run() -> None:
    documents = [{"n": n} for n in range(1200)]
    whole = commands.with_ids(documents, 0, "token")
    parts = [
        named for first, batch in commands.chunks(documents, 0) for named in commands.with_ids(batch, first, "token")
    ]
    assert parts == whole and len({one["_id"]["$oid"] for one in whole}) == len(whole)
    resumed = [
        named for first, batch in commands.chunks(documents, 500) for named in commands.with_ids(batch, first, "token")
    ]
    assert resumed == whole[500:]
    assert commands.with_ids([{"_id": 1}], 0, "token") == [{"_id": 1}]


def test_large_documents_make_small_batches() -> None:
    documents = [{"n": n, "text": "x" * 1_500_000} for n in range(5)]
    assert [len(batch) for _first, batch in commands.chunks(documents, 0)] == [2, 2, 1]


def change(kind: str, **body: t.Any) -> Operation:
    return Operation(kind, "f", {"collection": "a", **body}, 1)


def test_commands_of_a_scan() -> None:
    one = change("update_many", filter={"n": 1}, update={"$inc": {"n": 1}, "$set": {"b": 2}}, batch_size=3)
    assert commands.next_ids(one, {}, "mongodb") == {
        "find": "a", "filter": {"n": 1}, "projection": {"_id": 1}, "sort": {"_id": 1}, "limit": 3, "hint": {"_id": 1},
    }  # fmt: skip
    later = commands.next_ids(one, {"after": None}, "mongodb")
    assert (later["min"], later["limit"]) == ({"_id": None}, 4)
    assert commands.next_ids(one, {"after": 7}, "documentdb")["filter"] == {"$and": [{"n": 1}, {"_id": {"$gt": 7}}]}
    assert commands.change(one, [7], "t")["updates"][0] == {
        "q": {"$and": [{"_id": {"$in": [7]}}, {"n": 1}, {"_groundwork_migration": {"$ne": "t"}}]},
        "u": {"$inc": {"n": 1}, "$set": {"b": 2, "_groundwork_migration": "t"}},
        "multi": True,
    }
    assert commands.change(change("delete_many", all=True), [7], None)["deletes"] == [
        {"q": {"$and": [{"_id": {"$in": [7]}}]}, "limit": 0},
    ]
    assert commands.only_if({"a": 1}, commands.unmark(one, "t", None))["updates"][0] == {
        "q": {"$and": [{"_groundwork_migration": "t"}, {"a": 1}]}, "u": {"$unset": {"_groundwork_migration": ""}},
        "multi": True,
    }  # fmt: skip


def test_upserts_set_what_is_not_the_key() -> None:
    document = {"_id": 5, "code": "NO", "name": "Norway"}
    one = change("upsert", key=["code"], documents=[document])
    assert commands.upserts(one, [document])["updates"] == [
        {"q": {"code": "NO"}, "u": {"$set": {"name": "Norway"}, "$setOnInsert": {"_id": 5}}, "upsert": True},
    ]
    only_key = change("upsert", key=["code"], documents=[{"code": "NO"}])
    assert commands.upserts(only_key, [{"code": "NO"}])["updates"][0]["u"] == {"$setOnInsert": {"code": "NO"}}
