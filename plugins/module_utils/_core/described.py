"""What an inventory describes, as filters get it: validated by meta/argument_specs.yml, which converts nothing."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

Described = t.Mapping[str, t.Any]


def truth(value: t.Any) -> bool:
    """``"no"`` and the like are false."""
    return bool(boolean(value, strict=False))
