# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of index: recognised when it was made by hand, changed by the cheapest means, and never without a
successor.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

import pymongo
import pytest
from mongo_subject import Subject, verbs

EN2 = {"locale": "en", "strength": 2}

# What somebody types into a shell, and the declaration of the same.
BY_HAND: list[tuple[str, list[tuple[str, t.Any]], dict[str, t.Any], dict[str, t.Any]]] = [
    ("single", [("a", 1)], {}, {"keys": {"a": 1}}),
    ("single, as a float", [("a", 1.0)], {"name": "a_1"}, {"keys": {"a": 1}}),
    ("descending, templated", [("a", -1)], {}, {"keys": {"a": "-1"}}),
    ("compound", [("a", 1), ("b", -1)], {}, {"keys": [["a", 1], ["b", -1]]}),
    ("compound, list of mappings", [("a", 1), ("b.c", 1)], {}, {"keys": [{"a": 1}, {"b.c": 1}]}),
    ("unique", [("a", 1)], {"unique": True}, {"keys": {"a": 1}, "unique": True}),
    ("sparse", [("a", 1)], {"sparse": True, "unique": False}, {"keys": {"a": 1}, "sparse": True}),
    ("background", [("a", 1)], {"background": True}, {"keys": {"a": 1}}),
    (
        "partial",
        [("a", 1)],
        {"partialFilterExpression": {"b": 5, "c": {"$gt": 1.0}}},
        {"keys": {"a": 1}, "partial_filter_expression": {"$and": [{"c": {"$gt": 1}}, {"b": {"$eq": 5}}]}},
    ),
    ("expiring", [("a", 1)], {"expireAfterSeconds": 60}, {"keys": {"a": 1}, "expire_after_seconds": 60}),
    ("text", [("t", "text")], {}, {"keys": {"t": "text"}}),
    (
        "text, weighted",
        [("x", 1), ("t", "text"), ("u", "text")],
        {"weights": {"u": 3}, "default_language": "german"},
        {"keys": {"x": 1, "t": "text", "u": "text"}, "weights": {"u": 3, "t": 1}, "default_language": "german"},
    ),
    ("text on everything", [("$**", "text")], {}, {"keys": {"$**": "text"}}),
    ("2dsphere", [("g", "2dsphere"), ("a", 1)], {}, {"keys": {"g": "2dsphere", "a": 1}}),
    (
        "2d",
        [("p", "2d")],
        {"bits": 20, "min": -10, "max": 10},
        {"keys": {"p": "2d"}, "bits": 20, "min": -10, "max": 10},
    ),
    ("2d, defaults spelled out", [("p", "2d")], {"bits": 26}, {"keys": {"p": "2d"}}),
    ("hashed", [("a", "hashed")], {}, {"keys": {"a": "hashed"}}),
    ("hashed, compound", [("b", 1), ("a", "hashed")], {}, {"keys": {"b": 1, "a": "hashed"}}),
    ("hashed _id", [("_id", "hashed")], {}, {"keys": {"_id": "hashed"}}),
    ("wildcard", [("$**", 1)], {}, {"keys": {"$**": 1}}),
    ("wildcard below a field", [("a.$**", 1)], {}, {"keys": {"a.$**": 1}}),
    (
        "wildcard, projected",
        [("$**", 1)],
        {"wildcardProjection": {"a": 1, "b.c": True}},
        {"keys": {"$**": 1}, "wildcard_projection": {"b": {"c": 1}, "a": 1}},
    ),
    ("hidden", [("a", 1)], {"hidden": True}, {"keys": {"a": 1}, "hidden": True}),
    ("collation", [("a", 1)], {"collation": EN2}, {"keys": {"a": 1}, "collation": EN2}),
    ("another name", [("a", 1)], {"name": "by_hand"}, {"keys": {"a": 1}}),
    ("declared name", [("a", 1)], {"name": "by_hand"}, {"keys": {"a": 1}, "name": "by_hand"}),
]


@pytest.mark.parametrize(
    ("keys", "options", "declaration"), [row[1:] for row in BY_HAND], ids=[row[0] for row in BY_HAND]
)
def test_made_by_hand_then_declared_is_no_change(
    subject: Subject, keys: list[tuple[str, t.Any]], options: dict[str, t.Any], declaration: dict[str, t.Any]
) -> None:
    # By the bare command: today's driver no longer lets a float through, yesterday's did.
    made = options.get("name") or "_".join(f"{field}_{direction}" for field, direction in keys)
    subject.db.command({"createIndexes": "subject", "indexes": [{**options, "key": dict(keys), "name": made}]})
    result = subject.declare({"name": "subject", "indexes": [declaration]})
    assert verbs(result) == []
    assert result["changed"] is False and result["diff"] == []
    assert result["index_names"] == {"collections[0].indexes[0]": made}


@pytest.mark.parametrize("declaration", [row[3] for row in BY_HAND], ids=[row[0] for row in BY_HAND])
def test_declared_then_declared_again_is_no_change(subject: Subject, declaration: dict[str, t.Any]) -> None:
    first = subject.declare({"name": "subject", "indexes": [declaration]})
    assert first["changed"] and [item["action"] for item in first["actions"]] == ["create", "create"]
    assert verbs(subject.declare({"name": "subject", "indexes": [declaration]})) == []


def test_collation_of_the_collection_is_inherited(subject: Subject) -> None:
    subject.db.create_collection("subject", collation=EN2)
    subject.db.subject.create_index([("a", 1)])
    subject.db.subject.create_index([("b", 1)], collation={"locale": "simple"})
    declaration = {"name": "subject", "indexes": [
        {"keys": {"a": 1}}, {"keys": {"b": 1}, "collation": {"locale": "simple"}},
    ]}  # fmt: skip
    assert verbs(subject.declare(declaration)) == []


@contextlib.contextmanager
def watched(subject: Subject, query: dict[str, t.Any]) -> t.Iterator[list[str]]:
    """Explains the query without pause meanwhile; yields a list that gets every stage which was no index scan."""
    bad: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        with subject.server.client() as client:
            while not ended.is_set():
                plan = client[subject.name].subject.find(query).explain()["queryPlanner"]["winningPlan"]
                if "IXSCAN" not in str(plan):
                    bad.append(str(plan))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        time.sleep(0.05)
        yield bad
    finally:
        ended.set()
        thread.join()


START = {"keys": {"a": 1}}
ONE_CHANGE: list[tuple[str, dict[str, t.Any], dict[str, t.Any], dict[str, t.Any], list[str]]] = [
    ("expiry appears", START, {**START, "expire_after_seconds": 60}, {}, ["modify subject.a_1"]),
    (
        "expiry changes",
        {**START, "expire_after_seconds": 60},
        {**START, "expire_after_seconds": 90},
        {},
        ["modify subject.a_1"],
    ),
    (
        "expiry goes",
        {**START, "expire_after_seconds": 6000},
        START,
        {"allow_rebuild": True},
        [
            "bridge subject.groundwork_bridge_a_1",
            "drop subject.a_1",
            "rebuild subject.a_1",
            "drop subject.groundwork_bridge_a_1",
        ],
    ),
    ("preparation for uniqueness", START, {**START, "prepare_unique": True}, {}, ["modify subject.a_1"]),
    ("preparation taken back", {**START, "prepare_unique": True}, START, {}, ["modify subject.a_1"]),
    ("uniqueness", START, {**START, "unique": True}, {}, ["modify subject.a_1"]),
    (
        "uniqueness, after preparation",
        {**START, "prepare_unique": True},
        {**START, "unique": True},
        {},
        ["modify subject.a_1"],
    ),
    (
        "uniqueness and expiry",
        START,
        {**START, "unique": True, "expire_after_seconds": 6000},
        {},
        ["modify subject.a_1", "modify subject.a_1"],
    ),
    ("no longer unique", {**START, "unique": True}, START, {}, ["create subject.a_1__plain", "drop subject.a_1"]),
    (
        "no longer unique, named",
        {**START, "unique": True, "name": "n"},
        {**START, "name": "n"},
        {"allow_rebuild": True},
        [
            "bridge subject.groundwork_bridge_n",
            "drop subject.n",
            "rebuild subject.n",
            "drop subject.groundwork_bridge_n",
        ],
    ),
    ("sparse", START, {**START, "sparse": True}, {}, ["create subject.a_1__sparse", "drop subject.a_1"]),
    (
        "partial",
        START,
        {**START, "partial_filter_expression": {"a": {"$gt": 0}}},
        {},
        ["create subject.a_1__partial", "drop subject.a_1"],
    ),
    ("collation", START, {**START, "collation": EN2}, {}, ["create subject.a_1__collation", "drop subject.a_1"]),
    (
        "another key",
        START,
        {"keys": {"a": 1, "b": 1}},
        {"unmanaged_indexes": "drop"},
        ["create subject.a_1_b_1", "drop subject.a_1"],
    ),
    (
        "another direction",
        START,
        {"keys": {"a": -1}},
        {"unmanaged_indexes": "drop"},
        ["create subject.a_-1", "drop subject.a_1"],
    ),
    (
        "another name",
        START,
        {**START, "name": "n"},
        {"allow_rebuild": True},
        [
            "bridge subject.groundwork_bridge_n",
            "drop subject.a_1",
            "rename subject.n",
            "drop subject.groundwork_bridge_n",
        ],
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "options", "expected"), [row[1:] for row in ONE_CHANGE], ids=[row[0] for row in ONE_CHANGE]
)
def test_one_change_takes_the_cheapest_rung_and_queries_keep_an_index(
    subject: Subject, before: dict[str, t.Any], after: dict[str, t.Any], options: dict[str, t.Any], expected: list[str]
) -> None:
    subject.declare({"name": "subject", "indexes": [before]})
    subject.db.subject.insert_many({"a": number, "b": 1} for number in range(1, 2001))
    wanted = {"name": "subject", "indexes": [after]}
    query = {"a": 5}
    planned = subject.declare(wanted, check=True, **options)
    assert verbs(planned) == expected
    collated = "collation" in after
    with watched(subject, query) as bad:
        result = subject.declare(wanted, **options)
    assert verbs(result) == expected
    assert result["changed"] and [item["name"] for item in planned["actions"]] == [
        item["name"] for item in result["actions"]
    ]
    assert planned["diff"] == result["diff"]
    assert collated or bad == []
    again = subject.declare(wanted, **options)
    assert verbs(again) == []
    assert len(subject.indexes("subject")) == 1


def test_a_hidden_index_is_shown_again_in_place(subject: Subject) -> None:
    subject.declare({"name": "subject", "indexes": [{**START, "hidden": True}]})
    assert verbs(subject.declare({"name": "subject", "indexes": [START]})) == ["modify subject.a_1"]
    assert "hidden" not in subject.indexes("subject")["a_1"]
    result = subject.declare({"name": "subject", "indexes": [{**START, "hidden": True}]})
    assert '"hidden": true' in result["actions"][0]["statement"]
    assert subject.indexes("subject")["a_1"]["hidden"] is True


STUCK = [
    ("expiry", {**START, "expire_after_seconds": 60}, START, "expireAfterSeconds"),
    ("weights", {"keys": {"t": "text"}}, {"keys": {"t": "text"}, "weights": {"t": 2}}, "weights"),
    ("text field", {"keys": {"t": "text"}}, {"keys": {"u": "text"}}, "weights"),
    ("bits", {"keys": {"p": "2d"}}, {"keys": {"p": "2d"}, "bits": 20}, "bits"),
    ("name", START, {**START, "name": "n"}, "its name is a_1"),
    ("named and sparse", {**START, "name": "n"}, {**START, "name": "n", "sparse": True}, "sparse"),
    (
        "projection",
        {"keys": {"$**": 1}, "name": "w"},
        {"keys": {"$**": 1}, "name": "w", "wildcard_projection": {"a": 1}},
        "projection",
    ),
]


@pytest.mark.parametrize(("before", "after", "word"), [row[1:] for row in STUCK], ids=[row[0] for row in STUCK])
def test_a_rebuild_needs_permission(
    subject: Subject, before: dict[str, t.Any], after: dict[str, t.Any], word: str
) -> None:
    subject.declare({"name": "subject", "indexes": [before]})
    live = subject.indexes("subject")
    wanted = {"name": "subject", "indexes": [after, {"keys": {"other": 1}}]}
    result = subject.declare(wanted)
    assert result["failed"] and "collections[0].indexes[0]: " in result["msg"], result
    assert word in result["msg"] and "allow_rebuild: true" in result["msg"]
    assert "nothing was written" in result["msg"]
    assert subject.indexes("subject") == live
    assert subject.declare(wanted, allow_rebuild=True)["changed"]
    assert verbs(subject.declare(wanted)) == []


def test_a_text_index_takes_the_place_of_another_when_both_permissions_are_given(subject: Subject) -> None:
    subject.declare({"name": "subject", "indexes": [{"keys": {"a": 1, "t": "text"}}]})
    wanted = {"name": "subject", "indexes": [{"keys": {"u": "text"}}]}
    refused = subject.declare(wanted)
    assert refused["failed"] and "already has the text index a_1_t_text, and can have one only" in refused["msg"]
    result = subject.declare(wanted, allow_rebuild=True, unmanaged_indexes="drop")
    assert verbs(result) == ["drop subject.a_1_t_text", "rebuild subject.u_text"]
    assert list(subject.indexes("subject")) == ["u_text"]


def test_all_new_indexes_of_a_collection_are_built_by_one_command(subject: Subject) -> None:
    subject.db.subject.insert_one({"a": 1})
    subject.client.admin.command({"profile": -1, "slowms": 100})
    subject.db.command({"profile": 2})
    result = subject.declare({"name": "subject", "indexes": [{"keys": {name: 1}} for name in "abcd"]})
    subject.db.command({"profile": 0})
    assert len(verbs(result)) == 4
    assert subject.db["system.profile"].count_documents({"command.createIndexes": "subject"}) == 1
    assert all(isinstance(item["seconds"], float) for item in result["actions"])


def test_duplicates_are_found_before_anything_is_written(subject: Subject) -> None:
    subject.db.subject.insert_many([{"_id": 1, "a": "x"}, {"_id": 2, "a": ["y", "x"]}, {"_id": 3, "a": ["z", "z"]}])
    result = subject.declare({"name": "subject", "indexes": [{"keys": {"b": 1}}, {**START, "unique": True}]})
    assert result["failed"] and "collections[0].indexes[1]" in result["msg"]
    assert '{"a": "x"} is in 2 documents (for example _id 1 and 2)' in result["msg"]
    assert '"z"' not in result["msg"]
    assert subject.indexes("subject") == {}
    subject.db.subject.delete_one({"_id": 2})
    assert subject.declare({"name": "subject", "indexes": [{**START, "unique": True}]})["changed"]


def test_a_conversion_to_unique_that_fails_leaves_the_index_as_it_was(subject: Subject) -> None:
    subject.db.subject.create_index([("a", 1)])
    subject.db.subject.insert_many([{"_id": 1, "a": "x"}, {"_id": 2, "a": "x"}])
    result = subject.declare({"name": "subject", "indexes": [{**START, "unique": True}]})
    assert result["failed"] and '{"a": "x"} is in 2 documents' in result["msg"]
    assert "prepareUnique" not in subject.indexes("subject")["a_1"]
    subject.db.subject.insert_one({"a": "x"})


@pytest.mark.parametrize(("policy", "expected"), [
    ("report", []), ("ignore", []), ("hide", ["hide subject.extra"]), ("drop", ["drop subject.extra"]),
])  # fmt: skip
def test_what_nobody_declared(subject: Subject, policy: str, expected: list[str]) -> None:
    subject.db.subject.create_index([("a", 1)])
    subject.db.subject.create_index([("x", 1)], name="extra")
    subject.db.subject.create_index([("y", 1)], name="dba_probe")
    wanted = {"name": "subject", "indexes": [START]}
    result = subject.declare(wanted, unmanaged_indexes=policy, protected=["subject.dba_*"])
    assert verbs(result) == expected
    assert sorted(result["unmanaged"]["indexes"]) == {
        "ignore": [], "drop": ["subject.dba_probe"],
    }.get(policy, ["subject.dba_probe", "subject.extra"])  # fmt: skip
    assert "dba_probe" in subject.indexes("subject")
    assert verbs(subject.declare(wanted, unmanaged_indexes=policy, protected=["subject.dba_*"])) == []


def test_indexes_that_are_not_mentioned_are_not_touched(subject: Subject) -> None:
    subject.db.subject.create_index([("a", 1)])
    result = subject.declare({"name": "subject"}, unmanaged_indexes="drop")
    assert verbs(result) == [] and result["unmanaged"]["indexes"] == []
    assert verbs(subject.declare({"name": "subject", "indexes": []}, unmanaged_indexes="drop")) == ["drop subject.a_1"]


def test_the_limit_of_64_indexes_is_planned(subject: Subject) -> None:
    models = [pymongo.IndexModel([(f"f{number}", 1)]) for number in range(62)]
    subject.db.subject.create_indexes(models)
    wanted = {"name": "subject", "indexes": [{"keys": {"a": 1}}, {"keys": {"b": 1}}]}
    refused = subject.declare(wanted)
    assert refused["failed"] and "would have 65 indexes" in refused["msg"] and "64 are possible" in refused["msg"]
    assert len(subject.indexes("subject")) == 62
    result = subject.declare(wanted, unmanaged_indexes="drop", protected=["subject.f[1-9]*"])
    assert verbs(result) == ["drop subject.f0_1", "create subject.a_1", "create subject.b_1"]
    assert len(subject.indexes("subject")) == 63


def test_an_earlier_variant_gives_way_when_the_option_is_taken_back(subject: Subject) -> None:
    subject.declare({"name": "subject", "indexes": [START]})
    subject.declare({"name": "subject", "indexes": [{**START, "sparse": True}]})
    assert list(subject.indexes("subject")) == ["a_1__sparse"]
    assert verbs(subject.declare({"name": "subject", "indexes": [START]})) == [
        "create subject.a_1", "drop subject.a_1__sparse",
    ]  # fmt: skip
