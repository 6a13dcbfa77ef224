"""What the role pgbouncer does on a host, decided from its description."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.host_plan import host_plan

Record = dict[str, t.Any]
DESCRIBED: Record = {
    "host": "pool1", "check_mode": False, "account": "pgbouncer", "pool_mode": "transaction",
    "max_client_connections": 2000, "default_pool_size": 20, "client_tls": "disabled", "client_tls_mode": "require",
    "client_ca_file": "", "server_tls_mode": "verify-full", "server_ca_file": "", "auth_user": "", "auth_database": "",
    "settings": {}, "tls_dns_names": [], "tls_ip_addresses": [], "tls_certificate_file": "", "tls_key_file": "",
}  # fmt: skip
CONTROLLER: Record = {"inventory_dir": "", "inventory_file": "", "ansible_inventory_sources": [], "certificates": {}}
PEM, CLIENTS, SERVERS = (f"/etc/pgbouncer/tls/{name}" for name in ("server.pem", "clients-ca.crt", "servers-ca.crt"))


def plan(**described: t.Any) -> Record:
    return host_plan({**DESCRIBED, **described}, {})


def files(controller: Record | None = None, **described: t.Any) -> dict[str, Record]:
    known, given = {**DESCRIBED, **described}, {**CONTROLLER, **(controller or {})}
    paths = host_plan(known, {"files": given})["controller_files"]
    contents = {path: f"content of {path}" for path in paths}
    return {each["path"]: each for each in host_plan(known, {"files": {**given, "contents": contents}})["tls_files"]}


def test_settings_of_the_role():
    assert plan()["settings"] == {
        "pool_mode": "transaction", "max_client_conn": 2000, "default_pool_size": 20,
        "ignore_startup_parameters": "extra_float_digits,options", "server_tls_sslmode": "verify-full",
        "server_tls_ca_file": "/etc/ssl/certs/ca-certificates.crt",
    }  # fmt: skip
    assert "server_tls_ca_file" not in plan(server_tls_mode="prefer", server_ca_file="/x")["settings"]


def test_settings_of_the_inventory_win():
    described = {
        "client_tls": "generated", "client_ca_file": "/ca", "server_ca_file": "/ca", "auth_user": "pooler",
        "auth_database": "postgres", "settings": {"max_client_conn": "40000", "pool_mode": "session"},
    }  # fmt: skip
    assert plan(**described)["settings"] == {
        "pool_mode": "session", "max_client_conn": "40000", "default_pool_size": 20,
        "ignore_startup_parameters": "extra_float_digits,options", "client_tls_sslmode": "require",
        "client_tls_key_file": PEM, "client_tls_cert_file": PEM, "client_tls_ca_file": CLIENTS,
        "server_tls_sslmode": "verify-full", "server_tls_ca_file": SERVERS, "auth_user": "pooler",
        "auth_query": 'SELECT uname, phash FROM "pgbouncer"."user_lookup"($1)', "auth_dbname": "postgres",
    }  # fmt: skip


@pytest.mark.parametrize(("clients", "files"), [(2000, 65536), ("40000", 81024), ("many", 65536)])
def test_clients_and_as_many_servers_may_be_open(clients, files):
    assert plan(settings={"max_client_conn": clients})["open_files"] == files


def test_names_and_addresses_stand_where_clients_look_for_them():
    assert plan()["certificate"] == {
        "name": "pool1-pgbouncer", "common_name": "pool1", "dns_names": ["pool1"], "ip_addresses": [],
    }  # fmt: skip
    made = plan(tls_dns_names=["pool.example", "[fd00::11]"], tls_ip_addresses=["10.0.0.5"])["certificate"]
    assert made["dns_names"] == ["pool.example"] and made["ip_addresses"] == ["fd00::11", "10.0.0.5"]
    assert plan(host="fd00::11")["certificate"]["ip_addresses"] == ["fd00::11"]


def test_a_host_without_tls_gets_no_files():
    assert files() == {}


def test_a_given_certificate():
    given = {"client_tls": "given", "tls_certificate_file": "p.crt", "tls_key_file": "p.key"}
    written = files(**given, client_ca_file="clients.crt", server_ca_file="servers.crt")
    assert written[PEM] == {
        "path": PEM, "content": "content of p.key\ncontent of p.crt\n", "mode": "0640", "secret": True, "owner": "root",
        "group": "pgbouncer", "owner_may_come": True,
    }  # fmt: skip
    assert written[CLIENTS]["content"] == "content of clients.crt\n" and "secret" not in written[CLIENTS]
    assert written[SERVERS]["content"] == "content of servers.crt\n"


def test_a_check_before_the_first_run_knows_that_files_will_come_and_not_what_is_in_them(tmp_path):
    folder = str(tmp_path)
    made = {"pool1-pgbouncer": {"certificate": f"{folder}/p.crt", "key": f"{folder}/p.key", "ca": f"{folder}/ca.crt"}}
    described = {"client_tls": "generated", "check_mode": True, "server_ca_file": f"{folder}/servers.crt"}
    written = files({"certificates": made}, **described)
    assert written[PEM]["content"] == written[SERVERS]["content"] == "to be generated"
    for name in ("p.crt", "p.key", "servers.crt"):
        (tmp_path / name).write_text(name)
    written = files({"certificates": made}, **described)
    assert written[PEM]["content"] == f"content of {folder}/p.key\ncontent of {folder}/p.crt\n"
    assert written[SERVERS]["content"] == f"content of {folder}/servers.crt\n"


def test_a_check_reads_the_authority_of_clients_as_a_run_does():
    assert files(check_mode=True, client_ca_file="/not/there")[CLIENTS]["content"] == "content of /not/there\n"


def test_the_plan_of_a_host_has_no_secret():
    assert "content" not in repr(plan(client_tls="given", tls_key_file="p.key", tls_certificate_file="p.crt"))
