"""What the role writes for its clusters: units, password files, certificates and keys."""

from __future__ import annotations

import pytest

UNIT = "/etc/systemd/system/postgresql@16-a.service.d/10-groundwork.conf"
PEM = "/etc/postgresql/16/a/tls/server.pem"
CA = "/etc/postgresql/16/a/tls/ca.pem"


def test_a_unit_may_write_where_the_cluster_is_only(host):
    files = host({"name": "a", "data_directory": "/home/x/data", "wal_directory": "/srv/wal"}).files(
        writable_paths=["/srv/y"], overrides={"Nice": -5, "CPUWeight": 200}
    )
    lines = files[UNIT]["content"].splitlines()
    assert "RequiresMountsFor=/home/x/data /srv/wal" in lines
    assert "ReadWritePaths=/home/x/data /srv/wal /var/log/postgresql /run/postgresql" in lines
    assert "ReadWritePaths=-/srv/y" in lines and "ProtectHome=false" in lines
    assert lines[-2:] == ["CPUWeight=200", "Nice=-5"]


def test_a_unit_without_hardening(host):
    content = host({"name": "a"}).files(hardening="no")[UNIT]["content"]
    assert "Protect" not in content and "LimitNOFILE=65536" in content
    assert "ProtectSystem=full\nProtectHome=true" in host({"name": "a"}).files()[UNIT]["content"]


def test_a_given_certificate_as_text(host):
    files = host({"name": "a", "tls": {"mode": "given", "certificate": "C", "key": "K"}}).files()
    assert files[PEM]["content"] == "K\nC\n" and files[PEM]["secret"] is True and files[PEM]["mode"] == "0600"
    assert CA not in files


def test_a_given_certificate_in_files(host, tmp_path):
    key = tmp_path / "a.key"
    key.write_text("K")
    tls = {"mode": "given", "certificate_file": "certs/a.crt", "key_file": str(key), "ca_file": "/x/ca.crt"}
    files = host({"name": "a", "tls": tls}).files()
    assert files[PEM]["content"] == f"content of {key}\ncontent of certs/a.crt\n"
    assert files[CA]["content"] == "content of /x/ca.crt\n"


def test_a_generated_certificate(host):
    one = host({"name": "a", "tls": {"mode": "generated"}})
    there = {"certificate": "/c/a.crt", "key": "/c/a.key", "ca": "/c/ca.crt"}
    files = one.files(certificates={"db1-a": there})
    assert files[PEM]["content"] == "content of /c/a.key\ncontent of /c/a.crt\n"
    assert files[CA]["content"] == "content of /c/ca.crt\n"


def test_a_check_before_the_first_run_knows_that_files_will_come_and_not_what_is_in_them(host):
    one = host({"name": "a", "tls": {"mode": "generated"}}, check_mode=True)
    there = {"certificate": "/not/there.crt", "key": "/not/there.key", "ca": "/not/ca.crt"}
    files = one.files(certificates={"db1-a": there})
    assert files[PEM]["content"] == "to be generated" and files[PEM]["secret"] is True
    assert CA not in files and "validate" not in files[PEM]


def test_a_check_reads_a_relative_file_where_the_play_finds_it(host):
    tls = {"mode": "given", "certificate_file": "a.crt", "key_file": "a.key"}
    assert host({"name": "a", "tls": tls}, check_mode=True).files()[PEM]["content"].startswith("content of a.key")


@pytest.mark.parametrize("tls", [{"certificate": "C"}, {"key_file": "k"}, {}])
def test_a_certificate_without_its_key_is_refused(host, tls):
    (refusal,) = host({"name": "a", "tls": {"mode": "given", **tls}}, {"name": "b"}).refusals()
    assert refusal.startswith("Cluster a: tls.mode given asks for a certificate") and "Nothing was touched" in refusal


def test_names_and_addresses_stand_where_clients_look_for_them(host):
    tls = {"mode": "generated", "names": ["db.example.com", "10.0.0.1", "fd00::1", "[fd00::2]", "db1", "1.example"]}
    (certificate,) = host({"name": "a", "tls": tls}).plan(certificates={"address": "192.0.2.1"})["certificates"]
    assert certificate == {
        "name": "db1-a", "common_name": "db1", "dns_names": ["db1", "db.example.com", "1.example"],
        "ip_addresses": ["192.0.2.1", "10.0.0.1", "fd00::1", "fd00::2"],
    }  # fmt: skip


def test_the_password_of_replication_is_in_its_file_and_in_no_list_that_is_looped_over(trio):
    host = trio.host("pg2")
    (path,) = (path for path in host.files() if path.endswith("replication.pgpass"))
    entry = host.files()[path]
    assert entry["content"] == "*:*:*:replicator:a secret\n" and entry["mode"] == "0600" and entry["secret"] is True
    assert "a secret" not in repr(host.plan(members=trio.inputs(host)))


class Sealed(dict):
    """A description whose secrets must not be read, as each reading opens a vault."""

    def __getitem__(self, name):
        return self.get(name)

    def get(self, name, default=None):
        assert name not in ("password", "key", "certificate"), f"{name} was read"
        return super().get(name, default)


def test_secrets_are_read_for_the_file_that_they_go_to_only(members_of):
    pair = members_of("pg1", "pg2", tls={"mode": "given", "certificate": "C", "key": "K"})
    host = pair.host("pg2")
    (cluster,) = host.known["clusters"]
    sealed = {**cluster, "tls": Sealed(cluster["tls"]), "replication": Sealed(cluster["replication"])}
    host.known["clusters"] = [sealed]
    assert host.plan(members=pair.inputs(host))["units"] and host.configuration()
    with pytest.raises(AssertionError, match="was read"):
        host.files()
