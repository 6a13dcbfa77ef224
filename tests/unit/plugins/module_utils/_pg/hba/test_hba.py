"""Rules of pg_hba.conf: what is refused, and why."""

from __future__ import annotations

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.hba import check, files, matching
from ansible_collections.groundwork.databases.plugins.module_utils._pg.hba.rule import from_options

SCRAM = {"type": "host", "address": "10.0.0.0/8", "method": "scram-sha-256"}
PEER = {"type": "local", "users": ["postgres"], "method": "peer"}


def rules(*given):
    return [from_options(rule, f"rule {number} of hba") for number, rule in enumerate(given, 1)]


def findings(*given, maps=(), exact=False, networks=(), extra=(), **around):
    own = rules(*given)
    whole = own if exact else files.layered("postgres", rules(*extra), own, networks, around.get("require_tls", False))
    surroundings = check.Surroundings(**{"superuser": "postgres", "owner": "postgres", "ssl": True, **around})
    return check.check(whole, surroundings, maps)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({**SCRAM, "address": "10.0.0.1/8"}, "write 10.0.0.0/8 for the network or 10.0.0.1/32"),
        ({**SCRAM, "address": "10.0.0.1"}, "write 10.0.0.1/32 for this one host"),
        ({**SCRAM, "address": "::1"}, "write ::1/128"),
        ({**SCRAM, "address": "300.1.2.3/8"}, "neither a network"),
        ({**SCRAM, "address": "10.0.0.0/33"}, "neither a network"),
        ({**SCRAM, "address": "10.0.0.0 255.0.0.0"}, "neither a network"),
        ({**SCRAM, "address": None}, "it has no address"),
        ({"type": "local", "address": "10.0.0.0/8", "method": "scram-sha-256"}, "has no address"),
        ({**SCRAM, "method": "scram"}, "is none of trust, reject"),
        ({**SCRAM, "method": "sspi"}, "is none of"),
        ({**SCRAM, "method": "trust"}, "lets anybody in as anybody"),
        ({**SCRAM, "method": "trust", "allow_weak": True}, "lets anybody in as anybody"),
        ({**SCRAM, "method": "trust", "address": "127.0.0.1/32"}, "lets anybody in as anybody"),
        ({"type": "local", "method": "trust"}, "trust is weak"),
        ({**SCRAM, "method": "md5"}, "or say allow_weak: true"),
        ({**SCRAM, "method": "password"}, "sends the password as it is"),
        ({**SCRAM, "method": "ident"}, "ident is weak"),
        ({**SCRAM, "method": "peer"}, "works with type local only"),
        ({"type": "local", "method": "gss"}, "needs a network connection"),
        ({**SCRAM, "method": "cert"}, "cert needs TLS"),
        ({**SCRAM, "type": "hostgssenc"}, "goes with gss or reject"),
        ({**SCRAM, "options": {"clientcert": "verify-ca"}}, "has no option 'clientcert'"),
        ({**SCRAM, "type": "hostssl", "options": {"clientcert": "1"}}, "verify-ca or verify-full"),
        ({**SCRAM, "options": {"maap": "x"}}, "has no option 'maap'"),
        ({**PEER, "users": ["a"], "options": {"map": "nowhere"}}, "has no line in ident"),
        ({**SCRAM, "method": "ldap", "options": {"ldapbindpasswd": "x"}}, "say it under secret_options"),
        ({**SCRAM, "databases": ["@list"]}, "names a file"),
        ({**SCRAM, "databases": ["all", "shop"]}, 'hold "all"'),
        ({**SCRAM, "users": [""]}, "a user is empty"),
    ],
)
def test_nonsense_is_refused_with_the_rule_that_it_is_in(rule, words):
    [error, *_more] = [error for error in findings(rule).errors if words in error]
    assert error.startswith("rule 1 of hba (")


@pytest.mark.parametrize(
    "rule",
    [
        SCRAM,
        {**SCRAM, "address": "all"},
        {**SCRAM, "address": "samenet"},
        {**SCRAM, "address": "db.example.com"},
        {**SCRAM, "address": ".example.com"},
        {**SCRAM, "address": "fd00::/8"},
        {**SCRAM, "method": "md5", "allow_weak": True},
        {**SCRAM, "type": "hostssl", "method": "cert"},
        {**SCRAM, "type": "hostssl", "options": {"clientcert": "verify-full"}},
        {**SCRAM, "databases": ["all", "replication"]},
        {**SCRAM, "databases": ["replication"], "users": ["standby"]},
        {**SCRAM, "databases": ["sameuser"], "users": ["+clients", "/^app_"]},
        {**SCRAM, "method": "reject"},
    ],
)
def test_good_rules_pass(rule):
    found = findings(rule)
    assert not found.errors and not found.warnings


def test_tls():
    tls = {**SCRAM, "type": "hostssl"}
    assert "it can never match" in findings(tls, ssl=False).errors[0]
    assert "write hostssl" in findings(SCRAM, require_tls=True).errors[0]
    assert not findings(tls, networks=["192.0.2.0/24"], require_tls=True).errors
    text = files.hba_text(files.layered("postgres", [], [], ["192.0.2.0/24"], True))
    assert "hostssl  all" in text and "\nhost  " not in text.replace("host     all,replication  postgres", "")


@pytest.mark.parametrize(
    ("first", "second", "covered"),
    [
        (SCRAM, {**SCRAM, "method": "reject"}, True),
        (SCRAM, {**SCRAM, "address": "10.1.0.0/16", "users": ["a", "b"]}, True),
        (SCRAM, {**SCRAM, "type": "hostssl"}, True),
        ({**SCRAM, "type": "hostssl"}, SCRAM, False),
        ({**SCRAM, "type": "hostnossl"}, {**SCRAM, "type": "hostgssenc", "method": "gss"}, True),
        ({**SCRAM, "address": "10.1.0.0/16"}, SCRAM, False),
        ({**SCRAM, "address": "0.0.0.0/0"}, {**SCRAM, "address": "::/0"}, False),
        ({**SCRAM, "address": "all"}, {**SCRAM, "address": "samehost"}, True),
        ({**SCRAM, "address": "0.0.0.0/0"}, {**SCRAM, "address": "a.example.com"}, False),
        (SCRAM, {**SCRAM, "databases": ["replication"]}, False),
        ({**SCRAM, "users": ["a"]}, {**SCRAM, "users": ["a", "b"]}, False),
        ({**SCRAM, "users": ["+group"]}, {**SCRAM, "users": ["a"]}, False),
        ({"type": "local", "method": "peer"}, SCRAM, False),
    ],
)
def test_which_rules_are_never_reached(first, second, covered):
    assert bool(matching.shadows(rules(first, second))) is covered


def test_a_rule_can_be_covered_by_several():
    one, two = {**SCRAM, "users": ["a"]}, {**SCRAM, "users": ["b"]}
    [shadow] = matching.shadows(rules(one, two, {**SCRAM, "users": ["a", "b"]}))
    assert len(shadow.earlier) == 2


def test_a_covered_rule_is_an_error_when_its_outcome_differs():
    found = findings(SCRAM, {**SCRAM, "address": "10.1.0.0/16", "method": "reject"})
    assert "rule 2 of hba" in found.errors[0] and "rule 1 of hba" in found.errors[0]
    same = findings(SCRAM, {**SCRAM, "address": "10.1.0.0/16"})
    assert not same.errors and "the outcome is the same" in same.warnings[0]


def test_the_superuser_over_the_network_is_turned_away_before_any_rule():
    found = findings({**SCRAM, "users": ["postgres"]})
    assert "default rule" in found.errors[0]


def test_the_defaults_give_way_to_the_user():
    assert not findings({"type": "local", "method": "peer"}).errors


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([SCRAM], "no rule lets postgres in over the Unix socket"),
        ([{"type": "local", "method": "scram-sha-256"}], "asks for scram-sha-256"),
        ([{"type": "local", "databases": ["shop"], "method": "peer"}], "no rule lets postgres in"),
        ([{"type": "local", "users": ["postgres"], "method": "reject"}, PEER], "asks for reject"),
    ],
)
def test_a_lock_out_is_refused(given, words):
    assert any(words in error for error in findings(*given, exact=True).errors)


def test_a_way_in_through_a_map():
    rule = {**PEER, "options": {"map": "admins"}}
    line = {"map": "admins", "system_user": "postgres", "database_user": "postgres"}
    assert not findings(rule, maps=[line], exact=True).errors
    assert findings(rule, maps=[{**line, "system_user": "root"}], exact=True).errors
    assert "the server's is pg" in findings(PEER, owner="pg", exact=True).errors[0]


def test_the_file():
    extra = rules({**SCRAM, "databases": ["replication"], "users": ["standby"], "comment": "from the\nstandbys"})
    own = rules({**SCRAM, "databases": ["a b", 'q"q'], "method": "ldap", "options": {"ldaptls": True},
                 "secret_options": {"ldapbindpasswd": "hush hush"}})  # fmt: skip
    whole = files.layered("postgres", extra, own, ["192.0.2.0/24"], False)
    text = files.hba_text(whole)
    assert '"a b","q""q"' in text and 'ldaptls=1 ldapbindpasswd="hush hush"' in text
    assert "# from the standbys\n" in text and "192.0.2.0/24" in text
    assert "hush" not in files.hba_text(whole, hide=True) and "hush" not in files.without_secrets(text)
