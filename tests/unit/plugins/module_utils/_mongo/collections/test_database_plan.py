# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a database: collections, batches, options, profiles; and the connection's parameters."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.change import batches
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections.checks import duplicates_pipeline
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections.model import LiveCollection
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections.plan import (
    Ability,
    DatabasePlan,
    Policy,
    plan_database,
)
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections.declared import read_collections
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.connection import (
    client_parameters,
    connection_argument_spec,
    server_address,
)
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes.index import index_of
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.profiles.ability import ability_of
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.profiles.compatibility import (
    check_profile,
    profile_of,
)
from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems


def plan(declared: list[dict[str, t.Any]], live: list[LiveCollection] | None = None, **policy: t.Any) -> DatabasePlan:
    problems = Problems()
    specs = read_collections(declared, "d", problems)
    existing = {item.name: item for item in live or []}
    result = plan_database("d", specs, existing, Ability(), Policy(**policy), problems)
    problems.raise_if_any("the specification", "test")
    return result


def steps(result: DatabasePlan) -> list[str]:
    return [f"{item.action} {item.kind} {item.name[2:]}" for item in result.changes]


def test_views_come_after_what_they_may_stand_on() -> None:
    result = plan([{"name": "v", "view_on": "c"}, {"name": "c", "indexes": [{"keys": {"a": 1}}]}])
    assert steps(result) == ["create collection c", "create index c.a_1", "create view v"]


def test_indexes_of_one_collection_are_one_command() -> None:
    declared = [{"name": name, "indexes": [{"keys": {"a": 1}}, {"keys": {"b": 1}}]} for name in ("c", "d")]
    commands = [[next(iter(command)) for command in batch.commands] for batch in batches(plan(declared).changes)]
    assert commands == [["create"], ["createIndexes"], ["create"], ["createIndexes"]]


def test_an_empty_plan_is_no_change_and_a_diff_has_both_sides() -> None:
    live = LiveCollection("c", "collection", {"validator": {"a": 1}}, (index_of({"key": {"_id": 1}, "name": "_id_"}),))
    assert not plan([{"name": "c", "validator": {"a": 1.0}}], [live]).plan
    result = plan([{"name": "c", "validator": {"a": 2}}], [live])
    assert steps(result) == ["modify collection c"]
    diff = result.plan.diff()[0]
    assert '"a": 1' in diff["before"] and '"a": 2' in diff["after"]


def test_recreating_forgets_the_old_indexes() -> None:
    old = LiveCollection("c", "collection", {}, (index_of({"key": {"a": 1}, "name": "a_1"}),), empty=True)
    declared = {"name": "c", "capped": True, "size": 4096, "recreate": True, "indexes": [{"keys": {"a": 1}}]}
    assert steps(plan([declared], [old])) == ["recreate collection c", "create index c.a_1"]


def test_system_collections_are_never_unmanaged() -> None:
    live = [
        LiveCollection(name, "collection", {})
        for name in ("system.views", "system.buckets.s", "x", "groundwork_migrations")
    ]
    result = plan([], live, unmanaged="drop")
    assert steps(result) == ["drop collection x"] and result.unmanaged_collections == ("x",)


def test_the_index_that_the_server_gives_a_time_series_is_not_unmanaged() -> None:
    series = {"timeseries": {"timeField": "t", "metaField": "m"}}
    own = index_of({"key": {"m": 1, "t": 1}, "name": "m_1_t_1"})
    result = plan([{"name": "s", "indexes": []}], [LiveCollection("s", "timeseries", series, (own,))])
    assert result.unmanaged_indexes == () and not result.plan


@pytest.mark.parametrize(
    ("engine", "version", "profile"),
    [
        ("mongodb", (6, 0, 5), "mongodb-6.0"),
        ("mongodb", (8, 0, 1), "mongodb-7.0"),
        ("documentdb", (5, 0, 0), "documentdb-5.0"),
        ("documentdb", (8, 0, 1), "documentdb-8.0"),
    ],
)
def test_profile_of_a_server(engine: str, version: tuple[int, ...], profile: str) -> None:
    assert profile_of(engine, version) == profile


def test_abilities_differ_by_engine_and_version() -> None:
    assert ability_of("mongodb", (6, 0, 0)).indexes.unique_in_place
    assert not ability_of("mongodb", (5, 0, 9)).indexes.unique_in_place
    assert not ability_of("documentdb", (8, 0, 0)).indexes.hide and ability_of("documentdb", (8, 0, 1)).indexes.hide
    assert ability_of("documentdb", (5, 0, 2)).indexes.hide
    assert not ability_of("documentdb", (8, 0, 1)).indexes.side_by_side


def refused_by(profile: str, *declared: dict[str, t.Any]) -> list[tuple[str, str]]:
    problems = Problems()
    specs = read_collections(list(declared), "d", problems)
    assert problems.found == []
    check_profile(profile, "d", specs, problems)
    return [(problem.path, problem.text) for problem in problems.found]


FEATURES: list[tuple[dict[str, t.Any], set[str]]] = [
    ({"capped": True, "size": 4096}, {"documentdb-8.0", "documentdb-5.0"}),
    ({"timeseries": {"time_field": "t"}}, {"documentdb-8.0", "documentdb-5.0"}),
    ({"view_on": "x"}, {"documentdb-5.0"}),
    ({"collation": {"locale": "en"}}, {"documentdb-5.0"}),
    ({"collation": {"locale": "simple"}}, set()),
    ({"validator": {"$jsonSchema": {}}}, set()),
    ({"indexes": [{"keys": {"a": "hashed"}}]}, {"documentdb-8.0", "documentdb-5.0"}),
    ({"indexes": [{"keys": {"a": "2dsphere"}}]}, set()),
    ({"indexes": [{"keys": {"a": "text"}}]}, set()),
    (
        {"indexes": [{"keys": {"a": 1, "$**": 1}, "wildcard_projection": {"b": 1}}]},
        {"mongodb-6.0", "documentdb-8.0", "documentdb-5.0"},
    ),
    (
        {"indexes": [{"keys": {"a": 1}, "partial_filter_expression": {"$or": [{"a": 1}, {"b": 1}]}}]},
        {"documentdb-8.0", "documentdb-5.0"},
    ),
    ({"indexes": [{"keys": {"a": 1}, "partial_filter_expression": {"$and": [{"a": 1}, {"b": {"$gt": 1}}]}}]}, set()),
    (
        {"indexes": [{"keys": {"a": 1}}, {"keys": {"a": 1}, "unique": True, "name": "u"}]},
        {"documentdb-8.0", "documentdb-5.0"},
    ),
]


@pytest.mark.parametrize(("declared", "lacking"), FEATURES)
def test_what_a_profile_cannot_do(declared: dict[str, t.Any], lacking: set[str]) -> None:
    collection = {"name": "c", **declared}
    for profile in ("mongodb-7.0", "mongodb-6.0", "documentdb-8.0", "documentdb-5.0"):
        assert bool(refused_by(profile, collection)) == (profile in lacking), profile
    assert bool(refused_by("portable", collection)) == bool(lacking)


def test_names_that_are_too_long_for_documentdb() -> None:
    declared = {"name": "c", "indexes": [{"keys": {"a": 1}, "name": "x" * 254}]}
    assert refused_by("mongodb-7.0", declared) == []
    assert "longer than the 255 bytes" in refused_by("documentdb-5.0", declared)[0][1]


def test_duplicates_are_looked_for_as_the_index_would_see_them() -> None:
    pipeline = duplicates_pipeline({"key": {"a": 1, "b.c": 1}, "sparse": True, "partialFilterExpression": {"d": 1}})
    assert pipeline[0] == {"$match": {"d": 1}} and pipeline[-1] == {"$limit": 5}
    assert {"$match": {"$or": [{"a": {"$exists": True}}, {"b.c": {"$exists": True}}]}} in pipeline


def options(**given: t.Any) -> dict[str, t.Any]:
    defaults = {name: spec.get("default") for name, spec in connection_argument_spec().items()}
    return {**defaults, **given}


def test_parameters_of_a_connection() -> None:
    hosts, parameters = client_parameters(options(login_user="u", login_password="p", connect_timeout=3))
    assert hosts == ["localhost:27017"]
    assert parameters == {
        "serverSelectionTimeoutMS": 3000, "connectTimeoutMS": 3000, "w": "majority", "readConcernLevel": "majority",
        "username": "u", "password": "p", "authSource": "admin", "directConnection": True,
    }  # fmt: skip
    hosts, parameters = client_parameters(options(login_host="a, b:1", replica_set="rs"))
    assert hosts == ["a:27017", "b:1"] and parameters["replicaSet"] == "rs" and "directConnection" not in parameters
    _hosts, parameters = client_parameters(options(connection_options={"RETRYWRITES": False, "W": 1}))
    assert parameters["RETRYWRITES"] is False and parameters["W"] == 1 and "w" not in parameters
    _hosts, parameters = client_parameters(options(auth_mechanism="MONGODB-X509", login_password="p", ssl=True))
    assert "password" not in parameters and "authSource" not in parameters and parameters["tls"] is True


def test_a_password_among_the_other_options_is_refused() -> None:
    with pytest.raises(GroundworkError, match="connection_options holds Password") as refused:
        client_parameters(options(connection_options={"Password": "hush"}))
    assert "login_password" in refused.value.message and "hush" not in refused.value.message


@pytest.mark.parametrize(
    "uri",
    ["mongodb://u:p@h:1,i:2/db?w=1", "mongodb://u:p/w@x@h:1,i:2/?a=b", "mongodb://h:1,i:2", "mongodb://h:1,i:2?x=y"],
)
def test_an_address_never_holds_credentials(uri: str) -> None:
    assert server_address(options(login_uri=uri)) == "h:1,i:2"


def test_a_problem_carries_all_paths() -> None:
    with pytest.raises(GroundworkError) as caught:
        plan([{"name": "c", "indexes": [{"keys": {"$a": 1}}, {"keys": {"a": 0}}]}])
    assert [problem["path"] for problem in caught.value.details["problems"]] == [
        "collections[0].indexes[0].keys.$a",
        "collections[0].indexes[1].keys.a",
    ]
