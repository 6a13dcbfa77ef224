# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every verdict about transactions is the server's own: each statement is tried inside a transaction block."""

from __future__ import annotations

import contextlib
import typing as t

import psycopg2
import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql import scanner
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.cursor import Name
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.transaction_mode import (
    Mode,
    TransactionModes,
)
from servers import Postgresql

#: 25001: cannot run inside a transaction block. 2D000: a COMMIT or ROLLBACK in a procedure or DO block there.
REFUSALS = ("25001", "2D000")

OBJECTS = """
CREATE TABLE plain (id int PRIMARY KEY, a int);
CREATE INDEX plain_a ON plain (a);
CREATE TABLE parts (id int NOT NULL, a int) PARTITION BY RANGE (id);
CREATE INDEX parts_id ON parts (id);
CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE MATERIALIZED VIEW counted AS SELECT id FROM plain;
CREATE UNIQUE INDEX counted_id ON counted (id);
CREATE TYPE mood AS ENUM ('fine');
CREATE PROCEDURE committing() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;
CREATE PROCEDURE harmless() LANGUAGE plpgsql AS $$ BEGIN PERFORM 'COMMIT;'; END $$;
CREATE SUBSCRIPTION with_slot CONNECTION 'host=127.0.0.1 port=9 connect_timeout=1' PUBLICATION p, r
    WITH (connect = false, slot_name = 'somewhere');
CREATE SUBSCRIPTION slotless CONNECTION 'host=127.0.0.1 port=9 connect_timeout=1' PUBLICATION p, r
    WITH (connect = false, slot_name = NONE);
"""
OUTSIDE = [
    "CREATE DATABASE another",
    "DROP DATABASE IF EXISTS another",
    "ALTER DATABASE {database} SET TABLESPACE pg_default",
    "CREATE TABLESPACE elsewhere LOCATION '/nowhere'",
    "DROP TABLESPACE IF EXISTS elsewhere",
    "CREATE INDEX CONCURRENTLY ON plain (a)",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS plain_u ON plain (id)",
    "DROP INDEX CONCURRENTLY plain_a",
    "REINDEX INDEX CONCURRENTLY plain_a",
    "REINDEX TABLE CONCURRENTLY plain",
    "REINDEX (CONCURRENTLY) TABLE plain",
    "REINDEX (VERBOSE, CONCURRENTLY TRUE) INDEX plain_a",
    "REINDEX SCHEMA public",
    "REINDEX DATABASE",
    "REINDEX DATABASE {database}",
    "REINDEX SYSTEM",
    "REINDEX TABLE parts",
    "REINDEX INDEX parts_id",
    "VACUUM",
    "VACUUM plain",
    "VACUUM FULL plain",
    "VACUUM (ANALYZE, FREEZE) plain",
    "CLUSTER",
    "CLUSTER VERBOSE",
    "CLUSTER parts USING parts_id",
    "ALTER SYSTEM SET work_mem = '4MB'",
    "ALTER SYSTEM RESET work_mem",
    "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=9' PUBLICATION p",
    "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=9' PUBLICATION p WITH (enabled = false)",
    "ALTER SUBSCRIPTION with_slot REFRESH PUBLICATION",
    "ALTER SUBSCRIPTION with_slot REFRESH PUBLICATION WITH (copy_data = false)",
    "ALTER SUBSCRIPTION with_slot SET PUBLICATION q",
    "ALTER SUBSCRIPTION with_slot ADD PUBLICATION q WITH (copy_data = false)",
    "ALTER SUBSCRIPTION with_slot DROP PUBLICATION p WITH (refresh = true)",
    "DROP SUBSCRIPTION with_slot",
    "ALTER TABLE parts DETACH PARTITION p1 CONCURRENTLY",
    "DISCARD ALL",
    "COMMIT PREPARED 'x'",
    "ROLLBACK PREPARED 'x'",
    "DO $$ BEGIN COMMIT; END $$",
    "DO $$ BEGIN IF true THEN ROLLBACK; END IF; END $$",
    "CALL committing()",
]
TRANSACTIONAL = [
    "DROP INDEX plain_a",
    "REINDEX INDEX plain_a",
    "REINDEX TABLE plain",
    "REINDEX (CONCURRENTLY FALSE) TABLE plain",
    "CLUSTER plain USING plain_a",
    "CLUSTER plain_a ON plain",
    "ANALYZE",
    "ALTER DATABASE {database} SET work_mem = '4MB'",
    "ALTER DATABASE {database} CONNECTION LIMIT 10",
    "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=9' PUBLICATION p WITH (connect = false)",
    "ALTER SUBSCRIPTION with_slot SET PUBLICATION q WITH (refresh = false)",
    "ALTER SUBSCRIPTION with_slot DISABLE",
    "ALTER SUBSCRIPTION slotless SET (binary = true)",
    "DROP SUBSCRIPTION slotless",
    "ALTER TABLE parts DETACH PARTITION p1",
    "DISCARD PLANS",
    "DISCARD SEQUENCES",
    "DISCARD TEMP",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY counted",
    "ALTER TYPE mood ADD VALUE 'better'",
    "DO $$ BEGIN PERFORM 'COMMIT;'; END $$",
    "CALL harmless()",
    "CREATE ROLE transactional_role",
    "CREATE EXTENSION pgcrypto",
    "CREATE PUBLICATION p FOR ALL TABLES",
    "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
    "LOCK TABLE plain",
    "TRUNCATE plain",
    "CHECKPOINT",
    "LOAD 'plpgsql'",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "NOTIFY x",
    "ALTER TABLE plain SET TABLESPACE pg_default",
    "ALTER TABLE plain SET UNLOGGED",
    "IMPORT FOREIGN SCHEMA a FROM SERVER b INTO public",
]
#: Succeed nowhere: what they need is not worth building. They must fail for that reason, not for the transaction.
FAILS_OTHERWISE = {"CREATE EVENT TRIGGER": "42883", "IMPORT FOREIGN": "42704"}


def outcome(server: Postgresql, database: str, statement: str) -> str | None:
    """The SQLSTATE of a statement inside BEGIN ... ROLLBACK, None when it worked."""
    with contextlib.closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            cursor.execute(statement)
        except psycopg2.Error as error:
            return t.cast(str, error.pgcode)
        finally:
            cursor.execute("ROLLBACK")
    return None


@pytest.fixture
def objects(postgresql_server: Postgresql, database: str) -> t.Iterator[tuple[str, TransactionModes]]:
    modes = TransactionModes()
    for statement in scanner.statements([OBJECTS], "objects.sql"):
        modes.of(statement.tokens)
        postgresql_server.query(statement.text, database)
    postgresql_server.query("ALTER SUBSCRIPTION with_slot ENABLE", database)
    # An index of a partitioned table is known from the catalogue only.
    modes = TransactionModes([*modes.partitioned, Name(("parts_id",))], modes.committing, modes.slotless)
    yield database, modes
    postgresql_server.query("ALTER SUBSCRIPTION with_slot DISABLE", database)
    for name in ("with_slot", "slotless"):
        postgresql_server.query(f"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)", database)
        postgresql_server.query(f"DROP SUBSCRIPTION {name}", database)


def test_the_server_agrees(postgresql_server: Postgresql, objects: tuple[str, TransactionModes]) -> None:
    database, modes = objects
    wrong = []
    for mode, texts in ((Mode.OUTSIDE, OUTSIDE), (Mode.TRANSACTIONAL, TRANSACTIONAL)):
        for text in texts:
            statement = next(scanner.statements([text.format(database=f'"{database}"')], "x.sql"))
            state = outcome(postgresql_server, database, statement.text)
            refused = state in REFUSALS
            otherwise = next((code for start, code in FAILS_OTHERWISE.items() if text.startswith(start)), None)
            decision = modes.of(statement.tokens)
            if refused != (mode is Mode.OUTSIDE) or decision.mode is not mode or (not refused and state != otherwise):
                wrong.append((text, state, decision))
    assert not wrong
    print(f"{len(OUTSIDE)} statements refused inside a transaction, {len(TRANSACTIONAL)} not, as decided")
