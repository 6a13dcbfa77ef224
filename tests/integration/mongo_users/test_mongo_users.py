"""mongo_users through the real module against a real mongod: what it changes, and what it leaves."""

from __future__ import annotations

import json
import signal
import typing as t
import uuid

import pymongo.errors
import pytest
from kill_points import MONGODB_MESSAGES, KillPoint

Run = t.Callable[..., dict[str, t.Any]]
FIRST, SECOND = "first-Secret-canary-1", "second-Secret-canary-2"


@pytest.fixture
def suffix() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture
def accounts(mongod_server: t.Any, suffix: str) -> t.Iterator[t.Any]:
    """A client of the superuser; whatever a test makes is dropped after it."""
    with mongod_server.client() as client:
        yield client
        users = client.admin.command({"usersInfo": {"forAllDBs": True}})["users"]
        for user in users:
            if user["user"] != mongod_server.superuser:
                client[user["db"]].command("dropUser", user["user"])
        for role in list(client.admin["system.roles"].find({}, {"role": 1, "db": 1})):
            client[role["db"]].command("dropRole", role["role"])


@pytest.fixture
def users(run_module: Run, mongod_server: t.Any, accounts: t.Any) -> Run:
    """Runs the module as the superuser."""

    def run(check: bool = False, diff: bool = False, **options: t.Any) -> dict[str, t.Any]:
        return run_module("mongo_users", {**mongod_server.login, **options}, check=check, diff=diff)

    return run


def everything(client: t.Any) -> str:
    """All users with their credentials and all roles, as text: equal before and after exactly when nothing changed."""
    found = client.admin.command({"usersInfo": {"forAllDBs": True}, "showCredentials": True})["users"]
    roles = list(client.admin["system.roles"].find({}))
    return json.dumps([found, roles], default=str, sort_keys=True)


def user_info(client: t.Any, name: str, database: str = "admin") -> dict[str, t.Any]:
    asked = {"usersInfo": [{"user": name, "db": database}], "showAuthenticationRestrictions": True}
    return client.admin.command(asked)["users"][0]


def can_log_in(server: t.Any, name: str, password: str, **options: t.Any) -> bool:
    with server.client(name, password, **options) as client:
        try:
            client.admin.command("ping")
        except pymongo.errors.OperationFailure as error:
            assert error.code == 18
            return False
        return True


CREDFORGE: dict[str, t.Any] = {
    "name": "credforge_user",
    "password": FIRST,
    "roles": [{"role": "readWrite", "db": "cred_forge_db"}],
}


def test_user_is_created_and_a_second_run_changes_nothing(users: Run, accounts: t.Any, mongod_server: t.Any) -> None:
    made = users(users=[CREDFORGE], diff=True)
    assert made["changed"] and [(a["action"], a["kind"], a["name"]) for a in made["actions"]] == [
        ("create", "user", "credforge_user@admin")
    ]
    assert made["server_version"] == mongod_server.version
    info = user_info(accounts, "credforge_user")
    assert info["mechanisms"] == ["SCRAM-SHA-256"]
    assert info["roles"] == [{"role": "readWrite", "db": "cred_forge_db"}]
    assert can_log_in(mongod_server, "credforge_user", FIRST)
    before = everything(accounts)
    again = users(users=[CREDFORGE], diff=True)
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    assert again["password_checks"] == {"credforge_user@admin": "stored_key"}
    assert everything(accounts) == before


def test_check_mode_promises_what_a_run_does_and_writes_nothing(users: Run, accounts: t.Any) -> None:
    before = everything(accounts)
    promised = users(users=[CREDFORGE], check=True, diff=True)
    assert everything(accounts) == before
    done = users(users=[CREDFORGE], diff=True)
    for name in ("changed", "actions", "diff"):
        assert promised[name] == done[name]
    assert '"readWrite"' in done["diff"][0]["after"] and done["diff"][0]["before"] == ""


def test_check_mode_for_an_empty_server_does_not_connect(run_module: Run) -> None:
    unreachable = {"login_host": "127.0.0.1", "login_port": 1, "connect_timeout": 1}
    promised = run_module("mongo_users", {**unreachable, "users": [CREDFORGE], "assume_empty": True}, check=True)
    assert promised["changed"] and promised["actions"][0]["name"] == "credforge_user@admin"
    really = run_module("mongo_users", {**unreachable, "users": [CREDFORGE], "assume_empty": True})
    assert really["failed"] and "No server that takes writes was found" in really["msg"]


def test_password_changes_and_nothing_else(users: Run, accounts: t.Any, mongod_server: t.Any) -> None:
    users(users=[CREDFORGE])
    before = user_info(accounts, "credforge_user")
    changed = users(users=[{**CREDFORGE, "password": SECOND}], diff=True)
    assert [a["action"] for a in changed["actions"]] == ["alter"]
    assert json.loads(changed["actions"][0]["statement"]) == {
        "updateUser": "credforge_user",
        "pwd": "********",
        "mechanisms": ["SCRAM-SHA-256"],
    }
    assert "another one" in changed["diff"][0]["before"] and "the declared one" in changed["diff"][0]["after"]
    assert user_info(accounts, "credforge_user") == before
    assert can_log_in(mongod_server, "credforge_user", SECOND) and not can_log_in(
        mongod_server, "credforge_user", FIRST
    )
    assert not users(users=[{**CREDFORGE, "password": SECOND}])["changed"]


def test_open_session_survives_a_new_password(users: Run, accounts: t.Any, mongod_server: t.Any) -> None:
    users(users=[CREDFORGE])
    with mongod_server.client("credforge_user", FIRST, maxPoolSize=1) as session:
        session.cred_forge_db.things.insert_one({"n": 1})
        users(users=[{**CREDFORGE, "password": SECOND}])
        session.cred_forge_db.things.insert_one({"n": 2})
        assert session.cred_forge_db.things.count_documents({}) == 2
    accounts.drop_database("cred_forge_db")
    assert not can_log_in(mongod_server, "credforge_user", FIRST)


@pytest.mark.parametrize("mechanisms", [["SCRAM-SHA-1"], ["SCRAM-SHA-256"], ["SCRAM-SHA-256", "SCRAM-SHA-1"]])
@pytest.mark.parametrize("password", ["plain", "Ünïcode ª Ⅸ", "a:b@c/d?e%f#g", " lead and trail ", "soft\u00adhyphen"])
def test_password_of_a_user_made_by_the_server_is_recognised(
    users: Run, accounts: t.Any, mechanisms: list[str], password: str
) -> None:
    accounts.admin.command("createUser", "by_hand", pwd=password, roles=[], mechanisms=mechanisms)
    before = everything(accounts)
    same = users(users=[{"name": "by_hand", "password": password}])
    assert not same["changed"] and same["password_checks"] == {"by_hand@admin": "stored_key"}
    other = users(users=[{"name": "by_hand", "password": password + "!"}], check=True)
    assert other["changed"]
    assert everything(accounts) == before


def test_what_is_unset_is_untouched(users: Run, accounts: t.Any) -> None:
    accounts.admin.command(
        "createUser",
        "kept",
        pwd=FIRST,
        roles=["read"],
        mechanisms=["SCRAM-SHA-1"],
        customData={"team": "risk"},
        authenticationRestrictions=[{"clientSource": ["127.0.0.1"]}],
    )
    before = everything(accounts)
    assert not users(users=[{"name": "kept"}])["changed"]
    assert not users(users=[{"name": "kept", "password": SECOND, "update_password": "on_create"}])["changed"]
    assert everything(accounts) == before
    users(users=[{"name": "kept", "custom_data": {}}])
    after = user_info(accounts, "kept")
    assert after["customData"] == {} and after["roles"] == [{"role": "read", "db": "admin"}]
    assert after["authenticationRestrictions"] == [{"clientSource": ["127.0.0.1"]}]


@pytest.mark.parametrize(
    "written",
    [
        {"$date": "2024-01-01T00:00:00+01:00"},
        {"$date": "2024-01-01T00:00:00Z"},
        {"$date": {"$numberLong": "1704067200000"}},
        {"$numberLong": "5000000000"},
        {"$numberInt": "7"},
        {"$numberDouble": "0.5"},
        {"$numberDecimal": "0.10"},
        {"$oid": "65920080ffffffffffffffff"},
        {"$binary": {"base64": "AQID", "subType": "00"}},
        {"$uuid": "3b241101-e2bb-4255-8caf-4136c566a962"},
        {"$regularExpression": {"pattern": "^a", "options": "si"}},
        {"$timestamp": {"t": 1, "i": 2}},
    ],
    ids=lambda written: str(next(iter(written))),
)
def test_custom_data_converges_in_every_spelling_of_extended_json(users: Run, written: t.Any) -> None:
    described = {"name": "spelled", "password": FIRST, "custom_data": {"value": written, "list": [written]}}
    assert users(users=[described], check=True)["changed"]
    assert users(users=[described])["changed"]
    assert users(users=[described])["actions"] == []


def test_malformed_custom_data_is_named_by_its_user(users: Run, accounts: t.Any) -> None:
    broken = {"name": "broken", "password": FIRST, "custom_data": {"since": {"$date": "yesterday"}}}
    refused = users(users=[{"name": "whole", "password": FIRST}, broken])
    assert refused["failed"] and "A value in Extended JSON is malformed" in refused["msg"]
    assert "where: users[1].custom_data" in refused["msg"]
    assert not accounts.admin.command({"usersInfo": "whole"})["users"]


def test_sets_are_exact_and_their_order_means_nothing(users: Run, accounts: t.Any) -> None:
    full = {
        **CREDFORGE,
        "roles": [{"role": "read", "db": "b"}, {"role": "readWrite", "db": "a"}],
        "mechanisms": ["SCRAM-SHA-256", "SCRAM-SHA-1"],
        "authentication_restrictions": [
            {"client_source": ["127.0.0.0/8", "10.0.0.0/8"]},
            {"server_address": ["127.0.0.1"]},
        ],
        "custom_data": {"team": "risk", "cost": {"center": 7, "share": 0.5}},
    }
    assert users(users=[full])["changed"]
    turned = {
        **full,
        "roles": full["roles"][::-1],
        "mechanisms": full["mechanisms"][::-1],
        "authentication_restrictions": [
            {"serverAddress": ["127.0.0.1"]},
            {"clientSource": ["10.0.0.0/8", "127.0.0.0/8"]},
        ],
        "custom_data": {"cost": {"share": 0.5, "center": 7.0}, "team": "risk"},
    }
    assert not users(users=[turned])["changed"]
    less = users(
        users=[
            {
                "name": "credforge_user",
                "roles": [{"role": "read", "db": "b"}],
                "mechanisms": ["SCRAM-SHA-1"],
                "authentication_restrictions": [],
            }
        ]
    )
    assert json.loads(less["actions"][0]["statement"]) == {
        "updateUser": "credforge_user",
        "roles": [{"role": "read", "db": "b"}],
        "mechanisms": ["SCRAM-SHA-1"],
        "authenticationRestrictions": [],
    }
    info = user_info(accounts, "credforge_user")
    assert (info["roles"], info["mechanisms"]) == ([{"role": "read", "db": "b"}], ["SCRAM-SHA-1"])


def test_mechanism_is_added_only_with_the_password(users: Run, accounts: t.Any, mongod_server: t.Any) -> None:
    users(users=[CREDFORGE])
    before = everything(accounts)
    both = ["SCRAM-SHA-1", "SCRAM-SHA-256"]
    refused = users(users=[{"name": "credforge_user", "mechanisms": both}])
    assert refused["failed"] and "users[0].mechanisms" in refused["msg"] and "SCRAM-SHA-1" in refused["msg"]
    assert everything(accounts) == before
    assert users(users=[{**CREDFORGE, "mechanisms": both}])["changed"]
    assert can_log_in(mongod_server, "credforge_user", FIRST, authMechanism="SCRAM-SHA-1")
    assert not users(users=[{**CREDFORGE, "mechanisms": both}])["changed"]


def test_custom_roles_come_before_the_users_that_have_them(users: Run, accounts: t.Any) -> None:
    roles = [
        {
            "name": "operator",
            "roles": [{"role": "log_writer"}, {"role": "read", "db": "cred_forge_db"}],
            "privileges": [{"resource": {"cluster": True}, "actions": ["serverStatus"]}],
        },
        {
            "name": "log_writer",
            "privileges": [
                {"resource": {"db": "cred_forge_db", "collection": "logs"}, "actions": ["insert", "find"]},
            ],
            "authentication_restrictions": [{"client_source": ["127.0.0.1"]}],
        },
    ]
    holder = {"name": "op", "password": FIRST, "roles": [{"role": "operator"}]}
    made = users(roles=roles, users=[holder])
    assert [a["name"] for a in made["actions"]] == ["log_writer@admin", "operator@admin", "op@admin"]
    before = everything(accounts)
    same = [
        {**roles[0], "roles": roles[0]["roles"][::-1]},
        {
            "name": "log_writer",
            "privileges": [
                {"resource": {"collection": "logs", "db": "cred_forge_db"}, "actions": ["find"]},
                {"resource": {"db": "cred_forge_db", "collection": "logs"}, "actions": ["insert"]},
            ],
        },
    ]
    assert not users(roles=same, users=[holder])["changed"]
    assert everything(accounts) == before
    fewer = users(
        roles=[
            {
                "name": "log_writer",
                "privileges": [
                    {"resource": {"db": "cred_forge_db", "collection": "logs"}, "actions": ["insert"]},
                ],
            }
        ],
        diff=True,
    )
    assert [a["action"] for a in fewer["actions"]] == ["alter"]
    assert '"find"' in fewer["diff"][0]["before"] and '"find"' not in fewer["diff"][0]["after"]


def test_absent_drops_users_before_roles_and_is_idempotent(users: Run, accounts: t.Any) -> None:
    users(
        roles=[{"name": "temporary", "privileges": []}],
        users=[{"name": "op", "password": FIRST, "roles": [{"role": "temporary"}]}],
    )
    gone = {"roles": [{"name": "temporary", "state": "absent"}], "users": [{"name": "op", "state": "absent"}]}
    dropped = users(**gone)
    assert [(a["action"], a["name"]) for a in dropped["actions"]] == [("drop", "op@admin"), ("drop", "temporary@admin")]
    assert not users(**gone)["changed"]


def test_unmanaged_is_reported_and_only_dropped_on_request(users: Run, accounts: t.Any, mongod_server: t.Any) -> None:
    for name in ("legacy", "dba_anna"):
        accounts.admin.command("createUser", name, pwd=FIRST, roles=[])
    accounts.cred_forge_db.command("createUser", "inner", pwd=FIRST, roles=[])
    accounts.admin.command("createRole", "old_role", privileges=[], roles=[])
    reported = users(users=[CREDFORGE])
    assert reported["unmanaged"] == {
        "users": ["dba_anna@admin", "inner@cred_forge_db", "legacy@admin"],
        "roles": ["old_role@admin"],
    }
    assert users(users=[CREDFORGE], unmanaged="ignore")["unmanaged"] == {"users": [], "roles": []}
    options = {"users": [CREDFORGE], "unmanaged": "drop", "protected": ["dba_*", "inner@cred_forge_db"]}
    before = everything(accounts)
    promised = users(**options, check=True)
    assert [a["name"] for a in promised["actions"]] == ["legacy@admin", "old_role@admin"]
    assert everything(accounts) == before
    assert users(**options)["actions"] == promised["actions"]
    left = {u["user"] for u in accounts.admin.command({"usersInfo": {"forAllDBs": True}})["users"]}
    assert left == {mongod_server.superuser, "credforge_user", "dba_anna", "inner"}
    assert not users(**options)["changed"]


def test_certificate_user_needs_no_password(users: Run, accounts: t.Any) -> None:
    subject = {
        "name": "CN=reporting,O=Example",
        "database": "$external",
        "roles": [{"role": "read", "db": "cred_forge_db"}],
    }
    assert users(users=[subject])["changed"]
    assert not users(users=[subject])["changed"]
    accounts["$external"].command("dropUser", subject["name"])


def test_user_in_another_database(users: Run, accounts: t.Any) -> None:
    inner = {"name": "inner", "database": "cred_forge_db", "password": FIRST, "roles": [{"role": "readWrite"}]}
    assert users(users=[inner])["changed"]
    assert user_info(accounts, "inner", "cred_forge_db")["roles"] == [{"role": "readWrite", "db": "cred_forge_db"}]
    assert not users(users=[inner])["changed"]


BAD = {
    "no password for a new user": (
        {"users": [CREDFORGE, {"name": "new"}]},
        "users[1].password: new@admin does not exist yet",
    ),
    "unknown role": (
        {"users": [CREDFORGE, {"name": "new", "password": FIRST, "roles": [{"role": "raedWrite", "db": "x"}]}]},
        "users[1].roles: there is no role raedWrite@x",
    ),
    "empty password": ({"users": [{"name": "new", "password": ""}]}, "users[0].password: the password is empty"),
    "control character": (
        {"users": [{"name": "new", "password": "a\x01b"}]},
        "users[0].password: SCRAM-SHA-256 refuses",
    ),
    "emoji": ({"users": [{"name": "new", "password": "😀"}]}, "such as emoji"),
    "twice": ({"users": [CREDFORGE, CREDFORGE]}, "users[1]: credforge_user@admin is already declared by users[0]"),
    "role cycle": (
        {"roles": [{"name": "a", "roles": [{"role": "b"}]}, {"name": "b", "roles": [{"role": "a"}]}]},
        "roles: a@admin inherits itself",
    ),
    "resource": (
        {"roles": [{"name": "a", "privileges": [{"resource": {"database": "x"}, "actions": ["find"]}]}]},
        "roles[0].privileges[0].resource: a resource is",
    ),
    "built-in role": ({"roles": [{"name": "root", "privileges": []}]}, "root is a role that the server brings along"),
    "own user": ({"users": [{"name": "admin", "state": "absent"}]}, "admin@admin is the user of this very session"),
    "unknown option": ({"users": [{"name": "x", "pasword": "y"}]}, "Unsupported parameters"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_before_the_first_write(users: Run, accounts: t.Any, case: str) -> None:
    options, message = BAD[case]
    before = everything(accounts)
    refused = users(**options)
    assert refused.get("failed") and message in refused["msg"], refused
    assert everything(accounts) == before


def test_refusal_by_the_server_names_the_user_and_what_is_done(users: Run, accounts: t.Any) -> None:
    options = {
        "users": [CREDFORGE],
        "roles": [
            {
                "name": "a",
                "database": "x",
                "privileges": [{"resource": {"db": "y", "collection": ""}, "actions": ["find"]}],
            }
        ],
    }
    refused = users(**options)
    assert refused["failed"] and refused["error_code"] == "SERVER_REFUSED"
    assert (
        "The server refuses to create the role a@x" in refused["msg"] and "0 steps before it are done" in refused["msg"]
    )


def test_wrong_login_password_is_one_clear_error(run_module: Run, mongod_server: t.Any, accounts: t.Any) -> None:
    before = everything(accounts)
    login = {**mongod_server.login, "login_password": "wrong-Login-canary-3"}
    refused = run_module("mongo_users", {**login, "users": [CREDFORGE]})
    assert refused["failed"] and "The server refuses the login" in refused["msg"]
    assert "canary" not in refused.output  # type: ignore[attr-defined]
    assert everything(accounts) == before


def test_without_the_privilege_to_see_users_nothing_is_tried(
    run_module: Run, mongod_server: t.Any, accounts: t.Any
) -> None:
    accounts.admin.command("createUser", "limited", pwd=FIRST, roles=[])
    accounts.admin.command("createUser", "app", pwd=SECOND, roles=[])
    before = everything(accounts)
    own = {**mongod_server.login, "login_user": "limited", "login_password": FIRST}
    cannot = run_module("mongo_users", {**own, "users": [{"name": "app", "password": SECOND}]})
    assert cannot["failed"] and cannot["error_code"] == "CANNOT_READ_USERS" and "viewUser" in cannot["msg"]
    assert everything(accounts) == before


MANY = {
    "roles": [{"name": f"role_{n}", "privileges": []} for n in range(10)],
    "users": [{"name": f"user_{n}", "password": FIRST, "roles": [{"role": f"role_{n % 10}"}]} for n in range(40)],
}


def test_two_runs_at_once_end_with_the_declared_state(
    users: Run, start_module: t.Any, mongod_server: t.Any, accounts: t.Any
) -> None:
    runs = [start_module("mongo_users", {**mongod_server.login, **MANY}) for _number in range(3)]
    outputs = [process.communicate(timeout=120)[0] for process in runs]
    assert [process.returncode for process in runs] == [0, 0, 0], outputs
    assert not users(**MANY, check=True)["changed"]


def test_killed_run_is_completed_by_the_next(
    users: Run, start_module: t.Any, mongod_server: t.Any, accounts: t.Any
) -> None:
    # One message for each of the fifty, after those of the login and of the look at what there is.
    point = KillPoint(MONGODB_MESSAGES, 40)
    process = start_module("mongo_users", {**mongod_server.login, **MANY}, kill_point=point)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = users(**MANY)
    assert 0 < len(done["actions"]) < 50
    assert not users(**MANY)["changed"]
