"""Compiles the description of an application: from the frame and the modules' DOCUMENTATION to the JSON Schema, which
the check of a run and editors read, its reference page, and a commented sample.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
import textwrap
import typing as t
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
DECLARED = CHECKOUT / "plugins/module_utils/_declared"
FRAME = DECLARED / "application_frame.yml"
SCHEMA = DECLARED / "application.schema.json"
PAGE = CHECKOUT / "docs/application.md"
SAMPLE = CHECKOUT / "docs/application-sample.yml"
TEMPLATE = {"$ref": "#/definitions/template"}
TYPES = {
    "str": "string",
    "path": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}
# Where the two names of options are that can be spelled as MongoDB does.
SERVER_NAMES = ("_mongo.collections.declared", "_mongo.indexes.declared")
WIDTH = 116

Tree = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Compiler:
    """:ivar options: of each module, by ``ansible-doc``. :ivar plain: Ansible's markup as Markdown."""

    frame: Tree
    options: dict[str, Tree]
    plain: t.Callable[[str], str]

    def schema(self) -> Tree:
        stores = {name: self._store(store) for name, store in self.frame["stores"].items()}
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "application.yml of groundwork.databases",
            "description": self.frame["description"],
            "definitions": {
                "template": {"type": "string", "pattern": r"\{[{%#]", "description": "A Jinja template that gives it."}
            },
            **_mapping({**stores, **self._unsupported()}, []),
            "minProperties": 1,
        }

    def _unsupported(self) -> Tree:
        return {name: _refused("Not supported by this version.") for name in self.frame["unsupported"]}

    def _store(self, store: Tree) -> Tree:
        parts = {
            name: {"description": part["description"], "anyOf": [{"type": "array", "items": inner}, TEMPLATE]}
            for name, part in store["parts"].items()
            for inner in [self._part(part, store["connection"])]
        }
        own = self._part(store, store["connection"])
        keys = {**own["properties"], **parts, **self._unsupported()}
        return {"description": store["description"], "x-module": store["module"], **_mapping(keys, [])}

    def _part(self, part: Tree, connection: str) -> Tree:
        options = self.options[part["module"]]
        renamed = part.get("renamed", {})
        refused = {**dict.fromkeys(_fragment_options(connection), self.frame["connection"]), **part.get("refuse", {})}
        names = {key: renamed.get(key, key) for key in part["take"]}
        self._expect_complete(part["module"], options, set(names.values()), set(refused))
        properties = {}
        for key, name in names.items():
            option = {**options[name]}
            if key in part.get("choices", {}):
                option["choices"] = part["choices"][key]
            if key in part.get("texts", {}):
                option["description"] = part["texts"][key]
            properties[key] = {**self._option(option), **({"x-option": name} if name != key else {})}
        required = [key for key, name in names.items() if options[name].get("required")]
        required += [key for key in part.get("required", []) if key not in required]
        gone = {name: _refused(reason) for name, reason in refused.items() if name not in names}
        gone.update({name: _refused(f"Write {key}.") for key, name in renamed.items() if name not in names})
        return {"x-module": part["module"], **_mapping({**properties, **gone}, required)}

    @staticmethod
    def _expect_complete(module: str, options: Tree, taken: set[str], refused: set[str]) -> None:
        own = {name for name in options if not name.startswith("_")}
        unsaid = own - taken - refused
        gone = (taken | refused) - own
        if unsaid or gone:
            sys.exit(f"{FRAME.name}: {module}: neither taken nor refused: {sorted(unsaid)}; unknown: {sorted(gone)}")

    def _option(self, option: Tree) -> Tree:
        shown: Tree = {"description": self._text(option)}
        if option.get("default") is not None:
            shown["default"] = option["default"]
        if option.get("type") == "raw":
            return shown
        value = self._value(option)
        if value.get("type") == "string":
            return {**shown, **value}
        # As Ansible does, one text is taken for a list of one.
        alone = value.get("items") == {"type": "string"}
        return {**shown, "anyOf": [value, {"type": "string"} if alone else TEMPLATE]}

    def _value(self, option: Tree) -> Tree:
        if option.get("choices") and option.get("type") != "list":
            return {"enum": option["choices"]}
        value: Tree = {"type": TYPES[option.get("type", "str")]}
        if value["type"] == "array":
            value["items"] = self._items(option)
        elif value["type"] == "object" and option.get("suboptions"):
            value.update(self._suboptions(option["suboptions"], {}))
        return value

    def _items(self, option: Tree) -> Tree:
        if option.get("suboptions"):
            return self._suboptions(option["suboptions"], server_names(option))
        value = self._value({**option, "type": option.get("elements", "str")})
        return value if value.get("type") == "string" else {"anyOf": [value, TEMPLATE]}

    def _suboptions(self, suboptions: Tree, spellings: dict[str, str]) -> Tree:
        properties: Tree = {}
        for name, option in suboptions.items():
            properties[name] = self._option(option)
            for other in [*option.get("aliases", []), *([spellings[name]] if name in spellings else [])]:
                properties[other] = {**properties[name], "description": f"The same as {name}.", "x-same-as": name}
        mapping = _mapping(properties, [name for name, option in suboptions.items() if option.get("required")])
        same = {inner["x-same-as"] for inner in properties.values() if "x-same-as" in inner}
        if same & set(mapping.get("required", [])):
            mapping["x-required"] = mapping.pop("required")
            mapping["allOf"] = [_one_of(name, properties) for name in mapping["x-required"]]
        return mapping

    def _text(self, option: Tree) -> str:
        text = option.get("description", "")
        return self.plain(" ".join(str(line) for line in ([text] if isinstance(text, str) else text)))


def _one_of(name: str, properties: Tree) -> Tree:
    names = [name, *(other for other, inner in properties.items() if inner.get("x-same-as") == name)]
    return {"anyOf": [{"required": [each]} for each in names]}


def _mapping(properties: Tree, required: list[str]) -> Tree:
    mapping: Tree = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**mapping, "required": required} if required else mapping


def _refused(reason: str) -> Tree:
    return {"description": f"Refused. {reason}", "not": {}, "x-refused": reason[0].lower() + reason[1:].rstrip(".")}


def _fragment_options(fragment: str) -> list[str]:
    scope: Tree = {}
    exec((CHECKOUT / f"plugins/doc_fragments/{fragment}.py").read_text(), scope)  # noqa: S102 (a file of this checkout)
    return list(yaml.safe_load(scope["ModuleDocFragment"].DOCUMENTATION)["options"])


def server_names(option: Tree) -> dict[str, str]:
    """MongoDB's own spelling of suboptions, where the module takes both."""
    for module in SERVER_NAMES:
        fields = _declared(module).FIELDS
        if set(option["suboptions"]) == set(fields):
            return {name: server for name, server in fields.items() if name != server}
    return {}


def _declared(module: str) -> t.Any:
    path = str(CHECKOUT / "collections")
    if path not in sys.path:
        sys.path.insert(0, path)
        packages = importlib.import_module("ansible_collections")
        packages.__path__ = [f"{path}/ansible_collections", *packages.__path__]
    return importlib.import_module(f"ansible_collections.groundwork.databases.plugins.module_utils.{module}")


def compile_all(options: dict[str, Tree], plain: t.Callable[[str], str]) -> dict[Path, str]:
    """The three files with their text."""
    frame = yaml.safe_load(FRAME.read_text())
    schema = Compiler(frame, options, plain).schema()
    return {
        SCHEMA: json.dumps(schema, indent=1) + "\n",
        PAGE: page(schema),
        SAMPLE: sample(schema, frame["sample"]),
    }


def page(schema: Tree) -> str:
    lines = [
        "# The description of an application",
        "",
        "Written by `docs/generate.py` from `plugins/module_utils/_declared/application_frame.yml` and the"
        " documentation of the modules.",
        "",
        "`applications/<name>/application.yml` has these keys and no others. All descriptions of a run are checked"
        " before the first server is touched, in check mode too. An example with every key is"
        " [application-sample.yml](application-sample.yml); the JSON Schema for editors is"
        " `plugins/module_utils/_declared/application.schema.json`.",
        "",
        "Every value can be a Jinja template. It is resolved with the variables of each host whose server holds the"
        " application.",
    ]
    for name, store in schema["properties"].items():
        if "x-refused" in store:
            continue
        lines += ["", f"## {name}", "", store["description"]]
        lines += ["", "| key | type | default | description |", "| --- | --- | --- | --- |"]
        lines += _rows(store, "")
        lines += ["", "Refused:", "", *_refusals(store, "")]
    unsupported = [f"`{name}`" for name, inner in schema["properties"].items() if "x-refused" in inner]
    lines += ["", "## Not supported by this version", "", f"{', '.join(unsupported)}."]
    return "\n".join([*lines, ""])


def _real(schema: Tree) -> Tree:
    return {**schema, **schema["anyOf"][0]} if "anyOf" in schema else schema


def _children(schema: Tree) -> Tree:
    """The mapping that a value is, or that the items of a list are."""
    inner = _real(schema)
    inner = _real(inner.get("items", {})) if inner.get("type") == "array" else inner
    return inner if "properties" in inner else {}


def _rows(mapping: Tree, prefix: str) -> t.Iterator[str]:
    required = mapping.get("x-required", mapping.get("required", []))
    for key, schema in mapping["properties"].items():
        if "x-refused" in schema or "x-same-as" in schema:
            continue
        others = [name for name, other in mapping["properties"].items() if other.get("x-same-as") == key]
        default = "**required**" if key in required else _code(schema["default"]) if "default" in schema else ""
        text = schema.get("description", "")
        text += f" One of {', '.join(_code(each) for each in _choices(schema))}." if _choices(schema) else ""
        text += f" Also written `{'`, `'.join(others)}`." if others else ""
        text = text.replace("|", "\\|").replace("\n", " ")
        yield f"| `{prefix}{key}` | {_kind(schema)} | {default} | {text} |"
        children = _children(schema)
        if children:
            yield from _rows(children, f"{prefix}{key}{'[]' if _real(schema).get('type') == 'array' else ''}.")


def _refusals(mapping: Tree, prefix: str) -> t.Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for key, schema in mapping["properties"].items():
        if "x-refused" in schema:
            reasons.setdefault(schema["description"].removeprefix("Refused. "), []).append(f"`{prefix}{key}`")
    for reason, keys in reasons.items():
        yield f"- {', '.join(keys)}: {reason}"
    for key, schema in mapping["properties"].items():
        if "x-refused" not in schema and _children(schema):
            yield from _refusals(_children(schema), f"{prefix}{key}[].")


def _choices(schema: Tree) -> list[str]:
    inner = _real(schema)
    inner = _real(inner.get("items", {})) if inner.get("type") == "array" else inner
    return t.cast("list[str]", inner.get("enum", []))


def _kind(schema: Tree) -> str:
    inner = _real(schema)
    words = {"object": "mapping", "array": "list", "string": "text", "boolean": "true or false"}
    kind = str(inner.get("type", "text" if "enum" in inner else "any"))
    items = _real(inner.get("items", {}))
    of = f" of {words.get(items['type'], items['type'])}" if "type" in items else ""
    return words.get(kind, kind) + of


def _code(value: t.Any) -> str:
    return f"`{value if isinstance(value, str) and value else json.dumps(value)}`".replace("|", "\\|")


def sample(schema: Tree, values: Tree) -> str:
    lines = [
        "---",
        "# yaml-language-server: $schema=../plugins/module_utils/_declared/application.schema.json",
        "# Every key of an application.yml, written by docs/generate.py. A key that is commented out shows its default",
        "# or a value that it can have. Copy what you need.",
    ]
    for name, store in schema["properties"].items():
        if "x-refused" not in store:
            lines += ["", f"# {store['description']}", f"{name}:"]
            lines += Sampler(values).mapping(store, name, 1, live=True)
    return "\n".join([*lines, ""])


@dataclasses.dataclass(frozen=True)
class Sampler:
    """:ivar values: of keys, by the ends of their paths."""

    values: Tree

    def mapping(self, mapping: Tree, path: str, depth: int, live: bool) -> list[str]:
        """The lines of a mapping. A key that is optional is commented out, with all that is below it."""
        lines: list[str] = []
        required = mapping.get("x-required", mapping.get("required", []))
        for key in sorted(mapping["properties"], key=lambda key: key not in required):
            schema = mapping["properties"][key]
            if "x-refused" in schema or "x-same-as" in schema:
                continue
            # Lists of a store are shown, so that what they hold can be.
            listed = depth == 1 and bool(_children(schema))
            shown = key in required or listed or self._sampled(f"{path}.{key}") is not None
            entry = self._entry(key, schema, f"{path}.{key}", depth, live and shown)
            lines += _described(schema, depth, key in required)
            lines += entry if shown or not live else [_commented_out(line, depth) for line in entry]
        return lines

    def _entry(self, key: str, schema: Tree, path: str, depth: int, live: bool) -> list[str]:
        indent = "  " * depth
        children = _children(schema)
        if not children:
            return [indent + _flow({key: self._value(schema, path)})]
        listed = _real(schema).get("type") == "array"
        inner = self.mapping(children, path, depth + 1 + listed, live)
        if listed:
            first = next(number for number, line in enumerate(inner) if not line.lstrip().startswith("# "))
            inner[first] = f"{indent}  - {inner[first].lstrip()}"
        return [f"{indent}{key}:", *inner]

    def _sampled(self, path: str) -> t.Any:
        return next((value for end, value in self.values.items() if f".{path}".endswith(f".{end}")), None)

    def _value(self, schema: Tree, path: str) -> t.Any:
        sampled = self._sampled(path)
        if sampled is not None:
            return sampled
        if schema.get("default") not in (None, [], {}):
            return schema["default"]
        choices = _choices(schema)
        inner = _real(schema)
        if inner.get("type") == "array":
            return [choices[0]] if choices else ["text"] if inner["items"].get("type") == "string" else [{}]
        by_type: Tree = {"integer": 1, "number": 1.0, "boolean": True, "object": {}, "string": "text"}
        return choices[0] if choices else by_type.get(inner.get("type", ""), True)


def _described(schema: Tree, depth: int, required: bool) -> list[str]:
    text = ("Required. " if required else "") + schema.get("description", "")
    text += f" One of {', '.join(map(str, _choices(schema)))}." if _choices(schema) else ""
    indent = f"{'  ' * depth}# "
    return textwrap.wrap(" ".join(text.split()), WIDTH, initial_indent=indent, subsequent_indent=indent)


def _commented_out(line: str, depth: int) -> str:
    indent = "  " * depth
    return line if line.lstrip().startswith("# ") else f"{indent}# {line.removeprefix(indent)}"


def _flow(entry: Tree) -> str:
    return yaml.safe_dump(entry, default_flow_style=True, width=10000, sort_keys=False).strip()[1:-1]
