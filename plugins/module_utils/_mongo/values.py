"""Values compared the way the MongoDB server compares them."""

from __future__ import annotations

import decimal
import json
import typing as t

# As many as a Decimal128 has, with its range of exponents.
_DIGITS = decimal.Context(prec=34, Emin=-6143, Emax=6144, clamp=1)


def canonical(value: t.Any) -> t.Any:
    """A JSON-able form that is equal exactly when the server calls two values equal.

    Numbers compare by value whatever their type, ``true`` is not 1, the order of a document's fields counts.
    """
    if isinstance(value, bool):
        return ["bool", value]
    number = as_decimal(value)
    if number is not None:
        return ["number", _number(number)]
    if isinstance(value, dict):
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


def as_decimal(value: t.Any) -> decimal.Decimal | None:
    """A number in any of its types; ``None`` for what is not a number.

    The server compares a double with a Decimal128 by the 34 digits that the double has as a decimal: 0.1 is not 0.1.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return decimal.Decimal(value)
    if isinstance(value, float):
        return _DIGITS.create_decimal_from_float(value)
    if isinstance(value, dict) and len(value) == 1:
        kind, text = next(iter(value.items()))
        if kind == "$numberDouble":
            return _DIGITS.create_decimal_from_float(float(text))
        if kind in ("$numberDecimal", "$numberLong", "$numberInt"):
            return decimal.Decimal(str(text))
    return None


def _number(value: decimal.Decimal) -> str:
    if not value.is_finite():
        return str(value).lower()
    return "0" if value == 0 else format(value.normalize(_DIGITS), "f")
