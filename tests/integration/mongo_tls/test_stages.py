# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running set from plaintext to TLS and certificates among members, with a writer; and renewed certificates."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pymongo
import pymongo.errors
import pytest
from replica_set_subject import DEFAULT_GREETINGS, QUICK_GREETINGS, Run, Writer, arguments, verbs, wait_until
from servers import Member, ReplicaSet

ORGANIZATION = "groundwork tests"


class Secured(ReplicaSet):
    """Three members whose certificates lie ready, and that start without TLS."""

    def prepare(self, folder: Path, run_module: Run) -> None:
        self.folder = folder
        self.make_certificates(run_module)
        self.authority = folder / "ca.crt"
        self.install()

    def make_certificates(self, run_module: Run, **changes: t.Any) -> None:
        subject = {"organization": ORGANIZATION, "organizational_unit": "members", "usage": ["server", "client"]}
        names = {"dns_names": ["localhost"], "ip_addresses": ["127.0.0.1"]}
        people = {"name": "person", "organization": "people", "usage": ["client"]}
        certificates = [{"name": "server", **subject, **names, **changes}, people]
        made = run_module("tls_certificates", {"directory": str(self.folder), "certificates": certificates})
        assert not made.get("failed"), made["msg"]

    def install(self) -> None:
        for member in self.members:
            for source, name in (("ca.crt", "ca.pem"), ("server.pem", "server.pem")):
                target = member.server.layout.servers / name
                shutil.copy(self.folder / source, target)
                target.chmod(0o400)
                member.account.own(target)

    def configure_stage(self, member: Member, mode: str, cluster: str) -> None:
        home = member.server.layout.servers
        tls = {"mode": mode, "certificateKeyFile": f"{home}/server.pem", "CAFile": f"{home}/ca.pem"}
        member.configure(
            {
                "net": {"bindIp": "127.0.0.1", "port": member.port, "tls": tls},
                "replication": {"replSetName": self.name},
                "security": {
                    "authorization": "enabled",
                    "keyFile": str(member.key_file),
                    "clusterAuthMode": cluster,
                },
                "setParameter": {"authenticationMechanisms": "SCRAM-SHA-256,MONGODB-X509"},
            }
        )

    def tls_login(self, member: Member) -> dict[str, t.Any]:
        home = member.server.layout.servers
        return {
            **member.login,
            "ssl": True,
            "ssl_ca_certs": str(self.authority),
            "ssl_certfile": str(self.folder / "server.pem"),
            "certificate_key_file": str(home / "server.pem"),
        }

    def client(self, **options: t.Any) -> t.Any:
        certificates = {"tlsCAFile": str(self.authority), "tlsCertificateKeyFile": str(self.folder / "person.pem")}
        return super().client(**({"tls": True, **certificates} if options.pop("tls", self.tls) else {}), **options)

    tls = False


@pytest.fixture(scope="module")
def secured_members() -> t.Iterator[Secured]:
    one = Secured(3)
    yield one
    one.remove()


@pytest.fixture
def secured(secured_members: Secured, tmp_path: Path, run_module: Run) -> Secured:
    secured_members.prepare(tmp_path / "certificates", run_module)
    for greetings in (QUICK_GREETINGS, DEFAULT_GREETINGS):
        options = arguments(secured_members, secured_members.members[0], settings=greetings)
        made = run_module("mongo_replica_set", options)
        assert not made.get("failed"), made["msg"]
    return secured_members


def without_module_options(login: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in login.items() if name != "certificate_key_file"}


def can_connect(one: Secured, member: Member, **options: t.Any) -> bool:
    with member.client(**{"connectTimeoutMS": 3000, **options}) as client:
        try:
            client.admin.command("ping")
        except pymongo.errors.PyMongoError:
            return False
    return True


def refuses_to_run_ahead(one: Secured, run_module: Run) -> None:
    """All members accept TLS and send none yet: one that demands it could not be reached by the others."""
    first, *others = one.members
    ahead = {"mode": "requireTLS", "cluster_auth_mode": "x509"}
    for check in (True, False):
        refused = run_module("mongo_tls", {**one.tls_login(first), **ahead}, check=check)
        assert refused["failed"] and refused["error_code"] == "MEMBERS_APART", refused
        for other in others:
            assert f"{other.address} is at allowTLS, sendKeyFile" in refused["msg"]
    seen = run_module("mongo_tls", one.tls_login(first))
    assert (seen["mode"], seen["cluster_auth_mode"]) == ("allowTLS", "sendKeyFile")


def test_from_plaintext_to_tls_and_certificates_with_a_writer(secured: Secured, run_module: Run) -> None:
    member = secured.members[0]
    seen = run_module("mongo_tls", secured.tls_login(member))
    assert not seen.get("failed"), seen["msg"]
    assert (seen["mode"], seen["cluster_auth_mode"], seen["tls"]) == ("disabled", "keyFile", False)
    direct = run_module("mongo_tls", {**secured.tls_login(member), "mode": "requireTLS"})
    assert direct["restart_needed"] and not direct["changed"]
    with Writer(secured) as writer:
        for one in secured.members:
            secured.configure_stage(one, "allowTLS", "sendKeyFile")
            gone = run_module("mongo_member", {**one.login, "ready_for": "stop", "step_down": True})
            assert not gone.get("failed"), gone["msg"]
            one.stop()
            one.start()
            back = run_module("mongo_member", {**one.login, "ready_for": "work"})
            assert not back.get("failed"), back["msg"]
        refuses_to_run_ahead(secured, run_module)
        for one in secured.members:
            options = {**secured.tls_login(one), "mode": "preferTLS", "cluster_auth_mode": "sendX509"}
            promised = run_module("mongo_tls", options, check=True, diff=True)
            made = run_module("mongo_tls", options, diff=True)
            assert verbs(made) == ["alter", "alter"] and made["diff"] == promised["diff"]
            assert not run_module("mongo_tls", options)["changed"]
    lost = writer.lost()
    print(f"{len(writer.acknowledged)} acknowledged, {len(lost)} lost, longest gap {writer.longest_gap:.2f} s")
    assert writer.acknowledged and not lost
    assert can_connect(secured, member)
    secured.tls = True
    with Writer(secured) as writer:
        for one in secured.members:
            options = {**secured.tls_login(one), "mode": "requireTLS", "cluster_auth_mode": "x509"}
            assert verbs(run_module("mongo_tls", options)) == ["alter", "alter"]
        writer.wait_for_writes()
    assert writer.acknowledged and not writer.lost()
    assert not can_connect(secured, member)
    for one in secured.members:
        secured.configure_stage(one, "requireTLS", "x509")
    last = secured.members[-1]
    login = without_module_options(secured.tls_login(last))
    assert not run_module("mongo_member", {**login, "ready_for": "stop", "step_down": True}).get("failed")
    last.stop()
    last.start()
    back = run_module("mongo_member", {**login, "ready_for": "work"})
    assert not back.get("failed") and {state["state"] for state in back["members"]} == {"PRIMARY", "SECONDARY"}
    again = run_module(
        "mongo_replica_set", {**arguments(secured, last), **without_module_options(secured.tls_login(last))}
    )
    assert not again.get("failed") and not again["changed"] and again["authorization"] is True

    # A renewed certificate is shown without a restart, on open connections nothing happens.
    pid = last.server.pid()
    with secured.client() as open_session:
        open_session.admin.command("ping")
        assert not run_module("mongo_tls", secured.tls_login(last))["changed"]
        secured.make_certificates(run_module, common_name="renewed")
        secured.install()
        renewed = run_module("mongo_tls", secured.tls_login(last))
        assert verbs(renewed) == ["rotate"], renewed
        assert not run_module("mongo_tls", secured.tls_login(last))["changed"]
        open_session.admin.command("ping")
    assert last.server.pid() == pid

    # Wrong authority, no TLS at all, and a client with a certificate of its own.
    down = run_module("mongo_tls", {**secured.tls_login(last), "mode": "preferTLS"}, check=True)
    assert down["restart_needed"]
    with secured.client() as client:
        roles = [{"role": "readWrite", "db": "shop"}]
        client["$external"].command("createUser", "CN=person,O=people", roles=roles)

    def who() -> list[dict[str, str]]:
        # A client that was refused once asks again only after ten seconds.
        with pymongo.MongoClient(
            last.host,
            last.port,
            directConnection=True,
            tls=True,
            tlsCAFile=str(secured.authority),
            tlsCertificateKeyFile=str(secured.folder / "person.pem"),
            authMechanism="MONGODB-X509",
            serverSelectionTimeoutMS=3000,
        ) as x509:
            return list(x509.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"])

    wait_until(lambda: bool(who()), "the new user has reached this member")
    status = who()
    assert status == [{"user": "CN=person,O=people", "db": "$external"}]
    other = secured.folder.parent / "other"
    stranger = {"directory": str(other), "certificates": [{"name": "stranger", "usage": ["client"]}]}
    assert not run_module("tls_certificates", stranger).get("failed")
    wrong = {"tls": True, "tlsCAFile": str(other / "ca.crt")}
    assert not can_connect(secured, last, **wrong)
    files = {"tlsCAFile": str(secured.authority), "tlsCertificateKeyFile": str(other / "stranger.pem")}
    assert not can_connect(secured, last, tls=True, **files)
