"""``site.yml`` on an environment that something happened to: each run says what is wrong, and a later one converges."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from pathlib import Path

import pytest
import yaml

HISTORY = "SELECT version, success FROM flyway_schema_history ORDER BY installed_rank"


@pytest.fixture
def catalogues(site):
    """A function that reads everything that a failing run must leave as it is."""

    def read():
        with contextlib.closing(site.mongo()) as client:
            database = client["cred_forge_db"]
            indexes = {name: database[name].index_information() for name in sorted(database.list_collection_names())}
        return (
            site.query(HISTORY),
            site.query(
                "SELECT relname, relkind, relacl::text FROM pg_class "
                "WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
            ),
            site.query("SELECT rolname, rolcanlogin FROM pg_roles ORDER BY 1", "postgres"),
            indexes,
        )

    return read


@pytest.fixture
def added_migration(site):
    """Adds a migration for one test and removes what it left."""
    added = []

    def add(name, sql):
        added.append(site.migration(name, sql))

    yield add
    for path in added:
        path.unlink()
    site.query("DROP TABLE IF EXISTS fault_table")
    site.query("DELETE FROM flyway_schema_history WHERE version LIKE '9%'")


@pytest.fixture
def edited_application(site):
    """Rewrites the application's description for one test."""
    path = site.applications / "credforge" / "application.yml"
    original = path.read_text()

    def edit(change):
        description = yaml.safe_load(original)
        change(description)
        path.write_text(yaml.safe_dump(description, sort_keys=False))

    yield edit
    path.write_text(original)


def test_check_mode_shows_exactly_the_two_indexes_that_were_deleted(site):
    site.query("DROP INDEX idx_ecm_response_log_engine")
    with contextlib.closing(site.mongo()) as client:
        client["cred_forge_db"]["clients"].drop_index("auth_token_1")
        checked = site.run("--check", "--diff")
        assert checked.code == 0, checked.output
        assert len(checked.diff_headers) == 2, checked.diff_headers
        assert any("idx_ecm_response_log_engine" in header for header in checked.diff_headers)
        assert any("auth_token_1" in header for header in checked.diff_headers)
        assert "auth_token_1" not in client["cred_forge_db"]["clients"].index_information()
        assert site.query("SELECT to_regclass('idx_ecm_response_log_engine')") == [(None,)]

        repaired = site.run()
        assert repaired.code == 0 and repaired.changed == 2, repaired.output
        assert "auth_token_1" in client["cred_forge_db"]["clients"].index_information()
    assert site.query("SELECT to_regclass('idx_ecm_response_log_engine')::text") == [("idx_ecm_response_log_engine",)]
    assert site.run().changed == 0


def family(pid: int) -> list[int]:
    """A process and its descendants: Ansible's workers leave its process group."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def test_playbook_killed_in_mid_migration(site, added_migration):
    added_migration(
        "V9_0__slow.sql",
        "CREATE TABLE fault_table (id int);\nSELECT pg_advisory_xact_lock(47);\nINSERT INTO fault_table VALUES (1);\n",
    )
    at_the_gate = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 47 AND NOT granted"
    with contextlib.closing(site.connect()) as gate, gate.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(47)")
        process = site.start()
        deadline = time.monotonic() + 90
        while not site.query(at_the_gate):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        for pid in family(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        # The server notices by itself that nobody is left to tell.
        while site.query(at_the_gate):
            assert time.monotonic() < deadline + 60
            time.sleep(0.1)
    assert site.query("SELECT to_regclass('fault_table')") == [(None,)]

    again = site.run()
    assert again.code == 0, again.output
    assert site.query("SELECT count(*) FROM fault_table") == [(1,)]
    assert [row for row in site.query(HISTORY) if row[0] == "9.0"] == [("9.0", True)]
    assert site.run().changed == 0


def test_malformed_sql(site, added_migration, catalogues):
    before = catalogues()
    added_migration("V9_1__malformed.sql", "CREATE TABLE fault_table (id int);\n\nCREATE TABEL typo (id int);\n")
    failed = site.run()
    assert failed.code != 0 and catalogues() == before
    assert 'syntax error at or near "TABEL"' in failed.output
    assert re.search(r"V9_1__malformed\.sql:3:8", failed.output), failed.output
    assert "Traceback" not in failed.output


def test_unterminated_quote_is_found_before_anything_runs(site, added_migration, catalogues):
    before = catalogues()
    added_migration("V9_2__fine.sql", "CREATE TABLE fault_table (id int);\n")
    added_migration("V9_3__open_quote.sql", "SELECT 'never closed;\n")
    failed = site.run()
    assert failed.code != 0 and catalogues() == before
    assert "V9_3__open_quote.sql:1" in failed.output and "Traceback" not in failed.output


def test_duplicate_version(site, added_migration, catalogues):
    before = catalogues()
    added_migration("V1_0__the_first_again.sql", "SELECT 1;\n")
    failed = site.run()
    assert failed.code != 0 and catalogues() == before
    assert "Found more than one migration with version" in failed.output
    assert "V1_0__the_first_again.sql" in failed.output and "V1_0_0__request_workflow_state.sql" in failed.output


def test_edited_migration(site, catalogues):
    before = catalogues()
    path = site.applications / "credforge/postgresql/V1_0_0__request_workflow_state.sql"
    original = path.read_text()
    path.write_text(original + "SELECT 1;\n")
    try:
        failed = site.run()
    finally:
        path.write_text(original)
    assert failed.code != 0 and catalogues() == before
    assert "Migration checksum mismatch for migration version 1.0.0" in failed.output


def test_unknown_index_option(site, edited_application, catalogues):
    before = catalogues()
    edited_application(
        lambda app: app["mongodb"]["databases"][0]["collections"][2]["indexes"][1].update({"uniqe": True})
    )
    failed = site.run()
    assert failed.code != 0 and catalogues() == before
    assert "uniqe" in failed.output and "Traceback" not in failed.output


def test_missing_migration_folder(site, edited_application, catalogues):
    before = catalogues()
    edited_application(lambda app: app["postgresql"]["migrations"][0].update({"locations": ["no_such_folder"]}))
    failed = site.run()
    assert failed.code != 0 and catalogues() == before
    assert "no_such_folder" in failed.output and "Traceback" not in failed.output


def test_missing_application(site, catalogues):
    before = catalogues()
    failed = site.run("-e", '{"applications": ["credforge", "no_such_application"]}')
    assert failed.code != 0 and catalogues() == before
    missing = site.applications.resolve() / "no_such_application"
    assert f"there is no folder {missing}; create it, or take no_such_application out of the list" in failed.output


@pytest.mark.parametrize("variable", ["postgresql_16_login_password", "mongodb_7_login_password"])
def test_wrong_password(site, catalogues, variable):
    before = catalogues()
    failed = site.run("-e", f"{variable}=wrong-canary")
    assert failed.code != 0 and catalogues() == before
    assert "wrong-canary" not in failed.output and "Traceback" not in failed.output
    assert "password authentication failed" in failed.output or "refuses the login" in failed.output


@pytest.mark.parametrize("engine", ["postgresql", "mongodb"])
def test_killed_server(site, engine, catalogues):
    before = catalogues()
    pid_file = {"postgresql": "data/postmaster.pid", "mongodb": "mongod.pid"}[engine]
    pid = int((site.local / "servers" / engine / pid_file).read_text().split()[0])
    os.kill(pid, signal.SIGKILL)

    checked = site.run("--check")
    assert checked.code == 0 and "cannot be predicted" in checked.output, checked.output
    again = site.run()
    assert again.code == 0 and again.changed == 1, again.output
    assert catalogues() == before


def test_stop_and_start(site, catalogues):
    before = catalogues()
    stopped = site.run(playbook="playbooks/local_stop.yml")
    assert stopped.code == 0 and stopped.changed == 1, stopped.output
    again = site.run()
    assert again.code == 0, again.output
    assert catalogues() == before
