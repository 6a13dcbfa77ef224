# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Normal forms against dumps of ``listIndexes`` as servers of several versions give them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes import (
    collation,
    partial_filter,
    projection,
)
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.declared import read_index
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.index import (
    differing_options,
    differing_signature,
    index_of,
)
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.keys import default_name, read_keys
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.values import same

FULL_FRENCH = {
    "locale": "fr",
    "caseLevel": False,
    "caseFirst": "off",
    "strength": 2,
    "numericOrdering": False,
    "alternate": "non-ignorable",
    "maxVariable": "punct",
    "normalization": False,
    "backwards": False,
    "version": "57.1",
}
TEXT = {
    "v": 2,
    "key": {"x": 1, "_fts": "text", "_ftsx": 1, "y": -1},
    "name": "n",
    "weights": {"t": 1, "u": 3},
    "default_language": "english",
    "language_override": "language",
    "textIndexVersion": 3,
}
# The declaration, and how servers show it.
SAME: list[tuple[str, dict[str, t.Any], dict[str, t.Any]]] = [
    ("4.2, with a namespace", {"keys": {"a": 1}}, {"v": 2, "key": {"a": 1}, "name": "a_1", "ns": "d.c"}),
    ("old driver", {"keys": {"a": 1}}, {"v": 2, "key": {"a": 1.0}, "name": "a_1", "background": True, "unique": False}),
    ("DocumentDB", {"keys": {"a": 1}}, {"v": 4, "key": {"a": 1}, "name": "a_1", "ns": "d.c"}),
    ("5.0, hidden spelled out", {"keys": {"a": 1}}, {"v": 2, "key": {"a": 1}, "name": "a_1", "hidden": False}),
    (
        "collation",
        {"keys": {"a": 1}, "collation": {"locale": "fr", "strength": 2}},
        {"key": {"a": 1}, "name": "n", "collation": FULL_FRENCH},
    ),
    (
        "text",
        {"keys": [["x", 1], ["u", "text"], ["t", "text"], ["y", -1]], "weights": {"u": 3}},
        TEXT,
    ),
    ("2dsphere", {"keys": {"g": "2dsphere"}}, {"key": {"g": "2dsphere"}, "name": "g", "2dsphereIndexVersion": 3}),
    ("2d", {"keys": {"p": "2d"}}, {"key": {"p": "2d"}, "name": "p", "bits": 26, "min": -180.0, "max": 180.0}),
    (
        "fraction of a second from 4.x",
        {"keys": {"a": 1}, "expire_after_seconds": 10},
        {"key": {"a": 1}, "name": "a_1", "expireAfterSeconds": 10.7},
    ),
    (
        "unique, with what is left of its preparation",
        {"keys": {"a": 1}, "unique": True},
        {"key": {"a": 1}, "name": "a_1", "unique": True, "prepareUnique": True},
    ),
    ("unknown to us", {"keys": {"a": 1}}, {"key": {"a": 1}, "name": "a_1", "someday": {"x": 1}}),
]


@pytest.mark.parametrize(("declared", "live"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_same(declared: dict[str, t.Any], live: dict[str, t.Any]) -> None:
    problems = Problems()
    spec = read_index(declared, "index", problems)
    assert spec is not None and problems.found == []
    wanted, existing = index_of(spec.document), index_of(live)
    assert differing_signature(wanted, existing) == []
    assert differing_options(wanted, existing) == [] and wanted.hidden == existing.hidden


def test_inheritance_of_the_collections_collation() -> None:
    inherited = index_of({"key": {"a": 1}, "name": "n"}, FULL_FRENCH)
    assert inherited.signature == index_of({"key": {"a": 1}, "name": "n", "collation": FULL_FRENCH}).signature
    simple = index_of({"key": {"a": 1}, "name": "n", "collation": {"locale": "simple"}}, FULL_FRENCH)
    assert simple.signature == index_of({"key": {"a": 1}, "name": "n"}).signature


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ({"a": 1, "b": -1}, "a_1_b_-1"),
        ([{"a": "1"}, {"b": "-1.0"}], "a_1_b_-1"),
        ([["a", 1.0], ["b", -1]], "a_1_b_-1"),
        ({"t": "text", "u": "text"}, "t_text_u_text"),
        ({"$**": 1}, "$**_1"),
        ({"a": 1.5}, "a_1.5"),
    ],
)
def test_keys_and_the_names_that_drivers_give(written: t.Any, name: str) -> None:
    problems = Problems()
    assert default_name(read_keys(written, "keys", problems)) == name
    assert problems.found == []


def test_locale_with_defaults_of_its_own() -> None:
    assert collation.of_index({"locale": "fr_CA"}) == collation.of_index({"locale": "fr_CA", "backwards": True})
    assert collation.of_index({"locale": "fr"}) != collation.of_index({"locale": "fr", "backwards": True})
    assert collation.of_index({"locale": "simple", "strength": 2}) is None


def test_wildcard_projections() -> None:
    form = projection.normalised
    assert form({"a": 1, "b.c": 1}) == form({"b": {"c": True}, "a": 1, "_id": 0})
    assert form({"a": 0}) == form({"a": False, "_id": 0}) != form({"a": 0, "_id": 1})
    assert form(None) is None


FILTERS_ALIKE: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
    ({"a": 5}, {"a": {"$eq": 5.0}}),
    ({"a": 1, "b": 2}, {"$and": [{"b": 2}, {"a": 1}]}),
    ({"a": {"$gt": 1, "$lt": 5}}, {"$and": [{"a": {"$lt": 5}}, {"a": {"$gt": 1}}]}),
    ({"a": {"$exists": 1}}, {"a": {"$exists": True}}),
    ({"a": {"$type": "string"}}, {"a": {"$type": [2]}}),
    ({"a": {"$in": [2, 1, 1]}}, {"$or": [{"a": 1}, {"a": 2}]}),
    ({"a": {"$in": [1]}}, {"a": 1}),
    ({"$or": [{"$or": [{"a": 1}, {"b": 1}]}, {"c": 1}]}, {"$or": [{"c": 1}, {"b": 1}, {"a": 1}]}),
    ({"a": {"$numberLong": "5"}}, {"a": 5}),
    ({"a": 1, "$comment": "why"}, {"a": 1}),
]
FILTERS_APART: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
    ({"a": True}, {"a": 1}),
    ({"a": "1"}, {"a": 1}),
    ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}),
    ({"a.b": 1}, {"a": {"b": 1}}),
    ({"$and": [{"a": 1}, {"a": 1}]}, {"a": 1}),
    ({"$and": [{"a": {"$gt": 1}}, {"a": {"$gt": 2}}]}, {"$and": [{"a": {"$gt": 2}}, {"a": {"$gt": 1}}]}),
    ({"$or": [{"a": "y"}, {"a": {"$in": [5, "x"]}}]}, {"a": {"$in": [5, "x", "y"]}}),
    ({"a": {"$type": "number"}}, {"a": {"$type": ["int", "long", "double", "decimal"]}}),
]


def test_partial_filters() -> None:
    for one, other in FILTERS_ALIKE:
        assert partial_filter.normalised(one) == partial_filter.normalised(other), (one, other)
    for one, other in FILTERS_APART:
        assert partial_filter.normalised(one) != partial_filter.normalised(other), (one, other)
    assert partial_filter.normalised({}) != partial_filter.normalised(None)


def test_values_compare_as_on_the_server() -> None:
    assert same({"a": [1, {"b": 2.0}]}, {"a": [1.0, {"b": 2}]})
    assert same({"$numberDecimal": "1.50"}, 1.5)
    assert not same(True, 1) and not same({"a": 1, "b": 2}, {"b": 2, "a": 1}) and not same(None, 0)
