"""How many connections pools can add up to."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration import capacity
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration.declared import (
    Database,
    User,
    Wanted,
)


def wanted(databases: dict[str, dict[str, str]], users: dict[str, dict[str, str]], **settings: str) -> Wanted:
    expected = {name: options.pop("expected_users", None) for name, options in databases.items()}
    return Wanted(
        version=(1, 25, 2),
        processes=2,
        listen_addresses=("127.0.0.1",),
        listen_port=6432,
        settings=settings,
        databases=tuple(
            Database(name, options, int(expected[name] or 0) if expected[name] else None)
            for name, options in databases.items()
        ),
        users=tuple(User(name, "secret", options=options) for name, options in users.items()),
        rules=(),
    )


@pytest.mark.parametrize(
    ("databases", "users", "settings", "per_process"),
    [
        ({"a": {}}, {"u": {}}, {}, 20),
        ({"a": {}}, {"u": {}, "v": {}}, {}, 40),
        ({"a": {}, "b": {}}, {"u": {}, "v": {}}, {}, 80),
        ({"a": {"pool_size": "5"}}, {"u": {}, "v": {}}, {}, 10),
        ({"a": {"pool_size": "5", "reserve_pool_size": "2"}}, {"u": {}, "v": {}}, {}, 14),
        ({"a": {"pool_size": "5", "reserve_pool": "2"}}, {"u": {}}, {}, 7),
        ({"a": {"pool_size": "5"}}, {"u": {"pool_size": "9"}, "v": {}}, {}, 14),
        ({"a": {"max_db_connections": "30"}}, {"u": {}, "v": {}}, {}, 30),
        ({"a": {}, "b": {}}, {"u": {}, "v": {}}, {"max_db_connections": "15"}, 30),
        ({"a": {}, "b": {}}, {"u": {}, "v": {}}, {"max_user_connections": "12"}, 24),
        ({"a": {}, "b": {}}, {"u": {"max_user_connections": "3"}, "v": {}}, {}, 43),
        ({"a": {"user": "forced"}}, {"u": {}, "v": {}}, {}, 20),
        ({"a": {"pool_size": "0", "max_db_connections": "8"}}, {"u": {}}, {}, 8),
        ({"a": {"expected_users": "3"}}, {"asker": {}}, {"auth_user": "asker"}, 80),
        ({"a": {"max_db_connections": "25"}}, {"asker": {}}, {"auth_user": "asker"}, 25),
        # The launch seed: 100 a pool, 50 in reserve, at most 100 a database and 100 a user.
        (
            {"launch": {}},
            {"launch": {}},
            {
                "default_pool_size": "100",
                "reserve_pool_size": "50",
                "max_db_connections": "100",
                "max_user_connections": "100",
            },
            100,
        ),
    ],
)
def test_bound(databases: t.Any, users: t.Any, settings: t.Any, per_process: int) -> None:
    (demand,) = capacity.demands(wanted(databases, users, **settings), hosts=3)
    assert demand.per_process == per_process
    assert demand.most == per_process * 2 * 3


@pytest.mark.parametrize(
    ("databases", "users", "settings", "reason"),
    [
        ({"*": {}}, {"u": {}}, {}, "any number of databases"),
        ({"a": {"pool_size": "0"}}, {"u": {}}, {}, "size 0"),
        ({"a": {}}, {"asker": {}}, {"auth_user": "asker"}, "any number of users"),
    ],
)
def test_unbounded_is_refused_where_the_server_is_known(
    databases: t.Any, users: t.Any, settings: t.Any, reason: str
) -> None:
    description = wanted(databases, users, **settings)
    assert capacity.check(description, 1, [])[0]["most_connections"] is None
    with pytest.raises(GroundworkError, match=reason):
        capacity.check(description, 1, [capacity.Server("", 5432, 100, 10)])


def test_servers_are_counted_apart() -> None:
    description = wanted({"a": {"host": "one"}, "b": {"host": "two", "port": "5433"}}, {"u": {}})
    found = capacity.check(description, 1, [capacity.Server("one", 5432, 50, 10), capacity.Server("two", 5433, 51, 10)])
    assert [(entry["server"], entry["left"]) for entry in found] == [("one:5432", 0), ("two:5433", 1)]
    with pytest.raises(GroundworkError, match="At most 19 a process"):
        capacity.check(description, 1, [capacity.Server("one", 5432, 49, 10)])
