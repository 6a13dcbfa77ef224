"""States, validation, undo and repair from rows and files alone."""

from __future__ import annotations

import dataclasses
import io

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._migration import filename
from ansible_collections.groundwork.databases.plugins.module_utils._migration.source import Source, SourceFile
from ansible_collections.groundwork.databases.plugins.module_utils._migration.version import Target
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.commands import repair, settings, undo
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.files import resolve
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.files.resolve import Resolved
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.history.table import Row, row_from
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.planning import state, validate
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.planning.validate import IgnorePattern

EMPTY = 0


def found(*names: str) -> Resolved:
    """Empty files of these names."""
    files = [SourceFile(name, f"sql/{name}", 0, lambda: io.BytesIO(b"")) for name in names]
    return resolve.resolve(Source(files), resolve.Reading(filename.Naming(), "UTF-8", True))


def row(rank: int, version: str | None, kind: str = "SQL", success: bool = True, checksum: int | None = EMPTY) -> Row:
    description = f"d{rank}" if version is None else f"v{version}"
    return row_from((rank, version, description, kind, "x.sql", checksum, "me", None, 1, success))


def repeatable(rank: int, description: str, kind: str = "SQL", checksum: int = EMPTY) -> Row:
    return dataclasses.replace(row(rank, None, kind, checksum=checksum), description=description)


def states(resolved: Resolved, rows: list[Row], target: str = "latest", out_of_order: bool = False) -> list[str]:
    situation = state.survey(resolved, rows, Target.parse(target), out_of_order)
    return [f"{info.version or info.description} {info.state}" for info in situation.infos]


V123 = ("V1__v1.sql", "V2__v2.sql", "V3__v3.sql")


@pytest.mark.parametrize(
    ("names", "rows", "options", "expected"),
    [
        (V123, [], {}, ["1 Pending", "2 Pending", "3 Pending"]),
        (V123, [], {"target": "2"}, ["1 Pending", "2 Pending", "3 Above Target"]),
        (V123, [row(1, "1")], {"target": "current"}, ["1 Success", "2 Above Target", "3 Above Target"]),
        (V123, [row(1, "1"), row(2, "3")], {}, ["1 Success", "2 Ignored", "3 Success"]),
        (V123, [row(1, "1"), row(2, "3")], {"out_of_order": True}, ["1 Success", "3 Success", "2 Pending"]),
        (V123, [row(1, "1"), row(2, "3"), row(3, "2")], {}, ["1 Success", "3 Success", "2 Out of Order"]),
        (
            V123,
            [row(1, "2", "BASELINE", checksum=None)],
            {},
            ["1 Below Baseline", "2 Ignored (Baseline)", "2 Baseline", "3 Pending"],
        ),
        (V123[1:], [row(1, "1"), row(2, "2")], {}, ["1 Missing", "2 Success", "3 Pending"]),
        (V123[:1], [row(1, "1"), row(2, "2")], {}, ["1 Success", "2 Future"]),
        (V123[:1], [row(1, "1"), row(2, "2", success=False)], {}, ["1 Success", "2 Failed (Future)"]),
        (V123, [row(1, "1", success=False)], {}, ["1 Failed", "2 Pending", "3 Pending"]),
        (V123[:1], [row(1, "1"), row(2, "1", "DELETE")], {}, ["1 Deleted", "1 Pending"]),
        (V123[:1], [row(1, "1"), row(2, "1", "DELETE"), row(3, "1")], {}, ["1 Deleted", "1 Success"]),
        (V123[:1], [row(1, "1"), row(2, "1", "UNDO_SQL")], {}, ["1 Undone", "1 Pending"]),
        (("B2__b.sql", *V123), [], {}, ["1 Below Baseline", "2 Pending", "2 Ignored (Baseline)", "3 Pending"]),
        (("B2__b.sql", "V1__v1.sql"), [row(1, "1")], {}, ["1 Success", "2 Ignored (Baseline)"]),
        (("R__a.sql",), [repeatable(1, "a")], {}, ["a Success"]),
        (("R__a.sql",), [repeatable(1, "a", checksum=7)], {}, ["a Outdated", "a Pending"]),
        (("R__a.sql",), [repeatable(1, "a", checksum=7), repeatable(2, "a")], {}, ["a Superseded", "a Success"]),
        ((), [repeatable(1, "a")], {}, ["a Missing"]),
        (("R__View_A.sql", "R__view_b.sql", "V1__v1.sql"), [], {}, ["1 Pending", "View A Pending", "view b Pending"]),
    ],
    ids=range(21),
)
def test_states(names: tuple[str, ...], rows: list[Row], options: dict[str, str], expected: list[str]) -> None:
    found_states = states(found(*names), rows, **options)  # type: ignore[arg-type]
    assert sorted(found_states) == sorted(expected)


def test_two_deletes_of_one_row_are_corrupt() -> None:
    with pytest.raises(GroundworkError) as caught:
        states(found(*V123), [row(1, "1"), row(2, "1", "DELETE"), row(3, "1", "DELETE")])
    assert caught.value.code == "DUPLICATE_DELETED_MIGRATION"


def problems(resolved: Resolved, rows: list[Row], *patterns: str, ignore_pending: bool = True) -> list[str]:
    situation = state.survey(resolved, rows, Target.parse("latest"), False)
    found_problems = validate.validate(situation, [IgnorePattern.parse(text) for text in patterns], ignore_pending)
    return [f"{item.code} {item.message}" for item in found_problems]


@pytest.mark.parametrize(
    ("names", "rows", "patterns", "expected"),
    [
        (
            V123[:1],
            [row(1, "1", checksum=5)],
            [],
            "CHECKSUM_MISMATCH Migration checksum mismatch for migration version 1"
            "\n-> Applied to database : 5\n-> Resolved locally    : 0\nEither revert the changes to the "
            "migration, or run"
            " repair to update the schema history.",
        ),
        (
            ("V1__other.sql",),
            [row(1, "1")],
            [],
            "DESCRIPTION_MISMATCH Migration description mismatch for migration version"
            " 1\n-> Applied to database : v1\n-> Resolved locally    : other\nEither revert the changes to the "
            "migration, or"
            " run repair to update the schema history.",
        ),
        (
            V123[:1],
            [row(1, "1", success=False)],
            [],
            "FAILED_VERSIONED_MIGRATION Detected failed migration to version 1 (v1)"
            ".\nPlease remove any half-completed changes then run repair to fix the schema history.",
        ),
        (
            V123[1:],
            [row(1, "1"), row(2, "2")],
            [],
            "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED Detected applied migration not"
            " resolved locally: 1.\nIf you removed this migration intentionally, run repair to mark the "
            "migration as deleted.",
        ),
        (
            V123,
            [row(1, "1"), row(2, "3")],
            [],
            "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED Detected resolved migration not"
            " applied to database: 2.\nTo ignore this migration, set -ignoreMigrationPatterns='*:ignored'. To "
            "allow executing"
            " this migration, set -outOfOrder=true.",
        ),
        (V123[1:], [row(1, "1"), row(2, "2")], ["versioned:missing"], None),
        (V123, [row(1, "1"), row(2, "3")], ["*:IGNORED"], None),
        (V123[:1], [row(1, "1"), row(2, "2")], ["*:future"], None),
        (V123[:1], [row(1, "1", "BASELINE", checksum=None)], [], None),
    ],
    ids=range(9),
)
def test_validation(names: tuple[str, ...], rows: list[Row], patterns: list[str], expected: str | None) -> None:
    assert problems(found(*names), rows, *patterns) == ([expected] if expected else [])


def test_pending_is_a_problem_of_plain_validation_only() -> None:
    assert problems(found(*V123[:1]), []) == []
    assert problems(found(*V123[:1]), [], ignore_pending=False)[0].endswith(
        "applied to database: 1.\nTo fix this error, either run migrate, or set -ignoreMigrationPatterns='*:pending'."
    )


@pytest.mark.parametrize("bad", ["missing", "x:missing", "*:applied", ""])
def test_patterns_that_cannot_be_read(bad: str) -> None:
    with pytest.raises(GroundworkError, match="Invalid pattern"):
        IgnorePattern.parse(bad)


def test_undo_takes_the_target_and_everything_above_newest_first() -> None:
    resolved = found(*V123, "U2__x.sql", "U3__x.sql")
    rows = [row(1, "1"), row(2, "3"), row(3, "2")]
    assert [item.row.version_text for item in undo.select(resolved, rows, Target.parse("2"))] == ["2", "3"]
    taken_back = [*rows, row(4, "2", "DELETE")]
    assert [item.row.version_text for item in undo.select(resolved, taken_back, Target.parse("2"))] == ["3"]
    with pytest.raises(GroundworkError, match="no undo script for version 1"):
        undo.select(resolved, rows, Target.parse("1"))


def test_repair() -> None:
    options = {name: option.get("default") for name, option in settings.argument_spec().items()}
    parsed = settings.from_params(settings.reading_params(options))
    rows = [row(1, "1", checksum=5), row(2, "2"), row(3, "3", success=False), repeatable(4, "gone")]
    todo = repair.repair(parsed, found("V1__v1.sql", "V3__v3.sql"), rows)
    assert [item.installed_rank for item in todo.removed] == [3]
    assert sorted(item.installed_rank for item in todo.deleted) == [2, 4]
    assert [item.installed_rank for item, _script in todo.aligned] == [1]
