"""mongo_migrations through the real module, on a single mongod and on a replica set."""

from __future__ import annotations

import datetime
import typing as t
import uuid

import bson
import bson.binary
import pytest

COUNTRIES = {
    "upsert": {
        "collection": "countries",
        "key": ["code"],
        "documents": [
            {"code": "NO", "name": "Norway"},
            {"code": "DE", "name": "Germany", "since": {"$date": "1990-10-03T00:00:00Z"}},
        ],
    }
}


IDS = [
    float("nan"), float("inf"), -1, 0.5, bson.Int64(2**40), bson.Decimal128("1E+6000"), "", "text", b"bytes",
    bson.MinKey(), bson.MaxKey(), None, True, {}, {"n": float("nan")}, {"id": 1, "m": bson.MaxKey()}, bson.ObjectId(),
    uuid.uuid4(), datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc), bson.Timestamp(1, 2), bson.Code("f()"),
    bson.Binary(b"x", 5), bson.Binary(b"y", 128),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 100])
def test_documents_with_ids_of_every_type_are_changed_once(migrations: t.Any, size: int) -> None:
    options: t.Any = bson.CodecOptions(uuid_representation=bson.binary.UuidRepresentation.STANDARD)
    things = migrations.db.get_collection("things", codec_options=options)
    things.insert_many([{"_id": one, "n": 0} for one in IDS])
    update = {"collection": "things", "update": {"$inc": {"n": 1}}, "batch_size": size}
    migrations.write("V1__count.json", {"update_many": update})
    result = migrations.run()
    assert not result.get("failed"), result["msg"]
    assert [row["_id"] for row in things.find({"n": {"$ne": 1}})] == []
    assert things.count_documents({"n": 1}) == len(IDS)
    assert migrations.applied() == ["V 1"]
    migrations.write("V2__none.json", {"delete_many": {"collection": "things", "filter": {"n": 1}, "batch_size": size}})
    assert not migrations.run().get("failed")
    assert list(things.find()) == []


def test_files_are_applied_in_order_and_once(migrations: t.Any) -> None:
    migrations.write("V1_10_0__third.json", {"update_many": {"collection": "things", "update": {"$inc": {"n": 1}}}})
    migrations.write(
        "V1_2_0__first.json", {"insert": {"collection": "things", "documents": [{"n": 1}, {"_id": "x", "n": 2}]}}
    )
    migrations.write("R__countries.json", COUNTRIES)
    (migrations.folder / "V1_9__second.yml").write_text(
        "operations:\n"
        "  - backfill:\n"
        "      collection: things\n"
        "      pipeline:\n"
        "        - $set: {n: {$multiply: [$n, 10]}, country: NO, at: 12:30, code: 007}\n"
        "  - command: {createIndexes: things, indexes: [{key: {n: 1}, name: n_1}]}\n"
    )
    done = migrations.run()
    assert [a["name"].partition(" ")[2] for a in done["actions"]] == [
        "1.2.0 first",
        "1.9 second",
        "1.10.0 third",
        "repeatable countries",
    ], done
    assert done["schema_version"] == "1.10.0"
    things = sorted(migrations.db.things.find({}, {"_id": 0}), key=lambda one: one["n"])
    assert things == [{"n": n, "country": "NO", "at": "12:30", "code": "007"} for n in (11, 21)]
    germany = migrations.db.countries.find_one({"code": "DE"})
    assert germany["since"] == datetime.datetime(1990, 10, 3)
    assert "n_1" in migrations.db.things.index_information()
    assert migrations.applied() == ["V 1.2", "V 1.9", "V 1.10", "R countries"]
    before = migrations.everything()
    again = migrations.run(diff=True)
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    assert migrations.everything() == before


def test_check_mode_counts_and_writes_nothing(migrations: t.Any) -> None:
    migrations.db.things.insert_many([{"n": n} for n in range(30)])
    migrations.db.countries.insert_one({"code": "NO", "name": "Noreg", "kept": True})
    migrations.write("V1__things.json", {"delete_many": {"collection": "things", "filter": {"n": {"$lt": 12}}}})
    migrations.write("R__countries.json", COUNTRIES)
    before = migrations.everything()
    promised = migrations.run(check=True, diff=True)
    assert promised["changed"] and migrations.everything() == before
    assert '"documents_that_match": 12' in promised["diff"][0]["after"]
    assert '"documents": 2,\n      "documents_that_match": 1' in promised["diff"][1]["after"]
    done = migrations.run(diff=True)
    assert (done["actions"], done["diff"]) == (promised["actions"], promised["diff"])
    assert migrations.db.things.count_documents({}) == 18
    norway = migrations.db.countries.find_one({"code": "NO"})
    assert (norway["name"], norway["kept"]) == ("Norway", True)
    record = migrations.db.groundwork_migrations.find_one({"_id": "R countries"})
    assert {k: record["operations"][0][k] for k in ("inserted", "matched", "modified")} == {
        "inserted": 1,
        "matched": 1,
        "modified": 1,
    }


def test_server_that_does_not_exist_yet_is_planned_as_empty(migrations: t.Any) -> None:
    migrations.write("V1__things.json", {"delete_many": {"collection": "things", "filter": {"n": 1}}})
    nobody = {"login_host": "127.0.0.1", "login_port": 1, "assume_empty": True}
    promised = migrations.run(check=True, **nobody)
    assert promised["changed"] and [a["action"] for a in promised["actions"]] == ["apply"]
    refused = migrations.run(connect_timeout=1, **nobody)
    assert refused["failed"] and "No server that takes writes was found" in refused["msg"]


def test_repeatable_file_runs_again_when_it_changes(migrations: t.Any) -> None:
    migrations.write("R__countries.json", COUNTRIES)
    migrations.run()
    changed = {"upsert": {**COUNTRIES["upsert"], "documents": [{"code": "NO", "name": "Noreg"}]}}
    migrations.write("R__countries.json", changed)
    again = migrations.run(diff=True)
    assert [a["action"] for a in again["actions"]] == ["apply again"]
    assert migrations.db.countries.find_one({"code": "NO"})["name"] == "Noreg"
    assert migrations.db.countries.count_documents({}) == 2
    assert not migrations.run()["changed"]


@pytest.mark.parametrize(
    "on_match, expected",
    [
        ("update", {"code": "NO", "name": "Norway", "own": 1}),
        ("replace", {"code": "NO", "name": "Norway"}),
        ("keep", {"code": "NO", "name": "Noreg", "own": 1}),
    ],
)
def test_what_becomes_of_a_document_that_is_there(migrations: t.Any, on_match: str, expected: dict[str, t.Any]) -> None:
    migrations.db.countries.insert_one({"code": "NO", "name": "Noreg", "own": 1})
    upsert = {
        "collection": "countries",
        "key": ["code"],
        "on_match": on_match,
        "documents": [{"code": "NO", "name": "Norway"}, {"code": "SE", "name": "Sweden"}],
    }
    migrations.write("R__countries.json", {"upsert": upsert})
    migrations.run()
    assert migrations.db.countries.find_one({"code": "NO"}, {"_id": 0}) == expected
    assert migrations.db.countries.find_one({"code": "SE"}, {"_id": 0}) == {"code": "SE", "name": "Sweden"}


def test_scan_meets_every_type_of_id_once(migrations: t.Any) -> None:
    """A query by $gt on _id would stop at the end of the first type."""
    ids: list[t.Any] = [1, 2.5, "a", "b", {"k": 1}, True, datetime.datetime(2026, 1, 1), None]
    documents = [{"_id": one, "n": 0} for one in ids] + [{"n": 0} for _number in range(7)]
    migrations.db.things.insert_many(documents)
    migrations.write(
        "V1__count.json", {"update_many": {"collection": "things", "update": {"$inc": {"n": 1}}, "batch_size": 2}}
    )
    assert migrations.run()["changed"]
    assert [row["n"] for row in migrations.db.things.find()] == [1] * len(documents)
    assert migrations.db.things.count_documents({"_groundwork_migration": {"$exists": True}}) == 0


def test_edited_file_is_refused(migrations: t.Any) -> None:
    migrations.write("V1__a.json", {"insert": {"collection": "things", "documents": [{"n": 1}]}})
    migrations.run()
    migrations.write("V1__a.json", {"insert": {"collection": "things", "documents": [{"n": 2}]}})
    before = migrations.everything()
    refused = migrations.run()
    assert refused["failed"] and refused["error_code"] == "CHECKSUM_MISMATCH"
    assert "V1__a.json: the file was edited after version 1 was applied" in refused["msg"]
    assert migrations.everything() == before


def test_lower_version_needs_out_of_order(migrations: t.Any) -> None:
    migrations.write("V2__b.json", {"insert": {"collection": "things", "documents": [{"n": 2}]}})
    migrations.run()
    migrations.write("V1__a.json", {"insert": {"collection": "things", "documents": [{"n": 1}]}})
    refused = migrations.run()
    assert refused["failed"] and refused["error_code"] == "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED"
    assert migrations.run(out_of_order=True)["changed"]
    assert migrations.applied() == ["V 2", "V 1"]
    (migrations.folder / "V1__a.json").unlink()
    gone = migrations.run()
    assert gone["failed"] and gone["error_code"] == "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED"


def test_target_stops_before_later_versions(migrations: t.Any) -> None:
    for version in ("1", "2"):
        migrations.write(f"V{version}__x.json", {"insert": {"collection": "things", "documents": [{"v": version}]}})
    assert migrations.run(target="1.0")["schema_version"] == "1"
    assert migrations.run()["schema_version"] == "2"


BAD: dict[str, tuple[str, str, str]] = {
    "json syntax": ("V2__bad.json", '{"operations": [\n  {"insert": }\n]}', "V2__bad.json:2: "),
    "yaml syntax": ("V2__bad.yml", "operations:\n  - insert: [\n", "V2__bad.yml:3: "),
    "twice in json": (
        "V2__bad.json",
        '{"operations": [{"insert": {"collection": "a", "collection": "b"}}]}',
        "is there twice",
    ),
    "twice in yaml": (
        "V2__bad.yml",
        "operations:\n  - insert:\n      collection: a\n      collection: b\n",
        "V2__bad.yml:4: ",
    ),
    "no operations": ("V2__bad.json", "[]", "a change file is a mapping with one name, operations"),
    "unknown operation": (
        "V2__bad.json",
        '{"operations": [\n\n {"upsret": {}}]}',
        "V2__bad.json:3 operations[0]: an operation is a mapping",
    ),
    "unknown field": (
        "V2__bad.yml",
        "operations:\n  - delete_many: {collection: a, filtre: {a: 1}, all: true}\n",
        "V2__bad.yml:2 operations[0].delete_many.filtre: unknown field",
    ),
    "delete without filter": (
        "V2__bad.yml",
        "operations:\n  - delete_many: {collection: a}\n",
        "without a filter every document goes",
    ),
    "key missing": (
        "V2__bad.json",
        '{"operations": [{"upsert": {"collection": "a", "key": ["k"], "documents": [{"k": 1}, {}]}}]}',
        "operations[0].upsert.documents[1]: the key field k is missing or null",
    ),
    "malformed extended json": (
        "V2__bad.json",
        '{"operations": [{"insert": {"collection": "a", "documents": [{"_id": {"$oid": "zz"}}]}}]}',
        "operations[0].insert.documents[0]: ",
    ),
    "number too large": (
        "V2__bad.json",
        '{"operations": [{"insert": {"collection": "a", "documents": [{"n": 99999999999999999999}]}}]}',
        "operations[0].insert.documents[0]: ",
    ),
    "unknown command": ("V2__bad.json", '{"operations": [{"command": {"dropDatabase": 1}}]}', "is the command, one of"),
    "unknown query operator": (
        "V2__bad.json",
        '{"operations": [{"delete_many": {"collection": "a", "filter": {"n": {"$gtt": 1}}}}]}',
        "V2__bad.json:1 operations[0].delete_many: unknown operator: $gtt",
    ),
    "unknown update operator": (
        "V2__bad.json",
        '{"operations": [{"update_many": {"collection": "a", "update": {"$sett": {"n": 1}}}}]}',
        "Unknown modifier: $sett",
    ),
    "bad pipeline": (
        "V2__bad.json",
        '{"operations": [{"backfill": {"collection": "a", "pipeline": [{"$set": {"n": {"$ad": 1}}}]}}]}',
        "Unrecognized expression '$ad'",
    ),
    "duplicate version": (
        "V1_0__bad.json",
        '{"operations": [{"command": {"create": "a"}}]}',
        "more than one migration with version",
    ),
    "malformed version": ("V1a__bad.json", "{}", "Invalid version: 1a"),
    "no name of a migration": (
        "countries.json",
        "{}",
        "countries.json: a change file is named V<version>__<description>",
    ),
    "insert in a repeatable": (
        "R__bad.json",
        '{"operations": [{"insert": {"collection": "a", "documents": [{}]}}]}',
        "a repeatable file runs after each",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_refused_before_the_first_write(migrations: t.Any, case: str) -> None:
    name, text, message = BAD[case]
    migrations.db.things.insert_one({"n": 1})
    migrations.write("V1__good.json", {"delete_many": {"collection": "things", "all": True}})
    (migrations.folder / name).write_text(text)
    before = migrations.everything()
    for check in (True, False):
        refused = migrations.run(check=check)
        assert refused.get("failed") and message in refused["msg"], refused
    assert migrations.everything() == before


def test_missing_folder_and_wrong_password(migrations: t.Any) -> None:
    before = migrations.everything()
    missing = migrations.run(locations=["/nowhere/at/all"])
    assert missing["failed"] and "/nowhere/at/all does not exist" in missing["msg"]
    migrations.write("V1__a.json", COUNTRIES)
    refused = migrations.run(login_password="wrong-Password-canary")
    assert refused["failed"] and "The server refuses the login" in refused["msg"]
    assert "canary" not in refused.output
    assert migrations.everything() == before


def test_refused_operation_can_be_mended_and_continues(migrations: t.Any) -> None:
    migrations.db.create_collection("strict", validator={"$jsonSchema": {"required": ["name"]}})
    good = {"insert": {"collection": "things", "documents": [{"n": 1}]}}
    migrations.write("V1__a.json", good, {"insert": {"collection": "strict", "documents": [{"title": "x"}]}})
    refused = migrations.run()
    assert refused["failed"] and refused["error_code"] == "OPERATION_REFUSED"
    assert "The server refuses insert strict: Document failed validation" in refused["msg"]
    assert "V1__a.json" in refused["msg"] and "1 operations of this file are done" in refused["msg"]
    assert migrations.db.things.count_documents({}) == 1
    migrations.write("V1__a.json", {**good, "insert": {"collection": "things", "documents": [{"n": 7}]}})
    edited = migrations.run()
    assert edited["failed"] and edited["error_code"] == "CHECKSUM_MISMATCH"
    migrations.write("V1__a.json", good, {"insert": {"collection": "strict", "documents": [{"name": "x"}]}})
    mended = migrations.run()
    assert [a["action"] for a in mended["actions"]] == ["continue"], mended
    assert migrations.db.things.count_documents({}) == migrations.db.strict.count_documents({}) == 1
    assert not migrations.run()["changed"]


def test_insert_of_a_taken_id_is_refused_whole(migrations: t.Any) -> None:
    migrations.db.things.insert_one({"_id": 3})
    migrations.write("V1__a.json", {"insert": {"collection": "things", "documents": [{"_id": n} for n in range(1, 5)]}})
    refused = migrations.run()
    assert refused["failed"] and "1 of its documents are there already, one with the _id 3" in refused["msg"]
    assert migrations.db.things.count_documents({}) == 1
