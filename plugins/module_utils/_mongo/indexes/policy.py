"""What the ladder of index changes is given, and what it gives back."""

from __future__ import annotations

import dataclasses
import typing as t

from ..change import Change
from .declared import IndexSpec
from .index import Index


@dataclasses.dataclass(frozen=True)
class Ability:
    """What the server can do.

    :param unique_in_place: ``collMod`` can make an index unique (MongoDB 6.0).
    :param hide: indexes can be hidden.
    :param expiry_in_place: ``collMod`` can give an index an expiry that it never had.
    :param side_by_side: indexes on the same keys may differ in options only.
    """

    unique_in_place: bool = True
    hide: bool = True
    expiry_in_place: bool = True
    side_by_side: bool = True


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the user allows.

    :param unmanaged: ``report``, ``ignore``, ``hide`` or ``drop``.
    :param protected: patterns of ``collection.index`` that are never hidden or dropped as unmanaged.
    :param allow_rebuild: an index may be dropped before its successor is built under the same name.
    :param build_options: further fields of every ``createIndexes``, such as ``commitQuorum``.
    """

    unmanaged: str = "report"
    protected: tuple[str, ...] = ()
    allow_rebuild: bool = False
    build_options: dict[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class IndexPlan:
    """:ivar unmanaged: names of live indexes that nobody declared. :ivar kept: declared name to the name it goes by."""

    changes: list[Change] = dataclasses.field(default_factory=list)
    unmanaged: list[str] = dataclasses.field(default_factory=list)
    kept: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Wanted:
    spec: IndexSpec
    index: Index
