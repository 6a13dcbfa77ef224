# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From any set of indexes to any other: one run gets there, the server refuses no step, the next has nothing to do."""

from __future__ import annotations

import typing as t

import pymongo.errors
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems
from ansible_collections.groundwork.databases.plugins.module_utils._mongo import api
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections.declared import read_collections
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections.plan import Ability, Policy
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections.run import Settings, reconcile
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.connection import connection_argument_spec
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.indexes import policy
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.profiles.ability import ability_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

DATABASE = "convergence"
flags = st.sampled_from([True, False])
ordinary = st.fixed_dictionaries(
    {"keys": st.sampled_from([{"a": 1}, {"a": -1}, {"a": 1, "b": 1}, {"b": 1}])},
    optional={
        "name": st.sampled_from(["a_1", "b_1", "n", "m", "a_1__sparse"]),
        "unique": flags,
        "hidden": flags,
        "sparse": flags,
        "collation": st.sampled_from([{"locale": "en"}, {"locale": "simple"}]),
        "prepare_unique": flags,
    },
)
expiring = st.fixed_dictionaries(
    {"keys": st.sampled_from([{"a": 1}, {"b": 1}])},
    optional={"expire_after_seconds": st.sampled_from([90000, 99999]), "name": st.sampled_from(["n", "a_1"])},
)
special = st.sampled_from(
    [
        {"keys": {"t": "text"}},
        {"keys": {"t": "text"}, "weights": {"t": 2}},
        {"keys": {"a": 1, "t": "text"}, "name": "n"},
        {"keys": {"$**": 1}},
        {"keys": {"$**": 1}, "wildcard_projection": {"a": 1}},
        {"keys": {"$**": 1}, "wildcard_projection": {"a": 1}, "name": "n"},
        {"keys": {"g": "2dsphere"}, "sparse": True},
        {"keys": {"g": "2dsphere"}},
        {"keys": {"a": "hashed"}},
        {"keys": {"p": "2d"}, "bits": 20},
        {"keys": {"p": "2d"}},
    ]
)
index_sets = st.lists(st.one_of(ordinary, expiring, special), max_size=4)


@pytest.fixture(scope="module")
def server(mongod_server: t.Any) -> t.Iterator[api.Server]:
    options = {name: spec.get("default") for name, spec in connection_argument_spec().items()}
    opened = api.connect({**options, **mongod_server.login})
    yield opened
    opened.client.drop_database(DATABASE)
    opened.close()


def settings_for(
    server: api.Server, indexes: list[dict[str, t.Any]], *, unmanaged: str = "drop", ability: Ability | None = None
) -> Settings | None:
    """``None`` for a set that is refused as such, like two indexes of one name."""
    problems = Problems()
    specs = read_collections([{"name": "subject", "indexes": indexes}], DATABASE, problems)
    if problems:
        return None
    return Settings(
        database=DATABASE,
        specs=specs,
        ability=ability or ability_of(server.facts.engine, server.facts.version),
        policy=Policy(indexes=policy.Policy(unmanaged=unmanaged, allow_rebuild=True)),
        check_only=False,
        check_seconds=10,
        accept_violations=False,
        wait_seconds=5,
        log=print,
    )


def live_names(server: api.Server) -> set[str]:
    rows = server.client[DATABASE].command({"listIndexes": "subject"})["cursor"]["firstBatch"]
    return {row["name"] for row in rows} - {"_id_"}


def reset(server: api.Server) -> None:
    collection = server.client[DATABASE].subject
    try:
        server.client[DATABASE].command({"dropIndexes": "subject", "index": "*"})
    except pymongo.errors.OperationFailure:
        collection.insert_many({"a": number, "b": number, "t": "x", "p": [1, 2]} for number in range(10))


abilities = st.sampled_from(
    [
        None,
        # What an older server and Amazon DocumentDB leave; MongoDB can do all that they can.
        ability_of("mongodb", (5, 0)),
        ability_of("documentdb", (5, 0, 0)),
    ]
)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(before=index_sets, after=index_sets, ability=abilities)
def test_one_run_gets_there_and_the_next_has_nothing_to_do(
    server: api.Server, before: list[dict[str, t.Any]], after: list[dict[str, t.Any]], ability: Ability | None
) -> None:
    first, second = settings_for(server, before), settings_for(server, after, ability=ability)
    assume(first is not None and second is not None)
    assert first is not None and second is not None
    reset(server)
    reconcile(server, first)
    try:
        outcome = reconcile(server, second)
    except GroundworkError as error:
        # The one decision that is left to a person: a name that two declarations lay claim to.
        assert error.code == "PLAN_REFUSED" and "give that one a name" in str(error), error
        return
    again = reconcile(server, second)
    assert again.actions == [] and again.changed is False
    declared = [index for index in second.specs[0].indexes or () if index.name != "_id_"]
    assert len(live_names(server)) == len(declared)
    assert {index.name for index in declared if index.named} <= live_names(server)
    assert outcome.changed == bool(outcome.actions)
