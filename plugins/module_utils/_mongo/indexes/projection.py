"""Projections of wildcard indexes: which fields they cover, in any notation."""

from __future__ import annotations

import typing as t

from ..._core.problems import Problems
from ..values import truth


def normalised(projection: dict[str, t.Any] | None) -> t.Any:
    """``None`` without a projection, else whether fields are kept or left out, which, and whether ``_id`` is kept.

    ``_id`` is left out unless it is named: of wildcard indexes alone, other projections keep it.
    """
    if not projection:
        return None
    fields = dict(_leaves(projection, ""))
    keeps_id = fields.pop("_id", False)
    keeps = next(iter(fields.values()), keeps_id)
    return {"keeps": keeps, "fields": sorted(fields), "_id": keeps_id}


def check_projection(projection: dict[str, t.Any], path: str, problems: Problems) -> None:
    """Note what the server would refuse."""
    fields = dict(_leaves(projection, ""))
    if not fields:
        problems.add(path, "at least one field is needed")
    fields.pop("_id", None)
    if len(set(fields.values())) > 1:
        problems.add(path, "fields are either all kept (1) or all left out (0), only _id may differ")


def _leaves(projection: dict[str, t.Any], prefix: str) -> t.Iterator[tuple[str, bool]]:
    for field, value in projection.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{field}.")
        else:
            yield f"{prefix}{field}", truth(value)
