"""An index that the migrations made and that somebody dropped."""

from __future__ import annotations

FILES = {
    "V1__orders.sql": (
        'CREATE TABLE orders (id int PRIMARY KEY, customer int, "Odd name" text);\n'
        "CREATE INDEX orders_customer ON orders (customer);\n"
        'CREATE UNIQUE INDEX "Odd index" ON orders ("Odd name") WHERE customer > 0;\n'
    )
}
INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = 'orders' ORDER BY indexname"


def test_by_default_it_is_reported_and_nothing_changes(migrations):
    migrations.succeed(FILES)
    migrations.query("DROP INDEX orders_customer")
    result = migrations.succeed()
    assert result["changed"] is False
    assert "public.orders_customer" in str(result["warnings"])
    assert migrations.query("SELECT to_regclass('orders_customer')") == [(None,)]


def test_restore_predicts_builds_and_is_done_once(migrations):
    migrations.succeed(FILES)
    before = migrations.query(INDEXES)
    migrations.query('DROP INDEX orders_customer; DROP INDEX "Odd index"')

    predicted = migrations.succeed(lost_indexes="restore", check=True, diff=True)
    assert [step["name"] for step in predicted["actions"]] == ['public."Odd index"', "public.orders_customer"]
    assert migrations.query("SELECT to_regclass('orders_customer')") == [(None,)]

    restored = migrations.succeed(lost_indexes="restore")
    assert restored["changed"] and restored["actions"] == predicted["actions"]
    assert migrations.query(INDEXES) == before
    assert migrations.succeed(lost_indexes="restore")["changed"] is False


def test_an_invalid_remnant_is_replaced(migrations):
    migrations.succeed(FILES)
    migrations.query("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_customer'::regclass")
    restored = migrations.succeed(lost_indexes="restore")
    assert [step["action"] for step in restored["actions"]] == ["restore"]
    assert migrations.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_customer'::regclass") == [
        (True,)
    ]


def test_it_is_back_before_the_next_migration_runs(migrations):
    migrations.succeed(FILES)
    migrations.query("DROP INDEX orders_customer")
    done = migrations.succeed({"V2__rename.sql": "ALTER INDEX orders_customer RENAME TO c;\n"}, lost_indexes="restore")
    assert [step["action"] for step in done["actions"]] == ["restore", "apply"]
    assert migrations.query("SELECT to_regclass('c')::text") == [("c",)]


def test_index_dropped_by_a_migration_stays_dropped(migrations):
    migrations.succeed(FILES)
    migrations.succeed({"V2__drop.sql": "DROP INDEX orders_customer;\n"}, lost_indexes="restore")
    assert migrations.succeed(lost_indexes="restore")["changed"] is False


def test_index_of_a_constraint_or_of_a_dropped_table_is_left_alone(migrations):
    migrations.succeed(FILES)
    migrations.query("ALTER TABLE orders DROP CONSTRAINT orders_pkey")
    assert migrations.succeed(lost_indexes="restore")["changed"] is False
    migrations.query("DROP TABLE orders")
    assert migrations.succeed(lost_indexes="restore")["changed"] is False


def test_nothing_is_restored_after_somebody_else_has_migrated(migrations):
    migrations.succeed(FILES)
    migrations.query(
        "DROP INDEX orders_customer; INSERT INTO flyway_schema_history VALUES"
        " (2, '2', 'by flyway', 'SQL', 'V2__by_flyway.sql', 0, 'x', now(), 1, true)"
    )
    migrations.write({"V2__by_flyway.sql": ""})
    assert migrations.succeed(lost_indexes="restore")["changed"] is False


def test_build_that_meets_duplicates_fails_with_the_reason_and_a_later_run_succeeds(migrations):
    migrations.succeed(FILES)
    migrations.query("DROP INDEX \"Odd index\"; INSERT INTO orders VALUES (1, 1, 'x'), (2, 2, 'x')")
    failed = migrations.fail(lost_indexes="restore")
    assert "duplicate" in failed["msg"] or "could not create unique index" in failed["msg"]
    assert migrations.history() == [("1", "SQL", True)]
    migrations.query("DELETE FROM orders WHERE id = 2")
    assert migrations.succeed(lost_indexes="restore")["changed"]
    assert migrations.query("SELECT indisvalid FROM pg_index WHERE indexrelid = '\"Odd index\"'::regclass") == [(True,)]


def test_own_tables_are_out_of_reach_for_those_with_default_privileges(migrations):
    role = f"reader_{migrations.database}"
    migrations.query(f"CREATE ROLE {role}; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}")
    try:
        migrations.succeed(FILES)
        held = migrations.query(
            f"SELECT relname FROM pg_class WHERE relkind = 'r' AND has_table_privilege('{role}', oid, 'SELECT')"
            " AND relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        assert held == [("orders",)]
    finally:
        migrations.query(f"DROP OWNED BY {role}; DROP ROLE {role}")
