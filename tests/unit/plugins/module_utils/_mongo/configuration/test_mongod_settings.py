"""What may be in mongod.conf, and how it is written."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.configuration import options, settings

EVERYWHERE = "0.0.0.0"  # noqa: S104 (this is what is refused)

SAFE = {
    "net": {"port": 27017, "bindIp": "127.0.0.1"},
    "security": {"authorization": "enabled", "keyFile": "/etc/mongodb/keyfile"},
    "replication": {"replSetName": "rs0"},
    "systemLog": {"destination": "file", "path": "/var/log/mongod.log", "logAppend": True, "logRotate": "reopen"},
}


def problems(wanted: dict[str, t.Any], release: tuple[int, int] = (7, 0)) -> list[str]:
    with pytest.raises(GroundworkError) as caught:
        settings.read(wanted, release)
    assert caught.value.code == "INVALID_SETTING"
    return [f"{problem['path']}: {problem['problem']}" for problem in caught.value.details["problems"]]


def test_values_take_the_type_of_their_option():
    wanted = {
        "net": {"port": "27018", "ipv6": "yes"},
        "operationProfiling": {"mode": False, "slowOpSampleRate": "0.5"},
        "storage": {"syncPeriodSecs": 60.0, "engine": None},
        "setParameter": {"authenticationMechanisms": ["SCRAM-SHA-256", "MONGODB-X509"], "ttlMonitorEnabled": True},
    }
    assert settings.read(wanted, (7, 0)) == {
        "net.port": 27018,
        "net.ipv6": True,
        "operationProfiling.mode": "off",
        "operationProfiling.slowOpSampleRate": 0.5,
        "storage.syncPeriodSecs": 60,
        "setParameter": {"authenticationMechanisms": "SCRAM-SHA-256,MONGODB-X509", "ttlMonitorEnabled": True},
    }


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"net": {"prot": 1}}, "net.prot: There is no such option. Did you mean net.port?"),
        ({"bindIp": "::1"}, "bindIp: There is no such option. Did you mean net.bindIp?"),
        ({"net": {"tls": {"CAfile": "x"}}}, "net.tls.CAfile: There is no such option. Did you mean net.tls.CAFile?"),
        ({"nonsense": 1}, "nonsense: There is no such option."),
        ({"storage": 1}, "storage: It is a group of options: give it a mapping."),
        (
            {"storage": {"journal": {"enabled": True}}},
            "storage.journal.enabled: It was removed in MongoDB 6.1. Journaling is always on. Remove it.",
        ),
        ({"net": {"ssl": {"PEMKeyFile": "x"}}}, "net.ssl.PEMKeyFile: Its name is net.tls.certificateKeyFile."),
        ({"net": {"ssl": {"CAFile": "x"}}}, "net.ssl.CAFile: The options of net.ssl have the names of net.tls."),
        ({"net": {"port": True}}, "net.port: True is not a whole number."),
        ({"net": {"port": "many"}}, "net.port: 'many' is not a whole number."),
        ({"net": {"ipv6": "maybe"}}, "net.ipv6: 'maybe' is neither true nor false."),
        ({"net": {"bindIp": ["a", "b"]}}, 'net.bindIp: ["a", "b"] is not a text.'),
        ({"setParameter": ["a"]}, "setParameter: ['a'] is not a mapping."),
    ],
)
def test_a_refusal_says_what_to_write_instead(wanted, expected):
    assert problems(wanted) == [expected]


def test_a_wrong_choice_names_the_right_ones():
    assert problems({"net": {"tls": {"mode": "requireSSL"}}}) == [
        "net.tls.mode: 'requireSSL' is none of disabled, allowTLS, preferTLS, requireTLS. Did you mean requireTLS?"
    ]


def test_enterprise_options_are_told_from_mistakes():
    assert "Only MongoDB Enterprise has it" in problems({"auditLog": {"destination": "file"}})[0]


def test_free_monitoring_is_gone():
    assert "decommissioned" in problems({"cloud": {"monitoring": {"free": {"state": "off"}}}})[0]


def test_an_option_of_the_next_release_is_refused_before_it():
    wanted = {"net": {"tls": {"clusterAuthX509": {"attributes": "O=x"}}}}
    assert settings.read(wanted, (7, 0))
    assert problems(wanted, (6, 0)) == ["net.tls.clusterAuthX509.attributes: It needs MongoDB 7.0 or later."]


def test_all_problems_are_told_at_once():
    assert len(problems({"net": {"prot": 1, "ipv6": "maybe"}, "port": 1})) == 3


@pytest.mark.parametrize("release", ["7", "7.0.14", "seven", 7.0, ""])
def test_a_release_is_two_numbers(release):
    if release == 7.0:
        assert options.read_release(release) == (7, 0)
        return
    with pytest.raises(GroundworkError):
        options.read_release(release)


def check(wanted: dict[str, t.Any], **allowed: bool) -> None:
    flat = settings.read({**SAFE, **wanted}, (7, 0))
    settings.check_safety(flat, **{"listen_on_all": False, "exposed_without_tls": False, **allowed})


def test_what_the_role_starts_from_is_safe():
    check({})


@pytest.mark.parametrize(
    ("wanted", "allowed", "word"),
    [
        ({"security": {"authorization": "disabled", "keyFile": "x"}}, {}, "enabled, always"),
        ({"security": {"keyFile": "x"}}, {}, "enabled, always"),
        ({"security": {**SAFE["security"], "transitionToAuth": True}}, {}, "adoption"),
        ({"security": {"authorization": "enabled"}}, {}, "keyFile"),
        ({"systemLog": {"destination": "file", "path": "x", "logRotate": "reopen"}}, {}, "logAppend"),
        ({"net": {"bindIp": EVERYWHERE}}, {}, "listen_on_all"),
        ({"net": {"bindIp": "10.0.0.1,::"}}, {}, "::"),
        ({"net": {"bindIp": "*"}}, {}, "listen_on_all"),
        ({"net": {"bindIpAll": True}}, {}, "bindIpAll"),
        ({"net": {"bindIp": EVERYWHERE}}, {"listen_on_all": True}, "exposed_without_tls"),
        ({"net": {"bindIp": EVERYWHERE, "tls": {"mode": "preferTLS"}}}, {"listen_on_all": True}, "in the clear"),
        ({"net": {"bindIp": EVERYWHERE}}, {"exposed_without_tls": True}, "listen_on_all"),
    ],
)
def test_an_open_server_is_refused(wanted, allowed, word):
    with pytest.raises(GroundworkError) as caught:
        check(wanted, **allowed)
    assert caught.value.code == "UNSAFE_SETTING"
    assert word in caught.value.message


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        ({"net": {"bindIp": "127.0.0.1,10.0.0.1"}}, {}),
        ({"net": {"bindIp": EVERYWHERE, "tls": {"mode": "requireTLS"}}}, {"listen_on_all": True}),
        ({"net": {"bindIp": "::"}}, {"listen_on_all": True, "exposed_without_tls": True}),
        ({"security": {**SAFE["security"], "transitionToAuth": True}}, {"adoption": True}),
        ({"security": {"authorization": "enabled", "clusterAuthMode": "x509"}}, {}),
    ],
)
def test_what_was_said_explicitly_is_allowed(wanted, allowed):
    check(wanted, **allowed)


def test_the_file_is_read_back_as_it_was_meant():
    flat = {
        "net.port": 27017,
        "net.bindIp": "127.0.0.1,::1",
        "storage.wiredTiger.engineConfig.cacheSizeGB": 0.25,
        "systemLog.logAppend": True,
        "systemLog.path": "/var/log/mongodb/mongod.log",
        "replication.replSetName": "on",
        "security.keyFile": "12e3",
        "processManagement.pidFilePath": 'a: "b" # c',
        "security.clusterIpSourceAllowlist": ["10.0.0.0/8"],
        "setParameter": {"authenticationMechanisms": "SCRAM-SHA-256", "notablescan": False},
    }
    assert settings.flatten(yaml.safe_load(settings.render(flat))) == flat


def test_the_order_of_the_description_means_nothing():
    forwards = {"net.port": 1, "net.bindIp": "x", "storage.dbPath": "y"}
    assert settings.render(forwards) == settings.render(dict(reversed(forwards.items())))


def test_passwords_of_the_file_are_not_shown():
    flat = {"net.tls.certificateKeyFilePassword": "hush", "net.tls.clusterPassword": "hush", "net.port": 1}
    shown = settings.without_secrets(settings.render(flat))
    assert "hush" not in shown and "certificateKeyFilePassword: ********" in shown and "port: 1" in shown


def test_every_option_can_be_written_in_its_type():
    values = {"str": "x", "int": 1, "float": 1.5, "bool": True, "list": ["x"], "map": {"a": "b"}}
    flat = {
        name: option.choices[0] if option.choices else values[option.kind] for name, option in options.OPTIONS.items()
    }
    assert settings.read(settings.nest(flat), (7, 0)) == flat
    assert json.loads(json.dumps(settings.nest(flat)))
