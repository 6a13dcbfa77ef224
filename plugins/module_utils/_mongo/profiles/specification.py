"""The collections of a database as they are declared, and possible on what the declaration names."""

from __future__ import annotations

import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems
from ..collections.declared import CollectionSpec, read_collections, read_database
from .compatibility import AUTOMATIC, check_profile


def read_specification(parameters: dict[str, t.Any]) -> list[CollectionSpec]:
    """:raises GroundworkError: the specification has problems; all of them are reported."""
    problems = Problems()
    read_database(parameters["database"], problems)
    specs = read_collections(parameters["collections"], parameters["database"], problems)
    problems.raise_if_any("the specification", ErrorCode.INVALID_DECLARATION)
    if parameters["profile"] != AUTOMATIC:
        refuse_impossible(parameters["profile"], parameters["database"], specs)
    return specs


def refuse_impossible(profile: str, database: str, specs: list[CollectionSpec]) -> None:
    """:raises GroundworkError: the profile cannot do all that is declared."""
    problems = Problems()
    check_profile(profile, database, specs, problems)
    problems.raise_if_any(f"the specification for {profile}", ErrorCode.PROFILE)
