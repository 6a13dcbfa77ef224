"""The stages of a whole set: from what its members answer, and never to where the description does not lead."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.tls import answer, stages

Stage = stages.Stage
ALL = [Stage(*pair) for pair in itertools.product(stages.MODES, stages.CLUSTER_AUTH_MODES)]
POSSIBLE = [stage for stage in ALL if stages.contradiction(stage) is None]
DISABLED, ALLOW, PREFER, REQUIRE = (Stage(mode, "keyFile") for mode in stages.MODES)


def member(name: str, stage: Stage | None) -> answer.TlsFacts:
    return answer.TlsFacts(name, True, stage is not None and stage != DISABLED, *(stage or ("", "")))


def way(wanted: Stage, *present: Stage | None) -> list[Stage]:
    return answer.way_of_set([member(f"db{number}", stage) for number, stage in enumerate(present)], wanted)


def between(now: Stage, taken: Stage, wanted: Stage) -> bool:
    orders = (stages.MODES, stages.CLUSTER_AUTH_MODES)
    ranks = [[order.index(stage[i]) for stage in (now, taken, wanted)] for i, order in enumerate(orders)]
    return all(min(a, c) <= b <= max(a, c) for a, b, c in ranks)


@pytest.mark.parametrize("wanted", POSSIBLE)
def test_no_answer_of_one_member_weakens_the_others_or_makes_them_skip_a_stage(wanted: Stage) -> None:
    for honest in POSSIBLE:
        own = stages.path(honest, wanted)
        for lie in ALL:
            try:
                taken = way(wanted, honest, lie, honest)
            except GroundworkError as error:
                assert "db1 is at" in error.message and "nothing was written" in error.message
                continue
            assert all(between(honest, stage, wanted) for stage in taken), (honest, lie, taken)
            # A first stage more than one step away would part those that take it first from the others.
            first = [stages.MODES.index(stage.mode) for stage in (honest, taken[0])]
            assert abs(first[0] - first[1]) <= 1 and len(taken) >= len(own) - 1, (honest, lie, taken)


@pytest.mark.parametrize("goal", POSSIBLE)
def test_what_an_interrupted_run_leaves_is_gone_on_with(goal: Stage) -> None:
    """Also when the description has changed meanwhile, and where a member took one half of a stage."""
    for begin in POSSIBLE:
        left = [begin, *stages.path(begin, goal)]
        for before, after in itertools.pairwise(left):
            halves = {Stage(after.mode, before.cluster_auth_mode), Stage(before.mode, after.cluster_auth_mode)}
            for half in {after, *halves} & set(POSSIBLE):
                for wanted in POSSIBLE:
                    taken = way(wanted, before, half, before)
                    assert taken[-1] == wanted
                assert len(way(goal, before, half)) == len(stages.path(before, goal))


@pytest.mark.parametrize(
    ("wanted", "present", "expected"),
    [
        (REQUIRE, [DISABLED, DISABLED], [ALLOW, PREFER, REQUIRE]),
        (REQUIRE, [ALLOW, DISABLED], [ALLOW, PREFER, REQUIRE]),
        (REQUIRE, [REQUIRE, REQUIRE], [REQUIRE]),
        (REQUIRE, [REQUIRE, None], [REQUIRE]),
        (REQUIRE, [], [REQUIRE]),
        (REQUIRE, [None], [REQUIRE]),
        (DISABLED, [REQUIRE, REQUIRE], [PREFER, ALLOW, DISABLED]),
    ],
)
def test_the_way_begins_where_the_members_are(
    wanted: Stage, present: list[Stage | None], expected: list[Stage]
) -> None:
    assert way(wanted, *present) == expected


@pytest.mark.parametrize(
    ("wanted", "present"),
    [(REQUIRE, [REQUIRE, DISABLED, REQUIRE]), (REQUIRE, [DISABLED, REQUIRE]), (DISABLED, [DISABLED, REQUIRE])],
)
def test_members_too_far_apart_are_refused(wanted: Stage, present: list[Stage]) -> None:
    with pytest.raises(GroundworkError) as refused:
        way(wanted, *present)
    assert "too far apart" in refused.value.message and "may be compromised" in refused.value.message
    assert "db1 is at" in refused.value.message and "stop its mongod" in refused.value.message


def test_a_description_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(GroundworkError, match="sends certificates"):
        way(Stage("allowTLS", "x509"))


def test_a_member_that_does_not_run_has_no_stage() -> None:
    stopped = answer.TlsFacts("db1", False, False, "disabled", "keyFile")
    assert answer.way_of_set([stopped, member("db2", REQUIRE)], REQUIRE) == [REQUIRE]
