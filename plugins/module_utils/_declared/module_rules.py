"""What the content modules would refuse in a description without a look at the server, by the modules' own rules."""

from __future__ import annotations

import datetime
import re
import typing as t

from .._core.described import truth
from .._core.errors import GroundworkError
from .._mongo.profiles.specification import read_specification
from .._mongo.users import declared as mongo_users
from .._pg.contents import declared as pg_contents
from .._pg.partitions import declared as pg_partitions
from .._pg.row_security import declared as pg_row_security
from . import structure
from .application import Application
from .located import Located
from .problem import Problem

Options = dict[str, t.Any]
# Where a rule says that something is wrong: the path below the entry, the value there, and the words that remain.
Place = tuple[str, Located, str]

_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]")
# What a module takes as it is written, without defaults: an option that is there then means something.
_AS_WRITTEN = ("collections",)


class _Unknown(Exception):
    """A value is encrypted, or a template that no host of this run resolves."""


def problems(application: Application, engine: str) -> t.Iterator[Problem]:
    """The structure of the store is right. What says something that is not known yet is left to the module."""
    store = application.store(engine)
    if store is None:
        return
    schema = structure.load()["properties"][engine]
    for key, (read, place) in _RULES[engine].items():
        part = structure.real(structure.real(schema["properties"][key])["items"]) if key else schema
        calls = {f"{engine}.{key}[{number}]": entry for number, entry in enumerate(store.items(key))}
        for path, entry in calls.items() if key else [(engine, store)]:
            for problem in _refused(read, entry, part):
                below, value, where = place(entry, problem["path"])
                words = [f"{where}:" if where else "", problem["problem"], problem.get("hint", "")]
                yield Problem(application.file, value.line, path + below, " ".join(word for word in words if word))


def _refused(read: t.Callable[[Options], t.Any], entry: Located, schema: structure.Schema) -> list[dict[str, str]]:
    try:
        read(_options(entry, schema))
    except _Unknown:
        return []
    except GroundworkError as error:
        return t.cast("list[dict[str, str]]", error.details["problems"])
    return []


def _options(found: Located, schema: structure.Schema) -> t.Any:
    """The value as the module gets it, with its defaults and in its types."""
    schema = structure.real(schema)
    if not found.known:
        raise _Unknown
    if schema.get("type") == "array":
        items = found.value if isinstance(found.value, list) else [found]
        return [_options(item, schema.get("items", {})) for item in items]
    if "properties" in schema:
        return _filled(found, schema)
    if isinstance(found.value, dict):
        return {key: _options(entry.value, {}) for key, entry in found.value.items()}
    if isinstance(found.value, list):
        return [_options(item, {}) for item in found.value]
    return _scalar(found, "string" if "enum" in schema else schema.get("type"))


def _filled(found: Located, schema: structure.Schema) -> dict[str, t.Any]:
    """A mapping with all options; what a description may not say has no value."""
    filled: dict[str, t.Any] = {}
    for key, inner in schema["properties"].items():
        option = inner.get("x-same-as", inner.get("x-option", key))
        if _is_given(found, key) and "x-refused" not in inner:
            filled[option] = _options(t.cast(Located, found.get(key)), {} if key in _AS_WRITTEN else inner)
        else:
            filled.setdefault(option, inner.get("default"))
    return filled


def _is_given(found: Located, key: str) -> bool:
    """A password that is not known yet is as good as none, so that the rest can be checked."""
    value = found.get(key)
    return value is not None and value.value is not None and (value.known or key != "password")


def _scalar(found: Located, expected: str | None) -> t.Any:
    """Templates give texts where Ansible makes texts of everything; elsewhere the structure was compared already."""
    value = found.value
    if isinstance(value, datetime.date):
        return str(value)
    if found.origin != "resolved" or value is None or expected is None:
        return value
    if expected == "boolean":
        return truth(value)
    if expected == "integer":
        return int(value)
    return float(value) if expected == "number" else str(value)


def _by_path(entry: Located, path: str) -> Place:
    """A path such as ``users[1].password``: as far as the description has it."""
    for name, number in _STEP.findall(path):
        below = entry.get(name) if name else (entry.value[int(number)] if isinstance(entry.value, list) else None)
        if below is None:
            break
        entry = below
    return f".{path}", entry, ""


def _of_database(entry: Located, path: str) -> Place:
    return _by_path(entry, "name" if path == "database" else path)


def _by_kind_and_name(entry: Located, path: str) -> Place:
    """A path such as ``database shop grant to reader on tables``: the role or database, then where in it."""
    found: list[tuple[int, Place]] = []
    for key, kind in (("roles", "role"), ("databases", "database")):
        for number, item in enumerate(entry.items(key)):
            start = f"{kind} {item.text('name')}"
            if path == start or path.startswith(f"{start} "):
                below, value, where = _of_grant(item, path[len(start) + 1 :])
                found.append((len(start), (f".{key}[{number}]{below}", value, where)))
    return max(found, key=lambda each: each[0])[1] if found else ("", entry, path)


def _of_grant(database: Located, where: str) -> Place:
    """A grant of a database, where its role and type name only one."""
    grants = [
        (f".grants[{number}]", grant, "")
        for number, grant in enumerate(database.items("grants"))
        if where == f"grant to {grant.text('role')} on {grant.text('type')}"
    ]
    return grants[0] if len(grants) == 1 else ("", database, where)


def _by_table(entry: Located, path: str) -> Place:
    for number, item in enumerate(entry.items("tables")):
        if path == f"{item.text('schema') or 'public'}.{item.text('name')}":
            return f".tables[{number}]", item, ""
    return "", entry, path


def _by_policy(entry: Located, path: str) -> Place:
    for number, item in enumerate(entry.items("policies")):
        if path == f"policy {item.text('name')}":
            return f".policies[{number}]", item, ""
    return "", entry, path


Rule = tuple[t.Callable[[Options], t.Any], t.Callable[[Located, str], Place]]

# By the list whose items one call each gets; an empty name stands for the call of the store itself.
_RULES: dict[str, dict[str, Rule]] = {
    "postgresql": {
        "": (pg_contents.parse, _by_kind_and_name),
        "partitions": (pg_partitions.parse, _by_table),
        "row_security": (pg_row_security.parse, _by_policy),
    },
    "mongodb": {
        "": (mongo_users.read, _by_path),
        "databases": (read_specification, _of_database),
    },
}
