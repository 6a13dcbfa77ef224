"""The operations that a change file can hold, validated before anything is sent."""

from __future__ import annotations

import dataclasses
import json
import typing as t
import zlib

from ..._core.problems import Problems
from .document import Located

INSERT, UPSERT, UPDATE_MANY = "insert", "upsert", "update_many"
BACKFILL, DELETE_MANY, COMMAND = "backfill", "delete_many", "command"

DEFAULT_BATCH = 1000
MAXIMUM_BATCH = 10000

_SCANNING = {"collection", "filter", "batch_size"}
_FIELDS = {
    INSERT: {"collection", "documents"},
    UPSERT: {"collection", "key", "documents", "on_match"},
    UPDATE_MANY: {*_SCANNING, "update"},
    BACKFILL: {*_SCANNING, "pipeline"},
    DELETE_MANY: {*_SCANNING, "all"},
}
KINDS = (*_FIELDS, COMMAND)
ON_MATCH = ("update", "replace", "keep")

# Stages that the server accepts in an update, see the manual's page on updates with an aggregation pipeline.
STAGES = frozenset({"$set", "$addFields", "$unset", "$project", "$replaceRoot", "$replaceWith"})

# Operators whose second application to a document changes nothing more.
REPEATABLE_OPERATORS = frozenset({"$set", "$unset", "$min", "$max", "$addToSet", "$pull", "$pullAll", "$setOnInsert"})

# Commands that a change file may send, with the error numbers by which the server says that it is already done. These
# count as success only when an interrupted run may have sent the command before.
COMMANDS: dict[str, frozenset[int]] = {
    "create": frozenset({48}),
    "createIndexes": frozenset(),
    "dropIndexes": frozenset({26, 27}),
    "collMod": frozenset(),
    "renameCollection": frozenset({26}),
    "aggregate": frozenset(),
}


@dataclasses.dataclass(frozen=True)
class Operation:
    """One valid operation.

    :ivar where: ``file:line`` and its place in the list.
    :ivar body: its fields as plain data; for a command, the command.
    :ivar checksum: of its content; formatting and order of the fields do not count.
    """

    kind: str
    where: str
    body: dict[str, t.Any]
    checksum: int

    @property
    def collection(self) -> str:
        return str(self.body["collection"] if self.kind != COMMAND else next(iter(self.body.values())))

    @property
    def documents(self) -> list[dict[str, t.Any]]:
        return list(self.body["documents"])

    @property
    def filter(self) -> dict[str, t.Any]:
        return dict(self.body.get("filter") or {})

    @property
    def batch_size(self) -> int:
        return int(self.body.get("batch_size") or DEFAULT_BATCH)

    @property
    def on_match(self) -> str:
        return str(self.body.get("on_match") or "update")

    @property
    def update(self) -> t.Any:
        """What ``update`` or ``pipeline`` gives: operators, or a list of stages."""
        return self.body["update"] if self.kind == UPDATE_MANY else self.body["pipeline"]

    @property
    def scans(self) -> bool:
        """Whether it walks through a collection by its ``_id``."""
        return self.kind in (UPDATE_MANY, BACKFILL, DELETE_MANY)

    @property
    def can_be_applied_twice(self) -> bool:
        """Whether a second application to the same document changes nothing."""
        return self.kind == UPDATE_MANY and set(self.update) <= REPEATABLE_OPERATORS

    def key_of(self, document: dict[str, t.Any]) -> dict[str, t.Any]:
        """The part of a document that names it, as a query."""
        return {name: _get(document, name) for name in self.body["key"]}

    def title(self) -> str:
        name = next(iter(self.body)) if self.kind == COMMAND else self.kind
        return f"{name} {self.collection}"


def read(located: list[Located], label: str, repeatable: bool, problems: Problems) -> list[Operation]:
    """The operations of one file; what is wrong with them is added to ``problems``."""
    found = []
    for index, (value, line) in enumerate(located):
        place = f"{label}:{line} operations[{index}]"
        if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in KINDS:
            problems.add(place, f"an operation is a mapping with one name out of {', '.join(KINDS)}")
            continue
        kind, body = next(iter(value.items()))
        path = f"{place}.{kind}"
        if not isinstance(body, dict):
            problems.add(path, "a mapping is expected")
            continue
        if repeatable and kind not in (UPSERT, DELETE_MANY):
            problems.add(path, f"a repeatable file runs after each edit: it holds {UPSERT} and {DELETE_MANY} only")
        before = len(problems.found)
        _check_names(body, path, problems)
        _CHECKS[kind](body, path, problems)
        if len(problems.found) == before:
            text = json.dumps({kind: body}, sort_keys=False, separators=(",", ":"))
            found.append(Operation(kind, place, body, zlib.crc32(text.encode("utf-8", "surrogatepass"))))
    return found


def _check_common(kind: str, body: dict[str, t.Any], path: str, problems: Problems) -> None:
    for name in body:
        if name not in _FIELDS[kind]:
            problems.add(f"{path}.{name}", f"unknown field; known are {', '.join(sorted(_FIELDS[kind]))}")
    collection = body.get("collection")
    if not isinstance(collection, str) or not collection:
        problems.add(f"{path}.collection", "the name of a collection is expected")
    elif collection.startswith("system.") or "$" in collection or "\0" in collection:
        problems.add(f"{path}.collection", f"{collection!r} is no collection that may be changed")


def _check_documents(body: dict[str, t.Any], path: str, problems: Problems) -> bool:
    documents = body.get("documents")
    if not isinstance(documents, list) or not documents or not all(isinstance(one, dict) for one in documents):
        problems.add(f"{path}.documents", "a list of documents is expected")
        return False
    return True


def _check_insert(body: dict[str, t.Any], path: str, problems: Problems) -> None:
    _check_common(INSERT, body, path, problems)
    if _check_documents(body, path, problems):
        named = [document for document in body["documents"] if "_id" in document]
        _refuse_twins(named, ["_id"], path, problems)


def _check_upsert(body: dict[str, t.Any], path: str, problems: Problems) -> None:
    _check_common(UPSERT, body, path, problems)
    if body.get("on_match") not in (None, *ON_MATCH):
        problems.add(f"{path}.on_match", f"one of {', '.join(ON_MATCH)} is expected")
    key = body.get("key")
    if not isinstance(key, list) or not key or not all(isinstance(name, str) and name for name in key):
        problems.add(f"{path}.key", "a list of the fields that name a document is expected")
    elif _check_documents(body, path, problems):
        for index, document in enumerate(body["documents"]):
            for name in key:
                if _get(document, name) is None:
                    problems.add(f"{path}.documents[{index}]", f"the key field {name} is missing or null")
        _refuse_twins(body["documents"], key, path, problems)


def _refuse_twins(documents: list[dict[str, t.Any]], key: list[str], path: str, problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, document in enumerate(documents):
        text = json.dumps([_get(document, name) for name in key], sort_keys=True, default=str)
        if text in first:
            same = f"the same {', '.join(key)} as in documents[{first[text]}]: {text}"
            problems.add(f"{path}.documents[{index}]", same)
        first.setdefault(text, index)


def _check_scan(kind: str, body: dict[str, t.Any], path: str, problems: Problems) -> None:
    _check_common(kind, body, path, problems)
    if not isinstance(body.get("filter", {}), dict):
        problems.add(f"{path}.filter", "a query is expected, a mapping")
    size = body.get("batch_size", DEFAULT_BATCH)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAXIMUM_BATCH:
        problems.add(f"{path}.batch_size", f"a whole number from 1 to {MAXIMUM_BATCH} is expected")


def _check_update_many(body: dict[str, t.Any], path: str, problems: Problems) -> None:
    _check_scan(UPDATE_MANY, body, path, problems)
    update = body.get("update")
    if not isinstance(update, dict) or not update or not all(str(name).startswith("$") for name in update):
        problems.add(f"{path}.update", "update operators are expected, such as {$set: {...}}; a pipeline is a backfill")


def _check_backfill(body: dict[str, t.Any], path: str, problems: Problems) -> None:
    _check_scan(BACKFILL, body, path, problems)
    pipeline = body.get("pipeline")
    if not isinstance(pipeline, list) or not pipeline:
        problems.add(f"{path}.pipeline", "a list of stages is expected")
        return
    for index, stage in enumerate(pipeline):
        if not isinstance(stage, dict) or len(stage) != 1 or next(iter(stage)) not in STAGES:
            problems.add(f"{path}.pipeline[{index}]", f"a stage is one of {', '.join(sorted(STAGES))}")


def _check_delete_many(body: dict[str, t.Any], path: str, problems: Problems) -> None:
    _check_scan(DELETE_MANY, body, path, problems)
    if body.get("all") not in (None, True, False):
        problems.add(f"{path}.all", "true or false is expected")
    elif not body.get("filter") and not body.get("all"):
        problems.add(f"{path}.filter", "without a filter every document goes: write all: true if that is meant")


def _check_command(body: dict[str, t.Any], path: str, problems: Problems) -> None:
    name = next(iter(body), None)
    if name not in COMMANDS:
        problems.add(path, f"the first name is the command, one of {', '.join(sorted(COMMANDS))}")
    elif not isinstance(body[name], str) or not body[name]:
        problems.add(f"{path}.{name}", "a name is expected")
    elif name == "aggregate":
        pipeline = body.get("pipeline")
        last = pipeline[-1] if isinstance(pipeline, list) and pipeline else None
        if not isinstance(last, dict) or not {"$merge", "$out"} & set(last):
            problems.add(f"{path}.pipeline", "a pipeline that ends with $merge or $out is expected")
    elif name == "renameCollection" and (not isinstance(body.get("to"), str) or body.get("dropTarget")):
        problems.add(path, "renameCollection takes to, the new name, and cannot drop a collection of that name")


_CHECKS: dict[str, t.Callable[[dict[str, t.Any], str, Problems], None]] = {
    INSERT: _check_insert,
    UPSERT: _check_upsert,
    UPDATE_MANY: _check_update_many,
    BACKFILL: _check_backfill,
    DELETE_MANY: _check_delete_many,
    COMMAND: _check_command,
}


def _check_names(value: t.Any, path: str, problems: Problems) -> None:
    """Field names are text: YAML makes numbers of unquoted ones."""
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                problems.add(path, f"the name {name!r} is not a text, put it in quotes")
            else:
                _check_names(item, path, problems)
    elif isinstance(value, list):
        for item in value:
            _check_names(item, path, problems)


def _get(document: t.Any, path: str) -> t.Any:
    for part in path.split("."):
        document = document.get(part) if isinstance(document, dict) else None
    return document
