"""Reads the live state of a database."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..api import Server, ServerRefused
from ..change import NAMESPACE_NOT_FOUND
from ..indexes.index import Index, index_of
from .model import LiveCollection


def read_live(
    server: Server, database: str, with_indexes: t.Container[str], with_emptiness: t.Container[str]
) -> dict[str, LiveCollection]:
    """All collections of a database by name: one command for all, and one more for each whose indexes are asked for.

    :raises ServerRefused: the user may not list collections or indexes.
    :raises ConnectionLost: the primary was lost.
    """
    found: dict[str, LiveCollection] = {}
    building = _running_builds(server, database) if with_indexes else frozenset()
    for row in server.rows(database, {"listCollections": 1}):
        name = str(row["name"])
        live = LiveCollection(name, str(row.get("type", "collection")), row.get("options") or {})
        if name in with_indexes and live.kind != "view":
            live = dataclasses.replace(live, indexes=_read_indexes(server, database, name, building))
        if name in with_emptiness and live.kind != "view":
            live = dataclasses.replace(live, empty=not server.rows(database, {"find": name, "limit": 1}))
        found[name] = live
    return found


def _running_builds(server: Server, database: str) -> frozenset[tuple[str, str]]:
    """Collection and name of indexes that are being built, where ``listIndexes`` shows them like finished ones.

    In a replica set of MongoDB it tells them apart. Of a single server, and of Amazon DocumentDB, the operations do.
    """
    if server.facts.engine == "mongodb" and server.facts.replica_set:
        return frozenset()
    namespaces = {"$regex": f"^{re.escape(database)}[.]"}
    command = {"currentOp": 1, "ns": namespaces, "command.createIndexes": {"$exists": True}}
    for own_only in (False, True):
        try:
            operations = server.run("admin", {**command, **({"$ownOps": True} if own_only else {})}).get("inprog", [])
        except ServerRefused:
            # Not every user may see the operations of others.
            continue
        return frozenset(
            (str(operation["command"]["createIndexes"]), str(index.get("name")))
            for operation in operations
            for index in operation["command"].get("indexes", [])
        )
    return frozenset()


def _read_indexes(
    server: Server, database: str, collection: str, building: frozenset[tuple[str, str]]
) -> tuple[Index, ...]:
    command: dict[str, t.Any] = {"listIndexes": collection}
    if server.facts.engine == "mongodb" and server.facts.version >= (5, 0):
        # Without this an index that is still being built looks like a finished one.
        command["includeBuildUUIDs"] = True
    try:
        rows = server.rows(database, command)
    except ServerRefused as error:
        if error.server_code == NAMESPACE_NOT_FOUND:
            return ()
        raise
    specs = [(row.get("spec", row), "buildUUID" in row) for row in rows]
    return tuple(
        index_of(spec, building=in_progress or (collection, str(spec["name"])) in building)
        for spec, in_progress in specs
    )
