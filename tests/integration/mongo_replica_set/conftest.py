# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replica sets of real mongods, fresh or configured."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from replica_set_subject import QUICK_GREETINGS, Run, arguments
from servers import ReplicaSet, start_together


@pytest.fixture
def make_set() -> t.Iterator[t.Callable[..., ReplicaSet]]:
    """Makes members that are not initiated; they are gone after the test."""
    made = []

    def make(size: int, **options: t.Any) -> ReplicaSet:
        made.append(ReplicaSet(size, **options))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture(scope="session")
def three_members(run_module: Run) -> t.Iterator[ReplicaSet]:
    one = ReplicaSet(3)
    try:
        made = run_module("mongo_replica_set", arguments(one, one.members[0], settings=QUICK_GREETINGS))
        assert not made.get("failed"), made["msg"]
        yield one
    finally:
        one.remove()


@pytest.fixture
def greetings() -> dict[str, int]:
    """How often the members of ``three`` greet each other."""
    return QUICK_GREETINGS


@pytest.fixture
def three(three_members: ReplicaSet, run_module: Run, greetings: dict[str, int]) -> ReplicaSet:
    """A configured set of three, all alike, whatever the test before made of it."""
    alike = {"priority": 1, "votes": 1, "hidden": False, "secondary_delay_secs": 0, "tags": {}}
    members = [{"host": address, **alike} for address in three_members.addresses]
    start_together(member for member in three_members.members if not member.server.is_running())
    settings = {"get_last_error_modes": {}, "election_timeout_millis": 10000, **greetings}
    first = three_members.members[0]
    options = arguments(three_members, first, members=members, purge_members=True, settings=settings)
    made = run_module("mongo_replica_set", {**options, "step_down_primary": True})
    assert not made.get("failed"), made["msg"]
    return three_members
