# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder of change, rung by rung, for servers of every ability."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.declared import read_index
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.index import index_of
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.plan import Ladder
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.policy import (
    Ability,
    IndexPlan,
    Policy,
)
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.profiles.ability import ability_of

PRIMARY = {"key": {"_id": 1}, "name": "_id_", "v": 2}
A: dict[str, t.Any] = {"key": {"a": 1}, "name": "a_1", "v": 2}
DOCUMENTDB = ability_of("documentdb", (5, 0, 0)).indexes


def climb(
    declared: list[dict[str, t.Any]],
    live: list[dict[str, t.Any]],
    *,
    ability: Ability | None = None,
    building: tuple[str, ...] = (),
    **policy: t.Any,
) -> tuple[list[str], IndexPlan, Problems]:
    problems = Problems()
    specs = [read_index(item, f"indexes[{number}]", problems) for number, item in enumerate(declared)]
    problems.raise_if_any("the test", "test")
    plan = Ladder(
        "d.c",
        [spec for spec in specs if spec],
        [index_of(item, building=item["name"] in building) for item in [PRIMARY, *live]],
        collation=None,
        ability=ability or Ability(),
        policy=Policy(**policy),
        problems=problems,
    ).climb()
    return [f"{item.action} {item.name[4:]}" for item in plan.changes], plan, problems


Case = tuple[str, list[dict[str, t.Any]], list[dict[str, t.Any]], dict[str, t.Any], list[str]]
SPARSE = {"keys": {"a": 1}, "sparse": True}
UNIQUE = {"keys": {"a": 1}, "unique": True}
CASES: list[Case] = [
    ("same", [{"keys": {"a": 1}}], [A], {}, []),
    ("new", [{"keys": {"a": 1}}], [], {}, ["create a_1"]),
    ("_id is always there", [{"keys": {"_id": 1}}], [], {}, []),
    ("other name, none declared", [{"keys": {"a": 1}}], [{**A, "name": "x"}], {}, []),
    ("expiry", [{"keys": {"a": 1}, "expire_after_seconds": 5}], [A], {}, ["modify a_1"]),
    ("unhide", [{"keys": {"a": 1}}], [{**A, "hidden": True}], {}, ["modify a_1"]),
    ("uniqueness in place", [UNIQUE], [A], {}, ["modify a_1"]),
    (
        "uniqueness, old server",
        [UNIQUE],
        [A],
        {"ability": Ability(unique_in_place=False)},
        ["create a_1__unique", "drop a_1"],
    ),
    ("successor first", [SPARSE], [A], {}, ["create a_1__sparse", "drop a_1"]),
    (
        "successor under a number",
        [SPARSE],
        [A, {**A, "name": "a_1__sparse", "collation": {"locale": "fr"}}],
        {},
        ["create a_1__sparse_2", "drop a_1"],
    ),
    (
        "interrupted before the drop",
        [SPARSE],
        [A, {**A, "name": "a_1__sparse", "sparse": True}],
        {},
        ["drop a_1"],
    ),
    (
        "both declared, nothing is a leftover",
        [SPARSE, {"keys": {"a": 1}, "name": "a_1"}],
        [A, {**A, "name": "a_1__sparse", "sparse": True}],
        {},
        [],
    ),
    (
        "a name chosen by hand is no leftover",
        [{"keys": {"a": 1}}],
        [A, {**A, "name": "a_1_sparse", "sparse": True}],
        {},
        [],
    ),
    (
        "rename",
        [{"keys": {"a": 1}, "name": "n"}],
        [A],
        {"allow_rebuild": True},
        ["bridge groundwork_bridge_n", "drop a_1", "rename n", "drop groundwork_bridge_n"],
    ),
    (
        "swap of two names",
        [{"keys": {"a": 1}, "name": "b"}, {"keys": {"b": 1}, "name": "a"}],
        [{"key": {"a": 1}, "name": "a"}, {"key": {"b": 1}, "name": "b"}],
        {"allow_rebuild": True},
        [
            "bridge groundwork_bridge_b",
            "bridge groundwork_bridge_a",
            "drop a",
            "drop b",
            "rename b",
            "rename a",
            "drop groundwork_bridge_b",
            "drop groundwork_bridge_a",
        ],
    ),
    (
        "two rebuilds share a bridge",
        [{"keys": {"a": 1}, "name": "n", "unique": True}, {"keys": {"a": 1}, "name": "m"}],
        [{**A, "name": "n", "sparse": True}, {**A, "name": "m", "collation": {"locale": "fr"}}],
        {"allow_rebuild": True},
        ["bridge groundwork_bridge_n", "drop n", "drop m", "rebuild n", "rebuild m", "drop groundwork_bridge_n"],
    ),
    (
        "an index that is there serves as the bridge",
        [{"keys": {"a": 1}, "name": "n"}, {"keys": {"a": 1, "_id": 1}}],
        [A, {"key": {"a": 1, "_id": 1}, "name": "x"}],
        {"allow_rebuild": True},
        ["drop a_1", "rename n"],
    ),
    (
        "bridge left behind",
        [{"keys": {"a": 1}}],
        [A, {**A, "name": "groundwork_bridge_a_1", "key": {"a": 1, "_id": 1}}],
        {},
        ["drop groundwork_bridge_a_1"],
    ),
    (
        "wildcard has no bridge",
        [{"keys": {"$**": 1}, "name": "w", "wildcard_projection": {"a": 1}}],
        [{"key": {"$**": 1}, "name": "w"}],
        {"allow_rebuild": True},
        ["drop w", "rebuild w"],
    ),
    ("wildcard is never made unique in place", [{"keys": {"$**": 1}}], [{"key": {"$**": 1}, "name": "$**_1"}], {}, []),
    ("being built", [{"keys": {"a": 1}}], [A], {"building": ("a_1",)}, ["await a_1"]),
    (
        "DocumentDB: one index on the same keys",
        [SPARSE],
        [A],
        {"ability": DOCUMENTDB, "allow_rebuild": True},
        ["bridge groundwork_bridge_a_1", "drop a_1", "rebuild a_1", "drop groundwork_bridge_a_1"],
    ),
    (
        "DocumentDB: whatever its name",
        [{**SPARSE, "name": "n"}],
        [A],
        {"ability": DOCUMENTDB, "allow_rebuild": True},
        ["bridge groundwork_bridge_n", "drop a_1", "rebuild n", "drop groundwork_bridge_n"],
    ),
    ("hide what nobody declared", [], [A], {"unmanaged": "hide"}, ["hide a_1"]),
    ("hidden already", [], [{**A, "hidden": True}], {"unmanaged": "hide"}, []),
    ("nothing to hide with", [], [A], {"unmanaged": "hide", "ability": Ability(hide=False)}, []),
    ("drop what nobody declared", [], [A], {"unmanaged": "drop"}, ["drop a_1"]),
    ("protected", [], [A], {"unmanaged": "drop", "protected": ("c.a*",)}, []),
    ("build before drop of unmanaged", [{"keys": {"b": 1}}], [A], {"unmanaged": "drop"}, ["create b_1", "drop a_1"]),
    (
        "clustered index is not an index",
        [],
        [{**PRIMARY, "name": "cl", "clustered": True, "unique": True}],
        {"unmanaged": "drop"},
        [],
    ),
    (
        "DocumentDB's own fields say nothing",
        [{"keys": {"a": 1}}],
        [{**A, "v": 4, "ns": "d.c", "background": True}],
        {"ability": DOCUMENTDB},
        [],
    ),
]


@pytest.mark.parametrize(("declared", "live", "options", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_rungs(
    declared: list[dict[str, t.Any]], live: list[dict[str, t.Any]], options: dict[str, t.Any], expected: list[str]
) -> None:
    steps, _plan, problems = climb(declared, live, **options)
    assert problems.found == []
    assert steps == expected


REFUSED: list[tuple[str, list[dict[str, t.Any]], list[dict[str, t.Any]], dict[str, t.Any], str]] = [
    ("expiry goes", [{"keys": {"a": 1}}], [{**A, "expireAfterSeconds": 5}], {}, "expireAfterSeconds cannot be changed"),
    ("rename", [{"keys": {"a": 1}, "name": "n"}], [A], {}, "its name is a_1 and an index cannot be renamed"),
    ("DocumentDB", [SPARSE], [A], {"ability": DOCUMENTDB}, "sparse cannot be changed in place"),
    (
        "expiry on an old server",
        [{"keys": {"a": 1}, "expire_after_seconds": 5}],
        [A],
        {"ability": Ability(expiry_in_place=False)},
        "expireAfterSeconds cannot be changed",
    ),
    (
        "name of another declared index",
        [{"keys": {"a": 1}}, {"keys": {"b": 1}, "name": "x"}],
        [{**A, "name": "x"}],
        {},
        "carried by the index of indexes[0]",
    ),
    (
        "second text index",
        [{"keys": {"t": "text"}}],
        [{"key": {"x": 1, "_fts": "text", "_ftsx": 1}, "weights": {"u": 1}, "name": "other"}],
        {"allow_rebuild": True},
        "already has the text index other",
    ),
    (
        "built under another name",
        [{"keys": {"a": 1}, "name": "n"}],
        [A],
        {"building": ("a_1",)},
        "is being built under the name a_1",
    ),
]


@pytest.mark.parametrize(("declared", "live", "options", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_needs_permission_or_a_decision(
    declared: list[dict[str, t.Any]], live: list[dict[str, t.Any]], options: dict[str, t.Any], text: str
) -> None:
    _steps, _plan, problems = climb(declared, live, **options)
    assert len(problems.found) == 1 and text in problems.found[0].text, problems.found
    assert problems.found[0].path.startswith("indexes[")


def test_conversion_to_unique_can_be_undone() -> None:
    _steps, plan, _problems = climb([UNIQUE], [A])
    change = plan.changes[0]
    assert [command["index"] for command in change.commands] == [
        {"name": "a_1", "prepareUnique": True},
        {"name": "a_1", "unique": True},
    ]
    assert change.undo[0]["index"] == {"name": "a_1", "prepareUnique": False}
    assert change.unique_index == {"key": {"a": 1}, "name": "a_1", "unique": True}


def test_the_bridge_serves_the_same_queries_and_enforces_nothing() -> None:
    declared = {"keys": {"a": 1}, "name": "n", "unique": True, "expire_after_seconds": 9, "collation": {"locale": "fr"}}
    _steps, plan, _problems = climb([declared], [{**A, "name": "n"}], allow_rebuild=True)
    assert plan.changes[0].commands[0]["indexes"] == [
        {"key": {"a": 1, "_id": 1}, "name": "groundwork_bridge_n", "collation": {"locale": "fr"}},
    ]


def test_no_more_than_64_indexes_at_any_moment() -> None:
    live = [{"key": {f"f{number}": 1}, "name": f"f{number}_1"} for number in range(63)]
    _steps, _plan, problems = climb([{"keys": {"a": 1}}], live)
    assert "would have 65 indexes" in problems.found[0].text
    steps, _plan, problems = climb([{"keys": {"a": 1}}], live, unmanaged="drop")
    assert problems.found == [] and steps[:2] == ["drop f0_1", "create a_1"] and len(steps) == 64
    superseding = [{"keys": {"f0": 1}, "sparse": True}]
    _steps, _plan, problems = climb(superseding, live)
    assert "would have 65 indexes" in problems.found[0].text
    steps, _plan, problems = climb(superseding, live, allow_rebuild=True)
    assert problems.found == [] and steps == ["drop f0_1", "create f0_1__sparse"]
