"""What Amazon DocumentDB does differently with users, applied to the declaration before anything is compared.

Its users all live in ``admin``, whatever database they are created through, and it stores neither mechanisms, custom
data nor authentication restrictions of a user.
"""

from __future__ import annotations

import dataclasses

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from . import declared, model


def adapt(wanted: declared.Declaration) -> tuple[declared.Declaration, list[str]]:
    """The declaration as this engine can hold it, and a warning for everything that it cannot.

    :raises GroundworkError: two users differ in their database only.
    """
    warnings: list[str] = []
    users = tuple(_user(spec, warnings) for spec in wanted.users)
    roles = tuple(_role(spec, warnings) for spec in wanted.roles)
    problems = Problems()
    declared.refuse_twins(users, problems)
    problems.raise_if_any("the declaration", ErrorCode.INVALID_DECLARATION)
    return declared.Declaration(users, roles), warnings


def _user(spec: model.UserSpec, warnings: list[str]) -> model.UserSpec:
    if spec.identity.database != "admin":
        warnings.append(f"{spec.path}: Amazon DocumentDB keeps every user in admin, not in {spec.identity.database}")
    for name, value in (
        ("mechanisms", spec.mechanisms),
        ("custom_data", spec.custom_data),
        ("authentication_restrictions", spec.restrictions),
    ):
        if value:
            warnings.append(f"{spec.path}.{name}: Amazon DocumentDB does not store it, it is left out")
    identity = model.Identity(spec.identity.name, "admin")
    return dataclasses.replace(spec, identity=identity, mechanisms=frozenset(), custom_data=None, restrictions=None)


def _role(spec: model.RoleSpec, warnings: list[str]) -> model.RoleSpec:
    if spec.restrictions:
        warnings.append(f"{spec.path}.authentication_restrictions: Amazon DocumentDB does not store it, it is left out")
    return dataclasses.replace(spec, restrictions=None)
