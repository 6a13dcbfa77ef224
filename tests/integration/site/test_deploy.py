"""``site.yml`` deploys CredForge: first run, second run, check mode, and what the servers hold afterwards."""

from __future__ import annotations

import contextlib
import re
import uuid
from pathlib import Path

import psycopg2
import pymongo
import pytest

SEED = Path(__file__).parent / "seed"
SECRETS = ("postgresql_superuser", "mongodb_admin", "credforge_postgresql", "credforge_mongodb")

COLUMNS = """
    SELECT table_name, column_name, ordinal_position, data_type, character_maximum_length, is_nullable, column_default
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name LIKE 'forge%'
     ORDER BY table_name, ordinal_position
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
     WHERE schemaname = 'public' AND tablename LIKE 'forge%' ORDER BY indexname
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE conrelid::regclass::text LIKE 'forge%' ORDER BY 1, 2
"""


def seed_indexes() -> dict[str, set[str]]:
    """Collections of the seed and the one field of each of their indexes."""
    text = (SEED / "credforge.js").read_text()
    wanted: dict[str, set[str]] = {name: set() for name in re.findall(r'createCollection\("(\w+)"\)', text)}
    for collection, field in re.findall(r'db\.(\w+)\.createIndex\(\{ "(\w+)": 1 \}\)', text):
        wanted[collection].add(field)
    return wanted


def test_check_mode_on_a_virgin_environment_predicts_and_writes_nothing(first_run):
    predicted, first, left_something = first_run
    assert predicted.code == 0, predicted.output
    assert not left_something
    assert predicted.changed == first.changed
    for name in ("V1_0_0__request_workflow_state.sql", "cred_forge_owner", "workflow_event_log"):
        assert name in predicted.output


def test_first_run_changes_and_second_run_does_not(first_run, second_run):
    assert first_run[1].changed > 0
    assert second_run.code == 0, second_run.output
    assert second_run.changed == 0


def test_summary_tells_what_is_there(site, second_run):
    summary = second_run.output.partition("TASK [Summary]")[2]
    for text in (
        "PostgreSQL 16.15",
        f"127.0.0.1:{site.port('postgresql')}",
        "schema version 1.0.2",
        "MongoDB",
        f"127.0.0.1:{site.port('mongodb')}",
        "11 collections",
        "40 indexes",
        "unchanged",
    ):
        assert text in summary, summary


def test_check_mode_after_the_first_run_changes_nothing(site):
    again = site.run("--check", "--diff")
    assert again.code == 0 and again.changed == 0, again.output


def test_postgresql_holds_exactly_the_tables_of_the_seed(site):
    reference = f"seed_{uuid.uuid4().hex[:8]}"
    site.query(f"CREATE DATABASE {reference}", "postgres")
    try:
        site.query((SEED / "credforge.sql").read_text(), reference)
        for catalogue in (COLUMNS, INDEXES, CONSTRAINTS):
            expected = site.query(catalogue, reference)
            assert expected and site.query(catalogue) == expected
    finally:
        site.query(f"DROP DATABASE {reference}", "postgres")
    own = [name for _table, name, _definition in site.query(INDEXES) if name.startswith("idx_")]
    assert len(own) == 21


def test_every_table_belongs_to_the_owner_that_nobody_logs_in_as(site):
    owners = site.query("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert owners == [("cred_forge_owner",)]
    assert site.query("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'cred_forge_owner'") == [(False,)]


def test_application_role_has_exactly_the_privileges_of_the_seed(site):
    granted = site.query(
        "SELECT table_name, array_agg(privilege_type::text ORDER BY 1) FROM information_schema.role_table_grants "
        "WHERE grantee = 'credforge_user' AND table_schema = 'public' GROUP BY 1 ORDER BY 1"
    )
    dml = ["DELETE", "INSERT", "SELECT", "UPDATE"]
    assert {table: sorted(privileges) for table, privileges in granted} == {
        "forge_application_logs": dml,
        "forge_ecm_response_log": dml,
        "forge_request_workflow_state": dml,
    }
    sequence = "forge_ecm_response_log_id_seq"
    rights = "SELECT " + ", ".join(
        f"has_sequence_privilege('credforge_user', '{sequence}', '{right}')" for right in ("USAGE", "SELECT", "UPDATE")
    )
    assert site.query(rights) == [(True, True, False)]
    database = "SELECT " + ", ".join(
        f"has_database_privilege('credforge_user', 'cred_forge_db', '{right}')"
        for right in ("CONNECT", "CREATE", "TEMP")
    )
    assert site.query(database) == [(True, False, False)]
    schema = "SELECT " + ", ".join(
        f"has_schema_privilege('credforge_user', 'public', '{right}')" for right in ("USAGE", "CREATE")
    )
    assert site.query(schema) == [(True, False)]


def test_application_works_on_tables_that_the_owner_makes_later(site):
    site.query("SET ROLE cred_forge_owner; CREATE TABLE made_later (id serial PRIMARY KEY, note text)")
    try:
        site.query("INSERT INTO made_later (note) VALUES ('x')", user="credforge_user")
        assert site.query("SELECT note FROM made_later", user="credforge_user") == [("x",)]
    finally:
        site.query("DROP TABLE made_later")


def test_application_cannot_rewrite_the_history_of_its_schema(site):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        site.query("DELETE FROM flyway_schema_history", user="credforge_user")


def test_mongodb_holds_exactly_the_collections_and_indexes_of_the_seed(site):
    wanted = seed_indexes()
    assert len(wanted) == 11 and sum(len(fields) for fields in wanted.values()) == 40
    with contextlib.closing(site.mongo()) as client:
        database = client["cred_forge_db"]
        assert set(database.list_collection_names()) == set(wanted)
        for collection, fields in wanted.items():
            live = {name: index["key"] for name, index in database[collection].index_information().items()}
            assert live == {"_id_": [("_id", 1)], **{f"{field}_1": [(field, 1)] for field in fields}}


def test_mongodb_application_user_reads_and_writes_its_database_only(site):
    with contextlib.closing(site.mongo("credforge_user")) as client:
        inserted = client["cred_forge_db"]["usage"].insert_one({"client_id": "test"})
        client["cred_forge_db"]["usage"].delete_one({"_id": inserted.inserted_id})
        with pytest.raises(pymongo.errors.OperationFailure, match="not authorized"):
            client["other"]["x"].find_one()
    with contextlib.closing(site.mongo()) as client:
        user = client.admin.command("usersInfo", "credforge_user")["users"][0]
    assert user["roles"] == [{"role": "readWrite", "db": "cred_forge_db"}]


def test_passwords_show_up_in_no_output(site, first_run, second_run):
    predicted, first, _left = first_run
    for name in SECRETS:
        for outcome in (predicted, first, second_run):
            assert site.secret(name) not in outcome.output, f"{name} is in the output"
    for log in site.local.glob("servers/*/server.log"):
        for name in SECRETS:
            assert site.secret(name) not in log.read_text(errors="replace"), f"{name} is in {log}"
