"""Users and roles: reading of the declaration and the pure plan, as tables."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.users import declared, documentdb, model, plan

NOBODY: dict[str, list[model.Identity]] = {"users": [], "roles": []}
READ = model.Grant("read", "app")
ANNA = model.Identity("anna", "admin")


def declare(**options: t.Any) -> declared.Declaration:
    checked = ArgumentSpecValidator(declared.argument_spec()).validate(options)
    assert not checked.error_messages, checked.error_messages
    return declared.read(checked.validated_parameters)


def live_user(**fields: t.Any) -> model.LiveUser:
    defaults: dict[str, t.Any] = {
        "identity": ANNA, "roles": frozenset({READ}), "mechanisms": frozenset({"SCRAM-SHA-256"}),
        "restrictions": frozenset(), "custom_data": {},
    }  # fmt: skip
    return model.LiveUser(**{**defaults, **fields})


def commands(
    wanted: declared.Declaration,
    live: model.Live,
    fits: bool = True,
    drop: dict[str, list[model.Identity]] | None = None,
) -> list[dict[str, t.Any]]:
    steps = plan.build_plan(wanted, live, dict.fromkeys(live.users, fits), drop or NOBODY)
    return [t.cast(plan.AccountStep, step).command for step in steps]


KEPT: list[tuple[str, dict[str, t.Any]]] = [
    ("nothing set", {}),
    ("password fits", {"password": "s3cret"}),
    ("same roles", {"roles": [{"role": "read", "db": "app"}]}),
    ("same mechanisms", {"mechanisms": ["SCRAM-SHA-256"]}),
    ("no restrictions", {"authentication_restrictions": []}),
    ("no data", {"custom_data": {}}),
]


@pytest.mark.parametrize(("_case", "fields"), KEPT, ids=[case[0] for case in KEPT])
def test_nothing_to_do(_case: str, fields: dict[str, t.Any]) -> None:
    assert commands(declare(users=[{"name": "anna", **fields}]), model.Live(users={ANNA: live_user()})) == []


CHANGED: list[tuple[dict[str, t.Any], bool, dict[str, t.Any]]] = [
    ({"password": "s3cret"}, False, {"pwd": "s3cret", "mechanisms": ["SCRAM-SHA-256"]}),
    ({"password": "s3cret", "update_password": "on_create"}, False, {}),
    ({"roles": []}, True, {"roles": []}),
    (
        {"roles": [{"role": "b"}, {"role": "a", "db": "app"}]}, True,
        {"roles": [{"role": "a", "db": "app"}, {"role": "b", "db": "admin"}]},
    ),
    (
        {"password": "s3cret", "mechanisms": ["SCRAM-SHA-256", "SCRAM-SHA-1"]}, True,
        {"pwd": "s3cret", "mechanisms": ["SCRAM-SHA-1", "SCRAM-SHA-256"]},
    ),
    ({"custom_data": {"team": "risk"}}, True, {"customData": {"team": "risk"}}),
    (
        {"authentication_restrictions": [{"client_source": ["::1", "10.1.2.3/8"]}]}, True,
        {"authenticationRestrictions": [{"clientSource": ["10.1.2.3/8", "::1"]}]},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "fits", "expected"), CHANGED)
def test_one_command_with_what_differs(fields: dict[str, t.Any], fits: bool, expected: dict[str, t.Any]) -> None:
    sent = commands(declare(users=[{"name": "anna", **fields}]), model.Live(users={ANNA: live_user()}), fits)
    assert sent == ([{"updateUser": "anna", **expected}] if expected else [])


@pytest.mark.parametrize("text", ["localhost", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "10.0.0", "fe80::1%eth0", ""])
def test_a_restriction_to_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(GroundworkError) as refused:
        declare(users=[{"name": "anna", "authentication_restrictions": [{"server_address": ["127.0.0.1", text]}]}])
    assert refused.value.what == (
        f"users[0].authentication_restrictions[0].server_address: {text!r} is neither an address nor a network such as"
        " 192.0.2.0/24"
    )


def test_no_password_in_what_is_shown() -> None:
    wanted = declare(users=[{"name": "anna", "password": "s3cret"}, {"name": "bert", "password": "s3cret"}])
    steps = plan.build_plan(wanted, model.Live(users={ANNA: live_user()}), {ANNA: False}, NOBODY)
    assert len(steps) == 2
    assert "s3cret" not in repr(steps) + str(steps.diff()) + str(steps.actions())
    assert "s3cret" not in repr(wanted)


def test_order_of_steps() -> None:
    """Roles by inheritance, then users with the session's own last, then users before roles that go."""
    me = model.Identity("me", "admin")
    live = model.Live(
        users={me: live_user(identity=me)}, logged_in=frozenset({me}),
        roles={model.Identity("old", "admin"): model.LiveRole(model.Identity("old", "admin"), *[frozenset()] * 3)},
    )  # fmt: skip
    wanted = declare(
        roles=[{"name": "outer", "roles": [{"role": "inner"}]}, {"name": "inner"}, {"name": "old", "state": "absent"}],
        users=[{"name": "me", "password": "new"}, {"name": "anna", "password": "x", "roles": [{"role": "outer"}]}],
    )
    drop = {"users": [model.Identity("stray", "admin")], "roles": []}
    assert [next(iter(command.items())) for command in commands(wanted, live, False, drop)] == [
        ("createRole", "inner"), ("createRole", "outer"), ("createUser", "anna"), ("updateUser", "me"),
        ("dropUser", "stray"), ("dropRole", "old"),
    ]  # fmt: skip


def test_unmanaged_leaves_out_the_session_the_engine_and_the_protected() -> None:
    names = ["me", "__system", "serviceadmin", "anna", "dba_1", "stray"]
    live = model.Live(
        everyone=frozenset(model.Identity(name, "admin") for name in names),
        all_roles=frozenset({model.Identity("r", "app"), model.Identity("s", "app")}),
        logged_in=frozenset({model.Identity("me", "admin")}),
    )
    found = plan.unmanaged(declare(users=[{"name": "anna"}]), live, ["dba_*", "r@app"])
    assert found == {"users": [model.Identity("stray", "admin")], "roles": [model.Identity("s", "app")]}


REFUSED: list[tuple[dict[str, t.Any], str]] = [
    ({"users": [{"name": "new"}]}, "users[0].password: new@admin does not exist yet"),
    ({"users": [{"name": "anna", "mechanisms": ["SCRAM-SHA-1"]}]}, "users[0].mechanisms: the server can only add"),
    (
        {"users": [{"name": "anna", "password": "x", "update_password": "on_create", "mechanisms": ["SCRAM-SHA-1"]}]},
        "users[0].mechanisms: SCRAM-SHA-1 can only be added with the password",
    ),
    ({"users": [{"name": "anna", "state": "absent"}]}, "the user of this very session"),
    ({"users": [{"name": "anna", "roles": [{"role": "nope", "db": "x"}]}]}, "users[0].roles: there is no role nope@x"),
    (
        {"users": [{"name": "anna", "roles": [{"role": "r"}]}], "roles": [{"name": "r", "state": "absent"}]},
        "users[0].roles: the role r@admin is declared absent",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_cannot_be_reached_is_refused(options: dict[str, t.Any], message: str) -> None:
    live = model.Live(users={ANNA: live_user()}, logged_in=frozenset({ANNA}), known_grants=frozenset({READ}))
    with pytest.raises(GroundworkError) as refused:
        commands(declare(**options), live)
    assert message in refused.value.message
    assert refused.value.untouched == "everything; nothing was written"


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(GroundworkError) as refused:
        declare(users=[{"name": "", "password": ""}, {"name": "a", "password": "\x07"}])
    assert [problem["path"] for problem in refused.value.details["problems"]] == [
        "users[0].name", "users[0].password", "users[1].password",
    ]  # fmt: skip


def test_documentdb_keeps_users_in_admin_and_says_what_it_leaves_out() -> None:
    wanted, warnings = documentdb.adapt(
        declare(
            users=[
                {
                    "name": "anna", "database": "app", "password": "x", "mechanisms": ["SCRAM-SHA-256"],
                    "custom_data": {"a": 1}, "roles": [{"role": "read"}],
                },
            ]
        )
    )  # fmt: skip
    assert [warning.partition(":")[0] for warning in warnings] == [
        "users[0]",
        "users[0].mechanisms",
        "users[0].custom_data",
    ]
    assert commands(wanted, model.Live()) == [
        {"createUser": "anna", "pwd": "x", "roles": [{"role": "read", "db": "app"}]},
    ]
    live = model.Live(users={ANNA: live_user(mechanisms=frozenset())})
    assert commands(wanted, live, fits=False) == [{"updateUser": "anna", "pwd": "x"}]


def test_documentdb_refuses_users_that_differ_in_their_database_only() -> None:
    twins = [{"name": "anna", "database": name, "password": "x"} for name in ("a", "b")]
    with pytest.raises(GroundworkError, match="already declared by"):
        documentdb.adapt(declare(users=twins))
