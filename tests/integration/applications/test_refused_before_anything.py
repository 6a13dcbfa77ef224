"""``site.yml`` refuses a wrong description before it starts a server or makes a file, in check mode too."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

GOOD = "postgresql:\n  roles: [{name: shop_owner}]\n  databases:\n    - {name: shop, owner: shop_owner}\n"
FILE = "applications/shop/application.yml"

WRONG = {
    "postgre": ("postgre: {}\n", f"{FILE}:1: postgre: unknown key, did you mean postgresql?"),
    "migration": (
        GOOD + "  migration: []\n",
        f"{FILE}:5: postgresql.migration: unknown key, did you mean migrations?",
    ),
    "redis": (GOOD + "redis: {}\n", f"{FILE}:5: redis: not supported by this version"),
    "type": ("postgresql:\n  roles:\n    name: a\n", f"{FILE}:3: postgresql.roles: the value is a mapping, a list"),
    "YAML": ("postgresql:\n  roles: [\n", f"{FILE}:3: malformed YAML: while parsing a flow node"),
    "Latin-1": (b"# caf\xe9\n", f"{FILE}:1: the byte 0xE9 is not UTF-8, the file is probably Latin-1"),
    "empty": ("", f"{FILE}:1: the file is empty; write postgresql: or mongodb: with its contents"),
    "list": ("- shop\n", f"{FILE}:1: the file is a list, a mapping with postgresql: or mongodb: is expected"),
    "undeclared role": (
        GOOD.replace("owner: shop_owner", "owner: shop_ownr"),
        f"{FILE}:4: postgresql.databases[0].owner: no application of this run declares the role shop_ownr, did you",
    ),
    "undefined variable": (
        GOOD.replace("name: shop_owner", "name: shop_owner, password: '{{ vault_of_shop }}'"),
        f"{FILE}:2: postgresql.roles[0].password: the template needs vault_of_shop, which is not defined",
    ),
    "variable of an undefined variable": (
        GOOD.replace("name: shop_owner", "name: shop_owner, password: '{{ indirect }}'"),
        f"{FILE}:2: postgresql.roles[0].password: the template needs vault_of_shop, which is not defined",
    ),
    "undefined attribute": (
        GOOD.replace("name: shop_owner", "name: shop_owner, password: '{{ secrets_of_shop.passwrd }}'"),
        f"{FILE}:2: postgresql.roles[0].password: the template needs passwrd, which is not defined in the inventory",
    ),
    "syntax": (
        GOOD.replace("name: shop_owner", "name: shop_owner, password: 'hunter2{{hunter3 hunter4'"),
        f"{FILE}:2: postgresql.roles[0].password: the template cannot be read; text with {{{{ or {{% that is not a",
    ),
    "filter": (
        GOOD.replace("name: shop_owner", "name: shop_owner, connection_limit: '{{ secret_word / 2 }}'"),
        f"{FILE}:2: postgresql.roles[0].connection_limit: the template fails",
    ),
    "value of a template": (
        GOOD.replace("name: shop_owner", "name: shop_owner, state: '{{ secret_word }}'"),
        f"{FILE}:2: postgresql.roles[0].state: the value of the template is not one of present, absent",
    ),
    "folder of migrations": (
        GOOD + "  migrations: [{database: shop, locations: [sql]}]\n",
        f"{FILE}:5: postgresql.migrations[0].locations[0]: there is no folder ",
    ),
    "vault": (
        GOOD.replace("name: shop_owner", "name: shop_owner, password: !vault '$ANSIBLE_VAULT;1.1;AES256\n\n    3132'"),
        f"{FILE}:2: postgresql.roles[0].password: the value cannot be decrypted with the vault passwords of this run",
    ),
}


@pytest.fixture
def refused(project):
    """Runs the site, which has to fail without a change, and returns what it printed in one line."""
    secrets = {"secret_word": "hunter2", "secrets_of_shop": {"password": "hunter3"}}
    project.inventory({**secrets, "indirect": "{{ vault_of_shop }}"})

    def run(*arguments):
        before = project.contents()
        done = project.run(*arguments)
        assert done.returncode != 0, done.stdout
        assert project.contents() == before
        for number in project.ports.values():
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", number)) != 0, "a server was started"
        assert "Check all applications" in done.stdout and "Run the servers" not in done.stdout
        assert "hunter" not in done.stdout
        return " ".join(done.stdout.split())

    return run


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_description_is_refused(project, refused, name):
    content, message = WRONG[name]
    project.describe(content)
    printed = refused()
    assert message in printed
    assert "untouched: everything: no server was started, and no file was written" in printed


def test_check_mode_refuses_the_same(project, refused):
    project.describe(WRONG["migration"][0])
    assert WRONG["migration"][1] in refused("--check")


def test_the_problems_of_all_applications_are_reported_at_once(project, refused):
    project.describe("postgre: {}\n")
    other = project.home / "applications/mail"
    other.mkdir()
    (other / "application.yml").write_text("mongodb: {user: []}\n")
    project.inventory({"applications": ["shop", "mail"]})
    printed = refused()
    assert "2 problems in the descriptions of the applications" in printed
    assert f"{FILE}:1: postgre: unknown key, did you mean postgresql?" in printed
    assert "applications/mail/application.yml:1: mongodb.user: unknown key, did you mean users?" in printed


def test_what_is_encrypted_is_read_with_the_vault_password(project, refused, tmp_path):
    password = tmp_path / "vault"
    password.write_text("of the test\n")
    vault = [str(Path(sys.executable).with_name("ansible-vault")), "--vault-password-file", str(password)]

    def encrypt(*arguments):
        command = [vault[0], *arguments, *vault[1:]]
        return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout

    value = encrypt("encrypt_string", "hunter2")
    wrong = "postgre: {}\n" + GOOD.replace("[{name: shop_owner}]", f"\n    - name: shop_owner\n      password: {value}")
    project.describe(wrong)
    printed = refused("--vault-password-file", str(password))
    assert "One problem in the descriptions" in printed and f"{FILE}:1: postgre: unknown key" in printed
    project.describe("postgre: {}\n")
    encrypt("encrypt", str(project.description))
    assert f"{FILE}:1: postgre: unknown key" in refused("--vault-password-file", str(password))
    assert f"{FILE}:1: the file cannot be decrypted with the vault passwords of this run" in refused()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("shop", "workstation: applications is not a list; write applications: [shop]"),
        ([], "workstation: applications is an empty list; write the names of the applications"),
        (None, "workstation: applications is not a list; write applications: [shop]"),
        (["shop", "shop"], "workstation: applications has shop twice; write it once"),
        (["../shop"], "workstation: applications takes names of folders"),
        ([{"name": "shop"}], "workstation: applications takes names of folders"),
        (["shop", "mail"], "workstation: applications: there is no folder {home}/applications/mail; create it,"),
        ("{{ nowhere }}", "workstation: applications: the template needs nowhere, which is not defined"),
    ],
)
def test_a_wrong_list_of_applications_is_refused(project, refused, value, message):
    project.describe(GOOD)
    project.inventory({"applications": value})
    assert message.format(home=project.home.resolve()) in refused()


def test_an_inventory_without_applications_is_told_what_to_write(project, refused):
    project.inventory({}, without="applications")
    message = "workstation: applications is not defined; write it in group_vars/all of the inventory, as in"
    assert f"{message} applications: [shop]" in refused()


def test_a_folder_of_applications_that_is_not_there_is_named(project, refused):
    project.inventory({"applications_directory": "{{ inventory_dir }}/nowhere"})
    folder = project.home.resolve() / "inventories/local/nowhere"
    assert f"workstation: applications_directory: there is no folder {folder}; create it" in refused()


def test_a_folder_without_a_description_is_named(project, refused):
    folder = project.description.parent.resolve()
    assert f"workstation: applications: there is no file application.yml in {folder}; create it" in refused()


def test_each_host_resolves_its_own_variables(project):
    """Nothing but the check runs: the hosts do not exist."""
    hosts = {"db1": {"shop_password": "a"}, "db2": {}, "db3": {"shop_password": "b"}}
    project.inventory({"applications_directory": str(project.home / "applications")})
    groups = {"postgresql": {"hosts": hosts}, "mongodb": {"hosts": {"db9": {}}}}
    path = project.home / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"children": groups}}))
    project.describe(GOOD.replace("name: shop_owner", "name: shop_owner, password: '{{ shop_password }}'"))
    done = project.run("-i", "hosts.yml", "--limit", "!local")
    printed = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "needs shop_password, which is not defined in the inventory (on db2)" in printed
    assert "db9)" not in printed and "Run PostgreSQL on its hosts" not in printed
