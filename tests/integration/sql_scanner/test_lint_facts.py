# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lint rules say about locks, rewrites and scans is what the real server does."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint import engine, live
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint.pending import PendingFile
from servers import Postgresql

OBJECTS = """
CREATE EXTENSION btree_gist;
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE busy (
    id int NOT NULL, a text, v varchar(10), n numeric(10, 2), ts timestamp, ip cidr, c char(3), tz timestamptz(3),
    arr int[], b bit(3), vb bit varying(3), iv interval(2), x xml, small smallint, vc varchar
);
INSERT INTO busy (id, a, v, n, c) SELECT i, 'a' || i, 'v', 1, 'c' FROM generate_series(1, 100) i;
CREATE INDEX busy_a_idx ON busy (a);
CREATE UNIQUE INDEX busy_id_idx ON busy (id);
CREATE MATERIALIZED VIEW counted AS SELECT id FROM other;
CREATE TABLE parent (id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parent FOR VALUES FROM (0) TO (10);
CREATE TABLE loose (id int NOT NULL);
INSERT INTO loose VALUES (15);
"""

#: Statement, table, the strongest lock it holds on that table until the transaction ends.
LOCKS = [
    ("CREATE INDEX ON busy (n)", "busy", "ShareLock"),
    ("DROP INDEX busy_a_idx", "busy", "AccessExclusiveLock"),
    ("REINDEX TABLE busy", "busy", "ShareLock"),
    ("REFRESH MATERIALIZED VIEW counted", "counted", "AccessExclusiveLock"),
    ("ALTER TABLE busy ADD FOREIGN KEY (id) REFERENCES other NOT VALID", "other", "ShareRowExclusiveLock"),
    ("ALTER TABLE busy ADD FOREIGN KEY (id) REFERENCES other NOT VALID", "busy", "ShareRowExclusiveLock"),
    ("ALTER TABLE busy ADD CHECK (id > 0)", "busy", "AccessExclusiveLock"),
    ("ALTER TABLE busy ADD UNIQUE (a)", "busy", "AccessExclusiveLock"),
    ("ALTER TABLE busy ADD PRIMARY KEY (id)", "busy", "AccessExclusiveLock"),
    ("ALTER TABLE busy ADD EXCLUDE USING gist (id WITH =)", "busy", "AccessExclusiveLock"),
    ("ALTER TABLE busy ALTER a SET NOT NULL", "busy", "AccessExclusiveLock"),
    ("ALTER TABLE busy ADD z int DEFAULT random()", "busy", "AccessExclusiveLock"),
    ("ALTER TABLE busy ALTER id TYPE bigint", "busy", "AccessExclusiveLock"),
    ("DROP TABLE loose", "loose", "AccessExclusiveLock"),
    ("TRUNCATE busy", "busy", "AccessExclusiveLock"),
    ("CLUSTER busy USING busy_a_idx", "busy", "AccessExclusiveLock"),
    ("ALTER TABLE busy SET UNLOGGED", "busy", "AccessExclusiveLock"),
    ("LOCK TABLE busy", "busy", "AccessExclusiveLock"),
    ("ALTER TABLE parent DETACH PARTITION part", "parent", "AccessExclusiveLock"),
    ("ALTER TABLE parent ATTACH PARTITION loose FOR VALUES FROM (10) TO (20)", "loose", "AccessExclusiveLock"),
    ("ALTER TABLE parent ATTACH PARTITION loose FOR VALUES FROM (10) TO (20)", "parent", "ShareUpdateExclusiveLock"),
    ("CREATE TABLE fresh PARTITION OF parent FOR VALUES FROM (50) TO (60)", "parent", "AccessExclusiveLock"),
]
STRENGTH = [
    "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
    "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
]  # fmt: skip

#: Statement, and whether the table gets a new file.
REWRITES = [
    ("ALTER TABLE busy ADD z uuid DEFAULT gen_random_uuid()", True),
    ("ALTER TABLE busy ADD z timestamptz DEFAULT clock_timestamp()", True),
    ("ALTER TABLE busy ADD z timestamptz DEFAULT now() NOT NULL", False),
    ("ALTER TABLE busy ADD z timestamptz DEFAULT CURRENT_TIMESTAMP", False),
    ("ALTER TABLE busy ADD z text DEFAULT upper('x') || to_char(now(), 'YYYY')", False),
    ("ALTER TABLE busy ADD z jsonb DEFAULT jsonb_build_object('a', 1)", False),
    ("ALTER TABLE busy ADD z numeric DEFAULT 1::numeric(10,2)", False),
    ("ALTER TABLE busy ADD z serial", True),
    ("ALTER TABLE busy ADD z bigint GENERATED ALWAYS AS IDENTITY", True),
    ("ALTER TABLE busy ADD z text GENERATED ALWAYS AS (lower(a)) STORED", True),
    ("ALTER TABLE busy ADD z text", False),
    *(
        (f"ALTER TABLE busy ALTER {column} TYPE {type_}", rewritten)
        for column, type_, rewritten in [
            ("id", "bigint", True),
            ("id", "integer", False),
            ("small", "integer", True),
            ("v", "varchar(20)", False),
            ("v", "varchar(5)", True),
            ("v", "varchar", False),
            ("v", "text", False),
            ("vc", "varchar(10)", True),
            ("vc", "text", False),
            ("a", "varchar", False),
            ("a", "varchar(100)", True),
            ("a", "char(10)", True),
            ("n", "numeric(12, 2)", False),
            ("n", "numeric(12, 3)", True),
            ("n", "numeric(8, 2)", True),
            ("n", "numeric", False),
            ("ts", "timestamp(6)", False),
            ("ts", "timestamp(3)", True),
            ("tz", "timestamptz(6)", False),
            ("tz", "timestamptz", False),
            ("tz", "timestamptz(1)", True),
            ("ip", "inet", False),
            ("c", "char(5)", True),
            ("c", "char(3)", False),
            ("c", "text", True),
            ("arr", "bigint[]", True),
            ("b", "bit(5) USING b::bit(5)", True),
            ("vb", "bit varying(5)", False),
            ("vb", "bit varying", False),
            ("iv", "interval(4)", False),
            ("x", "text", False),
        ]
    ),
]
FINDS_REWRITES = {
    "add-column-volatile-default", "add-column-serial", "add-column-generated-stored", "change-column-type",
}  # fmt: skip

#: Statement, and whether the server reads every row for it.
SCANS = [
    ("ALTER TABLE busy ADD CHECK (id > 0)", True),
    ("ALTER TABLE busy ADD CHECK (id > 0) NOT VALID", False),
    ("ALTER TABLE busy ADD COLUMN z int CHECK (z > 0)", True),
    ("ALTER TABLE busy ADD COLUMN z int", False),
    ("ALTER TABLE busy ALTER a SET NOT NULL", True),
    ("ALTER TABLE busy ALTER proven SET NOT NULL", False),
    ("ALTER TABLE busy ALTER proven SET NOT NULL, DROP CONSTRAINT p", True),
    ("ALTER TABLE busy DROP CONSTRAINT q, ALTER proven SET NOT NULL", False),
    ("ALTER TABLE busy DROP CONSTRAINT p; ALTER TABLE busy ALTER proven SET NOT NULL", True),
]
FINDS_SCANS = {"add-check-validated", "set-not-null"}


@pytest.fixture
def objects(postgresql_server: Postgresql, database: str) -> tuple[Postgresql, str]:
    postgresql_server.query(OBJECTS, database)
    postgresql_server.query(
        "ALTER TABLE busy ADD proven int; UPDATE busy SET proven = 1;"
        "ALTER TABLE busy ADD CONSTRAINT p CHECK (proven IS NOT NULL), ADD CONSTRAINT q CHECK (ts IS NULL),"
        " ADD CONSTRAINT r CHECK (n IS NOT NULL OR n IS NULL), ADD CONSTRAINT s CHECK (c IS NOT NULL) NOT VALID",
        database,
    )
    return postgresql_server, database


@contextlib.contextmanager
def tried(server: Postgresql, database: str, statement: str) -> t.Iterator[t.Any]:
    """A cursor in a transaction that has run the statement and will be rolled back."""
    with contextlib.closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(statement)
        yield cursor
        cursor.execute("ROLLBACK")


def known(server: Postgresql, database: str) -> live.LiveObjects:
    return live.from_catalogue(server.query(live.CATALOGUE_QUERY, database)[0][0])


def rules(statement: str, objects_: live.LiveObjects) -> set[str]:
    return {finding.rule for finding in engine.lint([PendingFile.read("x.sql", [statement])], objects_)}


def test_locks(objects: tuple[Postgresql, str]) -> None:
    wrong = []
    for statement, table, expected in LOCKS:
        with tried(*objects, statement) as cursor:
            cursor.execute(
                "SELECT mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid() "
                "AND c.relname = %s AND granted",
                (table,),
            )
            modes = [mode for (mode,) in cursor.fetchall()]
            if not modes:
                # A dropped relation has no row left that this transaction could see.
                cursor.execute("SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'")
                modes = [mode for (mode,) in cursor.fetchall()]
        strongest = max(modes, key=STRENGTH.index)
        if strongest != expected:
            wrong.append((statement, table, strongest, expected))
    assert not wrong


def test_every_lock_claimed_is_found(objects: tuple[Postgresql, str]) -> None:
    """Each statement above is one that the linter speaks about."""
    catalogue = known(*objects)
    silent = [s for s, _table, lock in LOCKS if "NOT VALID" not in s and not rules(s, catalogue)]
    assert silent == []


def test_rewrites(objects: tuple[Postgresql, str]) -> None:
    catalogue = known(*objects)
    query = "SELECT pg_relation_filenode('busy')"
    before = objects[0].query(query, objects[1])[0]
    wrong = []
    for statement, expected in REWRITES:
        with tried(*objects, statement) as cursor:
            cursor.execute(query)
            rewritten = cursor.fetchone() != before
        told = bool(rules(statement, catalogue) & FINDS_REWRITES)
        if not rewritten == expected == told:
            wrong.append((statement, {"expected": expected, "server": rewritten, "linter": told}))
    assert not wrong


def test_scans(objects: tuple[Postgresql, str]) -> None:
    catalogue = known(*objects)
    counter = "SELECT coalesce(pg_stat_get_xact_numscans('busy'::regclass), 0)"
    wrong = []
    for statement, expected in SCANS:
        with tried(*objects, statement) as cursor:
            cursor.execute(counter)
            scanned = cursor.fetchone()[0] > 0
        told = bool(rules(statement, catalogue) & FINDS_SCANS)
        if not scanned == expected == told:
            wrong.append((statement, {"expected": expected, "server": scanned, "linter": told}))
    assert not wrong


def test_timestamps_convert_freely_in_utc_only(objects: tuple[Postgresql, str]) -> None:
    server, database = objects
    statement = "ALTER TABLE busy ALTER ts TYPE timestamptz"
    for zone, rewritten in (("UTC", False), ("Europe/Berlin", True)):
        server.query(f"ALTER DATABASE \"{database}\" SET TimeZone = '{zone}'")
        before = server.query("SELECT pg_relation_filenode('busy')", database)[0]
        with tried(server, database, statement) as cursor:
            cursor.execute("SELECT pg_relation_filenode('busy')")
            assert (cursor.fetchone() != before) == rewritten
        assert ("change-column-type" in rules(statement, known(server, database))) == rewritten


def test_the_catalogue_is_read(objects: tuple[Postgresql, str]) -> None:
    server, database = objects
    many = "CREATE TABLE many PARTITION OF parent FOR VALUES FROM (1000) TO (9999) PARTITION BY HASH (id)"
    server.query(many, database)
    server.query("CREATE TABLE many_0 PARTITION OF many FOR VALUES WITH (MODULUS 1, REMAINDER 0)", database)
    server.query("INSERT INTO parent SELECT generate_series(1000, 1999); ANALYZE busy; ANALYZE many_0", database)
    server.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'busy_a_idx'::regclass", database)
    catalogue = known(server, database)
    assert catalogue.tables["public.busy"].rows == 100
    assert catalogue.tables["public.busy"].bytes > 8192
    assert "public.other" not in catalogue.tables, "never analysed: its size is not known"
    assert catalogue.tables["public.parent"] == (1000, catalogue.tables["public.many"].bytes)
    assert catalogue.columns["public.busy"]["v"] == "character varying(10)"
    assert catalogue.columns["public.busy"]["tz"] == "timestamp(3) with time zone"
    assert catalogue.indexes["public.busy_a_idx"] == "public.busy"
    assert catalogue.invalid_indexes == {"public.busy_a_idx"}
    assert catalogue.not_null_checks == {"public.busy": {"p": "proven"}}
    assert tuple(catalogue.search_path) == ("public",)
    assert not any(name.startswith("pg_") for name in catalogue.tables)


def test_the_catalogue_is_read_while_a_table_is_locked(objects: tuple[Postgresql, str]) -> None:
    with tried(*objects, "LOCK TABLE busy"), contextlib.closing(objects[0].connect(objects[1])) as connection:
        cursor = connection.cursor()
        cursor.execute("SET lock_timeout = '1ms'")
        cursor.execute(live.CATALOGUE_QUERY)
        assert "public.busy" in cursor.fetchone()[0]["columns"]


def test_an_empty_database_can_be_read(postgresql_server: Postgresql, database: str) -> None:
    catalogue = known(postgresql_server, database)
    assert not catalogue.tables
    assert (
        engine.lint([PendingFile.read("x.sql", ["CREATE TABLE a (id bigint); CREATE INDEX ON a (id)"])], catalogue)
        == []
    )
