"""``meta/argument_specs.yml`` is the single source of truth for a role's variables."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.parents[1].name for path in CHECKOUT.glob("roles/*/meta/argument_specs.yml"))


def load(role: str, name: str):
    path = CHECKOUT / "roles" / role / name
    return yaml.safe_load(path.read_text()) if path.is_file() else {}


def options(role: str):
    """Every option of every entry point."""
    merged = {}
    for entry in load(role, "meta/argument_specs.yml")["argument_specs"].values():
        merged.update(entry.get("options", {}))
    return merged


def test_every_role_has_a_specification():
    assert sorted(path.name for path in (CHECKOUT / "roles").iterdir()) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_of_the_specification(role):
    specified = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert load(role, "defaults/main.yml") == specified


@pytest.mark.parametrize("role", ROLES)
def test_a_required_option_has_no_default(role):
    assert not [name for name, option in options(role).items() if option.get("required") and "default" in option]


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_carries_the_name_of_its_role(role):
    assert not [name for name in options(role) if not name.startswith(f"{role}_")]


@pytest.mark.parametrize("role", ROLES)
def test_secrets_are_marked(role):
    secrets = [name for name in options(role) if name.endswith(("password", "secret"))]
    assert not [name for name in secrets if options(role)[name].get("no_log") is not True]


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_is_a_task_file(role):
    entry_points = load(role, "meta/argument_specs.yml")["argument_specs"]
    assert not [name for name in entry_points if not (CHECKOUT / f"roles/{role}/tasks/{name}.yml").is_file()]
