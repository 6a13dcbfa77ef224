"""A server on this host, as its folder tells of it."""

from __future__ import annotations

from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.server import Server


def test_the_port_is_that_of_the_running_server(tmp_path):
    server = Server(tmp_path, tmp_path, None, None, None, {"login_port": 5433})
    assert server.port() == 5433
    (tmp_path / "postmaster.pid").write_text(f"4711\n{tmp_path}\n1700000000\n")
    assert server.port() == 5433
    (tmp_path / "postmaster.pid").write_text(f"4711\n{tmp_path}\n1700000000\n5432\n/var/run/postgresql\n\n")
    assert server.port() == 5432
