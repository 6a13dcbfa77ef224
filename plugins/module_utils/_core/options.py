"""Options as a module gets them."""

from __future__ import annotations

import typing as t


def default_options(argument_spec: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """The options as a module sees them when its user gives none."""
    return {name: option.get("default") for name, option in argument_spec.items()}
