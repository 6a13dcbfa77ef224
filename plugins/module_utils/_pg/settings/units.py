"""Numbers with units as the server reads them (``convert_to_base_unit``, ``parse_int`` and ``parse_real`` of guc.c).

Memory units are B, kB, MB, GB, TB and time units us, ms, s, min, h, d, in exactly this spelling; a multiplier of memory
is 1024. A fraction such as 1.5GB is allowed and rounded to the setting's own unit.
"""

from __future__ import annotations

import math
import re

MEMORY = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
# Microseconds.
TIME = {"us": 1, "ms": 1000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_NUMBER = re.compile(r"\s*([+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))\s*(.*?)\s*")


class BadNumber(ValueError):
    """The text is no number that this setting can take; the message says why."""


def family(unit: str) -> dict[str, int]:
    """The units that a setting counted in ``unit`` (such as ``8kB``, ``ms`` or nothing) understands."""
    name = unit.lstrip("0123456789")
    return MEMORY if name in MEMORY else TIME if name in TIME else {}


def size(unit: str) -> int:
    """How many bytes or microseconds one ``unit`` is; ``8kB`` is 8192."""
    name = unit.lstrip("0123456789")
    return int(unit[: len(unit) - len(name)] or 1) * family(unit)[name]


def parse(text: str, unit: str, integer: bool) -> float:
    """The number in the setting's own unit.

    :param unit: unit of the setting as in ``pg_settings.unit``, empty for a plain number.
    :raises BadNumber: not a number, or a unit that the setting does not understand.
    """
    match = _NUMBER.fullmatch(text)
    if not match:
        raise BadNumber("it is not a number")
    digits, given = match.groups()
    value = float(int(digits, 0)) if "x" in digits.lower() else _decimal(digits)
    if math.isinf(value):
        raise BadNumber("it is too large")
    if given:
        value = _converted(value, given, unit)
    return float(round(value)) if integer else value


def _decimal(digits: str) -> float:
    # strtol with base 0, as the server calls it, reads a leading zero as octal.
    bare = digits.lstrip("+-")
    if re.fullmatch(r"0[0-7]+", bare):
        return float(int(bare, 8)) * (-1 if digits.startswith("-") else 1)
    return float(digits)


def _converted(value: float, given: str, unit: str) -> float:
    known = family(unit)
    if not known:
        raise BadNumber(f'"{given}" follows the number, but this setting has no unit')
    if given not in known:
        near = next((name for name in known if name.lower() == given.lower()), None)
        advice = f', write "{near}"' if near else ""
        raise BadNumber(f'the unit "{given}" is none of {", ".join(known)}{advice}')
    return _in_whole_smaller_units(value, given, known) / size(unit)


def _in_whole_smaller_units(value: float, given: str, known: dict[str, int]) -> float:
    """In bytes or microseconds; a fraction is rounded to the next smaller unit first, as the server does."""
    smaller = max((factor for factor in known.values() if factor < known[given]), default=None)
    if value == int(value) or smaller is None:
        return value * known[given]
    return round(value * known[given] / smaller) * smaller


def text(value: float, unit: str) -> str:
    """A number of the setting's unit in the largest unit that says it without a fraction: 131072 of 8kB is 1GB."""
    if not family(unit) or value <= 0:
        return f"{value:.10g}" + (f" {unit}" if unit and value > 0 else "")
    amount = value * size(unit)
    for name, factor in reversed(family(unit).items()):
        if amount >= factor and amount % factor == 0:
            return f"{amount / factor:.15g}{name}"
    return f"{value:.10g}{unit}"
