"""Descriptions that are right, the files that are compiled from the modules' documentation, and what modules get."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._declared import (
    application,
    calls,
    check,
    located,
    resolve,
    structure,
)
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.users import declared as mongo_users_declared

CHECKOUT = Path(__file__).resolve().parents[5]
sys.path.insert(0, str(CHECKOUT / "docs"))
import application_schema  # noqa: E402

PLUGINS = "ansible_collections.groundwork.databases.plugins.modules"


def problems(content: bytes, folder: Path, variables: dict[str, object] | None = None) -> list[str]:
    read = application.parse("shop", content, "application.yml", str(folder))
    work = check.Check()
    work.files([read])

    def value(found: located.Located) -> object:
        name = found.value.strip("{} ")
        if name not in (variables or {}):
            raise resolve.Unresolved(f"{name} is not defined")
        return (variables or {})[name]

    for engine in check.ENGINES:
        if variables is None:
            work.unused(engine, [read])
        else:
            work.server(engine, "db1", [read], application.Server(), value)
    return work.problems()


@pytest.fixture(scope="module")
def everything() -> dict[str, object]:
    """A description with every key that the schema has."""
    schema = structure.load()
    values = yaml.safe_load(application_schema.FRAME.read_text())["sample"]
    lines = []
    for name, store in schema["properties"].items():
        if "x-refused" not in store:
            lines += [f"{name}:", *application_schema.Sampler(values).mapping(store, name, 1, live=False)]
    return yaml.safe_load("\n".join(lines))


def every_key(schema, prefix=""):
    """Paths of all keys that an application can have, with those of lists as ``name[]``."""
    mapping = application_schema._children(schema)
    for key, inner in mapping.get("properties", {}).items():
        if "x-refused" not in inner and "x-same-as" not in inner:
            listed = structure.real(inner).get("type") == "array"
            yield f"{prefix}{key}"
            yield from every_key(inner, f"{prefix}{key}{'[]' if listed else ''}.")


def test_credforge_is_accepted():
    folder = CHECKOUT / "applications/credforge"
    assert problems((folder / "application.yml").read_bytes(), folder) == []


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfpostgresql:\n  roles: [{name: a}]\n",
        b"postgresql:\r\n  roles:\r\n    - name: a\r\n",
        b"postgresql: {roles: [{name: a, password: !unsafe 'x{{y'}]}\n",
        b"postgresql:\n  roles:\n    - name: a\n      password: !vault |\n       $ANSIBLE_VAULT;1.1;A\n       3\n",
        b"postgresql:\n  roles:\n    - &role {name: a, login: true}\n    - {<<: *role, name: b}\n",
        "postgresql: {roles: [{name: jörg}]}\n".encode(),
        b"postgresql: {roles: '{{ shop_roles }}', databases: [{name: a, owner: someone}]}\n",
        b"postgresql: {roles: [{name: a, connection_limit: '{{ limit }}', login: '{{ login }}', state: '{{ s }}'}]}\n",
        b"postgresql: {roles: [{name: a, valid_until: 2027-01-31T00:00:00Z}]}\n",
        b"postgresql: {roles: [{name: a, settings: {work_mem: null, x: 1, search_path: [a, b]}}]}\n",
        b"postgresql: {databases: [{name: a, owner: pg_a, schemas: [{name: b}]}]}\n",
        b"postgresql: {databases: [{name: a, grants: [{role: PUBLIC, 'on': schema, schema: b, privileges: ALL}]}]}\n",
        b"mongodb: {users: [{name: a, roles: [{role: readWrite, db: shop}]}]}\n",
        b"mongodb: {databases: [{name: a, collections: [{name: b, indexes: [{key: {c: 1}}]}], profile: portable}]}\n",
    ],
)
def test_what_is_right_is_accepted(content, tmp_path):
    assert problems(content, tmp_path) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("yes", None),
        (True, None),
        ("maybe", "the value of the template is text, true or false is expected"),
        ([1], "the value of the template is a list, true or false is expected"),
        (None, None),
    ],
)
def test_what_a_template_gives_is_checked_again(tmp_path, value, text):
    content = b"postgresql:\n  roles:\n    - name: a\n      login: '{{ x }}'\n"
    expected = [f"application.yml:4: postgresql.roles[0].login: {text}"] if text else []
    assert problems(content, tmp_path, {"x": value}) == expected


def test_what_a_template_gives_is_not_shown(tmp_path):
    content = b"postgresql: {roles: [{name: a, state: '{{ x }}', connection_limit: '{{ x }}'}]}\n"
    found = problems(content, tmp_path, {"x": "hunter2"})
    assert len(found) == 2 and "hunter2" not in str(found)


def test_a_required_key_whose_template_gives_nothing_is_refused(tmp_path):
    assert problems(b"postgresql:\n  roles: [{name: '{{ x }}'}]\n", tmp_path, {"x": None}) == [
        "application.yml:2: postgresql.roles[0].name: the template gives nothing, and the key is required"
    ]


def test_lists_of_a_template_are_checked_in_its_line(tmp_path):
    content = b"postgresql:\n  roles: '{{ x }}'\n  databases: [{name: a, owner: b}]\n"
    assert problems(content, tmp_path, {"x": [{"name": "b"}]}) == []
    assert problems(content, tmp_path, {"x": [{"nam": "b"}]}) == [
        "application.yml:2: postgresql.roles[0]: the key name is missing",
        "application.yml:2: postgresql.roles[0].nam: unknown key, did you mean name?",
    ]


def test_every_key_of_the_schema_is_accepted(everything):
    # As a structure only: no server could have all of it together.
    found = located.resolved(everything, 1)
    assert list(structure.check(found, structure.load(), "application.yml")) == []
    keys = set(every_key(structure.load()))
    assert len(keys) > 150
    missing = [key for key in keys if not _is_there(everything, key)]
    assert missing == []


def _is_there(value, path):
    head, _dot, rest = path.partition(".")
    name = head.removesuffix("[]")
    if not isinstance(value, dict) or name not in value:
        return False
    inner = value[name][0] if head.endswith("[]") else value[name]
    return _is_there(inner, rest) if rest else True


def test_every_key_reaches_its_module(everything):
    """The modules' own specifications accept what they get, and it is all that was said."""
    specifications = {
        name: importlib.import_module(f"{PLUGINS}.{name}").argument_spec()
        for name in (
            "pg_contents", "pg_partitions", "pg_row_security", "mongo_collections", "mongo_migrations",
        )
    }  # fmt: skip
    settings = importlib.import_module(
        "ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.commands.settings"
    )
    specifications["pg_schema_apply"] = {**settings.argument_spec(), **settings.apply_argument_spec()}
    specifications["mongo_users"] = mongo_users_declared.argument_spec()
    said = 0
    for engine, store in everything.items():
        for module, given in calls.calls(store, engine, "/applications/shop", {}).items():
            for options in given if isinstance(given, list) else [given]:
                said += len(options)
                checked = ArgumentSpecValidator(specifications[module]).validate(options)
                assert checked.error_messages == [], (module, checked.error_messages)
                assert set(options) <= set(specifications[module])
    own = [len(store) for store in everything.values()]
    entries = [len(part[0]) for store in everything.values() for part in store.values() if isinstance(part, list)]
    assert said > 80 and said <= sum(own) + sum(entries)


def test_calls_rename_and_place_what_an_entry_says():
    store = {
        "migrations": [{"database": "shop", "locations": ["postgresql", "filesystem:/sql"], "target": "1.2"}],
        "purge_grants": True,
    }
    found = calls.calls(store, "postgresql", "/a/shop", {"pg_schema_apply": {"lost_indexes": "restore", "target": "x"}})
    assert found["pg_contents"] == {"purge_grants": True}
    assert found["pg_schema_apply"] == [
        {"login_db": "shop", "locations": ["/a/shop/postgresql", "/sql"], "target": "1.2", "lost_indexes": "restore"}
    ]
    assert found["pg_partitions"] == []


def test_calls_refuse_what_an_application_cannot_say():
    with pytest.raises(GroundworkError, match=r"migrations\[0\]\.lints: unknown key, did you mean lint\?") as refused:
        calls.calls({"migrations": [{"database": "a", "locations": ["b"], "lints": 1}]}, "postgresql", "/", {})
    assert "no session was opened" in refused.value.message


def test_omitted_values_are_left_out():
    store = {"roles": [{"name": "a", "password": "__omit_place_holder__0123"}]}
    assert calls.calls(store, "postgresql", "", {})["pg_contents"] == {"roles": [{"name": "a"}]}


def test_the_schema_is_one_and_agrees_with_the_check(everything):
    schema = json.loads(structure.SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(everything)] == []
    for folder in (CHECKOUT / "applications").iterdir():
        description = yaml.safe_load((folder / "application.yml").read_text())
        assert [error.message for error in validator.iter_errors(description)] == []
    for refused in ({"redis": {}}, {"postgresql": {"role": []}}, {"postgresql": {"roles": [{"login": True}]}}, {}):
        assert list(validator.iter_errors(refused)), refused
    on = {"role": "a", "on": "database", "privileges": ["ALL"]}
    assert not list(validator.iter_errors({"postgresql": {"databases": [{"name": "a", "grants": [on]}]}}))


LIMIT = "connection_limit -2 is not -1 (no limit), 0 or more"


@pytest.mark.parametrize(
    ("role", "variables", "refused"),
    [
        ("connection_limit: '{{ limit }}'", {"limit": "-2"}, [LIMIT]),
        ("connection_limit: -2, password: '{{ generated }}'", None, [LIMIT]),
        ("connection_limit: -2, password: !vault 'x'", {"x": "secret"}, [LIMIT]),
        ("connection_limit: -2, settings: {a: !vault 'x'}", {"x": "secret"}, []),
    ],
)
def test_what_modules_refuse_is_refused_as_far_as_the_values_are_known(tmp_path, role, variables, refused):
    content = f"postgresql: {{roles: [{{name: a, {role}}}]}}\n".encode()
    expected = [f"application.yml:1: postgresql.roles[0]: {text}" for text in refused]
    assert problems(content, tmp_path, variables) == expected


def test_the_sample_is_accepted_as_it_is(tmp_path):
    for name in ("postgresql", "mongodb"):
        (tmp_path / name).mkdir()
    assert problems(application_schema.SAMPLE.read_bytes(), tmp_path) == []


def test_an_option_that_the_frame_forgets_is_an_error():
    frame = yaml.safe_load(application_schema.FRAME.read_text())
    options: dict[str, dict[str, object]] = {}
    for store in frame["stores"].values():
        for part in [store, *store["parts"].values()]:
            taken = [part.get("renamed", {}).get(key, key) for key in part["take"]]
            connection = application_schema._fragment_options(store["connection"])
            options[part["module"]] = {name: {} for name in [*taken, *part.get("refuse", {}), *connection]}
    application_schema.Compiler(frame, options, str).schema()
    options["pg_contents"]["new_option"] = {}
    with pytest.raises(SystemExit, match=r"pg_contents: neither taken nor refused: \['new_option'\]"):
        application_schema.Compiler(frame, options, str).schema()
