# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Levels, places, ignore comments, and what an ordinary file hears: nothing."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint.engine import Finding, lint
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint.live import (
    LiveObjects,
    TableSize,
    Thresholds,
)
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint.pending import PendingFile
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.cursor import Name
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.statement import ScanError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.sql.transaction_mode import TransactionModes
from hypothesis import given, settings
from hypothesis import strategies as st

SIZES = {
    "public.tiny": TableSize(12, 16_384),
    "public.middle": TableSize(50_000, 30_000_000),
    "public.huge": TableSize(80_000_000, 40_000_000_000),
    "app.huge": TableSize(5, 8_192),
    "public.fat": TableSize(100, 5_000_000_000),
}
LIVE = LiveObjects(tables=SIZES)


def found(sql: str, known: LiveObjects = LIVE, **options: object) -> list[Finding]:
    return lint([PendingFile.read("V1__x.sql", [sql])], known, **options)  # type: ignore[arg-type]


def rules(sql: str, known: LiveObjects = LIVE) -> list[str]:
    return [finding.rule for finding in found(sql, known)]


@pytest.mark.parametrize(
    ("table", "level"),
    [
        ("tiny", "info"),
        ("middle", "warning"),
        ("huge", "error"),
        ("fat", "error"),
        ("public.huge", "error"),
        ("app.huge", "info"),
        ("unknown", "warning"),
    ],
)
def test_size_decides_the_level(table: str, level: str) -> None:
    assert [(f.rule, f.level) for f in found(f"CREATE INDEX i ON {table} (a)")] == [
        ("create-index-not-concurrently", level)
    ]


def test_thresholds_and_levels_are_the_users() -> None:
    sql = "CREATE INDEX i ON middle (a)"
    assert found(sql, thresholds=Thresholds(large_rows=50_000))[0].level == "error"
    assert found(sql, thresholds=Thresholds(small_rows=60_000, small_bytes=1 << 40))[0].level == "info"
    assert found(sql, levels={"create-index-not-concurrently": "info"})[0].level == "info"
    assert found(sql, levels={"create-index-not-concurrently": "off"}) == []
    assert found("ALTER TABLE tiny ADD b int NOT NULL")[0].level == "error"


def test_search_path_of_database_and_file() -> None:
    app_first = LiveObjects(tables=SIZES, search_path=("app", "public"))
    assert found("CREATE INDEX i ON huge (a)", app_first)[0].level == "info"
    assert found("SET search_path = app, public; CREATE INDEX i ON huge (a)")[0].level == "info"
    assert found("SET search_path TO DEFAULT; CREATE INDEX i ON huge (a)")[0].level == "error"


def test_a_finding_says_all() -> None:
    sql = '-- first\nSELECT 1;\n\nALTER TABLE middle\n  ADD COLUMN a int,\n  ADD CONSTRAINT k UNIQUE (a, "B");\n'
    (finding,) = found(sql)
    assert (finding.file, finding.line, finding.column) == ("V1__x.sql", 6, 3)
    assert (finding.rule, finding.level, finding.object) == ("add-unique-constraint", "warning", "middle")
    assert finding.lock == "ACCESS EXCLUSIVE"
    assert "blocks reads and writes of middle" in finding.message
    assert finding.alternative == (
        'CREATE UNIQUE INDEX CONCURRENTLY k ON middle (a, "B"); '
        "then ALTER TABLE middle ADD CONSTRAINT k UNIQUE USING INDEX k"
    )
    assert str(finding).startswith("V1__x.sql:6: warning: ")


def test_the_alternative_is_the_statement_with_the_safe_word() -> None:
    (finding,) = found("CREATE UNIQUE INDEX i\n  ON middle (lower(a)) -- why\n  WHERE a > 'x'")
    assert finding.alternative.startswith("CREATE UNIQUE INDEX CONCURRENTLY i ON middle (lower(a))")


def test_ordinary_new_tables_are_silent() -> None:
    sql = """
    CREATE SCHEMA app;
    CREATE TYPE app.state AS ENUM ('new', 'done');
    CREATE TABLE app.customers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        email text NOT NULL UNIQUE CHECK (email LIKE '%@%'),
        state app.state NOT NULL DEFAULT 'new',
        data jsonb NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT customers_data_object CHECK (jsonb_typeof(data) = 'object')
    );
    CREATE TABLE app.orders (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        customer_id bigint NOT NULL REFERENCES app.customers (id) ON DELETE SET NULL (customer_id) DEFERRABLE,
        total numeric(12, 2) NOT NULL DEFAULT 0 CHECK (total >= 0),
        period tstzrange GENERATED ALWAYS AS (tstzrange(NULL, NULL)) STORED,
        tags text[] DEFAULT ARRAY[]::text[],
        FOREIGN KEY (customer_id) REFERENCES app.customers,
        EXCLUDE USING gist (period WITH &&)
    ) PARTITION BY HASH (id);
    CREATE TABLE app.orders_0 PARTITION OF app.orders FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE INDEX orders_customer_id_idx ON app.orders (customer_id, created_at DESC NULLS LAST) INCLUDE (total);
    CREATE UNIQUE INDEX ON app.customers USING btree (lower(email)) WHERE state <> 'done';
    ALTER TABLE app.orders ADD CONSTRAINT orders_total CHECK (total < 1e9), ALTER total SET NOT NULL;
    ALTER TABLE app.orders ADD COLUMN note text NOT NULL, ALTER COLUMN total TYPE numeric(14, 4), OWNER TO app_owner;
    CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM x; TRUNCATE y; END $$;
    CREATE TRIGGER touch BEFORE UPDATE ON app.orders FOR EACH ROW EXECUTE FUNCTION app.touch();
    CREATE VIEW app.totals AS SELECT customer_id, sum(total) FROM app.orders GROUP BY 1;
    INSERT INTO app.customers (email) VALUES ('a@example.org'), ('DROP TABLE x;');
    UPDATE app.customers SET data = '{}';
    GRANT SELECT ON ALL TABLES IN SCHEMA app TO reader;
    COMMENT ON TABLE app.orders IS 'TRUNCATE is not meant';
    """
    assert found(sql) == []


def test_if_not_exists_on_a_live_table_creates_nothing() -> None:
    assert rules("CREATE TABLE IF NOT EXISTS middle (a int); CREATE INDEX i ON middle (a)") == [
        "create-index-not-concurrently"
    ]
    assert rules("CREATE TABLE IF NOT EXISTS other (a int); CREATE INDEX i ON other (a)") == []


def test_renamed_new_table_stays_new() -> None:
    assert rules("CREATE TABLE a (x int); ALTER TABLE a RENAME TO b; CREATE INDEX i ON b (x)") == []


def test_dropped_new_table_is_no_longer_known() -> None:
    assert rules("CREATE TABLE middle2 (x int); DROP TABLE middle2; CREATE INDEX i ON middle2 (x)") == [
        "create-index-not-concurrently"
    ]


@pytest.mark.parametrize(
    "comment",
    [
        "-- groundwork:ignore create-index-not-concurrently",
        "-- groundwork:ignore create-index-not-concurrently the table is read-only at night",
        "-- groundwork:ignore drop-table, create-index-not-concurrently  both",
        "/* groundwork:ignore create-index-not-concurrently */",
        "--groundwork:ignore create-index-not-concurrently, add-primary-key",
        "-- squawk-ignore require-concurrent-index-creation",
        "-- squawk-ignore create-index-not-concurrently, prefer-text-field",
        "-- groundwork:ignore-file create-index-not-concurrently",
        "-- squawk-ignore-file",
        "-- squawk-ignore-file require-concurrent-index-creation",
    ],
)
def test_ignored(comment: str) -> None:
    sql = f"SELECT 1;\n{comment}\n\n-- another comment\nCREATE INDEX i ON middle (a);\n"
    assert "create-index-not-concurrently" not in rules(sql)


def test_ignore_inside_the_statement() -> None:
    assert rules("CREATE INDEX i -- groundwork:ignore create-index-not-concurrently\n ON middle (a);") == []
    assert rules("CREATE INDEX i ON middle (a) WHERE a = '-- groundwork:ignore create-index-not-concurrently';") == [
        "create-index-not-concurrently"
    ]


def test_ignore_is_for_one_statement() -> None:
    index = "CREATE INDEX ON middle (a);\n"
    sql = f"-- groundwork:ignore create-index-not-concurrently\n{index}{index}"
    assert [(f.rule, f.line) for f in found(sql)] == [("create-index-not-concurrently", 3)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("-- groundwork:ignore drop-table\nSELECT 1;", "drop-table finds nothing in statement 1"),
        ("-- groundwork:ignore-file drop-table\nSELECT 1;", "drop-table finds nothing in the file"),
        ("-- groundwork:ignore drop-tabel\nDROP VIEW x;", "there is no rule drop-tabel"),
        ("-- groundwork:ignore\nDROP VIEW x;", "the comment names no rule"),
        ("SELECT 1;\n-- groundwork:ignore drop-table", "drop-table finds nothing in statement 2"),
    ],
)
def test_unused_ignores_are_told(sql: str, message: str) -> None:
    (finding,) = found(sql)
    assert (finding.rule, finding.level) == ("unused-ignore", "info")
    assert message in finding.message


def test_unused_ignores_of_squawk_or_of_switched_off_rules_are_not() -> None:
    assert rules("-- squawk-ignore ban-drop-table\nSELECT 1;") == []
    assert found("-- groundwork:ignore drop-table\nDROP TABLE middle;", levels={"drop-table": "off"}) == []


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(GroundworkError) as unknown:
        lint([], levels={"drop-tables": "off"})
    assert unknown.value.code == "LINT_RULE_UNKNOWN"
    assert "did you mean drop-table?" in unknown.value.message
    with pytest.raises(GroundworkError) as level:
        lint([], levels={"drop-table": "fatal"})
    assert level.value.code == "LINT_LEVEL_UNKNOWN"


def test_how_the_file_runs_matters() -> None:
    index = "CREATE INDEX CONCURRENTLY i ON middle (a)"
    assert [f.rule for f in lint([PendingFile.read("a", [index], in_transaction=True)])] == [
        "concurrently-in-transaction"
    ]
    assert lint([PendingFile.read("a", [index], in_transaction=False)]) == []
    step_by_step = "ALTER TABLE middle ADD b int; UPDATE middle SET b = 1 WHERE a < 5"
    assert "backfill-in-schema-transaction" in rules(step_by_step)
    alone = lint([PendingFile.read("a", [step_by_step], in_transaction=False)], LIVE)
    assert "backfill-in-schema-transaction" not in [f.rule for f in alone]


def test_file_out_of_order() -> None:
    file = PendingFile.read("V1__x.sql", ["SELECT 1; SELECT 2"], out_of_order=True)
    assert [f.rule for f in lint([file])] == ["non-linear-file"]


def test_invalid_index_is_an_error() -> None:
    broken = LiveObjects(tables=SIZES, invalid_indexes=["public.i"])
    (finding,) = found("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON middle (a)", broken)
    assert finding.level == "error"
    assert "DROP INDEX CONCURRENTLY IF EXISTS public.i" in finding.alternative


def test_what_is_known_of_the_database_reaches_the_modes() -> None:
    sql = "CALL batches(); ALTER TABLE middle ALTER a SET DEFAULT 1"
    file = PendingFile.read("a", [sql])
    assert "mixed-transaction-modes" not in [f.rule for f in lint([file])]
    modes = TransactionModes(committing=[Name(("public", "batches"))])
    assert "mixed-transaction-modes" in [f.rule for f in lint([file], modes=modes)]


VOCABULARY = """
CREATE ALTER DROP TABLE INDEX t u a b ( ) , ADD COLUMN CONSTRAINT CHECK UNIQUE PRIMARY KEY REFERENCES NOT NULL VALID
DEFAULT now() 1 'x' int varchar(10) TYPE SET USING PARTITION OF ATTACH DETACH CONCURRENTLY IF EXISTS CASCADE
UPDATE DELETE FROM WHERE COPY STDIN TRUNCATE VACUUM FULL REINDEX CLUSTER LOCK REFRESH MATERIALIZED VIEW DOMAIN
AS ENUM RENAME TO "q" . = ; GENERATED ALWAYS IDENTITY STORED [ ] :: RESET search_path SCHEMA
"""
WORDS = st.sampled_from(VOCABULARY.split())


@given(st.lists(WORDS, max_size=30).map(" ".join))
@settings(max_examples=1500, deadline=None)
def test_no_words_break_the_linter(sql: str) -> None:
    try:
        file = PendingFile.read("V1__x.sql", [sql])
    except ScanError:
        return
    for finding in lint([file], LIVE):
        assert finding.level in ("info", "warning", "error")
        assert finding.message
        assert finding.alternative
