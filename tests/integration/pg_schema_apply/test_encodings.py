"""A script that sets client_encoding: stored byte by byte as psql stores the file, or refused before anything runs."""

from __future__ import annotations

import typing as t

import pytest

from .conftest import Migrations

STORED = "SELECT string_agg(encode(convert_to(x, 'UTF8'), 'hex'), ',' ORDER BY x) FROM t"
#: As ``pg_dump -E`` writes it: settings, a comment of a table, COPY data, INSERT, a name.
DUMP = """SET statement_timeout = 0;
SET client_encoding = '{encoding}';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.t (x text, "naïve" text);
COMMENT ON TABLE public.t IS 'Täglich';
COPY public.t (x) FROM stdin;
{text}
a\\tb {text}
\\.
INSERT INTO public.t (x, "naïve") VALUES ('{text}!', E'\\\\x41');
"""


def dump(encoding: str, text: str) -> str:
    return DUMP.format(encoding=encoding, text=text)


def by_psql(migrations: Migrations, name: str) -> list[tuple[t.Any, ...]]:
    """What psql stores from the same file, in a database of its own."""
    database = migrations.server.create_database(f"{migrations.database}_psql")
    try:
        done = migrations.server.psql(database, "-v", "ON_ERROR_STOP=1", "-f", str(migrations.folder / name))
        assert done.returncode == 0, done.stderr
        return stored(migrations, database)
    finally:
        migrations.server.drop_database(database)


def stored(migrations: Migrations, database: str) -> list[tuple[t.Any, ...]]:
    return [
        *migrations.server.query(STORED, database),
        *migrations.server.query(
            "SELECT encode(convert_to(obj_description('public.t'::regclass), 'UTF8'), 'hex')", database
        ),
        *migrations.server.query(
            "SELECT encode(convert_to(attname::text, 'UTF8'), 'hex') FROM pg_attribute WHERE attrelid ="
            " 'public.t'::regclass AND attnum = 2",
            database,
        ),
    ]


@pytest.mark.parametrize("settings", ["", "executeInTransaction=false"], ids=["transaction", "step by step"])
@pytest.mark.parametrize(
    ("python", "encoding", "text"),
    [
        ("iso8859-1", "LATIN1", "é ß"),
        ("iso8859-1", "iso-8859-1", "é ß"),
        ("iso8859-15", "LATIN9", "é €"),
        ("cp1252", "WIN1252", "é € „x“"),
        ("cp1252", "LATIN1", "é ß"),
        ("koi8-r", "KOI8R", "é".replace("é", "мир")),
        ("cp932", "SJIS", "表示ソ"),
        ("euc_jp", "EUC_JP", "日本"),
        ("big5", "BIG5", "功許"),
        ("gbk", "GBK", "中文"),
        ("utf-8", "UTF8", "é 日 €"),
        ("utf-8", "SQL_ASCII", "é 日 €"),
    ],
)
def test_a_dump_of_another_encoding(
    migrations: Migrations, python: str, encoding: str, text: str, settings: str
) -> None:
    whole = dump(encoding, text)
    if python not in ("iso8859-1", "iso8859-15", "cp1252", "utf-8"):
        whole = whole.replace("ä", "a").replace("ï", "i")
    name = "V1__dump_é.sql"
    migrations.write({name: whole.encode(python), f"{name}.conf": settings, "V2__next.sql": "CREATE TABLE é(n int);"})
    migrations.succeed(encoding=python)
    assert stored(migrations, migrations.database) == by_psql(migrations, name)
    assert text.encode().hex() in migrations.query(STORED)[0][0]
    assert migrations.query(
        "SELECT encode(convert_to(description, 'UTF8'), 'hex') FROM flyway_schema_history ORDER BY installed_rank"
    ) == [("dump é".encode().hex(),), (b"next".hex(),)]
    assert migrations.succeed(encoding=python)["changed"] is False


@pytest.mark.parametrize(
    "change",
    [
        "SET client_encoding = 'LATIN1';",
        "SET NAMES 'latin1';",
        "SET LOCAL client_encoding TO latin1;",
        "SELECT pg_catalog.set_config('client_encoding', 'LATIN1', false);",
    ],
)
@pytest.mark.parametrize(
    ("text", "place"), [("COPY t FROM STDIN;\nplain\né\n\\.\n", ":5:1"), ("INSERT INTO t\n VALUES ('é');", ":4:11")]
)
@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_contradiction_is_refused_before_anything_runs(
    migrations: Migrations, change: str, text: str, place: str, check: bool
) -> None:
    script = f"CREATE TABLE t(x text);\n{change}\n{text}"
    result = migrations.fail({"V1__a.sql": "CREATE TABLE a();", "V2__b.sql": script}, check=check)
    assert result["error_code"] == "ENCODING_MISMATCH"
    assert "read as utf-8, but its line 2 says that client_encoding is LATIN1" in result["msg"]
    assert f"V2__b.sql{place}\n" in result["msg"]
    assert "set encoding=iso8859-1, for this file alone in V2__b.sql.conf" in result["msg"]
    assert migrations.tables() == set()
    assert migrations.query("SELECT to_regclass('flyway_schema_history')") == [(None,)]


def test_the_advice_works(migrations: Migrations) -> None:
    script = "CREATE TABLE t(x text); SET client_encoding = 'LATIN1'; INSERT INTO t VALUES ('é');".encode("latin-1")
    migrations.succeed({"V1__a.sql": script, "V1__a.sql.conf": "encoding=iso8859-1"})
    assert migrations.query("SELECT x FROM t") == [("é",)]


def test_utf8_in_a_file_that_is_read_as_something_else(migrations: Migrations) -> None:
    result = migrations.fail({"V1__a.sql": dump("UTF8", "é")}, encoding="ISO-8859-1")
    assert result["error_code"] == "ENCODING_MISMATCH"
    assert "read as iso8859-1, but its line 2 says that client_encoding is UTF8" in result["msg"]
    assert migrations.tables() == set()


def test_a_setting_without_text_that_it_concerns(migrations: Migrations) -> None:
    """Comments between statements are not sent, and RESET ends what SET began."""
    migrations.succeed(
        {
            "V1__a.sql": "SET client_encoding = 'LATIN1'; -- é\nCREATE TABLE t(x text);\nRESET client_encoding;\n"
            "INSERT INTO t VALUES ('é');"
        }
    )
    assert migrations.query("SELECT x FROM t") == [("é",)]


@pytest.mark.parametrize("settings", ["", "executeInTransaction=false"], ids=["transaction", "step by step"])
@pytest.mark.parametrize("data", ["INSERT INTO t VALUES ('é');", "COPY t FROM STDIN;\nplain\né\n\\.\n"])
def test_an_encoding_that_a_function_sets(migrations: Migrations, data: str, settings: str) -> None:
    setting = "DO $do$ BEGIN PERFORM set_config('client_encoding', 'LATIN1', false); END $do$;"
    script = f"CREATE TABLE t(x text);\n{setting}\n{data}"
    result = migrations.fail({"V1__b.sql": script, "V1__b.sql.conf": settings})
    assert "the file was read as utf-8, but client_encoding is LATIN1 here" in result["msg"]
    assert f"V1__b.sql:{3 if data.startswith('INSERT') else 5}" in result["msg"]
    assert migrations.tables() == ({"t"} if settings else set())
    if settings:
        assert migrations.query("SELECT * FROM t") == []

    migrations.succeed({"V1__b.sql": script.encode("latin-1"), "V1__b.sql.conf": f"{settings}\nencoding=iso8859-1"})
    assert migrations.query("SELECT x FROM t WHERE x <> 'plain'") == [("é",)]


def test_a_file_that_the_server_reads_itself(migrations: Migrations) -> None:
    """COPY FROM a file of the server takes client_encoding for the file's, so the setting has to be in force."""
    data = migrations.server.data / "latin1.txt"
    data.write_bytes("é\n".encode("latin-1"))
    migrations.server.account.own(data)
    migrations.succeed({"V1__a.sql": f"CREATE TABLE t(x text); SET client_encoding = LATIN1; COPY t FROM '{data}';"})
    assert migrations.query("SELECT x FROM t") == [("é",)]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_a_name_that_the_database_cannot_hold(migrations: Migrations, check: bool) -> None:
    database = f"{migrations.database}_latin1"
    migrations.server.query(
        f"CREATE DATABASE {database} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", "postgres"
    )
    try:
        result = migrations.fail(
            {"V1__a.sql": "CREATE TABLE a();", "V2__日本.sql": "SELECT 1;"}, login_db=database, check=check
        )
        assert "The database's encoding LATIN1 does not have every character of the file's name" in result["msg"]
        assert "Rename the file." in result["msg"]
        assert "constraints" not in result["msg"]
        assert migrations.server.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database) == [(0,)]

        migrations.write({"V2__日本.sql": None, "V2__é.sql": "CREATE TABLE b(x text DEFAULT 'é');"})  # type: ignore[dict-item]
        migrations.succeed(login_db=database)
        assert migrations.server.query(
            "SELECT encode(convert_to(description, 'UTF8'), 'hex') FROM flyway_schema_history WHERE version = '2'",
            database,
        ) == [("é".encode().hex(),)]
    finally:
        migrations.server.drop_database(database)
