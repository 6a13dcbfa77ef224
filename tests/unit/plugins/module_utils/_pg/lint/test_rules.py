# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule: what it finds, what it leaves alone, and that objects of pending files are exempt."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint import engine, live, pending
from ansible_collections.groundwork.databases.plugins.module_utils._pg.lint.rule import RULES

LIVE = live.LiveObjects(
    tables={
        "public.t": live.TableSize(50_000, 100_000_000),
        "public.p": live.TableSize(50_000, 100_000_000),
        "app.t": live.TableSize(50_000, 100_000_000),
    },
    columns={
        "public.t": {
            "id": "integer", "a": "text", "v": "character varying(10)", "n": "numeric(10,2)", "c": "character(3)",
            "ts": "timestamp without time zone", "ip": "cidr", "arr": "integer[]", "tz": "timestamp(3) with time zone",
        }
    },
    indexes={"public.t_a_idx": "public.t"},
    invalid_indexes={"public.broken"},
    not_null_checks={"public.t": {"p": "proven"}},
)  # fmt: skip
LONG = "a" * 64


@dataclasses.dataclass(frozen=True)
class Case:
    """SQL that the rule finds, SQL that it leaves alone; ``exempt`` when new tables are left alone too."""

    hits: tuple[str, ...]
    misses: tuple[str, ...]
    exempt: bool = True
    levels: tuple[tuple[str, str], ...] = ()


CASES = {
    "create-index-not-concurrently": Case(
        ("CREATE INDEX i ON t (a)", "CREATE UNIQUE INDEX ON public.t USING btree (lower(a)) WHERE a > ''"),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX i ON ONLY t (a)"),
    ),
    "drop-index-not-concurrently": Case(
        ("DROP INDEX t_a_idx", "DROP INDEX IF EXISTS unknown_index"),
        ("DROP INDEX CONCURRENTLY t_a_idx", "CREATE TABLE n (a int); CREATE INDEX ni ON n (a); DROP INDEX ni"),
        exempt=False,
    ),
    "concurrently-in-transaction": Case(
        ("BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT", "BEGIN; DROP INDEX CONCURRENTLY t_a_idx"),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", "BEGIN; SELECT 1; COMMIT; REINDEX TABLE CONCURRENTLY t"),
        exempt=False,
    ),
    "concurrent-index-if-not-exists": Case(
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX IF NOT EXISTS i ON t (a)"),
        exempt=False,
    ),
    "reindex-not-concurrently": Case(
        ("REINDEX TABLE t", "REINDEX INDEX t_a_idx", "REINDEX (VERBOSE) SCHEMA public"),
        ("REINDEX TABLE CONCURRENTLY t", "REINDEX (CONCURRENTLY) INDEX t_a_idx", "REINDEX SYSTEM"),
        exempt=False,
    ),
    "wide-index": Case(
        ("CREATE INDEX i ON t (a, b, c, d)",),
        ("CREATE UNIQUE INDEX i ON t (a, b, c, d)", "CREATE INDEX i ON t (a, b, coalesce(c, d, e))"),
        exempt=False,
    ),
    "refresh-not-concurrently": Case(
        ("REFRESH MATERIALIZED VIEW m",),
        (
            "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
            "CREATE MATERIALIZED VIEW m AS SELECT 1; REFRESH MATERIALIZED VIEW m",
            "REFRESH MATERIALIZED VIEW m WITH NO DATA",
        ),
        exempt=False,
    ),
    "add-foreign-key-validated": Case(
        (
            "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES u (id) ON DELETE CASCADE",
            "ALTER TABLE t ADD COLUMN b int REFERENCES u",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES u NOT VALID",
            "CREATE TABLE n (a int REFERENCES t)",
            "ALTER TABLE t VALIDATE CONSTRAINT k",
        ),
    ),
    "add-check-validated": Case(
        ("ALTER TABLE t ADD CHECK (a > '')", "ALTER TABLE t ADD COLUMN b int DEFAULT 1 CHECK (b > 0)"),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > '') NOT VALID", "CREATE TABLE n (a int CHECK (a > 0))"),
    ),
    "validate-in-same-transaction": Case(
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > '') NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k",),
        (
            "ALTER TABLE t VALIDATE CONSTRAINT k",
            "BEGIN; ALTER TABLE t ADD CONSTRAINT k CHECK (a > '') NOT VALID; COMMIT;"
            "ALTER TABLE t VALIDATE CONSTRAINT k",
            "ALTER TABLE t ADD CONSTRAINT k CHECK (a > '') NOT VALID; VACUUM t; ALTER TABLE t VALIDATE CONSTRAINT k",
        ),
        exempt=False,
    ),
    "add-unique-constraint": Case(
        (
            "ALTER TABLE t ADD UNIQUE (a)",
            "ALTER TABLE t ADD COLUMN b int UNIQUE",
            "ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (a)",
        ),
        ("ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX i", "CREATE TABLE n (a int UNIQUE)"),
    ),
    "add-primary-key": Case(
        ("ALTER TABLE t ADD PRIMARY KEY (id)", "ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (id)"),
        ("ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX i", "CREATE TABLE n (a int PRIMARY KEY)"),
    ),
    "add-exclusion-constraint": Case(
        ("ALTER TABLE t ADD CONSTRAINT k EXCLUDE USING gist (a WITH &&)",),
        ("CREATE TABLE n (a int4range, EXCLUDE USING gist (a WITH &&))", "ALTER TABLE t ADD COLUMN exclude int"),
    ),
    "set-not-null": Case(
        (
            "ALTER TABLE t ALTER a SET NOT NULL",
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL, ALTER b DROP NOT NULL",
            "ALTER TABLE t ALTER proven SET NOT NULL, DROP CONSTRAINT p",
            "ALTER TABLE t ADD CONSTRAINT k CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k;"
            "ALTER TABLE t DROP CONSTRAINT k, ALTER a SET NOT NULL",
            "ALTER TABLE t DROP CONSTRAINT p; ALTER TABLE t ALTER proven SET NOT NULL",
        ),
        (
            "ALTER TABLE t ALTER proven SET NOT NULL, DROP CONSTRAINT other",
            "ALTER TABLE t ALTER a DROP NOT NULL",
            "ALTER TABLE t ALTER proven SET NOT NULL",
            "ALTER TABLE t ADD CONSTRAINT k CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k;"
            "ALTER TABLE t ALTER a SET NOT NULL",
        ),
    ),
    "drop-not-null": Case(("ALTER TABLE t ALTER a DROP NOT NULL",), ("ALTER TABLE t ALTER a SET NOT NULL",)),
    "drop-constraint": Case(
        ("ALTER TABLE t DROP CONSTRAINT k", "ALTER TABLE t DROP CONSTRAINT IF EXISTS k"),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t DROP CONSTRAINT k",),
    ),
    "add-column-not-null-without-default": Case(
        (
            "ALTER TABLE t ADD b int NOT NULL",
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS b public.mood[] NOT NULL CHECK (true)",
        ),
        (
            "ALTER TABLE t ADD b int",
            "ALTER TABLE t ADD b int NOT NULL DEFAULT 0",
            "ALTER TABLE t ADD b int DEFAULT NULL::int",
            "ALTER TABLE t ADD b int GENERATED ALWAYS AS IDENTITY NOT NULL",
            "ALTER TABLE t ADD b bigserial NOT NULL",
        ),
    ),
    "add-column-volatile-default": Case(
        (
            "ALTER TABLE t ADD b uuid DEFAULT gen_random_uuid()",
            "ALTER TABLE t ADD b timestamptz NOT NULL DEFAULT clock_timestamp()",
            "ALTER TABLE t ADD b bigint DEFAULT nextval('s') UNIQUE",
            "ALTER TABLE t ADD b int DEFAULT public.mine(1)",
        ),
        (
            "ALTER TABLE t ADD b timestamptz DEFAULT now() NOT NULL",
            "ALTER TABLE t ADD b numeric DEFAULT 1::numeric(10,2)",
            "ALTER TABLE t ADD b text DEFAULT 'random()'",
            "ALTER TABLE t ADD b text DEFAULT CURRENT_TIMESTAMP",
            "ALTER TABLE t ADD b uuid; ALTER TABLE t ALTER b SET DEFAULT gen_random_uuid()",
        ),
    ),
    "add-column-serial": Case(
        ("ALTER TABLE t ADD b serial", "ALTER TABLE t ADD COLUMN b bigint GENERATED BY DEFAULT AS IDENTITY (START 10)"),
        ("ALTER TABLE t ADD b bigint", "CREATE TABLE n (id bigserial)"),
    ),
    "add-column-generated-stored": Case(
        ("ALTER TABLE t ADD b text GENERATED ALWAYS AS (lower(a)) STORED",),
        ("CREATE TABLE n (a text, b text GENERATED ALWAYS AS (lower(a)) STORED)", "ALTER TABLE t ADD stored text"),
    ),
    "change-column-type": Case(
        (
            "ALTER TABLE t ALTER id TYPE bigint",
            "ALTER TABLE t ALTER COLUMN v SET DATA TYPE varchar(5)",
            "ALTER TABLE t ALTER n TYPE numeric(10,3)",
            "ALTER TABLE t ALTER a TYPE varchar(10)",
            "ALTER TABLE t ALTER v TYPE text USING upper(v)",
            "ALTER TABLE t ALTER ts TYPE timestamptz",
            "ALTER TABLE t ALTER c TYPE char(5)",
            "ALTER TABLE t ALTER arr TYPE bigint[]",
            "ALTER TABLE t ALTER tz TYPE timestamp(0) with time zone",
            "ALTER TABLE elsewhere ALTER x TYPE text",
        ),
        (
            "ALTER TABLE t ALTER v TYPE varchar(20)",
            "ALTER TABLE t ALTER v TYPE varchar",
            "ALTER TABLE t ALTER v TYPE text",
            "ALTER TABLE t ALTER a TYPE character varying",
            "ALTER TABLE t ALTER n TYPE numeric(12,2)",
            "ALTER TABLE t ALTER n TYPE numeric",
            "ALTER TABLE t ALTER ip TYPE inet",
            "ALTER TABLE t ALTER tz TYPE timestamptz(6)",
            "ALTER TABLE t ALTER id TYPE int4",
            "ALTER TABLE t ALTER v TYPE varchar(20); ALTER TABLE t ALTER v TYPE varchar(30)",
        ),
    ),
    "rename-column": Case(
        ("ALTER TABLE t RENAME a TO b", "ALTER TABLE t RENAME COLUMN a TO b"),
        ("ALTER TABLE t RENAME CONSTRAINT a TO b",),
    ),
    "drop-column": Case(
        ("ALTER TABLE t DROP a", "ALTER TABLE IF EXISTS ONLY t DROP COLUMN IF EXISTS a CASCADE"),
        ("ALTER TABLE t DROP CONSTRAINT a",),
    ),
    "rename-table": Case(
        ("ALTER TABLE t RENAME TO u", "ALTER VIEW v RENAME TO w"),
        ("ALTER INDEX t_a_idx RENAME TO i", "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u"),
    ),
    "set-schema": Case(
        ("ALTER TABLE t SET SCHEMA other",), ("ALTER TABLE t SET SCHEMA other; CREATE VIEW t AS SELECT * FROM other.t",)
    ),
    "rename-schema": Case(("ALTER SCHEMA a RENAME TO b",), ("ALTER SCHEMA a OWNER TO b",), exempt=False),
    "drop-table": Case(
        ("DROP TABLE t", "DROP TABLE IF EXISTS gone, public.t", "DROP MATERIALIZED VIEW m"),
        ("DROP VIEW v", "DROP INDEX i"),
    ),
    "drop-schema": Case(("DROP SCHEMA s", "DROP SCHEMA IF EXISTS s CASCADE"), ("DROP TABLE s",), exempt=False),
    "drop-database": Case(("DROP DATABASE d",), ("CREATE DATABASE d",), exempt=False),
    "drop-cascade": Case(
        ("DROP VIEW v CASCADE", "DROP FUNCTION f(int, text) CASCADE", "ALTER TABLE t DROP COLUMN a CASCADE"),
        ("DROP VIEW v", "DROP VIEW v RESTRICT", "DROP TRIGGER cascade ON t"),
        exempt=False,
    ),
    "table-rewrite-command": Case(
        ("VACUUM FULL t", "VACUUM (FULL, ANALYZE) t", "CLUSTER t USING i", "CLUSTER", "ALTER TABLE t SET UNLOGGED"),
        ("VACUUM t", "VACUUM (FULL false) t", "ALTER TABLE t CLUSTER ON i", "ALTER TABLE t SET (fillfactor = 90)"),
    ),
    "recreate-table": Case(
        ("DROP TABLE t; CREATE TABLE t (id bigint)",),
        (
            "CREATE TABLE n (id bigint); DROP TABLE n; CREATE TABLE n (id bigint)",
            "DROP TABLE t; CREATE TABLE u (id bigint)",
        ),
        exempt=False,
    ),
    "explicit-table-lock": Case(
        ("LOCK t", "LOCK TABLE ONLY t IN SHARE ROW EXCLUSIVE MODE NOWAIT"), ("LOCK TABLE t IN ROW SHARE MODE",)
    ),
    "unqualified-table": Case(
        ("CREATE TABLE n (a int)", "ALTER TABLE t ADD b int"),
        ("CREATE TABLE public.n (a int)", "CREATE TEMP TABLE n (a int)"),
        exempt=False,
        levels=(("unqualified-table", "warning"),),
    ),
    "detach-partition-not-concurrently": Case(
        ("ALTER TABLE t DETACH PARTITION p",),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", "ALTER TABLE t DETACH PARTITION p FINALIZE"),
    ),
    "attach-partition-scan": Case(
        ("ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (1) TO (2)",),
        (
            "CREATE TABLE n (a int); ALTER TABLE t ATTACH PARTITION n DEFAULT",
            "ALTER TABLE p ADD CONSTRAINT c CHECK (a > 1) NOT VALID; ALTER TABLE t ATTACH PARTITION p DEFAULT",
            "ALTER INDEX i ATTACH PARTITION j",
        ),
        exempt=False,
    ),
    "create-partition-locks-parent": Case(
        ("CREATE TABLE n PARTITION OF t FOR VALUES IN (1)",), ("CREATE TABLE n (LIKE t) PARTITION BY RANGE (a)",)
    ),
    "rename-enum-value": Case(
        ("ALTER TYPE e RENAME VALUE 'a' TO 'b'",),
        ("ALTER TYPE e ADD VALUE 'b'", "CREATE TYPE e AS ENUM ('a'); ALTER TYPE e RENAME VALUE 'a' TO 'b'"),
        exempt=False,
    ),
    "enum-value-order": Case(
        ("ALTER TYPE e ADD VALUE IF NOT EXISTS 'a'",), ("ALTER TYPE e ADD VALUE 'a' BEFORE 'b'",), exempt=False
    ),
    "enum-value-used-in-transaction": Case(
        (
            "ALTER TYPE e ADD VALUE 'new'; UPDATE t SET a = 'new' WHERE id = 1",
            "ALTER TYPE e ADD VALUE 'new'; SELECT 'new'::e",
        ),
        (
            "ALTER TYPE e ADD VALUE 'new'; UPDATE t SET a = 'old' WHERE id = 1",
            "CREATE TYPE e AS ENUM (); ALTER TYPE e ADD VALUE 'new'; SELECT 'new'::e",
            "BEGIN; ALTER TYPE e ADD VALUE 'new'; COMMIT; SELECT 'new'::e",
        ),
        exempt=False,
    ),
    "domain-constraint": Case(
        (
            "CREATE DOMAIN d AS int CHECK (value > 0)",
            "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0)",
            "ALTER DOMAIN d SET NOT NULL",
        ),
        ("CREATE DOMAIN d AS varchar(10) DEFAULT 'a'", "ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0) NOT VALID"),
        exempt=False,
    ),
    "change-without-where": Case(
        ("UPDATE t SET a = (SELECT b FROM u WHERE c = 1)", "DELETE FROM ONLY t"),
        ("UPDATE t SET a = 1 WHERE id = 2", "DELETE FROM t USING u WHERE t.id = u.id"),
    ),
    "backfill-in-schema-transaction": Case(
        (
            "ALTER TABLE t ADD b int; UPDATE t SET b = 1 WHERE id < 10",
            "ALTER TABLE t ADD b int; DELETE FROM p WHERE id = 1",
        ),
        (
            "UPDATE t SET b = 1 WHERE id < 10",
            "CREATE TABLE n (a int); UPDATE t SET b = 1 WHERE id < 10",
            "BEGIN; ALTER TABLE t ADD b int; COMMIT; UPDATE t SET b = 1 WHERE id < 10",
        ),
    ),
    "truncate-table": Case(("TRUNCATE t", "TRUNCATE TABLE ONLY t, p RESTART IDENTITY"), ("DELETE FROM t WHERE true",)),
    "truncate-cascade": Case(("TRUNCATE t CASCADE",), ("TRUNCATE t",), exempt=False),
    "copy-server-side": Case(
        ("COPY t FROM '/tmp/x'", "COPY t (a) FROM PROGRAM 'curl x'", "COPY (SELECT 1) TO '/tmp/x'"),
        ("COPY t FROM STDIN;\n\\.\n", "COPY t TO STDOUT"),
        exempt=False,
    ),
    "transaction-control": Case(
        ("BEGIN; SELECT 1; COMMIT", "START TRANSACTION", "ROLLBACK TO SAVEPOINT a"),
        ("SELECT 'BEGIN'", "VACUUM"),
        exempt=False,
    ),
    "mixed-transaction-modes": Case(
        ("CREATE INDEX CONCURRENTLY i ON t (a); ALTER TABLE t ADD b int",),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", "VACUUM t; VACUUM p"),
        exempt=False,
    ),
    "not-rerunnable": Case(
        (
            "CREATE TABLE n (a int); VACUUM t",
            "DROP VIEW v; VACUUM t",
            "ALTER TABLE t ADD b int; VACUUM t",
            "CREATE INDEX i ON t (a); VACUUM t",
        ),
        (
            "CREATE TABLE n (a int); CREATE TABLE m (a int)",
            "CREATE TABLE IF NOT EXISTS n (a int); VACUUM t",
            "CREATE OR REPLACE FUNCTION f() RETURNS int RETURN 1; VACUUM t",
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS b int; VACUUM t",
            "ALTER TABLE t ALTER a SET DEFAULT 1; VACUUM t",
        ),
        exempt=False,
    ),
    "lock-timeout-missing": Case(
        ("ALTER TABLE t ADD b int", "DROP TABLE t"),
        ("SET LOCAL lock_timeout = '3s'; ALTER TABLE t ADD b int",),
        levels=(("lock-timeout-missing", "warning"),),
    ),
    "timeout-switched-off": Case(
        ("SET lock_timeout = 0", "SET LOCAL statement_timeout TO '0'"),
        ("SET lock_timeout = '3s'", "SET idle_session_timeout = 0"),
        exempt=False,
    ),
    "integer-key": Case(
        (
            "CREATE TABLE n (id int PRIMARY KEY)",
            "CREATE TABLE n (id serial)",
            "CREATE TABLE n (id smallint, PRIMARY KEY (id))",
            "ALTER TABLE t ADD b int GENERATED ALWAYS AS IDENTITY",
        ),
        ("CREATE TABLE n (id bigint PRIMARY KEY, a int)", "CREATE TABLE n (a int, b int, PRIMARY KEY (a, b))"),
        exempt=False,
    ),
    "prefer-identity": Case(
        ("CREATE TABLE n (id bigserial)",), ("CREATE TABLE n (id bigint GENERATED ALWAYS AS IDENTITY)",), exempt=False
    ),
    "varchar-limit": Case(("CREATE TABLE n (a varchar(10))",), ("CREATE TABLE n (a varchar, b text)",), exempt=False),
    "char-column": Case(("ALTER TABLE t ADD b char(3)",), ('ALTER TABLE t ADD b "char"',), exempt=False),
    "timestamp-without-time-zone": Case(
        ("CREATE TABLE n (a timestamp(3))", "CREATE TABLE n (a timestamp without time zone)"),
        ("CREATE TABLE n (a timestamptz, b timestamp with time zone, c time)",),
        exempt=False,
    ),
    "json-column": Case(("CREATE TABLE n (a json)",), ("CREATE TABLE n (a jsonb, json text)",), exempt=False),
    "duplicate-column": Case(
        (
            "CREATE TABLE n (a int, A text)",
            "ALTER TABLE t ADD a int",
            "CREATE TABLE n (a int); ALTER TABLE n ADD a int",
        ),
        (
            'CREATE TABLE n (a int, "A" text)',
            "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int",
            "ALTER TABLE t DROP COLUMN a, ADD COLUMN a int",
            "ALTER TABLE t RENAME COLUMN a TO z; ALTER TABLE t ADD COLUMN a int",
        ),
        exempt=False,
    ),
    "column-alignment": Case(
        ("CREATE TABLE n (a boolean, b bigint, c boolean, d bigint)",),
        ("CREATE TABLE n (b bigint, d bigint, a boolean, c boolean)", "CREATE TABLE n (a text, b bigint)"),
        exempt=False,
        levels=(("column-alignment", "info"),),
    ),
    "identifier-too-long": Case(
        (
            f"CREATE TABLE {LONG} (a int)",
            f"CREATE TABLE n ({LONG} int)",
            f"ALTER TABLE t ADD CONSTRAINT {LONG} CHECK (true) NOT VALID",
            f"ALTER TABLE t RENAME a TO {LONG}",
            f"CREATE INDEX {'é' * 32} ON n (a)",
        ),
        (f"CREATE TABLE {LONG[1:]} (a int)",),
        exempt=False,
    ),
    "naming-policy": Case(
        ('CREATE TABLE Fine ("Bad" int)', "CREATE INDEX wrong ON t (a)"),
        ("CREATE TABLE fine (good int)", "CREATE INDEX ix_a ON t (a)"),
        exempt=False,
    ),
    "statement-not-understood": Case(
        ("FROBNICATE t", "ALTER TABLE t FROBNICATE x", "CREATE TABLE n (a int FROBNICATE)", "1"),
        ("SELECT 1", "GRANT SELECT ON t TO u", "COMMENT ON TABLE t IS 'x'"),
        exempt=False,
    ),
    "non-linear-file": Case((), ("SELECT 1",), exempt=False),
    "unused-ignore": Case(
        ("-- groundwork:ignore drop-table\nSELECT 1",), ("-- groundwork:ignore drop-table\nDROP TABLE t",), exempt=False
    ),
}
NAMING = {"column": "[a-z_]+", "index": "ix_.*"}
CREATED = (
    "CREATE TABLE t (id bigint, a text); CREATE VIEW v AS SELECT 1; CREATE TABLE gone ();"
    "CREATE MATERIALIZED VIEW m AS SELECT 1;"
)


def found(sql: str, *earlier: str, known: live.LiveObjects = LIVE, levels: dict[str, str] | None = None) -> set[str]:
    files = [pending.PendingFile.read(f"V{n}__x.sql", [text]) for n, text in enumerate([*earlier, sql], 1)]
    findings = engine.lint(files, known, levels, naming=NAMING)
    return {finding.rule for finding in findings if finding.file == files[-1].path}


def test_every_rule_has_a_case() -> None:
    assert set(CASES) == set(RULES)
    assert len(RULES) >= 50


@pytest.mark.parametrize(("rule", "sql"), [(rule, sql) for rule, case in CASES.items() for sql in case.hits])
def test_found(rule: str, sql: str) -> None:
    assert rule in found(sql, levels=dict(CASES[rule].levels))
    if rule != "statement-not-understood":
        assert "statement-not-understood" not in found(sql)


@pytest.mark.parametrize(("rule", "sql"), [(rule, sql) for rule, case in CASES.items() for sql in case.misses])
def test_left_alone(rule: str, sql: str) -> None:
    assert rule not in found(sql, levels=dict(CASES[rule].levels))
    assert "statement-not-understood" not in found(sql)


def exempted() -> list[tuple[str, str]]:
    """Hits that speak of nothing but what CREATED creates."""
    others = {"p", "elsewhere", "CLUSTER"}
    cases = [(rule, sql) for rule, case in CASES.items() if case.exempt for sql in case.hits]
    return [(rule, sql) for rule, sql in cases if not others & set(sql.split()) or "CLUSTER t" in sql]


@pytest.mark.parametrize(("rule", "sql"), exempted())
def test_objects_of_pending_files_are_exempt(rule: str, sql: str) -> None:
    levels = dict(CASES[rule].levels)
    empty = live.LiveObjects()
    assert rule not in found(CREATED + sql, known=empty, levels=levels)
    assert rule not in found(sql, CREATED, known=empty, levels=levels)


@pytest.mark.parametrize("rule", [rule for rule, case in CASES.items() if case.hits])
def test_switched_off(rule: str) -> None:
    for sql in CASES[rule].hits:
        assert rule not in found(sql, levels={rule: "off"})
