"""What an application says beyond the usual: each option shows what its module does with it, on real servers."""

from __future__ import annotations

import pytest

HISTORY = "SELECT version, type FROM flyway_schema_history ORDER BY installed_rank"
DESCRIPTION = """\
postgresql:
  roles:
    - {{name: shop_owner}}
  databases:
    - {{name: shop, owner: shop_owner}}
    - {{name: legacy, owner: shop_owner}}
    - {{name: tenants, owner: shop_owner}}
  update_password: on_create
  migrations:
    - database: shop
      locations: postgresql
      session_role: shop_owner
      {shop}
    - database: legacy
      locations: [legacy]
      baseline_on_migrate: true
      baseline_version: "5"
      table: legacy_history
    - database: tenants
      locations: [tenants]
      targets: [{{schema: north}}, {{schema: south}}]
mongodb:
  databases:
    - name: shop
      {mongodb}
      collections:
        - name: carts
          indexes: [{{keys: {{touched_at: 1}}, expireAfterSeconds: 60}}]
"""


def describe(project, shop="target: '1.0'", mongodb="profile: portable"):
    # A byte order mark and Windows' line endings, as some editors write them.
    text = DESCRIPTION.format(shop=shop, mongodb=mongodb)
    project.describe(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())


@pytest.fixture(scope="module")
def shop(served_project):
    """The application after its first run."""
    project = served_project
    project.migration("V1_0__orders.sql", "CREATE TABLE orders (id int PRIMARY KEY);")
    project.migration("V1_1__notes.sql", "CREATE TABLE notes (id int PRIMARY KEY);")
    project.migration("U1_1__notes.sql", "DROP TABLE notes;")
    for name in ("legacy", "tenants"):
        folder = project.description.parent / name
        folder.mkdir()
        (folder / "V1__things.sql").write_text("CREATE TABLE things (id int);")
    describe(project, mongodb="")
    text = project.description.read_text().replace("baseline_on_migrate: true", "target: '0?'")
    project.description.write_text(text)
    first = project.run()
    assert first.returncode == 0, first.stdout
    project.query("DROP TABLE IF EXISTS legacy_history; CREATE TABLE old_things (id int)", "legacy")
    describe(project)
    second = project.run()
    assert second.returncode == 0, second.stdout
    project.output = second.stdout
    return project


def test_target_ends_where_it_says(shop):
    assert shop.query(HISTORY) == [("1.0", "SQL")]


def test_baseline_is_recorded_in_the_table_that_was_named(shop):
    rows = shop.query("SELECT version, type FROM legacy_history ORDER BY installed_rank", "legacy")
    assert rows == [("5", "BASELINE")]
    assert shop.query("SELECT to_regclass('things')", "legacy") == [(None,)]


def test_targets_are_migrated_each_and_the_summary_says_so(shop):
    found = shop.query("SELECT schemaname FROM pg_tables WHERE tablename = 'things' ORDER BY 1", "tenants")
    assert found == [("north",), ("south",)]
    summary = shop.output.partition("TASK [Summary]")[2]
    assert "schema versions: 1 (2)" in summary, summary


def test_a_second_run_changes_nothing(shop):
    again = shop.run()
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout


def test_undo_takes_the_version_back(shop):
    describe(shop, shop="target: latest")
    assert shop.run().returncode == 0
    assert shop.query("SELECT to_regclass('notes')::text") == [("notes",)]
    describe(shop, shop="state: undone\n      target: '1.1'")
    undone = shop.run()
    assert undone.returncode == 0, undone.stdout
    assert shop.query("SELECT to_regclass('notes')") == [(None,)]
    describe(shop)


def test_lint_level_error_refuses_what_warn_reports(shop):
    shop.migration("V1_2__lint.sql", 'CREATE TABLE "Shouted" (id int PRIMARY KEY);')
    rules = "rules: {naming-policy: error}, naming: {table: '[a-z_]+'}"
    describe(shop, shop=f"lint: {{level: error, {rules}}}")
    before = shop.query(HISTORY)
    refused = shop.run()
    assert refused.returncode != 0 and "naming-policy" in refused.stdout, refused.stdout
    assert shop.query(HISTORY) == before
    (shop.description.parent / "postgresql/V1_2__lint.sql").unlink()
    describe(shop)


def test_deadline_is_kept(shop):
    shop.migration("V1_3__slow.sql", "SELECT pg_sleep(5);")
    shop.migration("V1_4__never.sql", "CREATE TABLE never (id int);")
    describe(shop, shop="deadline: 1")
    late = shop.run()
    assert late.returncode != 0 and "The deadline of 1 s for the whole run ended it" in late.stdout, late.stdout
    assert shop.query("SELECT to_regclass('never')") == [(None,)]
    for name in ("V1_3__slow.sql", "V1_4__never.sql"):
        (shop.description.parent / "postgresql" / name).unlink()
    describe(shop)


def test_profile_refuses_what_another_engine_cannot(shop):
    describe(shop, mongodb="profile: documentdb-5.0")
    text = shop.description.read_text() + "        - {name: capped, capped: true, size: 4096}\r\n"
    shop.description.write_text(text)
    refused = shop.run()
    assert refused.returncode != 0 and "documentdb-5.0" in refused.stdout, refused.stdout
    describe(shop)
