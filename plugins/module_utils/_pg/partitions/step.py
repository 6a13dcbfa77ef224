"""One change of one partition, with what is sent for it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.plan import Step
from .live import Partition


@dataclasses.dataclass(frozen=True)
class PartitionStep(Step):
    """:param statements: what is sent, each in its own message; empty when the next step sends it, in its transaction.
    :param transaction: whether the statements are one transaction (a concurrent detach cannot be in one).
    :param owner: role to act as, so that a new partition belongs to the owner of its table.
    :param held: the partition whose concurrent detach, the only statement, is not to be completed.
    """

    statements: tuple[str, ...] = ()
    transaction: bool = True
    owner: str | None = None
    held: Partition | None = None


def bounds(partition: Partition) -> dict[str, t.Any]:
    """The first instant and the first one after it, as the diff shows them."""
    return {"from": str(partition.begin), "to": str(partition.end)}
