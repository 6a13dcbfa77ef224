# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pg_row_security against a real server: whether tenants really are apart, whichever way somebody tries."""

from __future__ import annotations

import threading
import typing as t

import psycopg2
import pytest
from servers import Postgresql

Run = t.Callable[..., dict[str, t.Any]]
Sql = t.Callable[[str], list[tuple[t.Any, ...]]]
OWN_ROWS = "tenant_id = current_setting('app.tenant_id')"
SCHEMA = """
CREATE TABLE tenants (id text PRIMARY KEY, name text);
CREATE TABLE orders (id int, tenant_id text NOT NULL);
CREATE TABLE rates (currency text);
CREATE TABLE audit_log (tenant_id text, at date) PARTITION BY RANGE (at);
CREATE TABLE audit_log_y2026 PARTITION OF audit_log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO tenants VALUES ('a', 'A'), ('b', 'B');
INSERT INTO orders VALUES (1, 'a'), (2, 'b'), (3, 'b');
INSERT INTO audit_log VALUES ('a', '2026-05-05'), ('b', '2026-05-05');
"""
TENANTS = [
    {"name": "isolation", "having_column": "tenant_id", "using": OWN_ROWS},
    {"name": "isolation", "tables": ["tenants"], "using": "id = current_setting('app.tenant_id')"},
]


@pytest.fixture
def sql(postgresql_server: Postgresql, database: str) -> Sql:
    return lambda text: postgresql_server.query(text, database)


@pytest.fixture
def secure(postgresql_server: Postgresql, database: str, run_module: Run) -> Run:
    def run(policies: list[dict[str, t.Any]], check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        arguments = {**postgresql_server.login, "login_db": database, "policies": policies, **options}
        return run_module("pg_row_security", arguments, check=check, diff=True)

    return run


@pytest.fixture
def application(postgresql_server: Postgresql, database: str, sql: Sql) -> t.Iterator[t.Callable[..., t.Any]]:
    """A role that may do everything with the tables, and a way to ask as one tenant."""
    role = f"app_{database}"
    sql(SCHEMA)
    sql(
        f"CREATE ROLE {role} LOGIN PASSWORD 'application'; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};"
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {role}"
    )

    def ask(tenant: str, question: str) -> t.Any:
        connection = postgresql_server.connect(database, role, "application")
        try:
            cursor = connection.cursor()
            cursor.execute(f"SET app.tenant_id = '{tenant}'")
            cursor.execute(question)
            return cursor.fetchone()[0] if cursor.description else cursor.rowcount
        finally:
            connection.close()

    yield ask
    sql(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_tenants_see_and_write_their_own_rows_only(secure: Run, application: t.Any, sql: Sql) -> None:
    assert application("a", "SELECT count(*) FROM orders") == 3
    predicted = secure(TENANTS, check=True)
    assert application("a", "SELECT count(*) FROM orders") == 3, "check mode must not write"
    done = secure(TENANTS)
    assert done["actions"] == predicted["actions"]
    assert done["protected"] == ["public.audit_log", "public.orders", "public.tenants"]
    assert done["beyond"] == ["postgres"]

    assert application("a", "SELECT count(*) FROM orders") == 1
    assert application("b", "SELECT count(*) FROM orders") == 2
    assert application("a", "SELECT string_agg(name, '') FROM tenants") == "A"
    assert application("a", "SELECT count(*) FROM rates") == 0
    assert application("b", "UPDATE orders SET id = 9 WHERE tenant_id = 'a'") == 0
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="new row violates row-level security policy"):
        application("a", "INSERT INTO orders VALUES (4, 'b')")
    assert application("a", "RESET app.tenant_id; SELECT count(*) FROM orders") == 0

    assert not secure(TENANTS)["changed"]


def test_a_partition_cannot_be_read_past_its_table(secure: Run, application: t.Any) -> None:
    assert application("a", "SELECT count(*) FROM audit_log_y2026") == 2
    secure(TENANTS)
    assert application("a", "SELECT count(*) FROM audit_log") == 1
    assert application("a", "SELECT count(*) FROM audit_log_y2026") == 0


def test_a_table_that_comes_later_is_covered_by_the_next_run(secure: Run, application: t.Any, sql: Sql) -> None:
    secure(TENANTS)
    sql("CREATE TABLE invoices (tenant_id text); INSERT INTO invoices VALUES ('b')")
    assert application("a", "SELECT count(*) FROM invoices") == 1
    actions = [(action["action"], action["name"]) for action in secure(TENANTS)["actions"]]
    assert actions == [
        ("enable", "public.invoices"),
        ("force", "public.invoices"),
        ("create", "isolation on public.invoices"),
    ]
    assert application("a", "SELECT count(*) FROM invoices") == 0


@pytest.mark.parametrize(
    ("change", "action"),
    [
        ("ALTER POLICY isolation ON orders USING (true)", "alter"),
        ("ALTER POLICY isolation ON orders TO pg_monitor", "alter"),
        ("DROP POLICY isolation ON orders", "create"),
        ("DROP POLICY isolation ON orders; CREATE POLICY isolation ON orders FOR SELECT USING (true)", "replace"),
        ("ALTER TABLE orders DISABLE ROW LEVEL SECURITY", "enable"),
        ("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY", "force"),
        ("ALTER TABLE audit_log_y2026 DISABLE ROW LEVEL SECURITY", "enable"),
    ],
)
def test_a_change_on_the_server_is_seen_and_undone(
    secure: Run, application: t.Any, sql: Sql, change: str, action: str
) -> None:
    secure(TENANTS)
    sql(change)
    assert [each["action"] for each in secure(TENANTS)["actions"]] == [action]
    assert application("a", "SELECT count(*) FROM orders") == 1
    assert not secure(TENANTS)["changed"]


def test_a_change_of_the_description_is_written(secure: Run, application: t.Any) -> None:
    secure(TENANTS)
    reading = {"name": "isolation", "tables": ["orders"], "command": "select", "using": "true"}
    assert [each["action"] for each in secure([reading])["actions"]] == ["replace"]
    assert application("a", "SELECT count(*) FROM orders") == 3
    assert secure([{**reading, "using": "id < 2"}])["changed"]
    assert application("b", "SELECT count(*) FROM orders") == 1


def test_unlisted_policies_are_reported_or_purged(secure: Run, application: t.Any, sql: Sql) -> None:
    sql("CREATE POLICY everybody ON orders USING (true)")
    done = secure(TENANTS)
    assert done["unmanaged"] == {"public.orders": ["everybody"]}
    assert application("a", "SELECT count(*) FROM orders") == 3
    assert secure(TENANTS, purge_policies=True)["changed"]
    assert application("a", "SELECT count(*) FROM orders") == 1


def test_a_dropped_policy_leaves_the_table_closed(secure: Run, application: t.Any) -> None:
    secure(TENANTS)
    gone = [{"name": "isolation", "tables": ["orders"], "state": "absent"}]
    assert [each["action"] for each in secure(gone)["actions"]] == ["drop"]
    assert application("a", "SELECT count(*) FROM orders") == 0
    assert not secure(gone)["changed"]


@pytest.mark.parametrize(
    ("policies", "words"),
    [
        ([{"name": "p", "tables": ["nothing"], "using": "true"}], "These tables do not exist: public.nothing"),
        ([{"name": "p", "tables": ["orders"]}], "has no condition"),
        ([{"name": "p", "command": "insert", "using": "true"}], "has with_check only"),
        ([{"name": "p", "command": "select", "with_check": "true"}], "writes nothing to check"),
        ([TENANTS[0], {**TENANTS[0], "using": "true"}], "Two entries want the policy isolation on public.audit_log"),
        ([{"name": "p", "tables": ["orders"], "using": "tennant = 1"}], 'column "tennant" does not exist'),
        ([{"name": "p", "tables": ["orders"], "using": "true", "roles": ["nobody"]}], 'role "nobody" does not exist'),
    ],
)
def test_refusals_change_nothing(
    secure: Run, application: t.Any, sql: Sql, policies: list[dict[str, t.Any]], words: str
) -> None:
    refused = secure(policies)
    assert refused.get("failed")
    assert words in refused["msg"]
    assert sql("SELECT count(*) FROM pg_class WHERE relrowsecurity") == [(0,)]
    assert sql("SELECT count(*) FROM pg_policy") == [(0,)]


def test_tables_to_come_are_predicted(secure: Run, application: t.Any, sql: Sql) -> None:
    later = [{"name": "own", "tables": ["invoices"], "using": OWN_ROWS}]
    predicted = secure(later, check=True, missing_tables="report")
    assert predicted["missing"] == ["public.invoices"]
    assert not secure(later, missing_tables="report")["changed"]
    sql("CREATE TABLE invoices (tenant_id text)")
    assert secure(later)["actions"] == predicted["actions"]


def test_a_database_to_come_is_predicted(secure: Run, run_module: Run, postgresql_server: Postgresql) -> None:
    later = [{"name": "own", "tables": ["invoices"], "using": OWN_ROWS}]
    arguments = {**postgresql_server.login, "login_db": "database_to_come", "policies": later}
    assert len(run_module("pg_row_security", arguments, check=True)["actions"]) == 3
    nowhere = {**arguments, "login_port": 1, "assume_empty": True}
    assert len(run_module("pg_row_security", nowhere, check=True)["actions"]) == 3
    assert 'The database "database_to_come" does not exist' in run_module("pg_row_security", arguments)["msg"]


def test_a_busy_table_is_outlasted_or_given_up(
    secure: Run, application: t.Any, sql: Sql, postgresql_server: Postgresql, database: str
) -> None:
    reader = postgresql_server.connect(database)
    reader.autocommit = False
    reader.cursor().execute("SELECT count(*) FROM orders")
    orders = [{"name": "isolation", "tables": ["orders"], "using": OWN_ROWS}]
    refused = secure(orders, lock_timeout=0.2, attempts=2)
    assert "Tried 2 times" in refused["msg"]
    assert sql("SELECT relrowsecurity FROM pg_class WHERE relname = 'orders'") == [(False,)]
    threading.Timer(2, reader.rollback).start()
    assert secure(orders, lock_timeout=0.2)["changed"]
    reader.close()
