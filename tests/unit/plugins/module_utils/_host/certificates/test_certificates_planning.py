# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates are made, renewed or only put right, and why; and which authorities are refused."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._host.certificates.declared import (
    KeyKind,
    Subject,
    read,
)
from ansible_collections.groundwork.databases.plugins.module_utils._host.certificates.plan import (
    Facts,
    Stored,
    plan_authority,
    plan_leaf,
    require_authority_key,
)

NOW = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
DAYS = {"key_type": "ec", "rsa_bits": 2048, "valid_days": 365, "renew_before_days": 30}
AUTHORITY_END = NOW + datetime.timedelta(days=3650)
NOTHING = Stored(None, False, False, False)


CA = {"common_name": "CA", **DAYS, "valid_days": 3650, "renew_before_days": 365}


def read_leaves(entries):
    return read({"ca": CA, "ca_cert": None, "ca_key": None, "certificates": entries})[1]


def leaf(**changes):
    entry = {"name": "db1", "dns_names": ["db1"], "usage": ["server"], **DAYS, **changes}
    return read_leaves([entry])[0]


def facts(days=300, **changes):
    return dataclasses.replace(
        Facts(
            subject=Subject("db1"),
            dns_names=frozenset({"db1"}),
            ip_addresses=frozenset(),
            usage=frozenset({"server"}),
            is_authority=False,
            key=KeyKind("ec"),
            not_after=NOW + datetime.timedelta(days=days),
            fingerprint="AA",
            signed_by_authority=True,
        ),
        **changes,
    )


def stored(certificate=None, **changes):
    return dataclasses.replace(Stored(certificate or facts(), True, True, True), **changes)


@pytest.mark.parametrize(
    ("wanted", "found", "end", "verb", "reason"),
    [
        (leaf(), stored(), AUTHORITY_END, None, None),
        (leaf(dns_names=["DB1"]), stored(), AUTHORITY_END, None, None),
        (leaf(), NOTHING, AUTHORITY_END, "create", "there is none"),
        (leaf(), dataclasses.replace(NOTHING, problem="its key"), AUTHORITY_END, "renew", "its key"),
        (leaf(), stored(facts(31)), AUTHORITY_END, None, None),
        (leaf(), stored(facts(30)), AUTHORITY_END, "renew", "it ends 2026-12-21"),
        (leaf(), stored(facts(-3)), AUTHORITY_END, "renew", "it ends"),
        (leaf(), stored(facts(30)), NOW + datetime.timedelta(days=30), None, None),
        (leaf(), stored(), None, "renew", "another authority signed it"),
        (leaf(), stored(facts(signed_by_authority=False)), AUTHORITY_END, "renew", "another authority signed it"),
        (leaf(), stored(key_matches=False), AUTHORITY_END, "renew", "its key is another one"),
        (leaf(), stored(key_matches=False, key_found=False), AUTHORITY_END, "renew", "its key is missing"),
        (leaf(dns_names=["db1", "db"]), stored(), AUTHORITY_END, "renew", "its host names changed"),
        (leaf(ip_addresses=["10.0.0.1"]), stored(), AUTHORITY_END, "renew", "its addresses changed"),
        (leaf(ip_addresses=["::1"]), stored(facts(ip_addresses=frozenset({"::1"}))), AUTHORITY_END, None, None),
        (leaf(usage=["server", "client"]), stored(), AUTHORITY_END, "renew", "its usage changed"),
        (leaf(key_type="rsa"), stored(), AUTHORITY_END, "renew", "its kind of key changed"),
        (leaf(organization="x"), stored(), AUTHORITY_END, "renew", "its subject changed"),
        (leaf(), stored(files_agree=False), AUTHORITY_END, "complete", "left its files different"),
    ],
)
def test_a_certificate_is_made_only_for_a_reason(wanted, found, end, verb, reason):
    change = plan_leaf(wanted, found, end, NOW)
    assert (change.verb if change else None) == verb
    assert change is None or reason in change.reason


def authority(certificate_file=None, **changes):
    key_file = certificate_file and "/own.key"
    return read({"ca": {**CA, **changes}, "ca_cert": certificate_file, "ca_key": key_file, "certificates": []})[0]


AUTHORITY = facts(3000, subject=Subject("CA"), is_authority=True, usage=frozenset())


@pytest.mark.parametrize(
    ("wanted", "found", "verb"),
    [
        (authority(), NOTHING, "create"),
        (authority(), dataclasses.replace(NOTHING, key_found=True), "create"),
        (authority(), stored(AUTHORITY), None),
        (authority(common_name="Other"), stored(AUTHORITY), None),
        (authority(), stored(AUTHORITY, key_found=False, key_matches=False), None),
        (authority(), stored(dataclasses.replace(AUTHORITY, not_after=facts(365).not_after)), "renew"),
        (authority(), stored(AUTHORITY, files_agree=False), "complete"),
        (authority("/own.crt"), stored(AUTHORITY), None),
        (authority("/own.crt"), stored(dataclasses.replace(AUTHORITY, not_after=facts(5).not_after)), None),
        (authority("/own.crt"), stored(AUTHORITY, files_agree=False), "complete"),
    ],
)
def test_the_authority_is_kept(wanted, found, verb):
    change = plan_authority(wanted, found, NOW)
    assert (change.verb if change else None) == verb


@pytest.mark.parametrize(
    ("wanted", "found", "words"),
    [
        (authority(), dataclasses.replace(NOTHING, problem="ca.crt: it is damaged"), "ca.crt: it is damaged"),
        (authority(), stored(AUTHORITY, key_matches=False), "not that of its certificate"),
        (
            authority(),
            stored(dataclasses.replace(AUTHORITY, not_after=facts(5).not_after), key_found=False, key_matches=False),
            "its key is missing",
        ),
        (authority("/own.crt"), NOTHING, "has no certificate"),
        (authority("/own.crt"), stored(facts()), "not that of an authority"),
        (authority("/own.crt"), stored(dataclasses.replace(AUTHORITY, not_after=NOW)), "ended 2026-11-21"),
    ],
)
def test_an_authority_that_cannot_be_used_is_refused(wanted, found, words):
    with pytest.raises(GroundworkError, match=words) as caught:
        plan_authority(wanted, found, NOW)
    assert caught.value.untouched == "every certificate and key"


def test_signing_needs_the_authoritys_key():
    without_key = stored(AUTHORITY, key_found=False, key_matches=False)
    change = plan_leaf(leaf(), NOTHING, AUTHORITY_END, NOW)
    with pytest.raises(GroundworkError, match="db1 has to be signed \\(there is none\\)"):
        require_authority_key([change], without_key, "ca.key")
    require_authority_key([plan_leaf(leaf(), stored(files_agree=False), AUTHORITY_END, NOW)], without_key, "ca.key")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../db1"}, "cannot be the name"),
        ({"name": "ca"}, "cannot be the name"),
        ({"dns_names": ["db1 db2"]}, "not a host name"),
        ({"dns_names": []}, "without a host name and without an address"),
        ({"ip_addresses": ["10.0.0"]}, "not an IP address"),
        ({"usage": []}, "has no usage"),
        ({"common_name": "x" * 65}, "1 to 64 characters"),
        ({"renew_before_days": 365}, "let renew_before_days be less"),
    ],
)
def test_certificates_that_cannot_be_meant_are_refused(changes, words):
    with pytest.raises(GroundworkError, match=words):
        leaf(**changes)


def test_a_name_is_used_once():
    entry = {"name": "db1", "dns_names": ["db1"], "usage": ["server"], **DAYS}
    with pytest.raises(GroundworkError, match="named twice"):
        read_leaves([entry, entry])
