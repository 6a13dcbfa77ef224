# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transaction mode of every kind of statement; tests/integration asks a real server about the same."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql import lexer
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.cursor import Name
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.transaction_mode import (
    Mode,
    TransactionModes,
)

OUTSIDE = [
    "CREATE DATABASE x",
    "DROP DATABASE IF EXISTS x",
    "ALTER DATABASE x SET TABLESPACE y",
    "CREATE TABLESPACE x LOCATION '/x'",
    "DROP TABLESPACE x",
    "CREATE INDEX CONCURRENTLY ON t (a)",
    "create /* c */ unique index -- c\n concurrently if not exists i on t (a)",
    "DROP INDEX CONCURRENTLY IF EXISTS i",
    "REINDEX INDEX CONCURRENTLY i",
    "REINDEX TABLE CONCURRENTLY t",
    "REINDEX (CONCURRENTLY) TABLE t",
    "REINDEX (VERBOSE, CONCURRENTLY TRUE) INDEX i",
    "REINDEX SCHEMA s",
    "REINDEX DATABASE",
    "REINDEX SYSTEM d",
    "REINDEX (VERBOSE) SCHEMA s",
    "REINDEX TABLE parts",
    "REINDEX TABLE public.parts",
    "VACUUM",
    "VACUUM FULL t",
    "VACUUM (ANALYZE) t",
    "CLUSTER",
    "CLUSTER VERBOSE",
    "CLUSTER (VERBOSE)",
    "CLUSTER parts USING i",
    "CLUSTER i ON parts",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "ALTER SYSTEM RESET ALL",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (enabled = false)",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot)",
    "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
    "ALTER SUBSCRIPTION s REFRESH PUBLICATION WITH (copy_data = false)",
    "ALTER SUBSCRIPTION s SET PUBLICATION a, b",
    "ALTER SUBSCRIPTION s ADD PUBLICATION a WITH (copy_data = false)",
    "ALTER SUBSCRIPTION s DROP PUBLICATION a WITH (refresh = true)",
    "DROP SUBSCRIPTION s",
    "ALTER TABLE parts DETACH PARTITION p1 CONCURRENTLY",
    'ALTER TABLE IF EXISTS ONLY a.parts DETACH PARTITION a."P 1" CONCURRENTLY',
    "DISCARD ALL",
    "COMMIT PREPARED 'x'",
    "ROLLBACK PREPARED 'x'",
    "DO $$ BEGIN UPDATE t SET a = 1; COMMIT; END $$",
    "DO LANGUAGE plpgsql $$ BEGIN IF true THEN ROLLBACK AND CHAIN; END IF; END $$",
    "CALL committing(1)",
    "CALL public.committing(1)",
]
TRANSACTIONAL = [
    "SELECT 1",
    "(SELECT 1)",
    "CREATE TABLE database (id int)",
    "CREATE INDEX concurrently_i ON t (a)",
    'CREATE INDEX "concurrently" ON t (a)',
    "DROP INDEX i",
    "REINDEX INDEX i",
    "REINDEX (CONCURRENTLY FALSE) TABLE t",
    "REINDEX TABLE t",
    "CLUSTER t",
    "CLUSTER t USING i",
    "ANALYZE",
    "ALTER DATABASE x SET work_mem = '1MB'",
    "ALTER DATABASE x OWNER TO y",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = false)",
    "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false, slot_name = NONE)",
    "ALTER SUBSCRIPTION s SET PUBLICATION a WITH (refresh = false)",
    "ALTER SUBSCRIPTION s DISABLE",
    "ALTER SUBSCRIPTION s SET (slot_name = NONE)",
    "DROP SUBSCRIPTION slotless",
    "ALTER TABLE parts DETACH PARTITION p1",
    "ALTER TABLE parts DETACH PARTITION p1 FINALIZE",
    "ALTER TABLE parts ATTACH PARTITION p1 DEFAULT",
    "DISCARD PLANS",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    "ALTER TYPE e ADD VALUE 'x'",
    "DO $$ BEGIN PERFORM 'COMMIT;'; RAISE NOTICE 'x'; END $$",
    "DO $$ BEGIN -- COMMIT;\n UPDATE t SET commit = 1; END $$",
    "CALL harmless()",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "LOCK TABLE t",
    "PREPARE p AS SELECT 1",
    "CHECKPOINT",
    "INSERT INTO t VALUES ('VACUUM')",
]
CONTROL = [
    "BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION", "COMMIT", "COMMIT AND CHAIN", "END", "ROLLBACK",
    "ROLLBACK TO SAVEPOINT a", "ABORT", "SAVEPOINT a", "RELEASE SAVEPOINT a", "PREPARE TRANSACTION 'x'",
]  # fmt: skip


def mode(text: str) -> Mode:
    known = TransactionModes(
        partitioned=[Name(("public", "parts"))],
        committing=[Name(("public", "committing"))],
        slotless=[Name(("slotless",))],
    )
    decision = known.of(lexer.tokenise(text))
    assert bool(decision.reason) == (decision.mode is not Mode.TRANSACTIONAL)
    return decision.mode


@pytest.mark.parametrize("text", OUTSIDE)
def test_outside(text: str) -> None:
    assert mode(text) is Mode.OUTSIDE


@pytest.mark.parametrize("text", TRANSACTIONAL)
def test_transactional(text: str) -> None:
    assert mode(text) is Mode.TRANSACTIONAL


@pytest.mark.parametrize("text", CONTROL)
def test_control(text: str) -> None:
    assert mode(text) is Mode.CONTROL


def test_learns_from_the_statements_before() -> None:
    modes = TransactionModes()
    script = [
        ("CREATE TABLE m (id int, PARTITION int) PARTITION BY RANGE (id)", Mode.TRANSACTIONAL),
        ('CREATE TABLE plain ("partition" int, "by" int)', Mode.TRANSACTIONAL),
        ("REINDEX TABLE m", Mode.OUTSIDE),
        ("REINDEX TABLE plain", Mode.TRANSACTIONAL),
        ("CREATE OR REPLACE PROCEDURE batch() AS $$BEGIN LOOP COMMIT; END LOOP; END$$", Mode.TRANSACTIONAL),
        ("CALL batch()", Mode.OUTSIDE),
        ("CALL other()", Mode.TRANSACTIONAL),
        ("ALTER SUBSCRIPTION s SET (slot_name = NONE)", Mode.TRANSACTIONAL),
        ("DROP SUBSCRIPTION s", Mode.TRANSACTIONAL),
        ("DROP SUBSCRIPTION s2", Mode.OUTSIDE),
    ]
    assert [(text, modes.of(lexer.tokenise(text)).mode) for text, _mode in script] == script


@pytest.mark.parametrize("text", [*OUTSIDE, *TRANSACTIONAL, *CONTROL])
def test_cut_short_it_still_answers(text: str) -> None:
    tokens = lexer.tokenise(text)
    for length in range(len(tokens)):
        TransactionModes().of(tokens[:length])
