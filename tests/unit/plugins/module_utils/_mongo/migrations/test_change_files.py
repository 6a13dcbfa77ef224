"""Change files as text: JSON and YAML alike, every operation with its line."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.migrations import document, operation
from hypothesis import given
from hypothesis import strategies as st

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(JSON_VALUES, min_size=1), st.dictionaries(st.text(), JSON_VALUES), st.sampled_from([None, 1, "\t"]))
def test_json_operations_are_found_wherever_they_stand(
    operations: list[t.Any], others: dict[str, t.Any], indent: int | str | None
) -> None:
    whole = {**others, "operations": operations}
    content = document.parse_json(json.dumps(whole, indent=indent), "V1__x.json")
    assert content.value == whole
    assert [located.value for located in content.operations] == operations


def test_lines() -> None:
    text = '{"operations": [\n  {"a": 1},\n\n  {"b": "x\\ny"}, {"c": [\n]}]}'
    assert [located.line for located in document.parse(text, "V1__x.json").operations] == [2, 4, 4]
    text = "operations:\n  - a: 1\n\n  - b:\n      - c\n  - {d: 1}\n"
    assert [located.line for located in document.parse(text, "V1__x.yml").operations] == [2, 4, 6]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("yes", "yes"), ("on", "on"), ("true", True), ("False", False), ("~", None), ("null", None),
        ("12:30", "12:30"), ("007", "007"), ("0", 0), ("-12", -12), ("1_000", "1_000"), ("0x1F", "0x1F"),
        ("2026-01-31", "2026-01-31"), ("2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"), ("1.5", 1.5), ("1e3", 1000.0),
        (".5", 0.5), ("1.2.3", "1.2.3"), (".inf", ".inf"), ("'5'", "5"),
        ("{$date: 2026-01-31}", {"$date": "2026-01-31"}),
    ],
)  # fmt: skip
def test_yaml_values_are_those_of_json(text: str, value: t.Any) -> None:
    found = document.parse(f"operations:\n  - v: {text}\n", "V1__x.yml").operations[0].value["v"]
    assert (type(found), found) == (type(value), value)


def test_yaml_anchors_and_merges_work() -> None:
    text = "operations:\n  - a: &one {x: 1, y: 2}\n  - b: {<<: *one, y: 3}\n"
    assert document.parse(text, "V1__x.yml").operations[1].value == {"b": {"x": 1, "y": 3}}


@pytest.mark.parametrize(
    ("label", "text", "where"),
    [
        ("V1__x.json", "{", "V1__x.json:1"), ("V1__x.json", '{"a": NaN}', "V1__x.json"),
        ("V1__x.json", "", "V1__x.json:1"),
        ("V1__x.json", '{"a": 1, "a": 2}', "V1__x.json"), ("V1__x.yml", "a: 1\na: 2\n", "V1__x.yml:2"),
        ("V1__x.yml", "a: [\n", "V1__x.yml:2"), ("V1__x.yml", "a: !!python/object:os.system {}\n", "V1__x.yml:1"),
        ("V1__x.yml", "a: 1\n---\nb: 2\n", "V1__x.yml:2"),
    ],
)  # fmt: skip
def test_malformed_files_name_the_line(label: str, text: str, where: str) -> None:
    with pytest.raises(GroundworkError) as refused:
        document.parse(text, label)
    assert refused.value.where == where and refused.value.code == "MALFORMED_CHANGE_FILE"


def read(value: dict[str, t.Any], repeatable: bool = False) -> tuple[list[operation.Operation], list[tuple[str, str]]]:
    problems = Problems()
    return operation.read([document.Located(value, 7)], "f.yml", repeatable, problems), problems.found


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"insert": []}, ".insert"),
        ({"insert": {"collection": "a", "documents": []}}, ".insert.documents"),
        ({"insert": {"collection": "system.users", "documents": [{}]}}, ".insert.collection"),
        ({"insert": {"collection": "a", "documents": [{"_id": 1}, {"_id": 1}]}}, ".insert.documents[1]"),
        ({"insert": {"collection": "a", "documents": [{1: 2}]}}, ".insert"),
        ({"upsert": {"collection": "a", "documents": [{"k": 1}]}}, ".upsert.key"),
        ({"upsert": {"collection": "a", "key": ["k.n"], "documents": [{"k": {"n": None}}]}}, ".upsert.documents[0]"),
        ({"upsert": {"collection": "a", "key": ["k"], "documents": [{"k": 1}], "on_match": "x"}}, ".upsert.on_match"),
        ({"update_many": {"collection": "a", "update": {"n": 1}}}, ".update_many.update"),
        ({"update_many": {"collection": "a", "update": {"$set": {}}, "batch_size": 0}}, ".update_many.batch_size"),
        ({"update_many": {"collection": "a", "update": {"$set": {}}, "filter": []}}, ".update_many.filter"),
        ({"backfill": {"collection": "a", "pipeline": [{"$match": {}}]}}, ".backfill.pipeline[0]"),
        ({"delete_many": {"collection": "a", "filter": {}}}, ".delete_many.filter"),
        ({"command": {"drop": "a"}}, ".command"),
        ({"command": {"aggregate": "a", "pipeline": [{"$match": {}}]}}, ".command.pipeline"),
        ({"command": {"renameCollection": "a", "to": "b", "dropTarget": True}}, ".command"),
    ],
)
def test_problems_name_their_place(value: dict[str, t.Any], path: str) -> None:
    found, problems = read(value)
    assert not found and [problem.path for problem in problems] == [f"f.yml:7 operations[0]{path}"]


@pytest.mark.parametrize(
    ("update", "twice"),
    [
        ({"$set": {"a": 1}, "$unset": {"b": ""}}, True), ({"$addToSet": {"a": 1}}, True), ({"$inc": {"a": 1}}, False),
        ({"$set": {"a": 1}, "$push": {"b": 1}}, False), ({"$rename": {"a": "b"}}, False), ({"$mul": {"a": 2}}, False),
        ({"$currentDate": {"a": True}}, False), ({"$pop": {"a": 1}}, False), ({"$bit": {"a": {"xor": 1}}}, False),
    ],
)  # fmt: skip
def test_which_updates_can_be_made_twice(update: dict[str, t.Any], twice: bool) -> None:
    found, _problems = read({"update_many": {"collection": "a", "update": update}})
    assert found[0].can_be_applied_twice is twice


def test_checksum_does_not_depend_on_formatting() -> None:
    one = document.parse('{"operations": [{"command": {"create": "a"}}]}', "V1__x.json")
    other = document.parse("operations:\n- command:\n    create: a\n", "V1__x.yml")
    checksums = {operation.read(content.operations, "f", False, Problems())[0].checksum for content in (one, other)}
    assert len(checksums) == 1
