"""Partial filter expressions: what the server takes, and when it calls two of them the same.

The server parses both and normalises them: an implicit ``$eq`` is an explicit one, nested ``$and`` and ``$or`` are
flat, one clause needs no ``$and``, ``$in`` is a set, equalities on one field under ``$or`` are an ``$in``. The order of
clauses does not count, but for clauses of one kind on one field. Found out by sending pairs of filters to MongoDB
6.0; the differential test repeats that.
"""

from __future__ import annotations

import json
import typing as t

from ..._core.problems import Problems
from ..values import canonical, fingerprint, truth

COMPARISONS = frozenset({
    "$eq", "$gt", "$gte", "$lt", "$lte", "$in", "$exists", "$type", "$geoWithin", "$geoIntersects",
})
SUPPORTED = "$eq, $gt, $gte, $lt, $lte, $in, $exists: true, $type, $geoWithin, $geoIntersects, $and, $or"
DEEPEST = 4
TYPE_NUMBERS = {
    "double": 1, "string": 2, "object": 3, "array": 4, "binData": 5, "undefined": 6, "objectId": 7, "bool": 8,
    "date": 9, "null": 10, "regex": 11, "dbPointer": 12, "javascript": 13, "symbol": 14, "javascriptWithScope": 15,
    "int": 16, "timestamp": 17, "long": 18, "decimal": 19, "minKey": -1, "maxKey": 127,
}


def check_filter(expression: dict[str, t.Any], path: str, problems: Problems) -> None:
    """Note what the server would refuse in a partial filter expression."""
    before = len(problems.found)
    _check_document(expression, path, problems)
    if len(problems.found) == before and _depth(expression) > DEEPEST:
        problems.add(path, f"a partial filter can be nested {DEEPEST} levels deep at most")


def _depth(expression: dict[str, t.Any]) -> int:
    """Levels of the tree that the server parses: several clauses in one document are an ``$and`` that nobody wrote."""
    depths: list[int] = []
    for field, value in expression.items():
        if field in ("$and", "$or"):
            depths.append(1 + max(_depth(clause) for clause in value))
        elif field != "$comment":
            depths += [1] * (len(value) if is_operator_document(value) else 1)
    return (1 if len(depths) > 1 else 0) + max(depths, default=0)


def _check_document(expression: dict[str, t.Any], path: str, problems: Problems) -> None:
    for field, value in expression.items():
        here = f"{path}.{field}"
        if field in ("$and", "$or"):
            _check_clauses(value, here, problems)
        elif field.startswith("$") and field != "$comment":
            problems.add(here, f"a partial filter cannot use {field}; it can use {SUPPORTED}")
        elif is_operator_document(value):
            _check_operators(value, here, problems)


def _check_clauses(clauses: t.Any, path: str, problems: Problems) -> None:
    if not isinstance(clauses, list) or not clauses:
        problems.add(path, "a list with at least one clause is expected")
        return
    for number, clause in enumerate(clauses):
        if isinstance(clause, dict):
            _check_document(clause, f"{path}[{number}]", problems)
        else:
            problems.add(f"{path}[{number}]", "a mapping is expected")


def _check_operators(operators: dict[str, t.Any], path: str, problems: Problems) -> None:
    for operator, operand in operators.items():
        here = f"{path}.{operator}"
        if operator not in COMPARISONS:
            problems.add(here, f"a partial filter cannot use {operator}; it can use {SUPPORTED}")
        elif operator == "$exists" and not truth(operand):
            problems.add(here, "a partial filter cannot use $exists: false")
        elif operator == "$in" and not isinstance(operand, list):
            problems.add(here, "a list is expected")
        elif operator == "$type":
            for kind in operand if isinstance(operand, list) else [operand]:
                if isinstance(kind, str) and kind != "number" and kind not in TYPE_NUMBERS:
                    problems.add(here, f"unknown type {kind!r}")


def is_operator_document(value: t.Any) -> bool:
    """``{$gt: 1}`` as opposed to a document to compare with; values in Extended JSON are the latter."""
    if not isinstance(value, dict) or not value:
        return False
    first = next(iter(value))
    if not first.startswith("$") or first in ("$ref", "$id", "$db"):
        return False
    return not (len(value) == 1 and (first in _VALUE_KEYS or first.startswith("$number")))


_VALUE_KEYS = frozenset({"$oid", "$date", "$regularExpression", "$uuid", "$binary", "$timestamp", "$minKey", "$maxKey"})


def normalised(expression: dict[str, t.Any] | None) -> t.Any:
    """A JSON-able tree; equal trees are the same filter to the server. ``None`` means that there is no filter."""
    return None if expression is None else _sorted(_simplified(_parsed(expression)))


def _parsed(expression: dict[str, t.Any]) -> t.Any:
    """A document as the conjunction of its clauses."""
    clauses: list[t.Any] = []
    for field, value in expression.items():
        if field in ("$and", "$or") and isinstance(value, list):
            clauses.append([field[1:], [_parsed(clause) for clause in value]])
        elif field == "$comment":
            continue
        elif field.startswith("$"):
            clauses.append(["opaque", field, canonical(value)])
        elif is_operator_document(value):
            clauses += [_comparison(field, operator, operand) for operator, operand in value.items()]
        else:
            clauses.append(["eq", field, canonical(value)])
    return ["and", clauses]


def _simplified(tree: t.Any) -> t.Any:
    """Branches of the same word are absorbed, behind the branches that were there; one branch needs no word."""
    word, branches = tree[0], tree[1]
    if word not in ("and", "or"):
        return tree
    branches = [_simplified(branch) for branch in branches]
    absorbed = [grandchild for branch in branches if branch[0] == word for grandchild in branch[1]]
    branches = [branch for branch in branches if branch[0] != word] + absorbed
    if word == "or" and len(branches) > 1:
        branches = _equalities_as_sets(branches)
    return branches[0] if len(branches) == 1 else [word, branches]


def _sorted(tree: t.Any) -> t.Any:
    if tree[0] not in ("and", "or"):
        return tree
    return [tree[0], sorted((_sorted(branch) for branch in tree[1]), key=_shape)]


def _equalities_as_sets(alternatives: list[t.Any]) -> list[t.Any]:
    """Two or more equalities on one field become one ``$in``; one that was written as ``$in`` does not take part."""
    values: dict[str, list[t.Any]] = {}
    for tree in alternatives:
        if tree[0] == "eq":
            values.setdefault(tree[1], []).append(tree[2])
    merged = [["in", field, _set(found)] for field, found in values.items() if len(found) > 1]
    several = {tree[1] for tree in merged}
    return merged + [tree for tree in alternatives if not (tree[0] == "eq" and tree[1] in several)]


def _comparison(field: str, operator: str, operand: t.Any) -> t.Any:
    if operator == "$eq":
        return ["eq", field, canonical(operand)]
    if operator == "$in" and isinstance(operand, list):
        values = _set([canonical(item) for item in operand])
        return ["eq", field, values[0]] if len(values) == 1 else ["in", field, values]
    if operator == "$exists":
        return ["exists", field, truth(operand)]
    if operator == "$type":
        kinds = operand if isinstance(operand, list) else [operand]
        return ["type", field, _set([_type_number(kind) for kind in kinds])]
    return ["compare", operator, field, canonical(operand)]


def _type_number(kind: t.Any) -> t.Any:
    if isinstance(kind, str):
        return kind if kind == "number" else TYPE_NUMBERS.get(kind, kind)
    return int(kind)


def _shape(tree: t.Any) -> str:
    """What the server sorts clauses by: kind and field. Clauses that are alike in both keep their order."""
    if tree[0] in ("and", "or"):
        return json.dumps([tree[0], [_shape(branch) for branch in tree[1]]])
    return json.dumps([part for part in tree[:3] if isinstance(part, str)] if tree[0] == "compare" else tree[:2])


def _set(items: list[t.Any]) -> list[t.Any]:
    unique = {_order(item): item for item in items}
    return [unique[key] for key in sorted(unique)]


def _order(tree: t.Any) -> str:
    return json.dumps(tree, default=fingerprint)
