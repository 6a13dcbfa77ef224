"""The servers that every other integration test stands on."""

from __future__ import annotations


def test_postgresql_is_version_16_and_wants_a_password(postgresql_server):
    assert postgresql_server.query("SHOW server_version")[0][0].startswith("16.")
    assert postgresql_server.query("SHOW password_encryption") == [("scram-sha-256",)]


def test_mongod_wants_a_password(mongod_server):
    with mongod_server.client() as client:
        assert client.server_info()["version"] == mongod_server.version
