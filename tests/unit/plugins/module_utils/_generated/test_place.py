"""Where the secrets of an inventory lie: the same place from everywhere, never below an inventory, never shared."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._generated.place import (
    Inventory,
    from_variables,
    inventory_folder_above,
    secrets_directory,
)


def place(folder: Path, file: str, *sources: Path) -> str:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).touch()
    inventory = Inventory(str((folder / file).parent), str(folder / file), tuple(map(str, sources)))
    directory = secrets_directory(inventory, "mongodb")
    assert not inventory_folder_above(directory, inventory)
    return str(Path(directory).relative_to(folder))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("site/inventories/uat/hosts", "site/.secrets/inventories/uat/mongodb"),
        ("site/inventories/uat/eu/hosts", "site/.secrets/inventories/uat/eu/mongodb"),
        ("site/inventory/hosts.yml", "site/.secrets/inventory/mongodb"),
        ("site/inventory/aws_ec2.yml", "site/.secrets/inventory/mongodb"),
        ("site/environments/uat/hosts", "site/environments/.secrets/uat/mongodb"),
        ("site/hosts", ".secrets/site/mongodb"),
        ("etc/ansible/hosts", "etc/.secrets/ansible/mongodb"),
        ("site/inventories/uat.yml", "site/.secrets/inventories/uat/mongodb"),
        ("site/inventories/prod.yml", "site/.secrets/inventories/prod/mongodb"),
    ],
)
def test_the_place_of_an_inventory(tmp_path: Path, file: str, expected: str) -> None:
    assert place(tmp_path, file) == expected


@pytest.mark.parametrize("source", ["inventories", "inventories/uat", "inventories/uat/hosts"])
def test_the_place_does_not_depend_on_what_ansible_is_started_with(tmp_path: Path, source: str) -> None:
    assert place(tmp_path, "inventories/uat/hosts", tmp_path / source) == ".secrets/inventories/uat/mongodb"


def test_a_link_to_an_inventory_has_the_place_of_the_inventory(tmp_path: Path) -> None:
    expected = place(tmp_path, "inventories/uat/hosts")
    (tmp_path / "inventories/current").symlink_to("uat")
    assert place(tmp_path, "inventories/current/hosts") == expected


@pytest.mark.parametrize("variables", [{}, {"inventory_dir": None}, {"inventory_dir": "None", "inventory_file": "h,"}])
def test_a_host_in_no_file_has_no_place(variables: dict[str, str | None]) -> None:
    assert secrets_directory(from_variables(variables), "mongodb") == ""


@pytest.mark.parametrize(
    "directory",
    ["inventories/uat/secrets", "inventories/uat", "inventories/uat/../uat/.secrets", "inventories/uat/linked", "in"],
)
def test_a_directory_below_the_inventory_is_found(tmp_path: Path, directory: str) -> None:
    place(tmp_path, "inventories/uat/hosts")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "inventories/uat/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in").symlink_to(tmp_path / "inventories/uat/group_vars")
    inventory = Inventory(str(tmp_path / "inventories/uat"))
    assert inventory_folder_above(str(tmp_path / directory), inventory) == str(tmp_path / "inventories/uat")


def test_a_directory_below_any_folder_that_ansible_was_started_with_is_found(tmp_path: Path) -> None:
    place(tmp_path, "environments/uat/hosts")
    inventory = Inventory(str(tmp_path / "environments/uat"), "", ("host,", str(tmp_path / "environments")))
    default = secrets_directory(inventory, "mongodb")
    assert inventory_folder_above(default, inventory) == str(tmp_path / "environments")


def test_a_neighbour_with_a_longer_name_is_outside(tmp_path: Path) -> None:
    assert not inventory_folder_above(str(tmp_path / "uat-secrets"), Inventory(str(tmp_path / "uat")))
