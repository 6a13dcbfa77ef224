# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_partitions against a real server: the audit log of the launch system, and what can go wrong with it."""

from __future__ import annotations

import subprocess
import threading
import time
import typing as t

import pytest
from audit_log import AUDIT_LOG, TODAY, Run, names, tables
from servers import Postgresql


def test_months_ahead_are_created_and_a_second_run_changes_nothing(partitions: Run, sql: t.Any) -> None:
    sql(AUDIT_LOG)
    predicted = partitions(check=True, ahead=2)
    assert predicted["changed"]
    assert names(sql) == []

    done = partitions(ahead=2)
    assert done["actions"] == predicted["actions"]
    assert done["diff"] == predicted["diff"]
    assert names(sql) == ["audit_log_y2026m11", "audit_log_y2026m12", "audit_log_y2027m01"]
    assert done["tables"] == [
        {
            "table": "public.audit_log",
            "interval": "month",
            "partitions": 3,
            "covered_until": "2027-02-01",
            "retired": [],
        }
    ]
    sql("INSERT INTO audit_log VALUES ('1', 't', '2026-12-31 23:59:59.999999+00'), ('2', 't', '2027-01-01 00:00+00')")
    assert sql("SELECT tableoid::regclass::text FROM audit_log ORDER BY id") == [
        ("audit_log_y2026m12",),
        ("audit_log_y2027m01",),
    ]
    # The index of the table and its check reach the partition.
    assert sql("SELECT count(*) FROM pg_indexes WHERE tablename = 'audit_log_y2026m12'") == [(1,)]

    again = partitions(ahead=2)
    assert not again["changed"]
    assert again["actions"] == []


@pytest.mark.parametrize(
    ("interval", "key", "expected"),
    [
        ("day", "date", ["audit_log_y2026m11d21", "audit_log_y2026m11d22"]),
        ("week", "timestamp", ["audit_log_y2026w47", "audit_log_y2026w48"]),
        ("year", "timestamptz", ["audit_log_y2026", "audit_log_y2027"]),
    ],
)
def test_other_intervals_and_key_types(
    partitions: Run, sql: t.Any, interval: str, key: str, expected: list[str]
) -> None:
    sql(f"CREATE TABLE audit_log (at {key}) PARTITION BY RANGE (at)")
    assert partitions(interval=interval, ahead=1)["changed"]
    assert names(sql) == expected
    assert not partitions(interval=interval, ahead=1)["changed"]


def test_days_begin_where_the_time_zone_says(partitions: Run, sql: t.Any) -> None:
    sql("CREATE TABLE audit_log (at timestamptz) PARTITION BY RANGE (at)")
    zone = {"timezone": "America/New_York"}
    partitions(ahead=0, options=zone)
    sql("INSERT INTO audit_log VALUES ('2026-11-01 04:00:00+00')")  # midnight in New York, still on summer time
    assert not partitions(ahead=0, options=zone)["changed"]
    refused = partitions(ahead=0)
    assert "has partitions for a part of 2026-11-01 to 2026-12-01 only" in refused["msg"]


def test_existing_partitions_count_by_their_bounds(partitions: Run, sql: t.Any) -> None:
    sql(AUDIT_LOG)
    sql("CREATE TABLE odd PARTITION OF audit_log FOR VALUES FROM ('2026-11-01') TO ('2027-01-01')")
    partitions(ahead=2)
    assert names(sql) == ["audit_log_y2027m01", "odd"]


def test_old_partitions_are_reported_detached_or_dropped(partitions: Run, sql: t.Any) -> None:
    sql(AUDIT_LOG)
    partitions(ahead=0, since="2026-06-15")
    sql("INSERT INTO audit_log VALUES ('old', 't', '2026-07-04')")
    assert len(names(sql)) == 6

    reported = partitions(ahead=0, keep=3)
    assert not reported["changed"]
    assert reported["tables"][0]["retired"] == ["public.audit_log_y2026m06", "public.audit_log_y2026m07"]

    assert partitions(ahead=0, keep=4, retire="detach")["changed"]
    assert "audit_log_y2026m06" not in names(sql)
    assert "audit_log_y2026m06" in tables(sql)

    predicted = partitions(check=True, ahead=0, keep=3, retire="drop")
    assert sql("SELECT count(*) FROM audit_log_y2026m07") == [(1,)]
    dropped = partitions(ahead=0, keep=3, retire="drop")
    assert dropped["actions"] == predicted["actions"]
    assert "audit_log_y2026m07" not in tables(sql)
    assert "audit_log_y2026m06" in tables(sql), "a table that was detached on purpose is nobody's to drop"
    assert not partitions(ahead=0, keep=3, retire="drop")["changed"]


def test_a_default_partition_is_served_and_its_rows_are_not_lost(partitions: Run, sql: t.Any) -> None:
    sql(AUDIT_LOG + "CREATE TABLE rest PARTITION OF audit_log DEFAULT")
    sql("INSERT INTO audit_log VALUES ('1', 't', '2026-12-24')")
    refused = partitions(ahead=1)
    assert "holds rows of 2026-12-01 to 2027-01-01" in refused["msg"]
    assert names(sql) == ["rest"], "nothing may have been created before the refusal"
    assert sql("SELECT count(*) FROM rest") == [(1,)]

    sql(
        "DELETE FROM audit_log;CREATE TABLE old PARTITION OF audit_log FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')"
    )
    partitions(ahead=1, keep=0, retire="drop")
    assert names(sql) == ["audit_log_y2026m11", "audit_log_y2026m12", "rest"]


def test_partitions_of_a_protected_table_are_protected(partitions: Run, sql: t.Any) -> None:
    sql(AUDIT_LOG + "ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    partitions(ahead=0)
    assert sql("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = 'audit_log_y2026m11'") == [
        (True, True)
    ]


def test_new_partitions_belong_to_the_owner_of_the_table(partitions: Run, sql: t.Any, database: str) -> None:
    role = f"owner_{database}"
    sql(
        f"CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}; {AUDIT_LOG}ALTER TABLE audit_log OWNER TO {role}"
    )
    try:
        assert partitions(ahead=0)["changed"]
        assert sql("SELECT tableowner FROM pg_tables WHERE tablename = 'audit_log_y2026m11'") == [(role,)]
    finally:
        sql(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


@pytest.mark.parametrize(
    ("ddl", "entry", "words"),
    [
        ("CREATE TABLE audit_log (at date)", {}, "is not a partitioned table"),
        ("CREATE TABLE audit_log (a int) PARTITION BY LIST (a)", {}, "not partitioned by range of one date"),
        ("CREATE TABLE audit_log (a int, b date) PARTITION BY RANGE (b, a)", {}, "several columns or an expression"),
        ("CREATE TABLE audit_log (a int) PARTITION BY RANGE (a)", {}, "but by integer"),
        ("SELECT 1", {}, "These tables do not exist in"),
        (AUDIT_LOG, {"retire": "drop"}, "nothing says how much to keep"),
        (AUDIT_LOG, {"keep": -1}, "cannot be negative"),
        (AUDIT_LOG, {"since": "last May"}, "since last May is not a day"),
        (AUDIT_LOG, {"partition_name": "{table}_{year}"}, "the same name, such as audit_log_2024"),
        (AUDIT_LOG, {"partition_name": "{tabel}"}, "a field that does not exist"),
        (AUDIT_LOG, {"partition_name": "p" * 60 + "{year}{month}"}, "longer than 63 bytes"),
        (AUDIT_LOG + "CREATE TABLE audit_log_y2026m11 ()", {}, "another relation has this name"),
        (
            AUDIT_LOG + "CREATE TABLE half PARTITION OF audit_log FOR VALUES FROM ('2026-11-10') TO ('2026-12-01')",
            {},
            "has partitions for a part of 2026-11-01 to 2026-12-01 only: half",
        ),
    ],
)
def test_refusals_change_nothing(partitions: Run, sql: t.Any, ddl: str, entry: dict[str, t.Any], words: str) -> None:
    sql(ddl)
    before = tables(sql)
    refused = partitions(**entry)
    assert refused.get("failed")
    assert words in refused["msg"]
    assert "untouched: " in refused["msg"]
    assert tables(sql) == before


def test_a_table_that_a_migration_is_yet_to_create_is_predicted(partitions: Run, sql: t.Any) -> None:
    later = {"missing_tables": "report"}
    predicted = partitions(check=True, ahead=1, options=later)
    assert predicted["missing"] == ["public.audit_log"]
    assert [action["name"] for action in predicted["actions"]] == [
        "public.audit_log_y2026m11",
        "public.audit_log_y2026m12",
    ]
    assert not partitions(ahead=1, options=later)["changed"]
    sql(AUDIT_LOG)
    done = partitions(ahead=1, options=later)
    assert [action["name"] for action in done["actions"]] == [action["name"] for action in predicted["actions"]]


def test_a_database_to_come_is_predicted(run_module: Run, postgresql_server: Postgresql) -> None:
    arguments = {
        **postgresql_server.login,
        "login_db": "database_to_come",
        "today": TODAY,
        "tables": [{"name": "audit_log", "ahead": 1}],
    }
    assert len(run_module("pg_partitions", arguments, check=True)["actions"]) == 2
    nowhere = {**arguments, "login_port": 1, "assume_empty": True}
    assert len(run_module("pg_partitions", nowhere, check=True)["actions"]) == 2
    assert 'The database "database_to_come" does not exist' in run_module("pg_partitions", arguments)["msg"]


def test_a_busy_table_is_waited_for_without_stopping_others(
    partitions: Run, sql: t.Any, postgresql_server: Postgresql, database: str
) -> None:
    """A reader's open transaction does not stop the attach; a conflicting lock is outlasted by attempts."""
    sql(AUDIT_LOG)
    reader = postgresql_server.connect(database)
    reader.autocommit = False
    reader.cursor().execute("SELECT count(*) FROM audit_log")
    assert partitions(ahead=0)["changed"], "a reader must not be in the way"
    reader.rollback()

    reader.cursor().execute("LOCK TABLE audit_log IN SHARE UPDATE EXCLUSIVE MODE")
    threading.Timer(3, reader.rollback).start()
    assert partitions(ahead=1, options={"lock_timeout": 0.5})["changed"]
    reader.cursor().execute("LOCK TABLE audit_log IN SHARE UPDATE EXCLUSIVE MODE")
    refused = partitions(ahead=2, options={"lock_timeout": 0.2, "attempts": 2})
    reader.close()
    assert "Tried 2 times" in refused["msg"]
    assert "audit_log_y2027m01" not in tables(sql), "a partition that was not attached must not stay behind"


def test_a_killed_run_is_completed_by_the_next(
    partitions: Run,
    sql: t.Any,
    postgresql_server: Postgresql,
    database: str,
    start_module: t.Callable[..., subprocess.Popen[str]],
) -> None:
    """Killed in the middle of a concurrent detach: the partition is neither in nor out until somebody finishes it."""
    sql(AUDIT_LOG)
    partitions(ahead=0, since="2026-09-01")
    reader = postgresql_server.connect(database)
    reader.autocommit = False
    reader.cursor().execute("SELECT count(*) FROM audit_log")  # what a concurrent detach waits for
    arguments = {
        **postgresql_server.login,
        "login_db": database,
        "today": TODAY,
        "lock_timeout": 60,
        "tables": [{"name": "audit_log", "ahead": 0, "keep": 1, "retire": "drop"}],
    }
    process = start_module("pg_partitions", arguments)
    pending = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending"
    deadline = time.monotonic() + 30
    while sql(pending) == [(0,)] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert sql(pending) == [(1,)]
    process.kill()
    process.communicate()
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_partitions'")
    reader.close()

    done = partitions(ahead=0, keep=1, retire="drop")
    assert [action["action"] for action in done["actions"]][:1] == ["finish the detach of"]
    assert tables(sql) == ["audit_log", "audit_log_y2026m10", "audit_log_y2026m11"]
    assert not partitions(ahead=0, keep=1, retire="drop")["changed"]
