"""What is decided for one host: its place in the set, certificate, settings, files and report."""

from __future__ import annotations

import pytest

from .conftest import STAGES, configured, tls_found

FILES = {
    "inventory_dir": "", "inventory_file": "", "ansible_inventory_sources": [], "certificates": "/site",
    "authority": "",
}  # fmt: skip


def members(*addresses, **more):
    return [{"host": address, **more} for address in addresses]


def certificate(hosts, name):
    return hosts.plan(name)["endpoint"]["certificate"]


def test_an_address_of_version_6_is_an_address_in_the_certificate(hosts):
    hosts.add("db1", members=members("[fd00::11]:27017", "[fd00::12]:27017"), member="[fd00::11]:27017")
    made = certificate(hosts, "db1")
    assert made["dns_names"] == ["localhost", "db1"] and made["ip_addresses"] == ["127.0.0.1", "fd00::11"]
    assert made["common_name"] == "fd00::11"
    assert hosts.of_set("db1")["refusals"] == [] and hosts.of_set("db1")["absent"] == ["[fd00::12]:27017"]


def test_names_and_addresses_of_version_4(hosts):
    hosts.add("10.0.0.5", members=members("DB1.example.com:27017"), member="DB1.example.com:27017")
    assert certificate(hosts, "10.0.0.5") == {
        "name": "10.0.0.5", "common_name": "db1.example.com", "organization": "groundwork.databases",
        "organizational_unit": "mongodb-rs0", "usage": ["server", "client"],
        "dns_names": ["localhost", "db1.example.com"], "ip_addresses": ["127.0.0.1", "10.0.0.5"],
    }  # fmt: skip
    hosts.add("db2", replica_set_name="")
    assert certificate(hosts, "db2")["organizational_unit"] == "mongodb-server"
    assert certificate(hosts, "db2")["dns_names"] == ["localhost", "db2"]


def test_a_name_over_63_characters_is_whole_where_clients_look(hosts):
    long = f"{'a' * 40}.{'b' * 40}.example.com"
    hosts.add("db1", members=members(f"{long}:27017"), member=f"{long}:27017")
    assert certificate(hosts, "db1")["dns_names"][-1] == long and certificate(hosts, "db1")["common_name"] == long[:64]
    assert hosts.of_set("db1")["speaker"] == "db1" and hosts.of_set("db1")["refusals"] == []


@pytest.mark.parametrize("address", ["db1", "::1:27017", "db1:", "db1:70000", "db1:27017/x", "fd00::11:27017"])
def test_what_is_no_endpoint_is_refused(hosts, address):
    hosts.add("db1", members=members(address, "db2:27017"), member=address)
    (refusal,) = hosts.of_set("db1")["refusals"]
    assert refusal == (
        f"mongodb_7_member is {address}. It has to be one of mongodb_7_members, each of them host:port, not "
        f"{address.lower()}, db2:27017."
    )


def test_a_host_that_is_no_member_of_its_own_set_is_refused(hosts):
    hosts.add("db3", members=members("db1:27017", "db2:27017"))
    (refusal,) = hosts.of_set("db3")["refusals"]
    assert "mongodb_7_member is db3:27017" in refusal and hosts.of_set("db3")["speaker"] == ""


def test_ports_given_as_text_are_numbers(hosts):
    hosts.add("db1", port="27018", login_port="27018")
    assert hosts.settings("db1")["net"]["port"] == 27018
    assert hosts.plan("db1")["contents_login"]["port"] == 27018
    assert hosts.plan("db1")["endpoint"]["address"] == "localhost:27018"


def test_the_speaker_is_who_the_set_elects_first_of_those_that_take_part(hosts):
    listed = [{"host": "DB1:27017", "priority": 0}, {"host": "db2:27017"}, {"host": "db3:27017", "priority": "2"}]
    for name in ("db1", "db2", "db3"):
        hosts.add(name, members=listed)
    assert [hosts.of_set(name)["speaker"] for name in hosts.known] == ["db3"] * 3
    hosts.batch = ["db1", "db2"]
    assert hosts.of_set("db1")["speaker"] == "db2" and hosts.of_set("db1")["absent"] == ["db3:27017"]
    hosts.batch = ["db1"]
    assert hosts.of_set("db1")["speaker"] == "db1"


def test_members_in_another_order_are_the_same_set(hosts):
    hosts.add("db1", members=members("db1:27017", "db2:27017"))
    hosts.add("db2", members=members("db2:27017", "db1:27017"), restart_policy="never", configuration=configured())
    assert {hosts.of_set(name)["speaker"] for name in ("db1", "db2")} == {"db1", "db2"}
    listed = [{"host": "db1:27017", "priority": 2}, {"host": "db2:27017"}]
    hosts.known["db1"]["members"], hosts.known["db2"]["members"] = listed, listed[::-1]
    assert {hosts.of_set(name)["speaker"] for name in ("db1", "db2")} == {"db1"}


def test_a_member_that_the_inventory_does_not_have_is_absent(hosts):
    hosts.add("db1", members=members("db1:27017", "elsewhere:27017"))
    decided = hosts.of_set("db1")
    assert decided["absent"] == ["elsewhere:27017"] and decided["speaker"] == "db1" and decided["refusals"] == []


def test_a_host_without_the_role_is_not_looked_at(hosts):
    hosts.add("db1", members=members("db1:27017"))
    hosts.add("other")
    hosts.notes["other"] = {"__mongodb_7_endpoint": None}
    hosts.batch = ["db1", "other", "unknown"]
    assert hosts.of_set("db1")["absent"] == []


def test_a_set_of_one_is_known_as_localhost_and_takes_its_name_when_it_grows(hosts):
    hosts.add("db1")
    assert hosts.plan("db1")["requested_members"] == [{"host": "localhost:27017"}]
    assert hosts.of_set("db1")["speaker"] == "db1"
    hosts.every(members=[{"host": "DB1:27017", "priority": 2}, {"host": "db2:27017"}], member="db1:27017")
    assert hosts.plan("db1")["requested_members"] == [
        {"host": "db2:27017"}, {"host": "DB1:27017", "priority": 2, "previous_host": "localhost:27017"},
    ]  # fmt: skip
    assert hosts.plan("db1")["others"] == ["db2:27017"]


def test_settings_are_laid_over_each_other(hosts):
    hosts.add("db1", tls_mode="requireTLS", stage=STAGES["allowTLS"], tls_clients_need_certificates="yes")
    settings = hosts.settings(
        "db1", bind_ip=["127.0.0.1", "db1"], adoption="begin",
        settings={"net": {"maxIncomingConnections": 5, "port": None}, "setParameter": {"ttlMonitorEnabled": False}},
    )  # fmt: skip
    assert settings == {
        "net": {
            "bindIp": "127.0.0.1,db1", "port": None, "maxIncomingConnections": 5,
            "tls": {
                "mode": "allowTLS", "certificateKeyFile": "/etc/mongodb/tls/server.pem",
                "CAFile": "/etc/mongodb/tls/ca.pem", "allowConnectionsWithoutCertificates": False,
            },
        },
        "processManagement": {"timeZoneInfo": "/usr/share/zoneinfo"},
        "replication": {"replSetName": "rs0"},
        "security": {"authorization": "enabled", "clusterAuthMode": "keyFile", "transitionToAuth": True},
        "setParameter": {"authenticationMechanisms": "SCRAM-SHA-256,MONGODB-X509", "ttlMonitorEnabled": False},
        "storage": {"dbPath": "/var/lib/mongodb"},
        "systemLog": {
            "destination": "file", "path": "/var/log/mongodb/mongod.log", "logAppend": True, "logRotate": "reopen",
        },
    }  # fmt: skip


def test_settings_without_tls_and_without_a_set(hosts):
    hosts.add("db1", replica_set_name="")
    settings = hosts.settings("db1")
    assert settings["security"] == {"authorization": "enabled"} and "tls" not in settings["net"]
    assert "replication" not in settings
    assert settings["setParameter"] == {"authenticationMechanisms": "SCRAM-SHA-256"}


def test_a_server_is_reached_as_it_was_found(hosts):
    known = hosts.add("db1", tls_mode="requireTLS")
    assert hosts.plan("db1")["login"]["tls"] is True
    known["tls_found"] = tls_found("db1", STAGES["disabled"])
    assert hosts.plan("db1")["reached_after_probe"] is False
    known["tls"] = "False"
    assert hosts.plan("db1")["login"] == {"tls": False, "authority": "", "certificate": ""}
    known["tls_found"] = tls_found("db1", STAGES["disabled"], running=False)
    assert hosts.plan("db1")["reached_after_probe"] is True
    known.update(tls=True, login_tls_ca="/own.pem")
    assert hosts.plan("db1")["login"] == {
        "tls": True, "authority": "/own.pem", "certificate": "/etc/mongodb/tls/server.pem",
    }  # fmt: skip
    known.update(tls_mode="disabled", login_tls=True, login_tls_certificate="/client.pem")
    assert hosts.plan("db1")["login"] == {"tls": True, "authority": "/own.pem", "certificate": ""}


def test_certificates_come_from_the_controller(hosts, tmp_path):
    hosts.add("db1", tls_mode="allowTLS", tls_directory="/site")
    paths = hosts.plan("db1", files=FILES)["controller_files"]
    assert paths == ["/site/db1.pem", "/site/ca.crt"]
    contents = {path: f"content of {path}" for path in paths}
    files = {each["path"]: each for each in hosts.plan("db1", files={**FILES, "contents": contents})["host_files"]}
    pem = files["/etc/mongodb/tls/server.pem"]
    assert pem["content"] == "content of /site/db1.pem" and pem["secret"] is True and pem["mode"] == "0400"
    assert files["/etc/mongodb/tls/ca.pem"]["content"] == "content of /site/ca.crt"
    given = tmp_path / "own.pem"
    given.write_text("given")
    hosts.every(tls_certificate=str(given), check_mode=True)
    assert hosts.plan("db1", files=FILES)["controller_files"] == [str(given)]
    hosts.every(tls_certificate="own.pem")
    assert hosts.plan("db1", files={**FILES, "authority": "ca.pem"})["controller_files"] == ["own.pem", "ca.pem"]
    hosts.every(tls_certificate="", tls_directory="", tls_mode="disabled")
    assert hosts.plan("db1", files={**FILES, "contents": {}})["host_files"] == []


def test_secrets_are_kept_by_the_names_of_their_sets(hosts, tmp_path):
    known = hosts.add("db1")
    asked = {"directory": str(tmp_path), "keyfile_name": ""}
    assert hosts.plan("db1", secrets=asked)["secrets"]["keyfile"] == f"{tmp_path}/db1.keyfile"
    known["members"] = members("db1:27017", "db2:27017")
    assert hosts.plan("db1", secrets=asked)["secrets"] == {
        "keyfile": f"{tmp_path}/rs0.keyfile", "exporter": f"{tmp_path}/rs0.exporter",
    }  # fmt: skip
    assert hosts.plan("db1", secrets={**asked, "keyfile_name": "x"})["secrets"]["keyfile"] == f"{tmp_path}/x.keyfile"
    known["check_mode"] = True
    (tmp_path / "rs0.keyfile").write_text("key")
    assert hosts.plan("db1", secrets=asked)["secrets"] == {
        "keyfile": f"{tmp_path}/rs0.keyfile", "exporter": "/dev/null",
    }  # fmt: skip


def test_the_exporter_shows_the_certificate_where_clients_need_one(hosts):
    hosts.add("db1", tls_mode="requireTLS", tls=True, tls_clients_need_certificates=True)
    asked = {"enabled": "yes", "user": "exporter", "address": "::1", "port": "9216", "limits": {"disk_ratio": 0.5}}
    exporter = hosts.plan("db1", exporter=asked)["exporter"]
    assert exporter["users"] == [{
        "name": "exporter", "mechanisms": ["SCRAM-SHA-256"],
        "roles": [{"role": "clusterMonitor", "db": "admin"}, {"role": "read", "db": "local"}],
    }]  # fmt: skip
    assert exporter["options"]["tls"] == {
        "tls": True, "tlsCAFile": "/etc/mongodb/tls/ca.pem", "tlsCertificateKeyFile": "/etc/mongodb/tls/server.pem",
    }  # fmt: skip
    assert exporter["shows_certificate"] is True and exporter["options"]["listen_port"] == 9216
    assert exporter["limits"]["disk_ratio"] == 0.5 and exporter["limits"]["cpu_ratio"] == 0.8
    hosts.every(tls=False)
    assert hosts.plan("db1", exporter={**asked, "enabled": "no"})["exporter"]["users"] == []
    assert hosts.plan("db1", exporter=asked)["exporter"]["options"]["tls"] == {}


def test_what_is_handed_over(hosts):
    answer = {"primary": "db2:27017", "server_version": "7.0.14", "feature_compatibility_version": "7.0"}
    kernel = {"not_permitted": [{"kind": "sysctl", "name": "vm.x", "found": None, "wanted": "1", "why": "no"}]}
    for name in ("db1", "db2"):
        hosts.add(name, members=members("db1:27017", "db2:27017"), replica_set=answer, kernel=kernel)
    decided = hosts.of_set("db1")
    assert decided["fills"] is True and hosts.of_set("db2")["fills"] is False
    assert decided["server"] == {
        "host": "localhost", "port": 27017, "state": "running", "contents_host": "db1:27017,db2:27017",
        "contents_replica_set": "rs0", "tls": False, "tls_ca": "", "tls_certificate": "", "version": "7.0.14",
        "feature_compatibility_version": "7.0", "replica_set": "rs0", "primary": "db2:27017",
        "not_permitted": [{"kind": "sysctl", "name": "vm.x", "found": "", "wanted": "1", "why": "no"}],
    }  # fmt: skip
    assert hosts.of_set("db2")["server"]["state"] == "elsewhere"
    hosts.every(replica_set={"primary": ""})
    assert hosts.of_set("db1")["fills"] is False
    found = {**hosts.known["db1"]["found"], "installed_version": "", "running_version": ""}
    hosts.every(check_mode=True, found=found)
    assert hosts.of_set("db1")["fills"] is True and hosts.of_set("db1")["server"]["state"] == "would_create"


def test_members_that_are_not_well_are_named(hosts):
    hosts.add("db1")
    answer = {"members": [{"host": "db1:27017", "state": "PRIMARY"}, {"host": "db2:27017", "state": "(not reachable)"}]}
    assert hosts.plan("db1", health={"answer": answer})["unwell"] == ["db2:27017 is (not reachable)"]


def test_a_sound_description_is_not_refused(hosts):
    hosts.add("db1")
    assert hosts.refusals("db1") == []
    assert hosts.refusals("db1", distribution="", codename="") == []


@pytest.mark.parametrize(
    ("described", "inputs", "says"),
    [
        ({}, {"generated": [{"problem": "it is an inventory"}, {"problem": ""}]}, "it is an inventory"),
        ({}, {"codename": "trixie", "version": "13"}, "Debian 13 is none of the platforms of this role: Ubuntu jammy"),
        ({"release": 7.0}, {}, "mongodb_7_release is 7.0. This role knows 6.0 and 7.0, in quotes"),
        ({"release": "5.0"}, {}, "mongodb_7_release is 5.0"),
        ({"tls_mode": "allowTLS", "cluster_auth_mode": "x509"}, {}, "x509 sends certificates, which needs preferTLS"),
        ({"tls_mode": "sometimes"}, {}, "sometimes is none of disabled, allowTLS"),
        ({}, {"has_password": False}, "is empty. It is the password of the administrator admin"),
        ({}, {"archive": "x.tgz", "checksum": "0" * 64}, "mongodb_7_archive needs mongodb_7_version"),
        ({"version": "7.0.14"}, {"archive": "x.tgz", "checksum": "0"}, "mongodb_7_archive needs mongodb_7_version"),
        ({}, {"bind_ip": ["192.0.2.1"]}, "mongodb_7_bind_ip is 192.0.2.1. Add 127.0.0.1"),
        (
            {"members": members("db1:27017", "db2:27017")}, {"bind_ip": ["127.0.0.1", "::1", "/run/x"]},
            "The server would listen on 127.0.0.1, ::1, /run/x only",
        ),
        (
            {"members": members("db1:27017", "db2:27017")}, {"settings": {"net": {"bindIp": "localhost, 127.0.0.2"}}},
            "Add the address of db1:27017 to mongodb_7_bind_ip",
        ),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(hosts, described, inputs, says):
    hosts.add("db1", **described)
    (refusal,) = hosts.refusals("db1", **inputs)
    assert says in refusal


def test_a_server_that_listens_on_all_addresses_is_reached(hosts):
    hosts.add("db1", members=members("db1:27017", "db2:27017"))
    assert hosts.refusals("db1", bind_ip=["127.0.0.1"], settings={"net": {"bindIpAll": True}}) == []


def test_a_server_whose_clients_a_login_would_lock_out_is_refused(hosts):
    known = hosts.add("db1", login_port=27018)
    known["found"] = {**known["found"], "authentication": False}
    (refusal,) = hosts.refusals("db1")
    assert "runs without authentication" in refusal and "the server was not touched" in refusal
    assert hosts.refusals("db1", adoption="begin") == []
    known["found"] = {**known["found"], "authentication": None}
    (refusal,) = hosts.refusals("db1")
    assert "did not answer at localhost:27018" in refusal and "the server was not touched" in refusal
    known["found"] = {**known["found"], "driver": False}
    known["check_mode"] = True
    assert hosts.refusals("db1") == []
    known["check_mode"] = False
    known["found"] = {**known["found"], "server_process": False}
    assert hosts.refusals("db1") == []
