# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner and the server must agree on when two indexes are the same: pairs of indexes, put to both.

What the planner calls equal, the server accepts as already there; what it calls another signature, the server builds
beside the first; what it calls other options, the server refuses with error 85 or 86.
"""

from __future__ import annotations

import typing as t

import pymongo.errors
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.api import as_bson, as_plain
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.declared import read_index
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.index import (
    differing_options,
    index_of,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

SAME, OTHER_OPTIONS, OTHER_SIGNATURE = "same", "other options", "other signature"

numbers = st.sampled_from(
    [
        0, 1, 1.0, 2, 5, 5.0, True, 0.1, 0.5, {"$numberLong": "5"}, {"$numberDouble": "0.1"}, {"$numberDouble": "NaN"},
        {"$numberDecimal": "0.1"}, {"$numberDecimal": "0.5"}, {"$numberDecimal": "5.00"}, {"$numberDecimal": "-0"},
        {"$numberDecimal": "NaN"},
    ]
)  # fmt: skip
scalars = st.one_of(numbers, st.sampled_from(["x", None]))
leaves = st.one_of(
    scalars,
    st.builds(lambda value: {"$eq": value}, scalars),
    st.builds(lambda values: {"$in": values}, st.lists(scalars, min_size=1, max_size=3)),
    st.sampled_from(
        [
            {"$exists": True},
            {"$exists": 1},
            {"$type": "string"},
            {"$type": 2},
            {"$type": ["string"]},
            {"$type": ["int", "string"]},
            {"$type": [2, 16]},
            {"$gt": 1, "$lt": 5},
            {"$lt": 5, "$gt": 1.0},
            {"$gte": 1},
            {"n": 1, "m": 2},
            {"m": 2, "n": 1},
        ]
    ),
)
clauses = st.dictionaries(st.sampled_from(["f", "g"]), leaves, min_size=1, max_size=2)
filters = st.recursive(
    clauses,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"$and": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"$or": parts}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=4,
)
ordinary_keys = st.sampled_from(
    [
        {"a": 1},
        {"a": 1.0},
        {"a": -1},
        {"a": 5},
        {"a": 1, "b": 1},
        {"b": 1, "a": 1},
        {"a.b": 1},
        {"a": "hashed"},
        {"a": "2dsphere"},
        {"a": "2dsphere", "b": 1},
    ]
)
collations = st.sampled_from(
    [
        {"locale": "en"},
        {"locale": "en", "strength": 3},
        {"locale": "en", "strength": 3.0},
        {"locale": "en", "strength": 2},
        {"locale": "simple"},
        {"locale": "fr"},
        {"locale": "fr_CA"},
        {"locale": "fr_CA", "backwards": True},
        {"locale": "fr_CA", "backwards": False},
        {"locale": "en", "caseLevel": False},
    ]
)
flags = st.sampled_from([True, False])


def options(**known: st.SearchStrategy[t.Any]) -> st.SearchStrategy[dict[str, t.Any]]:
    return st.fixed_dictionaries({}, optional=known)


ordinary = st.builds(
    lambda keys, rest: {"key": keys, **rest},
    ordinary_keys,
    options(
        unique=flags,
        sparse=flags,
        hidden=flags,
        expireAfterSeconds=st.sampled_from([0, 60, 60.0]),
        partialFilterExpression=filters,
        collation=collations,
    ),
)
filtered = st.builds(lambda expression: {"key": {"a": 1}, "partialFilterExpression": expression}, filters)
text = st.builds(
    lambda keys, rest: {"key": keys, **rest},
    st.sampled_from(
        [
            {"a": "text"},
            {"a": "text", "b": "text"},
            {"b": "text", "a": "text"},
            {"$**": "text"},
            {"c": 1, "a": "text"},
            {"a": "text", "c": 1},
            {"_fts": "text", "_ftsx": 1},
        ]
    ),
    options(
        weights=st.sampled_from([{"a": 1}, {"a": 1.0}, {"a": 2}, {"b": 1}, {"a": 1, "b": 1}]),
        default_language=st.sampled_from(["english", "german"]),
        language_override=st.sampled_from(["language", "lang"]),
        sparse=flags,
        unique=flags,
        textIndexVersion=st.sampled_from([2, 3]),
    ),
)
wildcard = st.builds(
    lambda keys, rest: {"key": keys, **rest},
    st.sampled_from([{"$**": 1}, {"$**": 1.0}, {"a.$**": 1}]),
    options(
        wildcardProjection=st.sampled_from(
            [
                {"a": 1},
                {"a": True},
                {"a": 0},
                {"a": 1, "b.c": 1},
                {"b": {"c": 1}, "a": 1},
                {"a": 1, "_id": 0},
                {"a": 1, "_id": 1},
                {"a": 0, "_id": 1},
                {"a": 0, "_id": 0},
                {"_id": 0},
                {"_id": 1},
            ]
        )
    ),
)
flat = st.builds(
    lambda keys, rest: {"key": keys, **rest},
    st.sampled_from([{"a": "2d"}, {"a": "2d", "b": 1}]),
    options(
        bits=st.sampled_from([20, 20.0, 30]), min=st.sampled_from([-10, -10.0, -10.5]), max=st.sampled_from([10, 20.5])
    ),
)
any_index = st.one_of(ordinary, filtered, text, wildcard, flat)
pairs = st.one_of(
    st.tuples(ordinary, ordinary),
    st.tuples(filtered, filtered),
    st.tuples(text, text),
    st.tuples(wildcard, wildcard),
    st.tuples(flat, flat),
    st.tuples(any_index, any_index),
)


@pytest.fixture(scope="module")
def collection(mongod_server: t.Any) -> t.Iterator[t.Any]:
    with mongod_server.client() as client:
        database = client["sameness"]
        yield database["pairs"]
        client.drop_database("sameness")


def declared(document: dict[str, t.Any]) -> tuple[dict[str, t.Any] | None, Problems]:
    """What the module would send for an index that is written in the server's words."""
    problems = Problems()
    written = {("keys" if name == "key" else name): value for name, value in document.items()}
    spec = read_index({**written, "name": "declared"}, "index", problems)
    return (spec.document if spec and not problems else None), problems


def send(collection: t.Any, document: dict[str, t.Any], name: str) -> tuple[int, int]:
    """Error number, 0 for none, and how many indexes were built."""
    command = {"createIndexes": collection.name, "indexes": [{**document, "name": name}]}
    try:
        answer = collection.database.command(as_bson(command))
    except pymongo.errors.OperationFailure as error:
        return error.code or -1, 0
    return 0, answer["numIndexesAfter"] - answer["numIndexesBefore"]


def planners_view(collection: t.Any, wanted: dict[str, t.Any]) -> str:
    rows = collection.database.command({"listIndexes": collection.name})["cursor"]["firstBatch"]
    live = index_of(as_plain(next(row for row in rows if row["name"] == "declared")))
    desired = index_of(wanted)
    if live.signature != desired.signature:
        return OTHER_SIGNATURE
    return OTHER_OPTIONS if differing_options(live, desired) else SAME


@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@example(
    (
        {"key": {"a": 1}, "partialFilterExpression": {"$or": [{"f": 1}, {"f": 1}]}},
        {"key": {"a": 1}, "partialFilterExpression": {"f": 1}},
    )
)
@example(
    (
        {"key": {"a": 1}, "partialFilterExpression": {"$and": [{"f": 1}, {"f": 5, "g": 1}]}},
        {"key": {"a": 1}, "partialFilterExpression": {"$and": [{"f": 5, "g": 1}, {"f": 1}]}},
    )
)
@example(
    (
        {"key": {"a": 1}, "partialFilterExpression": {"$and": [{"f": 1, "g": 1}, {"f": 1, "g": 2}]}},
        {"key": {"a": 1}, "partialFilterExpression": {"$and": [{"f": 1, "g": 2}, {"f": 1, "g": 1}]}},
    )
)
@given(pairs)
def test_planner_and_server_agree(collection: t.Any, pair: tuple[dict[str, t.Any], dict[str, t.Any]]) -> None:
    first, second = pair
    first_sent, first_problems = declared(first)
    second_sent, _second_problems = declared(second)
    collection.drop()
    collection.database.create_collection(collection.name)
    error, built = send(collection, first, "declared")
    if error:
        assert first_problems, f"the server refuses {first} with {error}, the module does not"
        return
    assert built == 1
    if first_sent is not None:
        assert planners_view(collection, first_sent) == SAME
    if second_sent is None:
        return
    view = planners_view(collection, second_sent)
    same_name = send(collection, second_sent, "declared")
    other_name = send(collection, second_sent, "other")
    if view == SAME:
        assert same_name == (0, 0)
        assert other_name == (85, 0)
    elif view == OTHER_OPTIONS:
        assert same_name == (85, 0)
        assert other_name == (85, 0)
    else:
        assert same_name == (86, 0)
        both_text = "text" in str(first["key"]) and "text" in str(second["key"])
        assert other_name == ((67, 0) if both_text else (0, 1))
