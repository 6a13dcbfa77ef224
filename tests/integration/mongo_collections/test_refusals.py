# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: told with its place in the task, before anything is written."""

from __future__ import annotations

import typing as t

import pytest
from mongo_subject import Subject

A = {"keys": {"a": 1}}
TIME_SERIES = {"time_field": "t", "meta_field": "m"}


def indexes(*values: t.Any) -> list[dict[str, t.Any]]:
    return [{"name": "first"}, {"name": "second", "indexes": [{"keys": {"ok": 1}}, *values]}]


BAD: list[tuple[str, list[dict[str, t.Any]], str, str]] = [
    ("unknown index option", indexes({**A, "uniqe": True}), "collections[1].indexes[1].uniqe", "did you mean unique?"),
    ("obsolete option", indexes({**A, "background": True}), "collections[1].indexes[1].background", "no effect since"),
    (
        "option twice",
        indexes({**A, "expire_after_seconds": 1, "expireAfterSeconds": 2}),
        "collections[1].indexes[1].expireAfterSeconds",
        "already given as expire_after_seconds",
    ),
    (
        "two specs of one index",
        indexes(A, {"keys": {"a": 1.0}, "name": "n"}),
        "collections[1].indexes[2]",
        "already declared by collections[1].indexes[1]",
    ),
    (
        "two names",
        indexes(A, {"keys": {"a": 1}, "sparse": True}),
        "collections[1].indexes[2].name",
        "give one of them a name",
    ),
    (
        "two text indexes",
        indexes({"keys": {"t": "text"}}, {"keys": {"x": 1, "u": "text"}}),
        "collections[1].indexes[2]",
        "one text index",
    ),
    ("key on a $field", indexes({"keys": {"$field": 1}}), "collections[1].indexes[1].keys.$field", "may start with $"),
    ("direction 0", indexes({"keys": {"a": 0}}), "collections[1].indexes[1].keys.a", "cannot be 0"),
    ("boolean direction", indexes({"keys": {"a": True}}), "collections[1].indexes[1].keys.a", "True is no direction"),
    (
        "unknown kind",
        indexes({"keys": {"a": "fulltext"}}),
        "collections[1].indexes[1].keys.a",
        "'fulltext' is no direction",
    ),
    ("no keys", indexes({"unique": True}), "collections[1].indexes[1].keys", "missing"),
    ("33 fields", indexes({"keys": {f"k{n}": 1 for n in range(33)}}), "collections[1].indexes[1].keys", "at most 32"),
    (
        "filter operator",
        indexes({**A, "partial_filter_expression": {"b": {"$ne": 1}}}),
        "collections[1].indexes[1].partial_filter_expression.b.$ne",
        "cannot use $ne",
    ),
    (
        "filter $exists: false",
        indexes({**A, "partialFilterExpression": {"$and": [{"b": {"$exists": False}}]}}),
        "collections[1].indexes[1].partialFilterExpression.$and[0].b.$exists",
        "$exists: false",
    ),
    (
        "sparse and partial",
        indexes({**A, "sparse": True, "partial_filter_expression": {"b": 1}}),
        "collections[1].indexes[1].sparse",
        "exclude each other",
    ),
    (
        "TTL on two fields",
        indexes({"keys": {"a": 1, "b": 1}, "expire_after_seconds": 1}),
        "collections[1].indexes[1].expire_after_seconds",
        "one field",
    ),
    (
        "TTL too long",
        indexes({**A, "expire_after_seconds": 2**31}),
        "collections[1].indexes[1].expire_after_seconds",
        "outside 0 to 2147483647",
    ),
    (
        "hashed and unique",
        indexes({"keys": {"a": "hashed"}, "unique": True}),
        "collections[1].indexes[1].unique",
        "cannot be unique",
    ),
    (
        "collation without locale",
        indexes({**A, "collation": {"strength": 2}}),
        "collections[1].indexes[1].collation",
        "needs a locale",
    ),
    (
        "weights on another kind",
        indexes({**A, "weights": {"a": 2}}),
        "collections[1].indexes[1].weights",
        "only a text index",
    ),
    (
        "_id descending",
        indexes({"keys": {"_id": -1}}),
        "collections[1].indexes[1].keys._id",
        "the index on _id is ascending",
    ),
    ("NUL in a field", indexes({"keys": {"a\0b": 1}}), "collections[1].indexes[1].keys.a\0b", "a NUL character"),
    (
        "unknown language",
        indexes({"keys": {"a": "text"}, "default_language": "klingon"}),
        "collections[1].indexes[1].default_language",
        "'klingon' is not a language of text indexes",
    ),
    (
        "collation that its locale spoils",
        indexes({**A, "collation": {"locale": "da", "strength": 2}}),
        "collections[1].indexes[1].collation",
        "the locale da has caseFirst upper, which needs a strength above 2; give caseFirst: 'off'",
    ),
    *(
        (
            f"{kind} in a collection with a collation",
            [{"name": "first"}, {"name": "c", "collation": {"locale": "en"}, "indexes": [{"keys": {"a": kind}}]}],
            "collections[1].indexes[0]",
            f"a {kind} index cannot have the collation of its collection; give it collation: {{locale: simple}}",
        )
        for kind in ("text", "2d")
    ),
    *(
        (
            f"{words} in a time series",
            [{"name": "first"}, {"name": "c", "timeseries": TIME_SERIES, "indexes": [index]}],
            "collections[1].indexes[0]",
            text,
        )
        for words, index, text in (
            ("unique index", {"keys": {"m": 1}, "unique": True}, "a time series cannot have a unique index"),
            ("text index", {"keys": {"m.a": "text"}}, "a time series cannot have a text index"),
            (
                "index that expires",
                {"keys": {"t": 1}, "expire_after_seconds": 9},
                "a time series expires by its own expire_after_seconds, not by an index",
            ),
        )
    ),
    ("_id_ taken", indexes({**A, "name": "_id_"}), "collections[1].indexes[1].name", "belongs to the index on _id"),
    (
        "_id with options",
        indexes({"keys": {"_id": 1}, "unique": True}),
        "collections[1].indexes[1].unique",
        "takes no options",
    ),
    (
        "collection twice",
        [{"name": "first"}, {"name": "first"}],
        "collections[1].name",
        "already declared by collections[0]",
    ),
    ("collection name", [{"name": "first"}, {"name": "a$b"}], "collections[1].name", "no name for a collection"),
    (
        "collection name too long",
        [{"name": "first"}, {"name": "x" * 250}],
        "collections[1].name",
        "longer than 255 bytes",
    ),
    (
        "system collection",
        [{"name": "first"}, {"name": "system.users"}],
        "collections[1].name",
        "belongs to the server",
    ),
    (
        "unknown collection option",
        [{"name": "first"}, {"name": "b", "validater": {}}],
        "collections[1].validater",
        "did you mean validator?",
    ),
    ("capped without size", [{"name": "first"}, {"name": "b", "capped": True}], "collections[1].size", "needs a size"),
    (
        "view with indexes",
        [{"name": "first"}, {"name": "b", "view_on": "first", "indexes": []}],
        "collections[1].indexes",
        "a view has no indexes",
    ),
    (
        "expiry of a plain collection",
        [{"name": "first"}, {"name": "b", "expire_after_seconds": 3}],
        "collections[1].expire_after_seconds",
        "an index expires documents",
    ),
]


@pytest.mark.parametrize(("collections", "path", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input_is_refused_with_its_path_and_nothing_is_written(
    subject: Subject, collections: list[dict[str, t.Any]], path: str, words: str
) -> None:
    result = subject.declare(*collections)
    assert result["failed"] and result["error_code"] == "INVALID_DECLARATION"
    assert f"{path}: " in result["msg"] and words in result["msg"], result["msg"]
    assert "nothing was written" in result["msg"]
    assert subject.db.list_collection_names() == []


def test_all_problems_are_told_at_once(subject: Subject) -> None:
    result = subject.declare({"name": "a", "foo": 1, "indexes": [{"keys": {"$x": 1}}, {"bar": 2}]})
    assert [problem["path"] for problem in result["problems"]] == [
        "collections[0].foo", "collections[0].indexes[0].keys.$x", "collections[0].indexes[1].bar",
        "collections[0].indexes[1].keys",
    ]  # fmt: skip
    assert result["msg"].startswith("4 problems in the specification:")


def test_a_refusal_that_only_the_server_knows_names_the_line_and_keeps_what_is_there(subject: Subject) -> None:
    subject.db.second.create_index([("old", 1)])
    collections = indexes({**A, "collation": {"locale": "xx"}})
    result = subject.declare(*collections, unmanaged_indexes="drop")
    assert result["failed"] and "collections[1].indexes[1]" in result["msg"] and "locale" in result["msg"]
    assert [item["name"] for item in result["actions"]] == [f"{subject.name}.first"]
    assert list(subject.indexes("second")) == ["old_1"]


def test_a_profile_lists_everything_it_cannot_do_before_the_first_write(subject: Subject) -> None:
    collections = [
        {"name": "log", "capped": True, "size": 4096},
        {"name": "places", "indexes": [{"keys": {"at": "2dsphere"}}, {"keys": {"id": "hashed"}}, {"keys": {"$**": 1}}]},
        {"name": "people", "indexes": [
            {"keys": {"a": 1}, "collation": {"locale": "en"}},
            {"keys": {"b": 1}, "partial_filter_expression": {"b": {"$type": "string"}}},
            {"keys": {"b": 1}, "name": "again", "unique": True},
        ]},
    ]  # fmt: skip
    result = subject.declare(*collections, profile="portable")
    assert result["error_code"] == "PROFILE"
    assert [problem["path"] for problem in result["problems"]] == [
        "collections[0] (log)", "collections[1].indexes[1] (id_hashed)", "collections[1].indexes[2] ($**_1)",
        "collections[2].indexes[0] (a_1)", "collections[2].indexes[1] (b_1)", "collections[2].indexes[2] (again)",
    ]  # fmt: skip
    assert "a collation is not possible on documentdb-5.0" in result["msg"]
    assert subject.db.list_collection_names() == []
    assert subject.declare(*collections, profile="mongodb-6.0")["changed"]


def test_the_password_is_nowhere_in_what_a_failed_login_prints(subject: Subject) -> None:
    for login in ({"login_password": "s3cr3t-canary"}, {"login_uri": "mongodb://admin:s3cr3t-canary@127.0.0.1:1/?x=y"}):
        result = subject.declare({"name": "a"}, connect_timeout=1, **login)
        assert result["failed"] and "s3cr3t-canary" not in result.output
