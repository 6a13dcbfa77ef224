"""Malformed descriptions of applications, each with all that the check says about it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._declared import application, check

FILE = "shop/application.yml"


@pytest.fixture
def folder(tmp_path):
    """An application's folder, with its migrations."""
    for name in ("postgresql", "mongodb"):
        (tmp_path / name).mkdir()
    return tmp_path


def lines(folder, *contents):
    """What the check says of one or several applications that no server of the run holds."""
    names = ["shop", "mail", "desk"]
    read = [
        application.parse(
            name, content if isinstance(content, bytes) else content.encode(), f"{name}/application.yml", str(folder)
        )
        for name, content in zip(names, contents, strict=False)
    ]
    work = check.Check()
    work.files(read)
    for engine in check.ENGINES:
        work.unused(engine, read)
    return work.problems()


def pg(text):
    return "postgresql:\n" + "".join(f"  {line}\n" for line in text.splitlines())


def mongo(text):
    return "mongodb:\n" + "".join(f"  {line}\n" for line in text.splitlines())


CASES = yaml.safe_load(Path(__file__).with_name("malformed_applications.yml").read_text())
ENCODED = [
    (
        "latin-1",
        "# caf\xe9\npostgresql: {}\n",
        "1: the byte 0xE9 is not UTF-8, the file is probably Latin-1; save it as UTF-8",
    ),
    ("latin-1", "a: b\n\n# \xfc\n", "3: the byte 0xFC is not UTF-8, the file is probably Latin-1; save it as UTF-8"),
    ("utf-16", "postgresql: {}\n", "1: the file is UTF-16; save it as UTF-8"),
    ("utf-32", "postgresql: {}\n", "1: the file is UTF-32; save it as UTF-8"),
]


def test_the_table_is_long_and_names_each_case_once():
    names = [case["name"] for case in CASES]
    assert len(names) >= 60 and len(set(names)) == len(names)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_malformed_description_has_its_one_message(folder, case):
    assert lines(folder, case["file"]) == [f"{FILE}:{case['message']}"]


@pytest.mark.parametrize(("encoding", "text", "message"), ENCODED)
def test_a_file_in_another_encoding_is_refused_by_name(folder, encoding, text, message):
    assert lines(folder, text.encode(encoding)) == [f"{FILE}:{message}"]


def test_a_folder_of_migrations_that_is_not_there_is_named(folder):
    content = pg(
        "databases: [{name: shop}]\nmigrations:\n  - database: shop\n    locations:\n      - postgresql\n      - sql"
    )
    assert lines(folder, content) == [
        f"{FILE}:7: postgresql.migrations[0].locations[1]: there is no folder {folder}/sql; relative ones begin next to"
        " the application.yml"
    ]


def test_all_problems_are_reported_in_the_order_of_their_lines(folder):
    content = "redis: {}\npostgresql:\n  role: []\n  roles: [{name: a, login: 1}]\nmongodb: []\n"
    assert [line.split(":")[1] for line in lines(folder, content)] == ["1", "3", "4", "5"]


def test_what_stands_under_a_wrong_key_is_not_called_undeclared(folder):
    content = pg("role: [{name: shop_owner}]\ndatabases: [{name: shop, owner: shop_owner}]")
    assert lines(folder, content) == [f"{FILE}:2: postgresql.role: unknown key, did you mean roles?"]


def test_one_server_cannot_hold_the_same_database_for_two_applications(folder):
    assert lines(folder, pg("databases: [{name: a}]"), pg("roles: []\ndatabases: [{name: a}]")) == [
        "mail/application.yml:3: postgresql.databases[0]: the application shop already declares the database a,"
        f" in {FILE}:2"
    ]


def test_one_server_cannot_hold_the_same_user_for_two_applications(folder):
    assert lines(folder, mongo("users: [{name: a}]"), mongo("users: [{name: a, roles: []}]")) == [
        f"mail/application.yml:2: mongodb.users[0]: the application shop already declares the user a@admin, in {FILE}:2"
    ]


@pytest.mark.parametrize(
    "given", [("[{name: r, login: false}]", "[{name: r}]"), ("[{name: r}]", "[{name: r, login: true}]")]
)
def test_a_role_with_nothing_but_a_name_is_one_that_another_application_has_too(folder, given):
    assert lines(folder, *(pg(f"roles: {roles}") for roles in given)) == []


def test_a_role_of_another_application_may_get_a_grant(folder):
    grant = "databases: [{name: a, grants: [{role: reader, type: database, privileges: [CONNECT]}]}]"
    assert lines(folder, pg(grant), pg("roles: [{name: reader, login: true}]")) == []
