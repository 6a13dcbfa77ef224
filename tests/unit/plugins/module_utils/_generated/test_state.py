"""What is found of generated files, and when they may not be moved."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._generated.place import (
    Inventory,
    present_file,
    secrets_directory,
)
from ansible_collections.groundwork.databases.plugins.module_utils._generated.state import (
    CERTIFICATES,
    KEYS,
    State,
    generated_names,
    read_state,
)

OPTION = "postgresql_16_tls_directory"


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    (tmp_path / "inventories/uat").mkdir(parents=True)
    (tmp_path / "inventories/uat/hosts").touch()
    return Inventory(str(tmp_path / "inventories/uat"), str(tmp_path / "inventories/uat/hosts"))


def write(folder: Path | str, **files: str) -> Path:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (Path(folder) / name.replace("_", ".")).write_text(text)
    return Path(folder)


def state(inventory: Inventory, directory: str | None = None) -> State:
    wanted = secrets_directory(inventory, "postgresql") if directory is None else directory
    return read_state(inventory, "postgresql", CERTIFICATES, wanted, OPTION)


@pytest.mark.parametrize("former", ["tls", "secrets/postgresql"])
def test_files_at_a_former_place_are_read_there_and_moved(inventory: Inventory, former: str) -> None:
    old = write(f"{inventory.directory}/{former}", ca_crt="c", ca_key="k")
    found = state(inventory)
    assert (found.present, found.former, found.problem) == (str(old), str(old), "")
    assert found.directory.endswith("/.secrets/inventories/uat/postgresql")


def test_nothing_at_a_former_place_needs_nothing(inventory: Inventory) -> None:
    write(f"{inventory.directory}/tls", rds_pem="public")
    directory = secrets_directory(inventory, "postgresql")
    assert state(inventory) == State(directory, directory)


def test_files_are_moved_to_a_folder_of_the_users_own_too(inventory: Inventory, tmp_path: Path) -> None:
    write(f"{inventory.directory}/tls", ca_crt="c", ca_key="k")
    assert state(inventory, str(tmp_path / "elsewhere")).directory == str(tmp_path / "elsewhere")


def test_after_an_interrupted_copy_the_former_place_counts(inventory: Inventory) -> None:
    old = write(f"{inventory.directory}/tls", ca_crt="c", ca_key="k")
    write(secrets_directory(inventory, "postgresql"), ca_crt="c")
    assert (state(inventory).present, state(inventory).problem) == (str(old), "")


def test_after_an_interrupted_removal_the_new_place_counts(inventory: Inventory) -> None:
    old = write(f"{inventory.directory}/tls", ca_key="k")
    new = write(secrets_directory(inventory, "postgresql"), ca_crt="c", ca_key="k")
    assert (state(inventory).present, state(inventory).former) == (str(new), str(old))


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ({"ca_crt": "c", "ca_key": "another"}, "both hold another ca.key"),
        ({"db3_crt": "c", "db3_key": "k"}, "ca.crt is in the first only, db3.crt in the second only"),
    ],
)
def test_two_places_that_differ_are_a_problem(inventory: Inventory, new: dict[str, str], why: str) -> None:
    old = write(f"{inventory.directory}/tls", ca_crt="c", ca_key="k")
    new_folder = write(secrets_directory(inventory, "postgresql"), **new)
    problem = state(inventory).problem
    assert why in problem and str(old) in problem and str(new_folder) in problem and "Nothing was changed" in problem


def test_two_former_places_are_a_problem(inventory: Inventory) -> None:
    write(f"{inventory.directory}/tls", ca_crt="c", ca_key="k")
    write(f"{inventory.directory}/secrets/postgresql", ca_crt="c", ca_key="k")
    assert "/tls" in state(inventory).problem and "/secrets/postgresql" in state(inventory).problem


def test_a_link_is_not_followed(inventory: Inventory, tmp_path: Path) -> None:
    write(tmp_path / "safe", ca_crt="c", ca_key="k")
    Path(inventory.directory, "tls").symlink_to(tmp_path / "safe")
    assert f"{inventory.directory}/tls is a link" in state(inventory).problem


def test_a_folder_that_inventories_share_is_not_moved(tmp_path: Path) -> None:
    write(tmp_path / "inventories/tls", ca_crt="c", ca_key="k")
    shared = Inventory(str(tmp_path / "inventories"), str(tmp_path / "inventories/uat.yml"))
    assert "other inventories" in state(shared).problem


def test_a_folder_below_the_inventory_is_a_problem_that_names_the_option(inventory: Inventory) -> None:
    problem = state(inventory, f"{inventory.directory}/secrets/postgresql").problem
    assert problem.startswith(f"{OPTION} is {inventory.directory}/secrets/postgresql, below the inventory")
    assert f"Leave {OPTION} out, which means {secrets_directory(inventory, 'postgresql')}" in problem


def test_a_host_in_no_inventory_file_has_to_name_a_folder(tmp_path: Path) -> None:
    assert OPTION in state(Inventory("", "host,"), "").problem
    assert not state(Inventory("", "host,"), str(tmp_path / "own")).problem


def test_certificates_are_those_with_their_key(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "old", ca_crt="c", ca_key="k", db1_pem="-----BEGIN PRIVATE KEY-----", hosts_yml="x",
        rds_pem="-----BEGIN CERTIFICATE-----", rs0_keyfile="k", foreign_crt="c",
    )  # fmt: skip
    assert generated_names(folder, CERTIFICATES) == ["ca.crt", "ca.key", "db1.pem"]
    assert generated_names(folder, KEYS) == ["rs0.keyfile"]


def test_another_roles_file_is_found_where_it_is(inventory: Inventory) -> None:
    wanted = f"{secrets_directory(inventory, 'postgresql')}/ca.crt"
    assert present_file(wanted, inventory) == wanted
    old = write(f"{inventory.directory}/secrets/postgresql", ca_crt="c", ca_key="k")
    assert present_file(wanted, inventory) == f"{old}/ca.crt"
    write(Path(wanted).parent, ca_crt="c")
    assert present_file(wanted, inventory) == wanted
    assert present_file("", inventory) == ""


def test_who_names_a_former_place_still_gets_the_file_from_its_new_one(inventory: Inventory) -> None:
    new = write(secrets_directory(inventory, "pgbouncer"), ca_crt="c", ca_key="k")
    assert present_file(f"{inventory.directory}/certificates/ca.crt", inventory) == str(new / "ca.crt")
    assert present_file(f"{inventory.directory}/../uat/certificates/ca.crt", inventory) == str(new / "ca.crt")
    old = write(f"{inventory.directory}/certificates", ca_crt="c")
    assert present_file(str(old / "ca.crt"), inventory) == str(old / "ca.crt")
    assert present_file("/elsewhere/ca.crt", inventory) == "/elsewhere/ca.crt"


def test_a_folder_with_a_link_to_nowhere_is_not_taken_for_an_empty_one(inventory: Inventory) -> None:
    """It holds an authority: another one must not be made because the link cannot be read."""
    old = write(f"{inventory.directory}/tls", ca_crt="c", ca_key="k")
    (old / "gone.pem").symlink_to("nowhere")
    with pytest.raises(GroundworkError, match=r"gone\.pem cannot be read: No such file"):
        state(inventory)
