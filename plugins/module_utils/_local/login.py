"""How to log in to the servers of this machine."""

from __future__ import annotations

import typing as t

ADDRESS = "127.0.0.1"
SUPERUSERS = {"postgresql": "postgres", "mongodb": "admin"}


def default_options(argument_spec: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """The options as a module sees them when its user gives none."""
    return {name: option.get("default") for name, option in argument_spec.items()}
