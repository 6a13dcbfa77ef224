"""Index key patterns: reading the three ways to write them, the server's rules, and the drivers' names."""

from __future__ import annotations

import typing as t

from ..._core.problems import Problems
from ..fields import as_number

Direction = t.Union[int, float, str]  # noqa: UP007 (pylint takes the shorter form for arithmetic)
Keys = tuple[tuple[str, Direction], ...]

PLUGINS = ("text", "2dsphere", "2d", "hashed")
MAXIMUM_FIELDS = 32
MAXIMUM_BYTES = 2048
DBREF_PARTS = frozenset({"$ref", "$id", "$db"})
TEXT_BLOCK: Keys = (("_fts", "text"), ("_ftsx", 1))


def read_keys(value: t.Any, path: str, problems: Problems) -> Keys:
    """The key pattern in order; problems are noted and the readable rest returned.

    Accepts a mapping, a list of one-key mappings, or a list of ``[field, direction]`` pairs: a mapping keeps its
    order in YAML, but not always through filters.
    """
    before = len(problems.found)
    written = _pairs(value, path, problems)
    pairs = [(str(field), _direction(item, f"{path}.{field}", problems)) for field, item in written]
    fields = [field for field, _direction_of_it in pairs]
    for field in sorted({field for field in fields if fields.count(field) > 1}):
        problems.add(f"{path}.{field}", "the field is named twice")
    if not pairs and len(problems.found) == before:
        problems.add(path, "at least one field is needed")
    if len(pairs) > MAXIMUM_FIELDS:
        problems.add(path, f"{len(pairs)} fields, the server takes at most {MAXIMUM_FIELDS}")
    if sum(len(field.encode()) + 14 for field in fields) > MAXIMUM_BYTES:
        problems.add(path, f"the key pattern is longer than {MAXIMUM_BYTES} bytes")
    keys = tuple(pairs)
    if keys == (("_id", -1),):
        problems.add(f"{path}._id", "the index on _id is ascending; it is read in both directions")
    for field, direction in keys:
        _check_field(field, direction, f"{path}.{field}", problems)
    _check_combination(keys, path, problems)
    return keys


def default_name(keys: Keys) -> str:
    """The name that drivers make up: ``a_1_b_-1``."""
    return "_".join(f"{field}_{direction}" for field, direction in keys)


def normalised(keys: Keys) -> Keys:
    """The form in which the server stores a key pattern: text fields become one block, in the place of the first."""
    stored: list[tuple[str, Direction]] = []
    for field, direction in keys:
        if direction == "text" and field != "_fts":
            stored += [pair for pair in TEXT_BLOCK if pair not in stored]
        else:
            stored.append((field, direction))
    return tuple(stored)


def special_kind(keys: Keys) -> str | None:
    """``text``, ``2dsphere``, ``2d``, ``hashed``, ``wildcard``, or ``None`` for an ordinary index."""
    for field, direction in keys:
        if isinstance(direction, str):
            return direction
        if is_wildcard(field):
            return "wildcard"
    return None


def is_wildcard(field: str) -> bool:
    return field == "$**" or field.endswith(".$**")


def is_primary(keys: Keys) -> bool:
    """Whether this is the key pattern of ``_id_``, the index that every collection has."""
    return keys == (("_id", 1),)


def _pairs(value: t.Any, path: str, problems: Problems) -> list[tuple[t.Any, t.Any]]:
    if isinstance(value, dict):
        return list(value.items())
    if not isinstance(value, list):
        problems.add(path, "a mapping, a list of one-key mappings or a list of [field, direction] pairs is expected")
        return []
    pairs: list[tuple[t.Any, t.Any]] = []
    for number, item in enumerate(value):
        if isinstance(item, dict) and len(item) == 1:
            pairs += item.items()
        elif isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str):
            pairs.append((item[0], item[1]))
        else:
            problems.add(f"{path}[{number}]", "a mapping with one key or a pair [field, direction] is expected")
    return pairs


def _direction(value: t.Any, path: str, problems: Problems) -> Direction:
    number = as_number(value)
    if number is not None:
        if number == 0:
            problems.add(path, "the direction cannot be 0")
        return number
    if isinstance(value, str) and value in PLUGINS:
        return value
    if value == "geoHaystack":
        problems.add(path, "geoHaystack indexes are gone since MongoDB 5.0, use 2d or 2dsphere")
    else:
        problems.add(path, f"{value!r} is no direction; 1, -1, {', '.join(PLUGINS)} are")
    return 1


def _check_field(field: str, direction: Direction, path: str, problems: Problems) -> None:
    parts = field.split(".")
    wildcard = is_wildcard(field)
    if "\0" in field:
        problems.add(path, "a field name cannot hold a NUL character")
    if any(not part for part in parts):
        problems.add(path, "a field name cannot be empty")
    for position, part in enumerate(parts):
        if not part.startswith("$") or (wildcard and position == len(parts) - 1):
            continue
        if position == 0 or part not in DBREF_PARTS:
            problems.add(path, f"a key cannot name {part!r}: only $** (a wildcard index) may start with $")
    if wildcard and isinstance(direction, str) and not (field == "$**" and direction == "text"):
        problems.add(path, f"a wildcard cannot be of kind {direction}")
    if wildcard and not isinstance(direction, str) and direction < 0:
        problems.add(path, "a wildcard cannot be descending")


def _check_combination(keys: Keys, path: str, problems: Problems) -> None:
    kinds = {direction for _field, direction in keys if isinstance(direction, str)}
    if len(kinds) > 1:
        problems.add(path, f"an index is of one special kind only, not {' and '.join(sorted(map(str, kinds)))}")
    text_places = [place for place, (_field, direction) in enumerate(keys) if direction == "text"]
    if text_places and text_places != list(range(text_places[0], text_places[-1] + 1)):
        problems.add(path, "text fields must stand next to each other")
    hashed = [field for field, direction in keys if direction == "hashed"]
    if len(hashed) > 1:
        problems.add(path, "only one field can be hashed")
    flat = [field for field, direction in keys if direction == "2d"]
    if len(flat) > 1 or (flat and keys[0][1] != "2d"):
        problems.add(path, "a 2d index has one 2d field, and it comes first")
