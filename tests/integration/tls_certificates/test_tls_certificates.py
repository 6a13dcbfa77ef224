# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tls_certificates judged by others: OpenSSL's own verification, and real handshakes between two ends."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from kill_points import FILE_CHANGES, every_point

KEY_LINES = re.compile(r"PRIVATE KEY-----(.+?)-----END", re.DOTALL)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "certificates"


def arguments(folder: Path, **changes):
    server = {
        "name": "db1",
        "dns_names": ["db1", "localhost"],
        "ip_addresses": ["127.0.0.1"],
        "usage": ["server", "client"],
        "organization": "groundwork",
        "organizational_unit": "rs0",
    }
    client = {"name": "app", "common_name": "credforge_user", "usage": ["client"], "key_type": "rsa"}
    return {"directory": str(folder), "certificates": [{**server, **changes}, client]}


def contents(folder: Path):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def handshake(server: tuple[Path, Path], server_ca: Path, client: tuple[Path, Path] | None, client_ca: Path, name: str):
    """Both ends verify each other; returns the client's common name as the server saw it."""
    listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listening.load_cert_chain(*server)
    listening.load_verify_locations(client_ca)
    listening.verify_mode = ssl.CERT_REQUIRED
    calling = ssl.create_default_context(cafile=str(server_ca))
    if client is not None:
        calling.load_cert_chain(*client)
    seen: list[str] = []

    def answer(connection: socket.socket) -> None:
        try:
            with listening.wrap_socket(connection, server_side=True) as end:
                seen.extend(value for rdn in end.getpeercert()["subject"] for key, value in rdn if key == "commonName")
                end.sendall(b"welcome")
        except OSError:
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        caller = socket.create_connection(listener.getsockname(), timeout=10)
        thread = threading.Thread(target=answer, args=(listener.accept()[0],))
        thread.start()
        try:
            with calling.wrap_socket(caller, server_hostname=name) as end:
                assert end.recv(10) == b"welcome"
        finally:
            caller.close()
            thread.join(timeout=10)
    return seen[0]


def pair(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.crt", folder / f"{name}.key"


def test_first_second_and_checked_run(run_module, folder):
    predicted = run_module("tls_certificates", arguments(folder), check=True, diff=True)
    assert not folder.exists()
    first = run_module("tls_certificates", arguments(folder), diff=True)
    assert first["changed"] and first["actions"] == predicted["actions"] and first["diff"] == predicted["diff"]
    assert first["certificates"]["db1"]["fingerprint"] and predicted["certificates"]["db1"]["fingerprint"] is None
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {
        "certificates": 0o700, "ca.crt": 0o644, "ca.key": 0o600, "db1.crt": 0o644, "db1.key": 0o600, "db1.pem": 0o600,
        "app.crt": 0o644, "app.key": 0o600, "app.pem": 0o600,
    }  # fmt: skip
    before = contents(folder)
    assert before["db1.pem"] == before["db1.key"] + before["db1.crt"]
    for again in (
        run_module("tls_certificates", arguments(folder)),
        run_module("tls_certificates", arguments(folder), check=True),
    ):
        assert (
            again["changed"] is False and again["certificates"] == first["certificates"] and again["ca"] == first["ca"]
        )
    assert contents(folder) == before
    for key in [folder / "ca.key", folder / "db1.key", folder / "app.key"]:
        secret = KEY_LINES.search(key.read_text())[1].strip().splitlines()[0]
        assert secret not in first.output


def test_both_ends_of_a_connection_accept_each_other_and_nobody_else(run_module, folder, tmp_path):
    run_module("tls_certificates", arguments(folder))
    other = tmp_path / "other"
    run_module("tls_certificates", arguments(other))
    ca, server, client = folder / "ca.crt", pair(folder, "db1"), pair(folder, "app")
    for name in ("db1", "localhost", "127.0.0.1"):
        assert handshake(server, ca, client, ca, name) == "credforge_user"
    # MongoDB's members use one file for both, and one certificate for both ends.
    both = (folder / "db1.pem", folder / "db1.pem")
    assert handshake(both, ca, both, ca, "db1") == "db1"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server, ca, client, ca, "db2")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, other / "ca.crt", client, ca, "db1")
    with pytest.raises(ssl.SSLError):
        handshake(server, ca, pair(other, "app"), ca, "db1")
    with pytest.raises(ssl.SSLError):
        handshake(server, ca, None, ca, "db1")
    # The client's certificate does not serve as a server's, nor one without client's usage as a client's.
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client, ca, client, ca, "db1")


def test_openssl_accepts_them(run_module, folder):
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command; the handshakes are tested with Python's own")
    result = run_module("tls_certificates", arguments(folder))

    def openssl(*command: str) -> str:
        done = subprocess.run(["openssl", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    verify = ("verify", "-x509_strict", "-CAfile", str(folder / "ca.crt"))
    openssl(
        *verify, "-purpose", "sslserver", "-verify_hostname", "db1", "-verify_ip", "127.0.0.1", str(folder / "db1.crt")
    )
    openssl(*verify, "-purpose", "sslclient", str(folder / "app.crt"))
    printed = openssl("x509", "-noout", "-fingerprint", "-sha256", "-in", str(folder / "db1.crt"))
    assert printed.strip().endswith(result["certificates"]["db1"]["fingerprint"])
    for name in ("ca", "db1", "app"):
        openssl("pkey", "-noout", "-check", "-in", str(folder / f"{name}.key"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dns_names": ["db1", "db1.example.net"]}, "its host names changed"),
        ({"usage": ["server"]}, "its usage changed"),
        ({"organizational_unit": "rs1"}, "its subject changed"),
        ({"key_type": "rsa"}, "its kind of key changed"),
        ({"valid_days": 366, "renew_before_days": 365}, "it ends"),
    ],
)
def test_what_changed_is_renewed_and_the_rest_stays(run_module, folder, change, reason):
    run_module("tls_certificates", arguments(folder))
    before = contents(folder)
    predicted = run_module("tls_certificates", arguments(folder, **change), check=True)
    assert contents(folder) == before
    result = run_module("tls_certificates", arguments(folder, **change))
    assert [(step["name"], step["action"]) for step in result["actions"]] == [("db1", "renew")]
    assert reason in result["actions"][0]["statement"] and result["actions"] == predicted["actions"]
    after = contents(folder)
    assert {name for name in after if after[name] != before[name]} == {"db1.crt", "db1.key", "db1.pem"}
    assert run_module("tls_certificates", arguments(folder, **change))["changed"] is False


@pytest.mark.parametrize(
    ("damage", "action"),
    [
        (lambda folder: (folder / "db1.key").unlink(), "complete"),
        (lambda folder: (folder / "db1.pem").unlink(), "complete"),
        (lambda folder: (folder / "db1.crt").write_text("junk"), "complete"),
        (lambda folder: (folder / "db1.pem").write_text("junk"), "complete"),
        (lambda folder: (folder / "db1.key").chmod(0o644), "complete"),
        (lambda folder: (folder / "db1.key").write_bytes((folder / "app.key").read_bytes()), "complete"),
        (lambda folder: [(folder / name).write_text("") for name in ("db1.pem", "db1.key")], "renew"),
        (lambda folder: [(folder / name).write_text("junk") for name in ("db1.pem", "db1.crt")], "renew"),
        (lambda folder: [path.unlink() for path in folder.glob("db1.*")], "create"),
        (lambda folder: (folder / "ca.key").chmod(0o640), "complete"),
        (lambda folder: folder.chmod(0o755), "close"),
    ],
)
def test_damage_is_put_right(run_module, folder, damage, action):
    run_module("tls_certificates", arguments(folder))
    before = contents(folder)
    damage(folder)
    predicted = run_module("tls_certificates", arguments(folder), check=True)
    result = run_module("tls_certificates", arguments(folder))
    assert [step["action"] for step in result["actions"]] == [action], result
    assert predicted["actions"] == result["actions"]
    if action in ("complete", "close"):
        assert contents(folder) == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert run_module("tls_certificates", arguments(folder))["changed"] is False
    assert handshake(pair(folder, "db1"), folder / "ca.crt", pair(folder, "app"), folder / "ca.crt", "db1")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "ca.crt").write_text("junk"), "ca.crt: it holds no whole certificate"),
        (lambda folder: (folder / "ca.key").write_text("junk"), "ca.key: it is not a private key"),
        (
            lambda folder: (folder / "ca.key").write_bytes((folder / "db1.key").read_bytes()),
            "not that of its certificate",
        ),
        (
            lambda folder: (folder / "ca.key").unlink(),
            "db2 has to be signed (there is none), and the authority's key is missing",
        ),
    ],
)
def test_a_damaged_authority_is_never_replaced(run_module, folder, damage, words):
    wanted = arguments(folder)
    run_module("tls_certificates", wanted)
    damage(folder)
    before = contents(folder)
    wanted["certificates"].append({"name": "db2", "dns_names": ["db2"]})
    for check in (True, False):
        result = run_module("tls_certificates", wanted, check=check)
        assert result["failed"] and words in result["msg"], result
        assert "untouched: every certificate and key" in result["msg"]
    assert contents(folder) == before


def test_without_the_authoritys_key_what_is_there_still_serves(run_module, folder):
    run_module("tls_certificates", arguments(folder))
    (folder / "ca.key").unlink()
    assert run_module("tls_certificates", arguments(folder))["changed"] is False


def test_an_authority_that_ends_soon_is_renewed_and_what_it_signed_stays_valid(run_module, folder):
    wanted = arguments(folder)
    run_module("tls_certificates", {**wanted, "ca": {"valid_days": 400, "renew_before_days": 30}})
    before = contents(folder)
    result = run_module("tls_certificates", {**wanted, "ca": {"valid_days": 4000, "renew_before_days": 401}})
    assert [(step["name"], step["action"]) for step in result["actions"]] == [("ca", "renew")]
    after = contents(folder)
    assert {name for name in after if after[name] != before[name]} == {"ca.crt"}
    assert handshake(pair(folder, "db1"), folder / "ca.crt", pair(folder, "app"), folder / "ca.crt", "db1")


def test_a_lost_certificate_of_the_authority_is_made_from_its_key(run_module, folder):
    run_module("tls_certificates", arguments(folder))
    key = (folder / "ca.key").read_bytes()
    (folder / "ca.crt").unlink()
    result = run_module("tls_certificates", arguments(folder))
    assert [step["action"] for step in result["actions"]] == ["create", "renew", "renew"]
    assert (folder / "ca.key").read_bytes() == key
    assert run_module("tls_certificates", arguments(folder))["changed"] is False


@pytest.fixture
def own_authority(run_module, tmp_path):
    """An authority that was made elsewhere, by OpenSSL, with a passphrase."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make another authority with")
    certificate, key = tmp_path / "own.crt", tmp_path / "own.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "30", "-subj", "/O=Example/CN=Example Root",
            "-addext", "basicConstraints=critical,CA:TRUE", "-passout", "pass:canary-phrase",
            "-keyout", str(key), "-out", str(certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return {"ca_cert": str(certificate), "ca_key": str(key), "ca_key_passphrase": "canary-phrase"}


def test_a_given_authority_signs(run_module, folder, own_authority):
    wanted = {**arguments(folder), **own_authority}
    result = run_module("tls_certificates", wanted)
    assert not result.get("failed"), result
    assert (folder / "ca.crt").read_bytes() == Path(own_authority["ca_cert"]).read_bytes()
    assert not (folder / "ca.key").exists() and "canary-phrase" not in result.output
    assert handshake(pair(folder, "db1"), folder / "ca.crt", pair(folder, "app"), folder / "ca.crt", "db1")
    # It ends with the authority, long before renew_before_days would have it renewed at every run.
    assert result["certificates"]["db1"]["not_after"] == result["ca"]["not_after"]
    renewing = {**arguments(folder, renew_before_days=200), **own_authority}
    assert run_module("tls_certificates", renewing)["changed"] is False
    wrong = run_module(
        "tls_certificates", {**wanted, **arguments(folder, dns_names=["x"]), "ca_key_passphrase": "wrong"}
    )
    assert wrong["failed"] and "its passphrase is another one" in wrong["msg"]
    without_key = {name: value for name, value in wanted.items() if not name.startswith("ca_key")}
    assert run_module("tls_certificates", without_key)["changed"] is False


def test_another_authority_signs_everything_again(run_module, folder, own_authority):
    run_module("tls_certificates", arguments(folder))
    result = run_module("tls_certificates", {**arguments(folder), **own_authority})
    assert {(step["name"], step["action"]) for step in result["actions"]} == {
        ("ca", "complete"), ("db1", "renew"), ("app", "renew"),
    }  # fmt: skip
    assert {step["statement"] for step in result["actions"] if step["name"] != "ca"} == {"another authority signed it"}


def test_a_folder_that_cannot_be_made_is_told(run_module, tmp_path):
    (tmp_path / "file").write_text("x")
    result = run_module("tls_certificates", arguments(tmp_path / "file" / "certificates"))
    assert result["failed"] and "cannot be made: Not a directory" in result["msg"]


def test_a_killed_run_is_finished_by_the_next(start_module, run_module, folder):
    # Every run finds certificates to renew, as the limit rises with the number of the run.
    def start(kill_point):
        limit = 299 + kill_point.number
        options = arguments(folder, valid_days=limit + 1, renew_before_days=limit)
        return start_module("tls_certificates", options, kill_point=kill_point)

    for _point in every_point(FILE_CHANGES, start, at_least=6):
        for path in folder.glob("*.pem"):
            text = path.read_text()
            assert text.count("-----END") == 2, f"{path.name} is half a file"
    final = run_module("tls_certificates", arguments(folder))
    assert not final.get("failed"), final
    assert run_module("tls_certificates", arguments(folder))["changed"] is False
    assert handshake(pair(folder, "db1"), folder / "ca.crt", pair(folder, "app"), folder / "ca.crt", "db1")
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_two_runs_at_once_agree(start_module, folder):
    runs = [start_module("tls_certificates", arguments(folder)) for _run in range(3)]
    assert all('"failed"' not in run.communicate(timeout=60)[0] for run in runs)
    assert handshake(pair(folder, "db1"), folder / "ca.crt", pair(folder, "app"), folder / "ca.crt", "db1")
