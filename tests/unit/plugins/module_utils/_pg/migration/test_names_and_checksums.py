"""Versions, file names, checksums, order and lock key: facts that a real Flyway 9.22.3 has shown."""

from __future__ import annotations

import io

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._migration import checksum, filename, java_text
from ansible_collections.groundwork.databases.plugins.module_utils._migration.version import (
    InvalidVersionError,
    Target,
    Version,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.history.table import Table
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.running import lock
from hypothesis import given
from hypothesis import strategies as st

TWO_TABLES = "CREATE TABLE c(id int);{0}CREATE TABLE d(id int);{0}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1;", 78787420),
        ("SELECT 1;\n", 78787420),
        ("SELECT 1;\r\n", 78787420),
        ("SELECT 1;\r", 78787420),
        ("", 0),
        ("\n", 0),
        ("\r\n\r\n", 0),
        ("CREATE TABLE a(id int);\nCREATE TABLE b(id int);\n", 173959865),
        (TWO_TABLES.format("\r\n"), 1789213464),
        (TWO_TABLES.format("\n"), 1789213464),
        ("CREATE TABLE f(id int);\rCREATE TABLE g(id int);\r", 1823101732),
        (
            "\ufeffCREATE TABLE e(id int);\n-- café \u2028 ls \v vt \f ff \x85 nel \x1c fs\nSELECT 1;",
            -1923286207,
        ),
        ("create table a1(id int);\n", 49237341),
        ("create table a2(id int);\n", -371657122),
    ],
)
def test_checksums_are_those_of_flyway(text: str, expected: int) -> None:
    assert checksum.checksum_of_file(io.BytesIO(text.encode()), "utf-8", "x") == expected
    assert checksum.checksum_of_lines(text.removeprefix("\ufeff").splitlines(keepends=True)) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "iso8859-1", "cp1252"])
def test_a_checksum_is_of_the_text_not_of_its_encoding(encoding: str) -> None:
    text = "-- café\r\nSELECT 1;\n"
    expected = checksum.checksum_of_file(io.BytesIO(text.encode()), "utf-8", "x")
    assert checksum.checksum_of_file(io.BytesIO(text.encode(encoding)), encoding, "x") == expected


def test_characters_may_straddle_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\ufeffé\u2028\U0001f600\r\nSELECT 1;" * 3
    expected = checksum.checksum_of_file(io.BytesIO(text.encode()), "utf-8", "x")
    monkeypatch.setattr(checksum, "_CHUNK", 1)
    assert checksum.checksum_of_file(io.BytesIO(text.encode()), "utf-8", "x") == expected


def test_bytes_that_are_not_valid_are_refused() -> None:
    with pytest.raises(GroundworkError, match="not valid utf-8"):
        checksum.checksum_of_file(io.BytesIO(b"SELECT '\xff'"), "utf-8", "V1__x.sql")


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("1", "2"), ("1.9", "1.10"), ("1", "1.0.1"), ("9", "20260101120000"), ("2.1", "10"), ("0", "0.1")],
)
def test_versions_compare_as_numbers(lower: str, higher: str) -> None:
    assert Version.parse(lower) < Version.parse(higher)


@pytest.mark.parametrize("same", ["1", "01", "1.0", "1_0_0", "1.0.0.0"])
def test_versions_that_are_the_same(same: str) -> None:
    assert Version.parse(same) == Version.parse("1")
    assert Version.parse(same).text == same.replace("_", ".")


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(0, 3))
def test_trailing_zeros_never_matter(parts: list[int], zeros: int) -> None:
    text = ".".join(map(str, parts))
    assert Version.parse(text) == Version.parse(text + ".0" * zeros)


@pytest.mark.parametrize("bad", ["", "a", "1a", "1..2", ".1", "1.", "1-2", "٣"])
def test_what_is_no_version(bad: str) -> None:
    with pytest.raises(InvalidVersionError):
        Version.parse(bad)


def test_targets() -> None:
    assert Target.parse("LATEST").keyword == "latest"
    assert Target.parse("2.1?") == Target("", Version.parse("2.1"), True)
    with pytest.raises(InvalidVersionError):
        Target.parse("newest")


@pytest.mark.parametrize(
    ("name", "kind", "version", "description"),
    [
        ("V1_0_0__initial_schema.sql", "versioned", "1.0.0", "initial schema"),
        ("V001.0.4__leading_zeros.sql", "versioned", "001.0.4", "leading zeros"),
        ("V1_1.sql", "versioned", "1.1", ""),
        ("V2__.sql", "versioned", "2", ""),
        ("V3__upper_suffix.SQL", "versioned", "3", "upper suffix"),
        ("V4__desc with space.sql", "versioned", "4", "desc with space"),
        ("V5__a__b.sql", "versioned", "5", "a  b"),
        ("V6___x.sql", "versioned", "6", " x"),
        ("R__View_A.sql", "repeatable", None, "View A"),
        ("U2__b.sql", "undo", "2", "b"),
        ("B2__b.sql", "baseline", "2", "b"),
        ("beforeMigrate.sql", "callback", None, ""),
        ("afterMigrate__grants_all.sql", "callback", None, "grants all"),
    ],
)
def test_names(name: str, kind: str, version: str | None, description: str) -> None:
    parsed = filename.parse(name, filename.Naming())
    assert parsed is not None
    assert not parsed.problem
    assert (parsed.kind, parsed.version and parsed.version.text, parsed.description) == (kind, version, description)


@pytest.mark.parametrize("name", ["v9__x.sql", "readme.md", "V1__x.txt", "x.sql", "V1__x.sql.conf"])
def test_names_of_other_files(name: str) -> None:
    assert filename.parse(name, filename.Naming()) is None


@pytest.mark.parametrize("name", ["V1a__x.sql", "V__x.sql", "R1__x.sql", "R.sql", "beforeMigrateX.sql", "Vx.sql"])
def test_names_that_are_not_valid(name: str) -> None:
    parsed = filename.parse(name, filename.Naming())
    assert parsed is not None
    assert parsed.problem


def test_an_empty_prefix() -> None:
    naming = filename.Naming(versioned_prefix="")
    parsed = filename.parse("20230101__x.sql", naming)
    assert parsed is not None and parsed.version is not None
    assert (parsed.kind, parsed.version.text) == ("versioned", "20230101")
    repeatable = filename.parse("R__x.sql", naming)
    assert repeatable is not None and repeatable.kind == "repeatable"


@pytest.mark.parametrize(("schema", "key"), [("public", 77433833903597), ("app", 77431436970681)])
def test_the_lock_key_is_that_of_flyway(schema: str, key: int) -> None:
    assert lock.key(Table(schema, "flyway_schema_history")) == key


def test_java_text() -> None:
    assert java_text.string_hash("") == 0
    assert java_text.string_hash("hello") == 99162322
    assert java_text.string_hash("\U0001f600") == 1772899
    assert sorted(["view b", "View A", "\uffee", "\U0001f600"], key=java_text.order_key) == [
        "View A",
        "view b",
        "\U0001f600",
        "\uffee",
    ]
