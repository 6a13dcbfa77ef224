"""The commands of one operation, batch by batch. Pure."""

from __future__ import annotations

import hashlib
import json
import typing as t

from . import operation
from .operation import Operation

# A server takes 100,000 writes and 48 MB in one command; smaller batches keep transactions short.
DOCUMENTS_PER_BATCH = 500
CHARACTERS_PER_BATCH = 4 * 1024 * 1024

# Set on a document together with a change that must not be made twice, where there are no transactions, and removed
# again once the progress is recorded.
MARK = "_groundwork_migration"

# The value that the server orders after every other one.
GREATEST = {"$maxKey": 1}


def chunks(documents: list[dict[str, t.Any]], start: int) -> t.Iterator[tuple[int, list[dict[str, t.Any]]]]:
    """Documents from the number ``start`` on in batches, each with the number of its first one."""
    batch: list[dict[str, t.Any]] = []
    first, size = start, 0
    for number in range(start, len(documents)):
        length = len(json.dumps(documents[number], default=str))
        if batch and (len(batch) >= DOCUMENTS_PER_BATCH or size + length > CHARACTERS_PER_BATCH):
            yield first, batch
            batch, first, size = [], number, 0
        batch.append(documents[number])
        size += length
    if batch:
        yield first, batch


def with_ids(documents: list[dict[str, t.Any]], first: int, token: str) -> list[dict[str, t.Any]]:
    """Documents with an ``_id`` that is the same in every run of the same migration, so that none is inserted twice."""
    named = []
    for number, document in enumerate(documents, start=first):
        if "_id" in document:
            named.append(document)
        else:
            digest = hashlib.sha256(f"{token}:{number}".encode()).hexdigest()
            named.append({"_id": {"$oid": digest[:24]}, **document})
    return named


def upserts(one: Operation, documents: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    updates = [{"q": one.key_of(document), "u": _upsert(one, document), "upsert": True} for document in documents]
    return {"update": one.collection, "updates": updates, "ordered": True}


def _upsert(one: Operation, document: dict[str, t.Any]) -> dict[str, t.Any]:
    if one.on_match == "replace":
        return document
    key = one.body["key"]
    rest = {name: value for name, value in document.items() if name not in key}
    if one.on_match == "keep" or not rest:
        return {"$setOnInsert": rest or {name: document[name] for name in document if name != "_id"}}
    # The _id of a document that is there already cannot change.
    identity = {"_id": rest.pop("_id")} if "_id" in rest else {}
    return {**({"$set": rest} if rest else {}), **({"$setOnInsert": identity} if identity else {})}


def next_ids(one: Operation, after: dict[str, t.Any], engine: str) -> dict[str, t.Any]:
    """The query for the next batch of ``_id`` in the order of the index.

    :param after: ``{"after": <_id>}`` of the last batch, or empty at the beginning.
    """
    query: dict[str, t.Any] = {
        "find": one.collection, "filter": one.filter, "projection": {"_id": 1}, "sort": {"_id": 1},
        "limit": one.batch_size,
    }
    if engine != "mongodb":
        if after:
            query["filter"] = {"$and": [one.filter, {"_id": {"$gt": after["after"]}}]}
        return query
    query["hint"] = {"_id": 1}
    if after:
        # Unlike $gt, which only finds values of the same type, min goes on through every type of _id but MaxKey. It is
        # inclusive.
        query.update({"min": {"_id": after["after"]}, "limit": one.batch_size + 1})
    return query


def last_id(one: Operation) -> dict[str, t.Any]:
    """The query for the document that comes after all others, which no range of the index has."""
    condition = {"_id": GREATEST}
    query = {"$and": [one.filter, condition]} if one.filter else condition
    return {"find": one.collection, "filter": query, "projection": {"_id": 1}}


def change(one: Operation, ids: list[t.Any], mark: str | None) -> dict[str, t.Any]:
    """The command that updates or deletes one batch; documents that no longer match are left alone."""
    conditions = [{"_id": {"$in": ids}}, one.filter]
    if mark:
        conditions.append({MARK: {"$ne": mark}})
    query = {"$and": [condition for condition in conditions if condition]}
    if one.kind == operation.DELETE_MANY:
        return {"delete": one.collection, "deletes": [{"q": query, "limit": 0}]}
    update = one.update
    if mark and isinstance(update, list):
        update = [*update, {"$set": {MARK: mark}}]
    elif mark:
        update = {**update, "$set": {**update.get("$set", {}), MARK: mark}}
    return {"update": one.collection, "updates": [{"q": query, "u": update, "multi": True}]}


def only_if(condition: dict[str, t.Any], command: dict[str, t.Any]) -> dict[str, t.Any]:
    """An update or delete that changes nothing unless the condition holds."""
    name = "updates" if "updates" in command else "deletes"
    return {**command, name: [{**one, "q": {"$and": [one["q"], condition]}} for one in command[name]]}


def unmark(one: Operation, mark: str, ids: list[t.Any] | None) -> dict[str, t.Any]:
    """:param ids: ``None`` for the whole collection."""
    query = {MARK: mark} if ids is None else {"_id": {"$in": ids}, MARK: mark}
    return {"update": one.collection, "updates": [{"q": query, "u": {"$unset": {MARK: ""}}, "multi": True}]}


def command(one: Operation, database: str) -> tuple[str, dict[str, t.Any]]:
    """The database and the document of a command."""
    name = next(iter(one.body))
    if name == "renameCollection":
        return "admin", {**one.body, name: f"{database}.{one.collection}", "to": f"{database}.{one.body['to']}"}
    return database, {**one.body, "cursor": one.body.get("cursor", {})} if name == "aggregate" else one.body


def explained(one: Operation) -> dict[str, t.Any] | None:
    """A command by which the server checks query and update without running them; ``None`` when there is none."""
    if not one.scans:
        return None
    if one.kind == operation.DELETE_MANY:
        inner: dict[str, t.Any] = {"delete": one.collection, "deletes": [{"q": one.filter, "limit": 0}]}
    else:
        inner = {"update": one.collection, "updates": [{"q": one.filter, "u": one.update, "multi": True}]}
    return {"explain": inner, "verbosity": "queryPlanner"}


def counts(one: Operation) -> list[dict[str, t.Any]]:
    """Commands that count the documents that an operation would meet now."""
    if one.scans:
        return [{"count": one.collection, "query": one.filter}]
    if one.kind == operation.UPSERT:
        return [
            {"count": one.collection, "query": {"$or": [one.key_of(document) for document in batch]}}
            for _first, batch in chunks(one.documents, 0)
        ]
    return []
