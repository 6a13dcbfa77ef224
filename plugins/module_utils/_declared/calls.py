"""What a store holds as the options of the modules that bring it there."""

from __future__ import annotations

import typing as t
from pathlib import PurePath

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from .._migration.source import location_path
from . import structure
from .located import resolved

Options = dict[str, t.Any]
_OMITTED_BEFORE_2_19 = "__omit_place_holder__"


def calls(store: t.Mapping[str, t.Any], engine: str, directory: str, defaults: t.Mapping[str, Options]) -> Options:
    """The options of each module by its name: of the store's own one a dictionary, of the others a list of them.

    :param directory: where relative ``locations`` begin.
    :param defaults: by module, what an entry that does not say it gets.
    :raises GroundworkError: the store has another structure than the schema says.
    """
    schema = structure.load()["properties"][engine]
    given = _without_omitted(store)
    _expect_structure(given, schema, engine)
    own: Options = {}
    found: Options = {schema["x-module"]: own}
    for key, inner in schema["properties"].items():
        part = structure.real(structure.real(inner).get("items", {}))
        if "x-module" in part:
            module = part["x-module"]
            entries = [_renamed(entry, part) for entry in given.get(key) or []]
            found[module] = [_placed({**defaults.get(module, {}), **entry}, directory) for entry in entries]
        elif given.get(key) is not None:
            own[inner.get("x-option", key)] = given[key]
    return found


def own_options(store: t.Mapping[str, t.Any], engine: str) -> Options:
    """What a store says besides its lists, such as ``purge_grants``."""
    properties = structure.load()["properties"][engine]["properties"]
    lists = {key for key, inner in properties.items() if structure.real(inner).get("type") == "array"}
    return {key: value for key, value in _without_omitted(store).items() if key not in lists}


def _expect_structure(store: Options, schema: structure.Schema, engine: str) -> None:
    problems = [f"{each.path}: {each.text}" for each in structure.check(resolved(store, 0), schema, "", engine)]
    if problems:
        raise GroundworkError(
            "\n  ".join(["The contents are described wrongly:", *problems]) if problems[1:] else problems[0],
            untouched="everything that the server holds: no session was opened",
            hint="See docs/application.md for every key.",
            code=ErrorCode.INVALID_APPLICATION,
        )


def _renamed(entry: Options, part: structure.Schema) -> Options:
    return {part["properties"][key].get("x-option", key): value for key, value in entry.items() if value is not None}


def _placed(options: Options, directory: str) -> Options:
    if "locations" not in options:
        return options
    listed = [options["locations"]] if isinstance(options["locations"], str) else options["locations"]
    return {**options, "locations": [str(PurePath(directory, location_path(each))) for each in listed]}


def _without_omitted(value: t.Any) -> t.Any:
    if isinstance(value, t.Mapping):
        return {key: _without_omitted(item) for key, item in value.items() if not _is_omitted(item)}
    if isinstance(value, (list, tuple)):
        return [_without_omitted(item) for item in value if not _is_omitted(item)]
    return value


def _is_omitted(value: t.Any) -> bool:
    """Ansible takes ``omit`` out of arguments after filters have seen it: an object since 2.19, a text before."""
    if isinstance(value, str):
        return value.startswith(_OMITTED_BEFORE_2_19)
    return repr(value) == "<<Omit>>" if not isinstance(value, (t.Mapping, list, tuple, int, float)) else False
