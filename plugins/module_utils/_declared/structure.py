"""Whether a description has the structure that application.schema.json says: keys, types, choices, required keys."""

from __future__ import annotations

import functools
import json
import typing as t
from pathlib import Path

from .located import Entry, Located, kind
from .problem import Problem, suggestion

SCHEMA = Path(__file__).with_name("application.schema.json")
Schema = dict[str, t.Any]
# So many known keys stand in a message; a reader finds more of them in the reference.
_FEW = 10

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
# What a template gives for true and false, where Ansible makes texts of everything.
_TRUTH_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "1", "0"))


@functools.cache
def load() -> Schema:
    """Read once in a process; nothing changes it."""
    return t.cast(Schema, json.loads(SCHEMA.read_text(encoding="utf-8")))


def real(schema: Schema) -> Schema:
    """What a value must be when it is not a template: the first of the two that ``anyOf`` offers."""
    return {**schema, **schema["anyOf"][0]} if "anyOf" in schema else schema


def check(found: Located, schema: Schema, file: str, path: str = "") -> t.Iterator[Problem]:
    """Everything in a value that the schema does not allow.

    A template is accepted for any value; what it gives is checked once it is resolved.
    """
    if found.origin == "unknown" or found.is_template:
        return
    schema = real(schema)
    if _is_list_of_one(found, schema):
        return
    wrong = _wrong_kind(found, schema)
    if wrong:
        yield Problem(file, found.line, path, wrong)
    elif schema.get("type") == "object":
        yield from _mapping(found, schema, file, path)
    elif schema.get("type") == "array":
        for number, item in enumerate(found.value):
            yield from check(item, schema.get("items", {}), file, f"{path}[{number}]")
    elif "enum" in schema and _plain(found) not in schema["enum"]:
        yield Problem(file, found.line, path, _not_a_choice(found, schema["enum"]))


def _is_list_of_one(found: Located, schema: Schema) -> bool:
    """As ``objects: all``. Ansible would make several of a text with commas, which is left to brackets."""
    text = isinstance(found.value, str) and "," not in found.value
    return text and schema.get("type") == "array" and schema["items"] == {"type": "string"}


def _wrong_kind(found: Located, schema: Schema) -> str | None:
    expected = "string" if "enum" in schema else schema.get("type")
    if expected is None or _is(found, expected):
        return None
    word = _WORDS[expected]
    if found.value is None:
        return f"it has no value; give it {word}, or remove the key"
    actual = kind(found.value)
    if expected == "integer" and actual == "a number":
        actual = "a fraction"
    advice = ""
    if found.origin == "plain":
        if expected == "string" and actual in ("a number", "true or false"):
            advice = "; put it in quotes"
        elif expected == "array":
            advice = "; write it as [...]" if actual != "a mapping" else "; begin each item with a dash"
        elif expected in ("boolean", "integer", "number") and actual == "text":
            advice = "; write it without quotes"
    given = " of the template" if found.origin == "resolved" else ""
    return f"the value{given} is {actual}, {word} is expected{advice}"


def _is(found: Located, expected: str) -> bool:
    value = found.value
    lenient = found.origin == "resolved"
    if expected == "boolean":
        return isinstance(value, bool) or (lenient and str(value).lower() in _TRUTH_WORDS)
    if expected in ("integer", "number"):
        return _is_number(value, expected, lenient)
    if expected == "string":
        if isinstance(value, (str, bool, int, float)):
            return isinstance(value, str) or lenient
        return value is not None and not isinstance(value, (dict, list))
    return isinstance(value, dict if expected == "object" else list)


def _is_number(value: t.Any, expected: str, lenient: bool) -> bool:
    if lenient and isinstance(value, str):
        try:
            value = int(value) if expected == "integer" else float(value)
        except ValueError:
            return False
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole or (expected == "number" and isinstance(value, float))


def _plain(found: Located) -> t.Any:
    return str(found.value) if found.origin == "resolved" else found.value


def _not_a_choice(found: Located, choices: list[str]) -> str:
    """What a template gave is not shown: it may be a secret that came to the wrong key."""
    if found.origin != "plain":
        return f"the value of the template is not one of {', '.join(choices)}"
    meant = suggestion(found.value, choices)
    question = f", did you mean {meant}?" if meant else ""
    return f"{found.value[:60]!r} is not one of {', '.join(choices)}{question}"


def _mapping(found: Located, schema: Schema, file: str, path: str) -> t.Iterator[Problem]:
    known: dict[str, Schema] = schema.get("properties") or {}
    for key, entry in found.value.items():
        below = f"{path}.{key}" if path else str(key)
        if key not in known:
            if schema.get("additionalProperties") is False:
                yield Problem(file, entry.line, below, _unknown_key(str(key), entry, known, path))
        elif "x-refused" in known[key]:
            yield Problem(file, entry.line, below, known[key]["x-refused"])
        elif not (entry.value.origin == "resolved" and entry.value.value is None):
            yield from check(entry.value, known[key], file, below)
    yield from _missing(found, schema, file, path)
    yield from _twice(found, schema, file, path)


def _missing(found: Located, schema: Schema, file: str, path: str) -> t.Iterator[Problem]:
    spellings = _spellings(schema)
    for name in schema.get("x-required") or schema.get("required") or []:
        given = [found.value[each] for each in spellings.get(name, [name]) if each in found.value]
        if not given:
            yield Problem(file, found.line, path, f"the key {name} is missing")
        elif given[0].value.origin == "resolved" and given[0].value.value is None:
            yield Problem(file, given[0].line, f"{path}.{name}", "the template gives nothing, and the key is required")


def _twice(found: Located, schema: Schema, file: str, path: str) -> t.Iterator[Problem]:
    """One option, given under two of its names."""
    for name, spellings in _spellings(schema).items():
        given = [each for each in found.value if each in spellings]
        if len(given) > 1:
            line = found.value[given[1]].line
            yield Problem(file, line, f"{path}.{given[1]}", f"it is {name}, which is already given as {given[0]}")


def _spellings(schema: Schema) -> dict[str, list[str]]:
    """The names of each option that has several, by its first one."""
    found: dict[str, list[str]] = {}
    for key, inner in schema.get("properties", {}).items():
        if "x-same-as" in inner:
            found.setdefault(inner["x-same-as"], [inner["x-same-as"]]).append(key)
    return found


def _unknown_key(key: str, entry: Entry, known: dict[str, Schema], path: str) -> str:
    if not path and isinstance(entry.value.value, dict) and "engine" in entry.value.value:
        return "stores with a name of their own are not supported by this version; write postgresql: or mongodb:"
    meant = suggestion(key, known)
    if meant and "x-refused" in known[meant]:
        return f"unknown key; {meant}: {known[meant]['x-refused']}"
    if meant:
        return f"unknown key, did you mean {meant}?"
    accepted = sorted(name for name, inner in known.items() if "x-refused" not in inner and "x-same-as" not in inner)
    return f"unknown key; known are {', '.join(accepted)}" if len(accepted) <= _FEW else "unknown key"
