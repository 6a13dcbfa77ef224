# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Old partitions on their way out: only what the module itself took off in order to drop is dropped, with every end."""

from __future__ import annotations

import contextlib
import subprocess
import time
import typing as t

import pytest
from audit_log import AUDIT_LOG, TODAY, Run, names, tables
from servers import Postgresql

Sql = t.Callable[[str], list[tuple[t.Any, ...]]]
Start = t.Callable[..., subprocess.Popen[str]]
OLD = "audit_log_y2026m09"
COMMENTS = ("the auditors' September: 100 % of \\ it\nsecond line", "pg_partitions' business? \\ %\n a row")
DROP = {"ahead": 0, "keep": 1, "retire": "drop"}
NEXT = {
    "drop": DROP,
    "detach": {**DROP, "retire": "detach"},
    "keep raised": {**DROP, "keep": 12},
    "report": {**DROP, "retire": "report"},
}
EARLIER_MARK = 'being dropped by pg_partitions, formerly a partition of "public"."audit_log"'
PROOFS = "SELECT description FROM pg_description WHERE description LIKE 'pg_partitions drops%'"


@pytest.fixture
def september(partitions: Run, sql: Sql) -> None:
    """Three months, with a row and comments in the one that the policy does not keep."""
    sql(AUDIT_LOG)
    partitions(ahead=0, since="2026-09-01")
    sql("INSERT INTO audit_log VALUES ('old', 't', '2026-09-04', '{}')")
    table, row = (each.replace("'", "''") for each in COMMENTS)
    sql(f"COMMENT ON TABLE {OLD} IS '{table}'; COMMENT ON TYPE {OLD} IS '{row}'")


@contextlib.contextmanager
def holding(postgresql_server: Postgresql, database: str, statement: str) -> t.Iterator[t.Any]:
    """A transaction that another session leaves open."""
    connection = postgresql_server.connect(database)
    connection.autocommit = False
    connection.cursor().execute(statement)
    try:
        yield connection
    finally:
        connection.close()


def wait_until(sql: Sql, query: str) -> None:
    deadline = time.monotonic() + 60
    while sql(query) != [(True,)]:
        assert time.monotonic() < deadline, f"never came true: {query}"
        time.sleep(0.01)


def state(sql: Sql) -> tuple[t.Any, ...]:
    """All that must not change: bounds, rows, comments and constraints."""
    return (
        sql("SELECT inhrelid::regclass::text, inhparent::regclass::text, inhdetachpending FROM pg_inherits ORDER BY 1"),
        sql("SELECT objoid, classoid, description FROM pg_description WHERE objoid >= 16384 ORDER BY 1, 2"),
        sql("SELECT conrelid, conname FROM pg_constraint WHERE conrelid >= 16384 ORDER BY 1, 2"),
        sql("SELECT oid, relname, relispartition FROM pg_class WHERE oid >= 16384 AND relkind <> 'i' ORDER BY 1"),
    )


def comments(sql: Sql) -> tuple[str | None, str | None]:
    query = f"SELECT obj_description('{OLD}'::regclass), obj_description('{OLD}'::regtype, 'pg_type')"
    return sql(query)[0]  # type: ignore[return-value]


def actions(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    assert not result.get("failed"), result["msg"]
    return [(each["action"], each["name"].removeprefix("public.")) for each in result["actions"]]


def predicted_and_done(partitions: Run, sql: Sql, **entry: t.Any) -> dict[str, t.Any]:
    """A run that does what check mode predicted, which writes nothing."""
    before = state(sql)
    predicted = partitions(check=True, **entry)
    assert state(sql) == before
    done = partitions(**entry)
    assert not done.get("failed"), done["msg"]
    assert {key: done[key] for key in ("changed", "actions", "diff", "tables", "unproven")} == {
        key: predicted[key] for key in ("changed", "actions", "diff", "tables", "unproven")
    }
    assert not partitions(**entry)["changed"]
    return done


def assert_archived(partitions: Run, sql: Sql) -> None:
    """A table of its own, that no run drops, with its row and its comments."""
    assert not partitions(**DROP).get("failed")
    assert sql(f"SELECT id FROM {OLD}") == [("old",)]
    assert OLD not in names(sql)
    assert comments(sql) == COMMENTS
    assert sql(PROOFS) == []


def assert_attached(sql: Sql) -> None:
    assert names(sql) == [OLD, "audit_log_y2026m10", "audit_log_y2026m11"]
    assert sql("SELECT id, tableoid::regclass::text FROM audit_log") == [("old", OLD)]
    assert comments(sql) == COMMENTS
    assert sql(PROOFS) == []


@pytest.mark.usefixtures("september")
def test_a_dropped_partition_is_gone_and_leaves_nothing(partitions: Run, sql: Sql) -> None:
    done = predicted_and_done(partitions, sql, **DROP)
    assert actions(done) == [("detach", OLD), ("drop", OLD)]
    assert tables(sql) == ["audit_log", "audit_log_y2026m10", "audit_log_y2026m11"]
    assert sql("SELECT description FROM pg_description WHERE objoid >= 16384") == []


@pytest.mark.usefixtures("september")
@pytest.mark.parametrize("with_default", [False, True])
def test_a_partition_of_another_owner_is_refused_first(partitions: Run, sql: Sql, with_default: bool) -> None:
    sql("CREATE ROLE of_the_table; ALTER TABLE audit_log OWNER TO of_the_table")
    sql("GRANT ALL ON SCHEMA public TO of_the_table")
    if with_default:
        sql("CREATE TABLE rest PARTITION OF audit_log DEFAULT")
    before = state(sql)
    try:
        for check in (True, False):
            refused = partitions(check=check, **DROP)
            assert refused["failed"] and refused["error_code"] == "PARTITION_OF_ANOTHER_OWNER", refused
            assert f"public.{OLD} belongs to postgres, so of_the_table" in refused["msg"]
            assert 'OWNER TO "of_the_table"' in refused["msg"] and state(sql) == before
        sql(f"ALTER TABLE {OLD} OWNER TO of_the_table")
        assert ("drop", OLD) in actions(partitions(**DROP))
    finally:
        sql("REASSIGN OWNED BY of_the_table TO postgres; DROP OWNED BY of_the_table; DROP ROLE of_the_table")


@pytest.mark.usefixtures("september")
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_login_with_another_isolation_drops(partitions: Run, sql: Sql, level: str) -> None:
    sql("CREATE ROLE isolated SUPERUSER LOGIN PASSWORD 'of the test only'")
    sql(f"ALTER ROLE isolated SET default_transaction_isolation = '{level}'")
    try:
        # A watcher that sees nothing lets the lock time out, and a second attempt would hide that.
        login = {"login_user": "isolated", "login_password": "of the test only", "lock_timeout": 20, "attempts": 1}
        assert actions(partitions(options=login, **DROP)) == [("detach", OLD), ("drop", OLD)]
    finally:
        sql("DROP ROLE isolated")


@pytest.mark.usefixtures("september")
@pytest.mark.parametrize("by", ["detach", "hand"])
@pytest.mark.parametrize("with_default", [False, True])
def test_what_a_foreign_key_kept_can_be_archived(partitions: Run, sql: Sql, by: str, with_default: bool) -> None:
    sql(
        "ALTER TABLE audit_log ADD PRIMARY KEY (id, performed_at);"
        "CREATE TABLE referring (id text, at timestamptz, FOREIGN KEY (id, at) REFERENCES audit_log);"
        "INSERT INTO referring SELECT id, performed_at FROM audit_log"
    )
    if with_default:
        sql("CREATE TABLE rest PARTITION OF audit_log DEFAULT")
    before = state(sql)
    refused = partitions(**DROP)
    assert f"partition public.{OLD}: removing partition" in refused["msg"]
    assert "untouched: every table" in refused["msg"]
    assert state(sql) == before

    sql("DROP TABLE referring")
    if by == "hand":
        sql(f"ALTER TABLE audit_log DETACH PARTITION {OLD}")
    else:
        assert actions(partitions(**NEXT["detach"])) == [("detach", OLD)]
    assert_archived(partitions, sql)


@pytest.mark.usefixtures("september")
@pytest.mark.parametrize("by", ["detach", "hand"])
def test_what_a_reader_kept_can_be_archived(
    partitions: Run, sql: Sql, postgresql_server: Postgresql, database: str, by: str
) -> None:
    with holding(postgresql_server, database, "SELECT count(*) FROM audit_log"):
        refused = partitions(**DROP, options={"lock_timeout": 0.2, "attempts": 2})
    assert f"Could not drop partition public.{OLD}: canceling statement due to lock timeout" in refused["msg"]
    assert "Its rows are not seen through the table any more" in refused["msg"]
    assert "makes a table of its own of it with retire detach" in refused["msg"]
    assert comments(sql)[0] == COMMENTS[0]
    assert sql(f"SELECT id FROM {OLD}") == [("old",)]

    if by == "hand":
        sql(f"ALTER TABLE audit_log DETACH PARTITION {OLD} FINALIZE")
        assert actions(predicted_and_done(partitions, sql, **DROP)) == [("clear the mark of", OLD)]
    else:
        assert actions(predicted_and_done(partitions, sql, **NEXT["detach"])) == [("finish the detach of", OLD)]
    assert_archived(partitions, sql)


@pytest.mark.usefixtures("september")
def test_what_cannot_be_dropped_is_attached_again(partitions: Run, sql: Sql) -> None:
    sql(f"CREATE VIEW september AS SELECT id FROM {OLD}")
    before = state(sql)
    refused = partitions(**DROP)
    assert f"Could not drop partition public.{OLD}: cannot drop table" in refused["msg"]
    assert "view public.september depends on table" in refused["msg"]
    assert "It is attached again." in refused["msg"]
    assert "untouched: every table" in refused["msg"]
    assert state(sql) == before
    assert_attached(sql)


# What holds the run up at each of its steps, and how a waiting session shows it.
GATES = {
    "before the detach": (
        "LOCK TABLE ONLY audit_log IN SHARE UPDATE EXCLUSIVE MODE",
        "query LIKE '%CONCURRENTLY' AND wait_event = 'relation'",
    ),
    "before the proof": (f"COMMENT ON TYPE {OLD} IS 'other'", "query LIKE 'DO %' AND wait_event = 'object'"),
    "before the finish": (f"SELECT FROM {OLD}", "query LIKE '%FINALIZE' AND wait_event = 'relation'"),
    "before the drop": ("SELECT pg_advisory_xact_lock(42)", "query LIKE 'DROP TABLE%' AND wait_event = 'advisory'"),
}
PROVEN = {
    "drop": [("finish the detach of", OLD), ("drop", OLD)],
    "detach": [("finish the detach of", OLD)],
    "keep raised": [("attach again", OLD)],
    "report": [("attach again", OLD)],
}
AFTERWARDS = {
    "before the detach": {
        "drop": [("detach", OLD), ("drop", OLD)],
        "detach": [("detach", OLD)],
        "keep raised": [],
        "report": [],
    },
    # Nothing proves whose detach it is, so the table is kept.
    "before the proof": {following: [("finish the detach of", OLD)] for following in NEXT},
    "before the finish": PROVEN,
    "before the drop": PROVEN,
}


@pytest.mark.usefixtures("september")
@pytest.mark.parametrize(
    ("end", "following"),
    [*(("killed", each) for each in NEXT), ("sessions ended", "drop"), ("sessions ended", "detach")],
)
@pytest.mark.parametrize("gate", GATES)
def test_a_run_that_ends_between_any_two_steps(
    partitions: Run,
    sql: Sql,
    postgresql_server: Postgresql,
    database: str,
    start_module: Start,
    gate: str,
    end: str,
    following: str,
) -> None:
    hold_drops_up(sql)
    statement, waiting = GATES[gate]
    with holding(postgresql_server, database, statement) as other:
        process = start_module("pg_partitions", arguments(postgresql_server, database))
        wait_until(
            sql,
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'pg_partitions'"
            f" AND datname = current_database() AND state = 'active' AND {waiting}",
        )
        if end == "killed":
            process.kill()
            process.communicate()
        end_sessions(sql)
        other.rollback()
    stdout = process.communicate()[0] if end != "killed" else ""
    assert end == "killed" or "whether this took effect is not known" in stdout, stdout
    if gate != "before the proof":
        assert comments(sql)[0] == COMMENTS[0]
    assert sql(f"SELECT id FROM {OLD}") == [("old",)]

    done = predicted_and_done(partitions, sql, **NEXT[following])
    expected = AFTERWARDS[gate][following]
    assert actions(done) == expected
    assert bool(done["unproven"]) == (gate == "before the proof" and NEXT[following]["retire"] == "drop")
    if ("drop", OLD) in expected:
        assert OLD not in tables(sql)
        assert sql(PROOFS) == []
    elif not expected or expected == [("attach again", OLD)]:
        assert_attached(sql)
    else:
        assert_archived(partitions, sql)


@pytest.mark.usefixtures("september")
@pytest.mark.parametrize("gate", GATES)
def test_a_killed_run_that_the_server_still_works_on(
    partitions: Run, sql: Sql, postgresql_server: Postgresql, database: str, start_module: Start, gate: str
) -> None:
    """The server does not notice that the module is gone before it wants to answer: never may a bare table be left."""
    hold_drops_up(sql)
    statement, waiting = GATES[gate]
    with holding(postgresql_server, database, statement) as other:
        process = start_module("pg_partitions", arguments(postgresql_server, database))
        wait_until(
            sql,
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'pg_partitions'"
            f" AND datname = current_database() AND state = 'active' AND {waiting}",
        )
        process.kill()
        process.communicate()
        other.rollback()
    wait_until(
        sql,
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'pg_partitions'"
        " AND datname = current_database()",
    )
    assert comments(sql)[0] == COMMENTS[0]
    assert sql("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhdetachpending") == [(OLD,)]
    assert actions(predicted_and_done(partitions, sql, **DROP)) == PROVEN["drop"]
    assert OLD not in tables(sql)


@pytest.mark.usefixtures("september")
def test_without_its_watcher_a_partition_is_detached_and_kept(
    partitions: Run, sql: Sql, postgresql_server: Postgresql, database: str, start_module: Start
) -> None:
    """The detach waits for a reader while the session that would stop it is ended by hand."""
    statement, waiting = GATES["before the detach"]
    with holding(postgresql_server, database, statement) as other:
        process = start_module("pg_partitions", arguments(postgresql_server, database))
        wait_until(sql, f"SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND {waiting}")
        sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'")
        wait_until(sql, "SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'")
        other.rollback()
    stdout = process.communicate()[0]
    assert "is a table of its own now, and was not dropped" in stdout
    assert_archived(partitions, sql)


@pytest.mark.usefixtures("september")
def test_the_mark_of_an_earlier_version_is_cleared_while_attached(partitions: Run, sql: Sql) -> None:
    sql(f"COMMENT ON TABLE {OLD} IS '{EARLIER_MARK}'")
    done = predicted_and_done(partitions, sql, **NEXT["keep raised"])
    assert actions(done) == [("clear the mark of", OLD)]
    assert comments(sql) == (None, COMMENTS[1])

    sql(f"COMMENT ON TABLE {OLD} IS '{EARLIER_MARK}'")
    done = predicted_and_done(partitions, sql, **NEXT["detach"])
    assert actions(done) == [("clear the mark of", OLD), ("detach", OLD)]
    assert not partitions(**DROP)["changed"]
    assert sql(f"SELECT id FROM {OLD}") == [("old",)]


@pytest.mark.usefixtures("september")
def test_a_table_with_the_mark_of_an_earlier_version_is_reported_and_kept(partitions: Run, sql: Sql) -> None:
    sql(f"ALTER TABLE audit_log DETACH PARTITION {OLD}; COMMENT ON TABLE {OLD} IS '{EARLIER_MARK}'")
    done = predicted_and_done(partitions, sql, **DROP)
    assert not done["changed"]
    assert [sentence.split(",")[0] for sentence in done["unproven"]] == [f"public.{OLD}"]
    assert done["unproven"][0] in str(done["warnings"])
    assert "Drop it by hand" in done["unproven"][0]
    assert "COMMENT ON TABLE ... IS NULL" in done["unproven"][0]
    assert sql(f"SELECT id FROM {OLD}") == [("old",)]

    sql(f"COMMENT ON TABLE {OLD} IS NULL")
    assert partitions(**DROP)["unproven"] == []


@pytest.mark.usefixtures("september")
def test_a_detach_that_an_earlier_version_left_pending_is_finished_and_kept(
    partitions: Run, sql: Sql, postgresql_server: Postgresql, database: str
) -> None:
    sql(f"COMMENT ON TABLE {OLD} IS '{EARLIER_MARK}'")
    leave_pending_by_hand(postgresql_server, database)
    done = predicted_and_done(partitions, sql, **DROP)
    assert actions(done) == [("finish the detach of", OLD)]
    assert "nothing proves that it was begun in order to drop" in done["unproven"][0]
    assert comments(sql) == (None, COMMENTS[1])
    assert sql(f"SELECT id FROM {OLD}") == [("old",)]


@pytest.mark.usefixtures("september")
def test_a_proof_is_good_for_its_own_detach_only(
    partitions: Run, sql: Sql, postgresql_server: Postgresql, database: str
) -> None:
    """Kept by a reader, taken over by hand, attached again, and half detached by hand: never dropped."""
    with holding(postgresql_server, database, "SELECT count(*) FROM audit_log"):
        assert partitions(**DROP, options={"lock_timeout": 0.2, "attempts": 1}).get("failed")
    [(description,)] = sql(PROOFS)
    sql(f"ALTER TABLE audit_log DETACH PARTITION {OLD} FINALIZE")
    bounds = "FROM ('2026-09-01 00:00+00') TO ('2026-10-01 00:00+00')"
    sql(f"ALTER TABLE audit_log ATTACH PARTITION {OLD} FOR VALUES {bounds}")
    leave_pending_by_hand(postgresql_server, database)
    assert sql(PROOFS) == [(description,)]

    done = predicted_and_done(partitions, sql, **DROP)
    assert actions(done) == [("finish the detach of", OLD), ("clear the mark of", OLD)]
    assert_archived(partitions, sql)

    # A copy of the proof on a table that took the name.
    sql(f"ALTER TABLE {OLD} RENAME TO archive; CREATE TABLE {OLD} (LIKE archive INCLUDING ALL)")
    copied = description.replace("'", "''")
    sql(f"COMMENT ON TYPE {OLD} IS '{copied}'")
    assert actions(predicted_and_done(partitions, sql, **DROP)) == [("clear the mark of", OLD)]
    assert {"archive", OLD} <= set(tables(sql))


@pytest.mark.usefixtures("september")
def test_a_partition_is_dropped_by_a_login_that_is_only_a_member_of_the_owner(
    partitions: Run, sql: Sql, database: str
) -> None:
    owner, login = f"owner_{database}", f"login_{database}"
    sql(
        f"CREATE ROLE {owner}; CREATE ROLE {login} LOGIN NOINHERIT PASSWORD 'secret' IN ROLE {owner};"
        f"GRANT CREATE ON SCHEMA public TO {owner};"
    )
    try:
        for table in names(sql):
            sql(f"ALTER TABLE {table} OWNER TO {owner}")
        sql(f"ALTER TABLE audit_log OWNER TO {owner}")
        done = partitions(**DROP, options={"login_user": login, "login_password": "secret"})
        assert actions(done) == [("detach", OLD), ("drop", OLD)]
        assert OLD not in tables(sql)
    finally:
        sql(f"DROP OWNED BY {owner} CASCADE; DROP ROLE {login}; DROP ROLE {owner}")


@pytest.mark.usefixtures("september")
def test_a_partition_is_dropped_where_the_server_does_not_show_what_sessions_do(
    partitions: Run, sql: Sql, database: str
) -> None:
    sql(f"ALTER DATABASE {database} SET track_activities = off")
    assert actions(partitions(**DROP)) == [("detach", OLD), ("drop", OLD)]
    assert OLD not in tables(sql)


def arguments(postgresql_server: Postgresql, database: str) -> dict[str, t.Any]:
    return {
        **postgresql_server.login,
        "login_db": database,
        "today": TODAY,
        "lock_timeout": 60,
        "tables": [{"name": "audit_log", **DROP}],
    }


def hold_drops_up(sql: Sql) -> None:
    """Let each drop of a table wait for a lock that only a test holds."""
    sql(
        "CREATE FUNCTION hold_up() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); END $$;"
        "CREATE EVENT TRIGGER hold_up ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION hold_up()"
    )


def end_sessions(sql: Sql) -> None:
    """End the module's sessions, all at once as when the server's host is lost."""
    ours = "application_name = 'pg_partitions' AND datname = current_database()"
    sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")
    wait_until(sql, f"SELECT count(*) = 0 FROM pg_stat_activity WHERE {ours}")


def leave_pending_by_hand(postgresql_server: Postgresql, database: str) -> None:
    """A person's concurrent detach that gave up on a reader."""
    with holding(postgresql_server, database, "LOCK TABLE ONLY audit_log IN ACCESS SHARE MODE"):
        connection = postgresql_server.connect(database)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 100")
            with pytest.raises(Exception, match="lock timeout"):
                cursor.execute(f"ALTER TABLE audit_log DETACH PARTITION {OLD} CONCURRENTLY")
