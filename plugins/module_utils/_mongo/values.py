"""Values compared the way the MongoDB server compares them."""

from __future__ import annotations

import decimal
import json
import typing as t


def canonical(value: t.Any) -> t.Any:
    """A JSON-able form that is equal exactly when the server calls two values equal.

    Numbers compare by value whatever their type, ``true`` is not 1, the order of a document's fields counts.
    """
    if isinstance(value, bool):
        return ["bool", value]
    if isinstance(value, (int, float)):
        return ["number", _number(decimal.Decimal(str(value)))]
    if isinstance(value, dict):
        for kind in ("$numberDecimal", "$numberDouble", "$numberLong", "$numberInt"):
            if set(value) == {kind}:
                return ["number", _number(decimal.Decimal(str(value[kind])))]
        return ["document", [[key, canonical(item)] for key, item in value.items()]]
    if isinstance(value, (list, tuple)):
        return ["array", [canonical(item) for item in value]]
    return value


def fingerprint(value: t.Any) -> str:
    """``canonical`` as text: sortable and hashable."""
    return json.dumps(canonical(value), separators=(",", ":"), sort_keys=False, default=str)


def same(one: t.Any, other: t.Any) -> bool:
    """Whether the server calls the two values equal."""
    return fingerprint(one) == fingerprint(other)


def truth(value: t.Any) -> bool:
    """What the server makes of a value where it expects a flag: every number but 0 is true."""
    return bool(value)


def _number(value: decimal.Decimal) -> str:
    if not value.is_finite():
        return str(value).lower()
    return "0" if value == 0 else format(value.normalize(), "f")
