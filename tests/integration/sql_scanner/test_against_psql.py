# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scanner's statements are those that the real psql sends: the server's log says what it received."""

from __future__ import annotations

import json
import re
import shutil
import time
import typing as t
import uuid
from pathlib import Path
from random import Random

import psycopg2
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql import lexer, scanner
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.statement import ScanError
from servers import Postgresql

TORTURE = Path(__file__).parents[2] / "unit/plugins/module_utils/_pg/sql/torture"
SETTINGS = {
    "log_statement": "all",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": "log",
    "log_filename": "received.log",
    "log_rotation_age": "0",
    "log_rotation_size": "0",
}
PSQL_IS_WRONG = "wider_than_psql.sql"


@pytest.fixture(scope="module")
def logging_server() -> t.Iterator[Postgresql]:
    server = Postgresql(SETTINGS)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.server.layout.servers)


def received(server: Postgresql, path: Path, database: str = "postgres") -> list[str]:
    """The texts that psql sends for a file, in order."""
    log = server.data / "log" / "received.json"
    before = log.stat().st_size
    mark = f"end of file {uuid.uuid4()}"
    # A statement may leave a transaction or a quote open: the mark comes from another session.
    result = server.psql(database, "-q", "-f", str(path), "-o", "/dev/null")
    assert "connection to server" not in result.stderr, result.stderr
    server.query(f"SELECT '{mark}'")
    deadline = time.monotonic() + 30
    while mark not in (text := log.read_bytes()[before:].decode()):
        assert time.monotonic() < deadline, "the server's log does not come"
        time.sleep(0.05)
    texts: list[str] = []
    latest = None
    for record in map(json.loads, text.splitlines()):
        if record.get("application_name") != "psql":
            continue
        if record["message"].startswith("statement: "):
            latest = record["message"].removeprefix("statement: ")
            texts.append(latest)
        elif record["error_severity"] == "ERROR" and "statement" in record:
            # What cannot be parsed is logged by its error alone.
            if record["statement"] != latest:
                texts.append(record["statement"])
            latest = None
    return texts


def normal(text: str, standard_conforming_strings: bool = True) -> tuple[str, ...]:
    """A statement without what psql strips: comments, outer white space, the semicolon."""
    tokens = lexer.tokenise(text, standard_conforming_strings)
    pieces = [text[token.start : token.end] for token in tokens]
    return tuple(pieces[:-1] if pieces[-1:] == [";"] else pieces)


def ours(text: str, file: str = "x.sql") -> list[tuple[str, ...]]:
    return [normal(s.text, s.standard_conforming_strings) for s in scanner.statements([text], file)]


@pytest.fixture(autouse=True)
def client_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "UTF8")


@pytest.mark.parametrize("name", sorted(path.name for path in TORTURE.glob("*.sql") if path.name != PSQL_IS_WRONG))
def test_torture_files(logging_server: Postgresql, name: str) -> None:
    text = (TORTURE / name).read_bytes().decode()
    expected = list(scanner.statements([text], name))
    theirs = received(logging_server, TORTURE / name)
    compared = [parts for parts in map(normal, theirs) if parts]
    if name == "backslashes.sql":
        settings = iter(expected)
        compared = [
            parts for parts in (normal(text, next(settings).standard_conforming_strings) for text in theirs) if parts
        ]
    assert compared == [normal(s.text, s.standard_conforming_strings) for s in expected]


def test_scripts_that_come_with_the_server(logging_server: Postgresql, tmp_path: Path) -> None:
    """Every SQL file of the installation, extension scripts without their psql guard line."""
    share = logging_server.bin.parent / "share"
    files = sorted([*share.glob("*.sql"), *share.glob("extension/*.sql")])
    assert len(files) > 100
    differing = []
    statements = 0
    logging_server.create_database("scripts")
    for path in files:
        lines = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith("\\")]
        text = "".join(lines)
        copy = tmp_path / "script.sql"
        copy.write_text(text)
        expected = ours(text, path.name)
        statements += len(expected)
        theirs = [parts for parts in map(normal, received(logging_server, copy, "scripts")) if parts]
        if theirs != expected:
            differing.append(path.name)
    assert not differing
    assert statements > 2000
    print(f"{len(files)} files, {statements} statements, all as psql")


def test_where_psql_is_wrong_the_server_is_right_about_ours(logging_server: Postgresql) -> None:
    path = TORTURE / PSQL_IS_WRONG
    text = path.read_text()
    statements = list(scanner.statements([text], path.name))
    with logging_server.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement.text)
    theirs = [parts for parts in map(normal, received(logging_server, path)) if parts]
    assert theirs != ours(text)
    logging_server.query("DROP FUNCTION IF EXISTS labels; DROP FUNCTION IF EXISTS begin")


def test_error_position_leads_to_the_line(logging_server: Postgresql) -> None:
    text = "SELECT 1; /* é */ SELECT 'é',\n  -- comment\n  nothing_here\nFROM pg_class;\n"
    statement = list(scanner.statements([text], "V1__x.sql"))[1]
    with pytest.raises(psycopg2.errors.UndefinedColumn) as caught:
        logging_server.query(statement.text)
    place = statement.place(int(caught.value.diag.statement_position))
    assert (place.line, place.column) == (3, 3)
    assert place.shown[place.caret :] == "nothing_here"


def test_copy_data_is_streamed_into_the_server(logging_server: Postgresql) -> None:
    text = (TORTURE / "copy.sql").read_text()
    with logging_server.connect() as connection, connection.cursor() as cursor:
        for statement in scanner.statements([text], "copy.sql"):
            if statement.copy_data:
                cursor.copy_expert(statement.text, statement.copy_data, size=7)
            elif "TO STDOUT" not in statement.text:
                cursor.execute(statement.text)
            if statement.text.startswith("SELECT count"):
                assert cursor.fetchone() == (7,)


SOUP = [
    "'", "'", '"', "$$", "$a$", "$1", "$b", "--", "/*", "*/", "\n", "\n", "\r\n", "\r", ";", ";", "(", ")", "U&'",
    'u&"', "B'", "x'", "n'", "''", "a", "é", "_1", "1", "1.5e", " ", " ", "\t", "+", "-", "/", "*", "::", "|", "&",
    "#", "\xa0", "\x0c", "SELECT ", "case ", "end ", "begin ", "create function ", ".", "as ", ",", "[", "]", "E' '",
    "e'''' ", "0x1F", "..",
]  # fmt: skip


CLOSING = {"a string": "'", "a quoted name": '"', "a comment": "*/", "a parenthesis": ")"}


def closed(text: str) -> str:
    """The text with everything closed that it leaves open."""
    while True:
        try:
            ours(text)
        except ScanError as error:
            opened = error.what.removesuffix(" is never closed")
            # On a line of its own: the text may end in a comment.
            text += "\n" + (CLOSING.get(opened) or opened.removeprefix("the dollar quote "))
        else:
            return text


def test_random_soup(logging_server: Postgresql, tmp_path: Path) -> None:
    """Texts that no human writes: whatever psql sends is what the scanner cuts."""
    random = Random(16)
    path = tmp_path / "soup.sql"
    compared = statements = 0
    while compared < 150:
        text = closed("".join(random.choices([*SOUP, *";;;;;;"], k=random.randint(5, 120))))
        if re.search(r"create function|(?i:e'[^;]*)[\r\n]", text):
            # Where psql is known to be wrong.
            continue
        path.write_bytes(text.encode())
        expected = ours(text)
        theirs = [parts for parts in map(normal, received(logging_server, path)) if parts]
        assert [without_blank_lines(s) for s in theirs] == [without_blank_lines(s) for s in expected], text
        compared += 1
        statements += len(expected)
    print(f"{compared} random files, {statements} statements, all as psql")
    assert statements > compared


def without_blank_lines(parts: tuple[str, ...]) -> list[str]:
    """psql drops blank lines, which may stand between the parts of one string."""
    return [re.sub(r"\n+", "\n", part) for part in parts]
