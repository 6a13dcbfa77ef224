# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections and views: every option created, recognised, changed where the server can, refused where it cannot."""

from __future__ import annotations

import typing as t

import pytest
from mongo_subject import Subject, verbs

SCHEMA = {"$jsonSchema": {"required": ["a", "b"], "properties": {"a": {"bsonType": "string"}, "b": {"minimum": 1}}}}
SCHEMA_REORDERED = {
    "$jsonSchema": {"properties": {"b": {"minimum": 1.0}, "a": {"bsonType": "string"}}, "required": ["b", "a"]},
}
ZLIB = {"wiredTiger": {"configString": "block_compressor=zlib"}}
OPTIONS: list[tuple[str, dict[str, t.Any]]] = [
    ("plain", {}),
    ("validator", {"validator": SCHEMA}),
    ("validator, query", {"validator": {"a": {"$gt": 1}, "$or": [{"b": 1}, {"c": 2}]}}),
    ("validation", {"validator": SCHEMA, "validation_level": "moderate", "validation_action": "warn"}),
    ("validation, defaults", {"validator": SCHEMA, "validation_level": "strict", "validation_action": "error"}),
    ("no validator", {"validator": {}}),
    ("collation", {"collation": {"locale": "fr_CA"}}),
    ("simple collation", {"collation": {"locale": "simple"}}),
    ("capped", {"capped": True, "size": 1000, "max": 10}),
    ("not capped", {"capped": False}),
    ("time series", {"timeseries": {"time_field": "t", "meta_field": "m"}}),
    (
        "time series, all",
        {
            "timeseries": {"time_field": "t", "meta_field": "m", "granularity": "minutes"},
            "expire_after_seconds": 3600,
        },
    ),
    ("time series, no expiry", {"timeseries": {"time_field": "t"}, "expire_after_seconds": "off"}),
    ("clustered", {"clustered_index": True}),
    ("clustered, expiring", {"clustered_index": {"name": "by_id"}, "expire_after_seconds": 60}),
    ("pre-images", {"change_stream_pre_and_post_images": True}),
    ("no pre-images", {"changeStreamPreAndPostImages": {"enabled": False}}),
    ("storage", {"storage_engine": ZLIB, "index_option_defaults": {"storageEngine": ZLIB}}),
    ("view", {"view_on": "other", "pipeline": [{"$match": {"a": 1}}]}),
    ("view without pipeline", {"view_on": "other", "collation": {"locale": "en"}}),
]


@pytest.mark.parametrize("options", [row[1] for row in OPTIONS], ids=[row[0] for row in OPTIONS])
def test_created_then_recognised(subject: Subject, options: dict[str, t.Any]) -> None:
    first = subject.declare({"name": "subject", **options})
    assert verbs(first) == ["create subject"]
    again = subject.declare({"name": "subject", **options})
    assert verbs(again) == [] and again["changed"] is False


def test_camel_case_names_and_the_order_in_a_schema_make_no_difference(subject: Subject) -> None:
    subject.declare({"name": "subject", "validator": SCHEMA, "validationLevel": "moderate"})
    wanted = {"name": "subject", "validator": SCHEMA_REORDERED, "validation_level": "moderate"}
    assert verbs(subject.declare(wanted)) == []


IN_PLACE: list[tuple[str, dict[str, t.Any], dict[str, t.Any], dict[str, t.Any]]] = [
    ("validator", {"validator": SCHEMA}, {"validator": {"a": 1}}, {"validator": {"a": 1}}),
    ("validator removed", {"validator": SCHEMA}, {"validator": {}}, {"validator": None}),
    (
        "level",
        {"validator": SCHEMA},
        {"validation_level": "moderate"},
        {"validator": SCHEMA, "validationLevel": "moderate"},
    ),
    ("capped size", {"capped": True, "size": 4096}, {"capped": True, "size": 9000, "max": 7}, {"size": 9216, "max": 7}),
    (
        "pre-images",
        {},
        {"change_stream_pre_and_post_images": True},
        {"changeStreamPreAndPostImages": {"enabled": True}},
    ),
    (
        "expiry of a time series",
        {"timeseries": {"time_field": "t"}, "expire_after_seconds": 60},
        {"timeseries": {"time_field": "t"}, "expire_after_seconds": "off"},
        {"expireAfterSeconds": None},
    ),
    (
        "granularity",
        {"timeseries": {"time_field": "t"}},
        {"timeseries": {"time_field": "t", "granularity": "hours"}},
        {"timeseries": {"timeField": "t", "granularity": "hours", "bucketMaxSpanSeconds": 2592000}},
    ),
    (
        "expiry of a clustered collection",
        {"clustered_index": True},
        {"clustered_index": True, "expire_after_seconds": 90},
        {"expireAfterSeconds": 90},
    ),
    (
        "view",
        {"view_on": "other"},
        {"view_on": "another", "pipeline": [{"$limit": 1}]},
        {"viewOn": "another", "pipeline": [{"$limit": 1}]},
    ),
]


@pytest.mark.parametrize(("before", "after", "live"), [row[1:] for row in IN_PLACE], ids=[row[0] for row in IN_PLACE])
def test_changed_in_place(
    subject: Subject, before: dict[str, t.Any], after: dict[str, t.Any], live: dict[str, t.Any]
) -> None:
    subject.declare({"name": "subject", **before})
    planned = subject.declare({"name": "subject", **after}, check=True)
    assert verbs(planned) == ["modify subject"] and planned["diff"][0]["before"] != planned["diff"][0]["after"]
    result = subject.declare({"name": "subject", **after})
    assert verbs(result) == ["modify subject"]
    options = subject.options("subject")
    assert {name: options.get(name) for name in live} == live
    assert verbs(subject.declare({"name": "subject", **after})) == []


FIXED: list[tuple[str, dict[str, t.Any], dict[str, t.Any], str]] = [
    ("capped", {}, {"capped": True, "size": 4096}, "it is not capped"),
    ("uncapped", {"capped": True, "size": 4096}, {"capped": False}, "it is capped"),
    ("collation", {}, {"collation": {"locale": "en"}}, "its collation is another one"),
    ("time series", {}, {"timeseries": {"time_field": "t"}}, "it is a collection, not a timeseries"),
    (
        "meta field",
        {"timeseries": {"time_field": "t", "meta_field": "m"}},
        {"timeseries": {"time_field": "t", "meta_field": "n"}},
        "metaField is 'm', not 'n'",
    ),
    (
        "finer granularity",
        {"timeseries": {"time_field": "t", "granularity": "hours"}},
        {"timeseries": {"time_field": "t", "granularity": "seconds"}},
        "can only be made coarser",
    ),
    ("clustered", {}, {"clustered_index": True}, "it is not clustered"),
    ("storage", {}, {"storage_engine": ZLIB}, "its storageEngine is another one"),
    ("view", {}, {"view_on": "other"}, "it is a collection, not a view"),
]


@pytest.mark.parametrize(("before", "after", "sentence"), [row[1:] for row in FIXED], ids=[row[0] for row in FIXED])
def test_what_is_fixed_is_refused_and_made_anew_only_when_empty_or_confirmed(
    subject: Subject, before: dict[str, t.Any], after: dict[str, t.Any], sentence: str
) -> None:
    subject.declare({"name": "subject", **before})
    options = subject.options("subject")
    refused = subject.declare({"name": "subject", **after})
    assert refused["failed"] and sentence in refused["msg"] and "recreate: true" in refused["msg"]
    assert subject.options("subject") == options
    result = subject.declare({"name": "subject", "recreate": True, **after})
    assert verbs(result) == ["recreate subject"]
    assert verbs(subject.declare({"name": "subject", **after})) == []


def test_documents_are_destroyed_only_when_the_collection_is_named(subject: Subject) -> None:
    subject.db.subject.insert_one({"a": 1})
    subject.db.subject.create_index([("a", 1)])
    wanted = {"name": "subject", "recreate": True, "capped": True, "size": 4096, "indexes": [{"keys": {"b": 1}}]}
    refused = subject.declare(wanted)
    assert refused["failed"] and f"confirm_recreate: [{subject.name}.subject]" in refused["msg"]
    assert subject.db.subject.count_documents({}) == 1 and list(subject.indexes("subject")) == ["a_1"]
    result = subject.declare(wanted, confirm_recreate=[f"{subject.name}.subject"])
    assert verbs(result) == ["recreate subject", "create subject.b_1"]
    assert subject.db.subject.count_documents({}) == 0 and list(subject.indexes("subject")) == ["b_1"]


def test_a_validator_that_existing_documents_violate_is_refused_with_their_number(subject: Subject) -> None:
    subject.db.subject.insert_many([{"_id": number, "a": "x"} for number in range(5)] + [{"_id": 9, "a": "x", "b": 1}])
    wanted = {"name": "subject", "validator": SCHEMA}
    for check in (True, False):
        refused = subject.declare(wanted, check=check)
        assert refused["failed"] and "5 documents of" in refused["msg"] and "_id 0 and 4" in refused["msg"]
        assert "collections[0].validator" in refused["msg"]
    assert subject.options("subject") == {}
    accepted = subject.declare(wanted, existing_documents="accept")
    assert accepted["changed"] and accepted["violations"] == [
        {"collection": f"{subject.name}.subject", "documents": 5, "examples": [0, 4]},
    ]


def test_a_moderate_validator_reports_violations_and_goes_on(subject: Subject) -> None:
    subject.db.subject.insert_one({"_id": 1})
    result = subject.declare({"name": "subject", "validator": SCHEMA, "validation_level": "moderate"})
    assert result["changed"] and result["violations"][0]["documents"] == 1


@pytest.mark.parametrize("policy", ["report", "ignore", "drop"])
def test_collections_that_nobody_declared(subject: Subject, policy: str) -> None:
    for name in ("subject", "stray", "audit_log"):
        subject.db.create_collection(name)
    subject.db.create_collection("series", timeseries={"timeField": "t"})
    subject.db.create_collection("window", viewOn="stray")
    declared = {"name": "series", "timeseries": {"time_field": "t"}}
    result = subject.declare({"name": "subject"}, declared, unmanaged_collections=policy, protected=["audit_*"])
    dropped = ["drop stray", "drop window"] if policy == "drop" else []
    assert sorted(verbs(result)) == dropped
    assert result["unmanaged"]["collections"] == {
        "report": ["audit_log", "stray", "window"], "ignore": [], "drop": ["audit_log"],
    }[policy]  # fmt: skip
    kept = {name for name in subject.db.list_collection_names() if not name.startswith("system.")}
    assert kept == {"subject", "audit_log", "series"} | ({"stray", "window"} if policy != "drop" else set())


def test_a_time_series_has_its_indexes_compared_like_any_other(subject: Subject) -> None:
    wanted = {
        "name": "subject", "timeseries": {"time_field": "t", "meta_field": "m"},
        "indexes": [{"keys": {"m.sensor": 1, "t": -1}}],
    }  # fmt: skip
    assert verbs(subject.declare(wanted)) == ["create subject", "create subject.m.sensor_1_t_-1"]
    assert verbs(subject.declare(wanted)) == []


def test_extended_json_reaches_the_server_as_the_value_that_it_stands_for(subject: Subject) -> None:
    bound = {"$date": "2024-01-01T00:00:00Z"}
    wanted = {
        "name": "subject", "validator": {"at": {"$gt": bound}},
        "indexes": [{"keys": {"at": 1}, "partial_filter_expression": {"at": {"$gt": bound}}}],
    }  # fmt: skip
    assert subject.declare(wanted)["changed"]
    stored = subject.indexes("subject")["at_1"]["partialFilterExpression"]["at"]["$gt"]
    assert stored.year == 2024
    assert verbs(subject.declare(wanted)) == []


@pytest.mark.parametrize(
    "bound",
    [{"$date": "2024-01-01T01:00:00+01:00"}, {"$date": 1704067200000}, {"$date": {"$numberLong": "1704067200000"}}],
)
def test_extended_json_may_be_written_in_any_notation(subject: Subject, bound: dict[str, t.Any]) -> None:
    wanted = {"name": "subject", "validator": {"at": {"$gt": bound}, "n": {"$numberLong": "5"}}}
    assert subject.declare(wanted)["changed"]
    assert verbs(subject.declare(wanted)) == []
    plain = {"name": "subject", "validator": {"at": {"$gt": {"$date": "2024-01-01T00:00:00Z"}}, "n": 5}}
    assert verbs(subject.declare(plain)) == []


def test_malformed_extended_json_is_refused(subject: Subject) -> None:
    result = subject.declare({"name": "subject", "validator": {"at": {"$gt": {"$oid": "xyz"}}}})
    assert result["failed"] and "Extended JSON is malformed" in result["msg"]
    assert subject.db.list_collection_names() == []


def test_check_mode_against_a_server_that_does_not_exist_yet(subject: Subject) -> None:
    wanted = {"name": "subject", "indexes": [{"keys": {"a": 1}}]}
    nowhere = {"login_port": 1, "connect_timeout": 1}
    result = subject.declare(wanted, check=True, assume_empty=True, **nowhere)
    assert verbs(result) == ["create subject", "create subject.a_1"] and result["server"] == {}
    refused = subject.declare(wanted, assume_empty=True, **nowhere)
    assert refused["failed"] and "No server that takes writes was found" in refused["msg"]
