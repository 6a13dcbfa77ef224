"""The text of a change file as plain data, with the line of every operation: JSON, or YAML by its 1.2 core rules."""

from __future__ import annotations

import json
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError

UNTOUCHED = "everything; nothing was written"
OPERATIONS = "operations"
_SPACE = re.compile(r"[ \t\n\r]*")


class Located(t.NamedTuple):
    """A value and the line of the file that it starts in."""

    value: t.Any
    line: int


class Content(t.NamedTuple):
    """A parsed file: its whole value, and the operations with their lines (empty when there is no such list)."""

    value: t.Any
    operations: list[Located]


def parse(text: str, label: str) -> Content:
    """Read a file by the ending of its name.

    :raises GroundworkError: it is malformed, with ``file:line``.
    """
    return parse_json(text, label) if label.lower().endswith(".json") else parse_yaml(text, label)


def parse_json(text: str, label: str) -> Content:
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise malformed(label, error.lineno, error.msg) from None
    except ValueError as error:
        raise malformed(label, None, str(error)) from None
    return Content(value, _json_operations(text))


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} is there twice in one object")
    return found


def _no_constant(name: str) -> t.Any:
    raise ValueError(f'{name} is no JSON, write {{"$numberDouble": "{name}"}}')


def _json_operations(text: str) -> list[Located]:
    """The elements of the list ``operations`` at the top of a text that is known to be valid."""
    decoder = json.JSONDecoder()
    found: list[Located] = []

    def skip(position: int) -> int:
        match = _SPACE.match(text, position)
        return match.end() if match else position

    position = skip(0)
    if text[position : position + 1] != "{":
        return []
    position = skip(position + 1)
    while text[position] != "}":
        name, position = decoder.raw_decode(text, position)
        position = skip(skip(position) + 1)
        if name == OPERATIONS and text[position] == "[":
            position = skip(position + 1)
            while text[position] != "]":
                line = text.count("\n", 0, position) + 1
                value, position = decoder.raw_decode(text, position)
                found.append(Located(value, line))
                position = skip(position)
                position = skip(position + 1) if text[position] == "," else position
            position += 1
        else:
            _value, position = decoder.raw_decode(text, position)
        position = skip(position)
        position = skip(position + 1) if text[position] == "," else position
    return found


def parse_yaml(text: str, label: str) -> Content:
    try:
        import yaml
    except ImportError:
        raise GroundworkError(
            "PyYAML is not installed for the Python that runs this module, and change files in YAML need it.",
            where=label, untouched=UNTOUCHED, hint="Install python3-yaml, or write the change files in JSON.",
        ) from None
    loader = _core_loader(yaml)(text)
    try:
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
        listed = [] if node is None else _yaml_operations(yaml, node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise malformed(label, mark.line + 1 if mark else None, str(error.problem or error.context)) from None
    except yaml.YAMLError as error:
        raise malformed(label, None, str(error).splitlines()[0]) from None
    finally:
        loader.dispose()
    values = value.get(OPERATIONS) if isinstance(value, dict) else None
    return Content(value, [Located(*pair) for pair in zip(values or [], listed, strict=False)])


def _yaml_operations(yaml: t.Any, node: t.Any) -> list[int]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == OPERATIONS and isinstance(value, yaml.SequenceNode):
                return [item.start_mark.line + 1 for item in value.value]
    return []


def _core_loader(yaml: t.Any) -> t.Any:
    """A loader that takes for a number, a flag or null only what looks like one in JSON, too.

    By YAML 1.1, which PyYAML reads otherwise, the country code ``NO`` is false, 12:30 is 750 and a date is no text.
    """

    class CoreLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers: t.ClassVar[dict[str | None, t.Any]] = {}

        def construct_mapping(self, node: t.Any, deep: bool = False) -> t.Any:
            seen = set()
            for name, _value in node.value:
                text = name.value
                if isinstance(text, str) and name.tag != "tag:yaml.org,2002:merge":
                    if text in seen:
                        raise yaml.constructor.ConstructorError(
                            None, None, f"the name {text!r} is there twice in one mapping", name.start_mark
                        )
                    seen.add(text)
            return super().construct_mapping(node, deep=deep)

    for tag, pattern, first in (
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
        ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
        ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
        ("merge", r"^<<$", ["<"]),
    ):
        CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
    return CoreLoader


def malformed(label: str, line: int | None, problem: str) -> GroundworkError:
    return GroundworkError(
        f"The change file cannot be read: {problem}", where=f"{label}:{line}" if line else label, untouched=UNTOUCHED,
        hint="Mend the file and run again.", code=ErrorCode.MALFORMED_CHANGE_FILE,
    )
