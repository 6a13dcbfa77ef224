"""The live state of a database: which collections there are, how they are set, which indexes they have."""

from __future__ import annotations

import dataclasses
import typing as t

from ..indexes.index import Index


@dataclasses.dataclass(frozen=True)
class LiveCollection:
    """One existing collection or view.

    :param kind: ``collection``, ``timeseries`` or ``view``.
    :param options: as ``listCollections`` shows them.
    :param indexes: its indexes, ``None`` when they were not asked for.
    :param empty: whether it holds no document, ``None`` when that was not asked for.
    """

    name: str
    kind: str
    options: dict[str, t.Any]
    indexes: tuple[Index, ...] | None = None
    empty: bool | None = None


OWN_PREFIX = "groundwork_migrations"


def is_internal(name: str) -> bool:
    """Whether a collection belongs to the server, or is the history or lock of this collection's data migrations."""
    return name.startswith(("system.", OWN_PREFIX))
