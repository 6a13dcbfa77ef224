"""Changes of a MongoDB database: steps of the plan that know which commands make them."""

from __future__ import annotations

import dataclasses
import enum
import json
import typing as t

from .._core.plan import Step

NAMESPACE_NOT_FOUND = 26
INDEX_NOT_FOUND = 27
NAMESPACE_EXISTS = 48
INDEX_OPTIONS_CONFLICT = 85
INDEX_KEY_SPECS_CONFLICT = 86


class Phase(enum.IntEnum):
    """The order of the changes of one collection: what serves queries is built before what it replaces goes."""

    RECREATE = 0
    COLLECTION = 1
    MAKE_ROOM = 2
    BUILD = 3
    MODIFY = 4
    DROP_REPLACED = 5
    REBUILD = 6
    DROP_BRIDGE = 7
    UNMANAGED = 8


@dataclasses.dataclass(frozen=True)
class Change(Step):
    """One step with its commands.

    :param phase: its place among the changes of its collection.
    :param collection: the collection that it changes.
    :param commands: sent in order; none of them holds a secret.
    :param undo: sent, in order, when a command after the first fails.
    :param done: error numbers by which the server says that there is nothing left to do.
    :param path: the line of the specification that asks for it; empty for what nobody listed.
    :param unique_index: the index whose keys must be free of duplicates for this change to succeed.
    """

    phase: Phase = Phase.MODIFY
    collection: str = ""
    commands: tuple[dict[str, t.Any], ...] = ()
    undo: tuple[dict[str, t.Any], ...] = ()
    done: frozenset[int] = frozenset()
    path: str = ""
    unique_index: dict[str, t.Any] | None = None

    def summary(self) -> dict[str, t.Any]:
        return {**super().summary(), **({"path": self.path} if self.path else {})}


def change(
    action: str,
    kind: str,
    name: str,
    commands: list[dict[str, t.Any]],
    *,
    before: t.Any = None,
    after: t.Any = None,
    **fields: t.Any,
) -> Change:
    """A change whose statement is the text of its commands."""
    return Change(
        action=action, kind=kind, name=name, before=before, after=after, commands=tuple(commands),
        statement="\n".join(json.dumps(command, default=str) for command in commands), **fields,
    )


@dataclasses.dataclass(frozen=True)
class Batch:
    """Changes that go to the server together: all indexes that one ``createIndexes`` builds, or one change."""

    collection: str
    commands: tuple[dict[str, t.Any], ...]
    changes: tuple[Change, ...]


def batches(changes: t.Iterable[Change], together: bool = True) -> list[Batch]:
    """Group neighbouring index builds of one collection into one command: the server then reads the documents once.

    :param together: false for a server that builds one index of a collection at a time.
    """
    grouped: list[Batch] = []
    for item in changes:
        last = grouped[-1] if grouped else None
        if together and last and _is_build(item) and _is_build(last.changes[0]) and _follows(last, item):
            merged = {**last.commands[0], "indexes": [*last.commands[0]["indexes"], *item.commands[0]["indexes"]]}
            grouped[-1] = Batch(last.collection, (merged,), (*last.changes, item))
        else:
            grouped.append(Batch(item.collection, item.commands, (item,)))
    return grouped


def _is_build(item: Change) -> bool:
    return len(item.commands) == 1 and "createIndexes" in item.commands[0]


def _follows(batch: Batch, item: Change) -> bool:
    return batch.collection == item.collection and batch.changes[0].phase == item.phase
