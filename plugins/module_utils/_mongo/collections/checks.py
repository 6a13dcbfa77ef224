"""Looks at existing documents before a change that they could stand in the way of."""

from __future__ import annotations

import json
import typing as t

from ..._core.problems import Problems
from ..api import Server, ServerRefused
from ..change import Change
from .model import LiveCollection

MAX_TIME_EXPIRED = 50
EXAMPLES = 5


class DocumentChecks:
    """Duplicates that a unique index would trip over, and documents that a validator would lock.

    :param seconds: how long the server may spend on one check.
    :param accept: whether documents that violate a validator are accepted.
    """

    def __init__(self, server: Server, database: str, seconds: int, accept: bool) -> None:
        self.server = server
        self.database = database
        self.seconds = seconds
        self.accept = accept
        self.violations: list[dict[str, t.Any]] = []
        self.warnings: list[str] = []

    def run(self, changes: list[Change], live: dict[str, LiveCollection], problems: Problems) -> None:
        """Note what is in the way of the changes. Reads only.

        :raises ConnectionLost: the primary was lost.
        """
        recreated = {item.collection for item in changes if item.action == "recreate"}
        for item in changes:
            existing = live.get(item.collection)
            if existing is None or item.collection in recreated or existing.kind != "collection":
                continue
            if item.unique_index is not None:
                self._find_duplicates(item, problems)
            elif item.action == "modify" and item.kind == "collection":
                self._count_violations(item, existing, problems)

    def _find_duplicates(self, item: Change, problems: Problems) -> None:
        document = item.unique_index or {}
        rows = self._aggregate(item, duplicates_pipeline(document), document.get("collation"))
        if not rows:
            return
        fields = list(document["key"])
        shown = "; ".join(_offence(fields, row) for row in rows)
        problems.add(item.path, f"the index cannot be unique, keys are held by several documents: {shown}")

    def _count_violations(self, item: Change, existing: LiveCollection, problems: Problems) -> None:
        settings = item.commands[0]
        names = ("validator", "validationLevel", "validationAction")
        if not any(name in settings for name in names):
            return
        defaults = {"validator": {}, "validationLevel": "strict", "validationAction": "error"}
        validator, level, action = (settings.get(name, existing.options.get(name, defaults[name])) for name in names)
        if not validator or level == "off":
            return
        rows = self._aggregate(item, [{"$match": {"$nor": [validator]}}, {"$group": {
            "_id": None, "documents": {"$sum": 1}, "first": {"$min": "$_id"}, "last": {"$max": "$_id"},
        }}], None)  # fmt: skip
        if not rows:
            return
        count, examples = rows[0]["documents"], [rows[0]["first"], rows[0]["last"]]
        self.violations.append({"collection": item.name, "documents": count, "examples": examples})
        if not self.accept and level == "strict" and action == "error":
            problems.add(
                f"{item.path}.validator",
                f"{count} documents of {item.name} do not satisfy the validator (for example _id {_both(examples)}): "
                "writes to them would fail. Correct them, use validation_level: moderate, or set existing_documents: "
                "accept",
            )

    def _aggregate(
        self, item: Change, pipeline: list[dict[str, t.Any]], collation: dict[str, t.Any] | None
    ) -> list[dict[str, t.Any]]:
        command: dict[str, t.Any] = {
            "aggregate": item.collection, "pipeline": pipeline, "cursor": {}, "allowDiskUse": True,
            "maxTimeMS": self.seconds * 1000,
        }  # fmt: skip
        if collation:
            command["collation"] = collation
        try:
            return self.server.rows(self.database, command)
        except ServerRefused as error:
            # The check is a courtesy: the server refuses duplicates itself, and may not let this user read documents.
            reason = error.server_message
            if error.server_code == MAX_TIME_EXPIRED:
                reason = f"that took longer than {self.seconds} s (check_timeout)"
            self.warnings.append(f"{item.name}: existing documents were not checked: {reason}")
            return []


def _offence(fields: list[str], row: dict[str, t.Any]) -> str:
    keys = json.dumps(dict(zip(fields, row["_id"].values(), strict=True)), default=str)
    return f"{keys} is in {row['documents']} documents (for example _id {_both([row['first'], row['last']])})"


def _both(examples: list[t.Any]) -> str:
    return " and ".join(dict.fromkeys(json.dumps(example, default=str) for example in examples))


def duplicates_pipeline(document: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Finds the first keys that a unique index would refuse.

    An index holds one entry for each element of an array, and counts a missing field as null; two equal elements
    within one document are no conflict.
    """
    fields = list(document["key"])
    names = [f"k{number}" for number in range(len(fields))]
    stages: list[dict[str, t.Any]] = []
    if document.get("partialFilterExpression"):
        stages.append({"$match": document["partialFilterExpression"]})
    if document.get("sparse"):
        stages.append({"$match": {"$or": [{field: {"$exists": True}} for field in fields]}})
    values = {name: {"$ifNull": [f"${field}", None]} for name, field in zip(names, fields, strict=True)}
    stages.append({"$project": values})
    stages += [{"$unwind": {"path": f"${name}", "preserveNullAndEmptyArrays": True}} for name in names]
    keys = {name: {"$ifNull": [f"${name}", None]} for name in names}
    return [
        *stages,
        {"$group": {"_id": {"keys": keys, "id": "$_id"}}},
        {"$group": {
            "_id": "$_id.keys", "documents": {"$sum": 1}, "first": {"$min": "$_id.id"}, "last": {"$max": "$_id.id"},
        }},
        {"$match": {"documents": {"$gt": 1}}},
        {"$limit": EXAMPLES},
    ]
