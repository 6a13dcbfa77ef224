# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statement scanner: splits, places, errors, streams. tests/integration asks psql for the same splits."""

from __future__ import annotations

import json
import time
import tracemalloc
import typing as t
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql import lexer, scanner
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.statement import (
    CopyData,
    ScanError,
    Statement,
)
from hypothesis import given, settings
from hypothesis import strategies as st

TORTURE = Path(__file__).parent / "torture"


def scan(text: str, strings: bool = True) -> list[Statement]:
    return list(scanner.statements([text], "V1__x.sql", strings))


def texts(text: str, strings: bool = True) -> list[str]:
    return [statement.text for statement in scan(text, strings)]


def rebuilt(chunks: t.Iterable[str]) -> str:
    """The file again, from the pieces."""
    parts = []
    for piece in scanner.pieces(chunks, "V1__x.sql"):
        parts.append(piece.text)
        if isinstance(piece, Statement) and piece.copy_data:
            data = "".join(piece.copy_data)
            parts += [piece.copy_data.separator, data, piece.copy_data.terminator]
    return "".join(parts)


@pytest.mark.parametrize("path", sorted(TORTURE.glob("*.sql")), ids=lambda path: path.stem)
def test_torture_file(path: Path) -> None:
    text = path.read_bytes().decode()
    expected = json.loads(path.with_suffix(".json").read_text())
    assert [[s.line, s.column, s.text] for s in scanner.statements([text], path.name)] == expected
    assert rebuilt([text]) == text
    assert rebuilt(list(text)) == text


@pytest.mark.parametrize("path", sorted(TORTURE.glob("*.sql")), ids=lambda path: path.stem)
def test_places_point_at_the_text(path: Path) -> None:
    text = path.read_bytes().decode()
    lines = text.removeprefix("\ufeff").split("\n")
    for statement in scanner.statements([text], path.name):
        first = statement.text.split("\n")[0]
        assert lines[statement.line - 1][statement.column - 1 :].startswith(first)
        for token in statement.tokens:
            place = statement.place(token.start + 1)
            start = statement.text[token.start : token.end].split("\n")[0].rstrip("\r")
            assert lines[place.line - 1][place.column - 1 :].startswith(start)
            assert place.shown[place.caret :].startswith(start)
        end = statement.place(len(statement.text) + 1)
        assert (end.line, end.column) == (statement.end_line, statement.end_column)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (";;; ;", []),
        ("-- only a comment", []),
        ("/* a; */", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT $1;SELECT $2;", ["SELECT $1", "SELECT $2"]),
        ("SELECT $1a$$;SELECT $$;$$;", ["SELECT $1a$$", "SELECT $$;$$"]),
        ("SELECT 1a$$;SELECT 1;", ["SELECT 1a$$", "SELECT 1"]),
        ("SELECT $1$$;$$;", ["SELECT $1$$;$$"]),
        ("SELECT a$$;SELECT b$$;", ["SELECT a$$", "SELECT b$$"]),
        ("SELECT $é$;$é$;", ["SELECT $é$;$é$"]),
        ("SELECT é$$;SELECT 1;", ["SELECT é$$", "SELECT 1"]),
        ("SELECT $;SELECT $a;SELECT 1;", ["SELECT $", "SELECT $a", "SELECT 1"]),
        ("SELECT 1]; SELECT '[';", ["SELECT 1]", "SELECT '['"]),
        ("EXPLAIN COPY t FROM STDIN;SELECT 1;", ["EXPLAIN COPY t FROM STDIN", "SELECT 1"]),
        ("SELECT copy FROM stdin;SELECT 1;", ["SELECT copy FROM stdin", "SELECT 1"]),
        ("COPY t FROM '/tmp/stdin';SELECT 1;", ["COPY t FROM '/tmp/stdin'", "SELECT 1"]),
        ("COPY (SELECT 1 FROM stdin) TO STDOUT;SELECT 1;", ["COPY (SELECT 1 FROM stdin) TO STDOUT", "SELECT 1"]),
        ('SELECT 1 AS "a\nb;";', ['SELECT 1 AS "a\nb;"']),
        ("SELECT 1 -- x;\r, 2;", ["SELECT 1 -- x;\r, 2"]),
    ],
)
def test_split(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


def test_backslashes_follow_the_setting() -> None:
    assert texts(r"SELECT 'a\';b';", strings=False) == [r"SELECT 'a\';b'"]
    assert texts(r"SELECT 'a\';SELECT 1;", strings=True) == [r"SELECT 'a\'", "SELECT 1"]
    assert texts(r"SELECT B'1''\';SELECT 1;", strings=True) == [r"SELECT B'1''\'", "SELECT 1"]
    switched = scan(r"SET SESSION standard_conforming_strings = off; SELECT '\''; RESET ALL; SELECT '\';")
    assert [s.standard_conforming_strings for s in switched] == [True, False, False, True]


@pytest.mark.parametrize(
    ("text", "what", "line", "column"),
    [
        ("SELECT 1;\n  SELECT 'abc;\n\nSELECT 2;", "a string is never closed", 2, 10),
        ("SELECT E'abc\\';", "a string is never closed", 1, 8),
        ("SELECT E'abc\\", "a string is never closed", 1, 8),
        ('SELECT 1;\nSELECT "abc;\n', "a quoted name is never closed", 2, 8),
        ("/* a /* b */\nSELECT 1;", "a comment is never closed", 1, 1),
        ("SELECT /* /*;\n*/ 1;", "a comment is never closed", 1, 8),
        ("DO $x$ BEGIN\n$$ $X$;", "the dollar quote $x$ is never closed", 1, 4),
        ("SELECT 1;\nINSERT INTO t VALUES (1, (2);\nSELECT 1;\n", "a parenthesis is never closed", 2, 22),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql\nBEGIN ATOMIC SELECT CASE WHEN true THEN 1 END;",
            "a BEGIN ATOMIC or CASE has no END",
            2,
            7,
        ),
        ("SELECT 1;\nCOPY t FROM STDIN;\n1\n2\n", "the data of COPY FROM STDIN has no end", 2, 1),
        ("COPY t FROM STDIN", "the data of COPY FROM STDIN has no end", 1, 1),
        ("COPY t FROM STDIN;", "the data of COPY FROM STDIN has no end", 1, 1),
        ("COPY t FROM STDIN; SELECT 1;\n1\n\\.\n", "text behind COPY ... FROM STDIN; on its line", 1, 20),
        ("SELECT 1;\n \\copy t from 'x'\n", "psql's meta-command \\copy means nothing to the server", 2, 2),
        ("SELECT 1 \\g\n", "psql's meta-command \\g means nothing to the server", 1, 10),
        ("SELECT 1 \\restrict x\n;", "psql's meta-command \\restrict means nothing to the server", 1, 10),
        ("SELECT 1\\; SELECT 2;", "psql's \\; joins or escapes text for psql only", 1, 9),
        ("\ufeffSELECT 1;\n\\.\n", "\\. stands outside COPY data", 2, 1),
        ("\ufeffSELECT '", "a string is never closed", 1, 8),
        ("SELECT 1;\nSELECT '\0';", "a NUL character cannot be sent to PostgreSQL", 2, 9),
    ],
)
def test_refused_with_the_place(text: str, what: str, line: int, column: int) -> None:
    with pytest.raises(ScanError) as caught:
        scan(text)
    assert caught.value.what == what
    assert (caught.value.file, caught.value.line, caught.value.column) == ("V1__x.sql", line, column)
    assert f"V1__x.sql:{line}:{column}" in caught.value.message
    assert caught.value.result()["error_code"] == "SCAN_ERROR"


def test_restrict_lines_are_dropped() -> None:
    assert texts("\\restrict aB3\nSELECT 1;\n\\unrestrict aB3\n") == ["SELECT 1"]


def test_copy_data_is_read_like_a_file() -> None:
    text = "COPY t FROM STDIN; -- c\nab\ncd;\n\\.\nSELECT 1;\nCOPY u FROM STDIN;\n\\.\nCOPY v FROM STDIN;\nx\n\\."
    found = []
    for statement in scanner.statements([text], "x"):
        data = statement.copy_data
        if data:
            found.append((statement.text, data.first_line, [data.read(4), data.read(1), data.read()], data.read(1)))
        else:
            found.append((statement.text, statement.line))
    assert found == [
        ("COPY t FROM STDIN", 2, ["ab\nc", "d", ";\n"], ""),
        ("SELECT 1", 5),
        ("COPY u FROM STDIN", 7, ["", "", ""], ""),
        ("COPY v FROM STDIN", 9, ["x\n", "", ""], ""),
    ]


def test_unread_copy_data_is_skipped() -> None:
    statements = scan("COPY t FROM STDIN;\nDROP TABLE a;\n\\.\nSELECT 1;\n")
    assert [(s.text, s.line, s.number) for s in statements] == [("COPY t FROM STDIN", 1, 1), ("SELECT 1", 4, 2)]


def test_copy_data_does_not_stay_in_memory() -> None:
    def big() -> t.Iterator[str]:
        yield "COPY t FROM STDIN;\n"
        for number in range(200_000):
            yield f"{number}\t{'x' * 90}\n"
        yield "\\.\nSELECT 1;\n"

    tracemalloc.start()
    length = 0
    for statement in scanner.statements(big(), "x"):
        if statement.copy_data:
            while part := statement.copy_data.read(8192):
                length += len(part)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length > 19_000_000
    assert peak < 1_000_000


SQL_PIECES = st.lists(
    st.sampled_from(
        [
            "'",
            '"',
            "$$",
            "$a$",
            "$1",
            "--",
            "/*",
            "*/",
            "\n",
            "\r\n",
            "\r",
            ";",
            "(",
            ")",
            "E'",
            "U&'",
            'u&"',
            "B'",
            "\\'",
            "''",
            "a",
            "é",
            "_1",
            "1",
            "1.5e",
            " ",
            "\t",
            "BEGIN ATOMIC ",
            "CASE ",
            "END ",
            "CREATE FUNCTION ",
            "CREATE OR REPLACE PROCEDURE ",
            "COPY t FROM STDIN;\n",
            "\n\\.\n",
            "SET standard_conforming_strings = off;",
            "+",
            "-",
            "/",
            "*",
            ":",
            "::",
            "|",
            "&",
            "\ufeff",
            "\u00a0",
            "\u2028",
            "\f",
            "\v",
            "SELECT ",
            ".",
            "as ",
        ]
    ),
    max_size=40,
).map("".join)
ANY_TEXT = st.one_of(SQL_PIECES, st.text(alphabet=st.characters(exclude_characters="\0\\", exclude_categories=["Cs"])))


@given(ANY_TEXT, st.integers(1, 7))
@settings(max_examples=1500, deadline=None)
def test_pieces_are_the_file(text: str, chunk: int) -> None:
    try:
        whole = rebuilt([text])
    except ScanError:
        with pytest.raises(ScanError):
            rebuilt([text[i : i + chunk] for i in range(0, len(text), chunk)])
        return
    assert whole == text
    assert rebuilt([text[i : i + chunk] for i in range(0, len(text), chunk)]) == text


@given(ANY_TEXT)
@settings(max_examples=1500, deadline=None)
def test_a_statement_is_one_statement_for_the_lexer_too(text: str) -> None:
    """Two readers, written apart, agree: no semicolon outside parentheses, no token that runs past the end."""
    try:
        statements = scan(text)
    except ScanError:
        return
    for statement in statements:
        depth = 0
        assert statement.tokens, "a statement has a first token"
        assert statement.tokens[0].start == 0
        body = any(token.is_word("atomic") for token in statement.tokens)
        for token in statement.tokens:
            if token.kind == lexer.SYMBOL:
                depth = max(0, depth + {"(": 1, ")": -1}.get(token.value, 0))
                assert token.value != ";" or depth or body
        again = scan("\n" + statement.text + "\n;SELECT 1;") if not statement.copy_data else []
        if statement.standard_conforming_strings and again:
            assert [s.text for s in again] == [statement.text + "\n", "SELECT 1"]


@given(ANY_TEXT)
@settings(max_examples=500, deadline=None)
def test_tokens_cover_the_text(text: str) -> None:
    """Between two tokens there is white space and comments only, and tokens never overlap."""
    position = 0
    for token in lexer.iterate(text):
        assert token.start >= position
        assert token.end > token.start
        gap = text[position : token.start]
        assert not gap.strip() or "--" in gap or "/*" in gap or gap.strip() in ("n", "N")
        position = token.end
    assert position <= len(text)


@pytest.mark.parametrize(
    "unit",
    [
        "CREATE TABLE a (id bigint PRIMARY KEY, b text DEFAULT 'x;y'); -- comment\n",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\n",
        "SELECT 1;",
        "(((((((",
        "''",
        "'a'\n",
        "'a' --\n",
        "$a$ b $c",
        "/-/-*",
        "/*",
        "--",
        "abc'",
        "e'",
        "1.e1..",
        '"" ',
    ],
)
def test_time_grows_with_length_only(unit: str) -> None:
    """Eight times the text may take twenty times the processor time; quadratic reading would take 64 times."""

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        best = 1e9
        for _attempt in range(3):
            start = time.process_time()
            try:
                for statement in scanner.statements([text], "x"):
                    assert statement.tokens is not None
            except ScanError:
                lexer.tokenise(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(160_000) < 20 * max(seconds(20_000), 0.002)


def test_copy_data_is_exported() -> None:
    assert isinstance(next(iter(scanner.statements(["COPY t FROM STDIN;\n\\.\n"], "x"))).copy_data, CopyData)
