# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest driver that is supported, and the ways to connect: parts, connection string, TLS, X.509, least
privilege.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pymongo
import pytest
from fresh_python import run_in_fresh_python
from mongo_subject import Subject, verbs
from servers import CACHE, Mongod

OLD_DRIVER = "pymongo==3.11.4"
WANTED = [
    {
        "name": "subject",
        "validator": {"at": {"$gt": {"$date": "2024-01-01T00:00:00Z"}}},
        "indexes": [
            {"keys": {"a": 1}, "unique": True, "collation": {"locale": "en", "strength": 2}},
            {"keys": {"t": "text"}},
            {"keys": {"at": 1}, "partial_filter_expression": {"at": {"$gt": {"$date": "2024-01-01T00:00:00Z"}}}},
        ],
    },
    {"name": "window", "view_on": "subject", "pipeline": [{"$match": {"a": 1}}]},
]


@pytest.fixture(scope="session")
def old_driver() -> Path:
    """A folder with the pymongo that Ubuntu 22.04 ships, outside the environment of the tests."""
    folder = CACHE / "pymongo-3.11.4"
    if not (folder / "pymongo").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), OLD_DRIVER]
        subprocess.run(command, check=True)
    return folder


def run_with(driver: Path, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    return run_in_fresh_python("mongo_collections", arguments, before=driver)


def test_the_old_driver_does_all_that_the_new_one_does(subject: Subject, old_driver: Path) -> None:
    version = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import pymongo; print(pymongo.version)"],
        env={**os.environ, "PYTHONPATH": str(old_driver)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout.strip() == "3.11.4" and pymongo.version_tuple >= (4, 0)
    arguments = {**subject.server.login, "database": subject.name, "collections": WANTED}
    planned = run_with(old_driver, {**arguments, "_ansible_check_mode": True})
    made = run_with(old_driver, arguments)
    assert not made.get("failed"), made
    assert [item["statement"] for item in made["actions"]] == [item["statement"] for item in planned["actions"]]
    # Each driver recognises what the other one made.
    assert verbs(subject.declare(*WANTED)) == []
    changed = [{**WANTED[0], "indexes": [*WANTED[0]["indexes"][:2], {"keys": {"at": 1}, "expire_after_seconds": 60}]}]
    assert [item["action"] for item in run_with(old_driver, {**arguments, "collections": changed})["actions"]] == [
        "create",
        "drop",
    ]
    assert run_with(old_driver, {**arguments, "collections": changed})["changed"] is False
    refused = run_with(old_driver, {**arguments, "login_password": "wrong-canary"})
    assert refused["failed"] and "refuses the login" in refused["msg"] and "wrong-canary" not in refused["msg"]


def test_a_connection_string_does_what_the_parts_do(subject: Subject) -> None:
    server = subject.server
    uri = f"mongodb://{server.superuser}:{server.password}@{server.host}:{server.port}/?directConnection=true"
    assert subject.declare(*WANTED)["changed"]
    parts = {"login_host": "ignored.invalid", "login_port": 1, "login_user": None, "login_password": None}
    assert verbs(subject.declare(*WANTED, login_uri=uri, **parts)) == []
    by_option = subject.declare(*WANTED, auth_mechanism="SCRAM-SHA-256", connection_options={"retryWrites": False})
    assert verbs(by_option) == []


def test_a_user_who_may_write_but_not_look_at_operations_is_enough(subject: Subject) -> None:
    with subject.server.client() as client:
        roles = [{"role": "readWrite", "db": subject.name}, {"role": "dbAdmin", "db": subject.name}]
        client.admin.command("createUser", "keeper", pwd="keeper-password", roles=roles)
        try:
            login = {"login_user": "keeper", "login_password": "keeper-password"}
            assert subject.declare(*WANTED, **login)["changed"]
            assert verbs(subject.declare(*WANTED, **login)) == []
        finally:
            client.admin.command("dropUser", "keeper")


def test_a_user_who_may_do_nothing_is_told_so(subject: Subject) -> None:
    with subject.server.client() as client:
        client.admin.command("createUser", "nobody", pwd="nobody-password", roles=[])
        try:
            result = subject.declare(*WANTED, login_user="nobody", login_password="nobody-password")
        finally:
            client.admin.command("dropUser", "nobody")
    assert result["failed"] and "not authorized" in result["msg"] and "nobody-password" not in result.output


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of the tests' own, a server's and a client's certificate."""
    folder = tmp_path_factory.mktemp("certificates")
    folder.chmod(0o755)

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    authority = ("-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=tests")
    openssl("req", *authority, "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name, subject in (("server", "/O=groundwork/CN=127.0.0.1"), ("client", "/O=people/CN=deployer")):
        openssl(
            "req", "-nodes", "-newkey", "rsa:2048", "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr"
        )
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.crt")
        (folder / f"{name}.pem").write_text((folder / f"{name}.crt").read_text() + (folder / f"{name}.key").read_text())
    return folder


@pytest.fixture(scope="module")
def tls_server(certificates: Path) -> t.Iterator[Mongod]:
    server = Mongod()
    folder = server.server.layout.servers / "tls"
    shutil.copytree(certificates, folder)
    for path in (folder, *folder.iterdir()):
        server.account.own(path)
    server.start()
    with server.client() as client:
        external = client["$external"]
        external.command("createUser", "CN=deployer,O=people", roles=[{"role": "root", "db": "admin"}])
    server.stop()
    net = {
        "bindIp": "127.0.0.1",
        "port": server.port,
        "tls": {"mode": "requireTLS", "certificateKeyFile": f"{folder}/server.pem", "CAFile": f"{folder}/ca.pem"},
    }
    server.server.config_file.write_text(server.server.render_config(server.port, {"net": net}))
    server.account.own(server.server.config_file)
    server.server.start()
    yield server
    server.stop()
    shutil.rmtree(server.server.layout.servers)


def test_tls_with_a_password_or_with_a_certificate(
    tls_server: Mongod, certificates: Path, old_driver: Path, run_module: t.Callable[..., t.Any]
) -> None:
    place = {"login_host": tls_server.host, "login_port": tls_server.port, "connect_timeout": 3}
    wanted = {"database": "secured", "collections": WANTED}
    tls = {"ssl": True, "ssl_ca_certs": f"{certificates}/ca.pem", "ssl_certfile": f"{certificates}/client.pem"}
    password = {"login_user": tls_server.superuser, "login_password": tls_server.password}
    first = run_module("mongo_collections", {**place, **wanted, **tls, **password})
    assert first["changed"] and not first.get("failed"), first
    by_certificate = {**place, **wanted, **tls, "auth_mechanism": "MONGODB-X509"}
    assert verbs(run_module("mongo_collections", by_certificate)) == []
    assert run_with(old_driver, by_certificate)["changed"] is False
    stranger = run_module("mongo_collections", {**place, **wanted, **password, "ssl": True})
    assert stranger["failed"] and "certificate verify failed" in stranger["msg"]
    plain = run_module("mongo_collections", {**place, **wanted, **password})
    assert plain["failed"] and "No server that takes writes was found" in plain["msg"]
