"""Placeholders, .conf files, archives, transaction modes and summaries."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._migration import filename, source
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.commands import fan_out
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.files import resolve, script_config
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.files.placeholder import Placeholders
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.planning import prepare
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.running import concurrent_index
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.running.outcome import Outcome
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql import lexer
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.transaction_mode import TransactionModes

NONE = Placeholders({})


def test_placeholders_are_replaced_everywhere_and_ignore_case() -> None:
    values = Placeholders({"Who": "bob", "flyway:database": "d"})
    lines = ["-- ${who} '${WHO}'\n", "$$ ${flyway:database} $$ $1 $x\n"]
    assert list(values.lines(lines, "x")) == ["-- bob 'bob'\n", "$$ d $$ $1 $x\n"]


def test_an_unknown_placeholder_names_its_place() -> None:
    with pytest.raises(GroundworkError) as caught:
        list(NONE.lines(["\n", "a ${nope}\n"], "V1__x.sql"))
    assert caught.value.what == "No value provided for placeholder: ${nope}.  Check your configuration!"
    assert caught.value.where == "V1__x.sql:2:3"
    with pytest.raises(GroundworkError, match="Failed to populate value for default placeholder"):
        list(NONE.lines(["${flyway:nope}"], "x"))


def test_script_configuration() -> None:
    text = "# comment\nexecuteInTransaction=false\nencoding = ISO-8859-1\nplaceholderReplacement=FALSE\n"
    parsed = script_config.parse(text, "x.conf")
    assert parsed == script_config.ScriptConfig(False, "ISO-8859-1", False, None)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("true", True), ("a==b", False), ("a==a && b!=c", True), ("false || (x==x && true)", True), ("a!=a", False)],
)
def test_should_execute(expression: str, expected: bool) -> None:
    assert script_config.should_execute(expression, "x") is expected


@pytest.mark.parametrize("expression", ["maybe", "a==", "(true", "true true", ""])
def test_expressions_that_cannot_be_decided(expression: str) -> None:
    with pytest.raises(GroundworkError):
        script_config.should_execute(expression, "x")


def test_an_archive_holds_scripts_and_their_settings_only(tmp_path: Path) -> None:
    for name in ("V1__a.sql", "V1__a.sql.conf", "sub/V2__b.SQL", ".git/V3__c.sql", "readme.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"SELECT 1;\r\n")
    packed = tmp_path / "x.zip"
    source.write_archive(str(packed), [(str(tmp_path), "shown/sql")], [".sql"])
    files = source.from_archive(str(packed), None).files
    assert [(file.script, file.label) for file in files] == [
        ("V1__a.sql", "shown/sql/V1__a.sql"),
        ("V1__a.sql.conf", "shown/sql/V1__a.sql.conf"),
        ("sub/V2__b.SQL", "shown/sql/sub/V2__b.SQL"),
    ]
    assert files[0].open().read() == files[0].open().read() == b"SELECT 1;\r\n"


@pytest.mark.parametrize("location", ["classpath:db/migration", "s3:bucket/x"])
def test_locations_without_folder(location: str) -> None:
    with pytest.raises(GroundworkError):
        source.location_path(location)


def prepared(text: str, conf: str | None = None, mixed: bool = False) -> prepare.Prepared:
    files = [source.SourceFile("V1__x.sql", "V1__x.sql", len(text), lambda: io.BytesIO(text.encode()))]
    if conf:
        files.append(source.SourceFile("V1__x.sql.conf", "V1__x.sql.conf", 0, lambda: io.BytesIO(conf.encode())))
    reading = resolve.Reading(filename.Naming(), "UTF-8", True)
    script = resolve.resolve(source.Source(files), reading).versioned[0]
    return prepare.prepare(script, NONE, TransactionModes(), mixed)


@pytest.mark.parametrize(
    ("text", "in_transaction", "count"),
    [
        ("SELECT 1; SELECT 2;", True, 2),
        ("BEGIN; SELECT 1; COMMIT;", True, 1),
        ("START TRANSACTION; SELECT 1; END;", True, 1),
        ("SET lock_timeout = 0; CREATE INDEX CONCURRENTLY i ON t(a);", False, 2),
        ("VACUUM t;", False, 1),
        ("PREPARE p AS SELECT $1; SAVEPOINT s; ROLLBACK TO s;", True, 3),
        ("DO $$ BEGIN PERFORM 1; END $$;", True, 1),
        ("", True, 0),
    ],
)
def test_transaction_mode_of_a_file(text: str, in_transaction: bool, count: int) -> None:
    item = prepared(text)
    assert item.in_transaction is in_transaction
    assert len(list(item.statements())) == count


@pytest.mark.parametrize(
    "text", ["SELECT 1; COMMIT;", "BEGIN; SELECT 1;", "BEGIN; COMMIT; BEGIN; COMMIT;", "ROLLBACK;"]
)
def test_files_that_control_transactions(text: str) -> None:
    with pytest.raises(GroundworkError) as caught:
        prepared(text)
    assert caught.value.code == "TRANSACTION_CONTROL"
    assert not prepared(text, "executeInTransaction=false").in_transaction


def test_mixed_files() -> None:
    text = "SELECT 1;\nVACUUM t;"
    with pytest.raises(GroundworkError) as caught:
        prepared(text)
    assert "Offending statement found at line 2: VACUUM t [non-transactional]" in caught.value.what
    assert not prepared(text, mixed=True).in_transaction
    assert not prepared(text, "executeInTransaction=false").in_transaction


@pytest.mark.parametrize(
    ("text", "index", "table"),
    [
        ('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "I x" ON ONLY s.t(a)', "I x", "s.t"),
        ("create index concurrently on t(a)", None, "t"),
        ("create index i on t(a)", None, None),
        ("drop index concurrently i", None, None),
    ],
)
def test_concurrent_builds(text: str, index: str | None, table: str | None) -> None:
    build = concurrent_index.build_of(lexer.tokenise(text))
    assert (build and build.index, build and str(build.table)) == (index, table)


def test_a_summary_of_many_targets_fits_a_screen() -> None:
    def visit(place: fan_out.Place) -> Outcome:
        number = int(place.database[1:])
        if number % 7 == 0:
            raise GroundworkError(f"reason {number % 3}")
        return Outcome(place.database, "public", final_version="3")

    places = [fan_out.Place(f"d{number}") for number in range(500)]
    visits = fan_out.visit_all(places, visit, 8, stop_at_failure=False)
    assert [item.place for item in visits] == places
    lines = fan_out.summary(visits)
    assert len(lines) <= 24
    assert "ok: 428" in lines
    assert any(line.startswith("failed: 72 (d0, d7, ") and line.endswith("and 62 more)") for line in lines)
    assert sum(line.split(" x ")[0].isdigit() for line in lines) == 3


def test_stopping_at_the_first_failure() -> None:
    def visit(place: fan_out.Place) -> Outcome:
        raise GroundworkError("no")

    visits = fan_out.visit_all([fan_out.Place(str(number)) for number in range(5)], visit, 1, stop_at_failure=True)
    assert [item.status for item in visits] == ["failed", *["skipped"] * 4]
