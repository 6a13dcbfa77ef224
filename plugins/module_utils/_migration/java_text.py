"""Text as Java sees it: Flyway's lock key and its order of repeatable migrations depend on UTF-16."""

from __future__ import annotations


def string_hash(text: str) -> int:
    """Return Java's ``String.hashCode``: a signed 32-bit number over the UTF-16 code units."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for position in range(0, len(units), 2):
        value = (31 * value + (units[position] << 8) + units[position + 1]) & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def order_key(text: str) -> bytes:
    """Return a sort key with the order of Java's ``String.compareTo``."""
    return text.encode("utf-16-be", "surrogatepass")
