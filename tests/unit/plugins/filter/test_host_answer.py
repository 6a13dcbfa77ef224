"""What the controller takes of an answer, and what it refuses; pure."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.groundwork.databases.plugins.filter.host_answer import host_answer

JINJA = "{{ lookup('ansible.builtin.file', '/etc/shadow') }}"
SHOP = {
    "name": "shop", "exists": True, "standby": False, "running_port": 5432, "data_directory": "/srv/shop",
    "wal_directory": "", "config_directory": "/etc/postgresql/16/shop", "socket_directory": "/var/run/postgresql",
    "log_file": "/var/log/postgresql/postgresql-16-shop.log", "unit": "postgresql@16-shop.service", "port": 5432,
}  # fmt: skip
MEMBER = {
    "state": "running", "role": "standby", "system_identifier": "7574512345678901234", "timeline": 2,
    "lsn": "0/5000148", "replay_lsn": "0/5000148", "replay_paused": False, "started": "2026-11-01T10:00:00.12+00:00",
    "server_version": "16.4", "installed_version": "16.4", "history": [{"timeline": 1, "lsn": "0/3000000"}],
    "receiver": {"status": "streaming", "sender_host": "pg2", "sender_port": 5432, "slot_name": "pg1", "timeline": 2,
                 "written_lsn": "0/5000148", "flushed_lsn": None, "silent_seconds": 0.4},
    "senders": [{"name": "pg3", "address": "192.0.2.3", "state": "streaming", "sync_state": "async",
                 "replay_lsn": "0/5000148", "lag_bytes": 0, "lag_seconds": 0.01, "slot_name": "pg3"}],
    "slots": [{"name": "pg3", "type": "physical", "active": True, "temporary": False, "restart_lsn": "0/5000000",
               "wal_status": "reserved", "retained_bytes": -8}],
    "settings": {"max_connections": "100", "synchronous_standby_names": ""}, "pending_restart": ["work_mem"],
    "control_settings": {"max_connections": 100}, "base_backups": 0, "prepared_transactions": 0,
    "longest_transaction_seconds": 0.5, "archive_failing": False,
}  # fmt: skip
ANSWERS: dict[str, dict[str, t.Any]] = {
    "pg_clusters": {
        "changed": False, "clusters": [SHOP], "unlisted": ["main"], "installed": True,
        "system": {"id": "ubuntu", "version": "22.04", "codename": "jammy", "name": "Ubuntu 22.04.5 LTS"},
    },
    "pg_configuration": {
        "clusters": [{
            "name": "shop", "running": True, "changed": True, "warnings": ["work_mem: ALTER SYSTEM wins"],
            "pending_restart": [{"name": "max_connections", "current": "100", "new": "1000"}],
            "binary_newer": {"running": "16.14", "installed": "16.15"},
        }],
    },
    "pg_services": {
        "clusters": [{
            "name": "shop", "running": True, "running_port": 5432, "standby": False,
            "version": "16.15 (Debian 16.15-1.pgdg120+1)", "restart_reasons": ["it listens on port 1"],
        }],
    },
    "pg_replication_info": {"member": MEMBER},
    "pg_huge_pages_info": {"pages": 1118, "clusters": {"shop": 1118}},
    "mongod_upgrade_check": {
        "installed_version": "7.0.14", "running_version": "", "authentication": None, "server_process": False,
        "driver": True,
    },
    "mongod_configuration": {
        "changed": True, "running": True, "restart_needed": True, "restart_reasons": ["net.port is 1"],
    },
    "mongo_replica_set": {
        "primary": "db1.example.com:27017", "unhealthy": [], "unmanaged": ["[2001:db8::1]:27017"],
        "server_version": "7.0.14",
        "members": [{"host": "db1.example.com:27017", "state": "(not reachable/healthy)", "votes": 1, "priority": 1.5,
                     "hidden": False}],
        "actions": [{"action": "create", "kind": "replica set member", "name": "db1"}], "postponed": [],
        "feature_compatibility_version": "7.0",
    },
    "mongo_member": {
        "member": "db1:27017", "primary": None, "server_version": "7.0.14",
        "members": [{"host": "db1:27017", "state": "SECONDARY"}],
    },
    "mongo_tls": {"running": True, "tls": True, "mode": "preferTLS", "cluster_auth_mode": "sendKeyFile"},
    "pgbouncer_configuration": {
        "version": "1.25.2", "known_holes": ["CVE"], "restart_needed": [],
        "processes": [{"process": 1, "action": "reload", "reasons": ["max_client_conn: '100' -> '2000'"]}],
        "capacity": [{"server": "db1:5432", "per_process": 30, "processes": 2, "pooler_hosts": 1,
                      "most_connections": 60, "max_connections": None, "reserve_connections": None, "left": -5}],
        "pools": [{"database": "a", "user": "b", "cl_active": 1, "cl_waiting": 0, "sv_active": 1, "sv_idle": 0,
                   "sv_used": 0, "maxwait": 0.25}],
    },
    "local_server": {
        "actions": [{"action": "start", "kind": "server", "name": "PostgreSQL 16.15"}],
        "server": {"state": "running", "host": "127.0.0.1", "port": 5432, "superuser": "postgres", "version": "16.15",
                   "binary": "/x/bin/postgres", "data": "/x/data", "log": "/x/log", "pid": 17},
    },
}  # fmt: skip
EXTRA = {
    "roles": [{"name": "intruder"}], "migrations": ["x"], "tls": {"key_file": "/etc/shadow"}, "stages": ["disabled"],
}  # fmt: skip


def read(module: str, answer: t.Any, **described: t.Any) -> dict[str, t.Any]:
    options = {
        "pg_clusters": {"clusters": [{"name": "shop"}]}, "pg_configuration": {"clusters": [{"name": "shop"}]},
        "pg_services": {"clusters": [{"name": "shop"}]}, "local_server": {"engine": "postgresql"},
    }.get(module, {})  # fmt: skip
    return host_answer(answer, module, "db1", **{**options, **described})


def places(value: t.Any, path: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    """Every field of an answer, however deep."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*path, key)
        yield from places(part, (*path, key))


def changed(answer: t.Any, path: tuple[t.Any, ...], value: t.Any) -> t.Any:
    answer = copy.deepcopy(answer)
    found = answer
    for key in path[:-1]:
        found = found[key]
    found[path[-1]] = value
    return answer


def with_extras(value: t.Any) -> t.Any:
    if isinstance(value, list):
        return [with_extras(part) for part in value]
    return {**EXTRA, **{key: with_extras(part) for key, part in value.items()}} if isinstance(value, dict) else value


def leaves(value: t.Any) -> t.Iterator[t.Any]:
    if isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    else:
        yield value


@pytest.mark.parametrize("module", ANSWERS)
def test_an_honest_answer_is_taken_and_nothing_else_of_it(module: str) -> None:
    facts = read(module, ANSWERS[module])
    assert facts
    assert read(module, with_extras(ANSWERS[module])) == facts


HOSTILE = [
    {"a": 1}, [1], [[]], "x\ny", "\x1b[2J", "\u202egnp", JINJA, "{% raw %}", 10**30, -(10**30), float("nan"),
    float("inf"), "x" * 10_000, True, "true", None,
]  # fmt: skip


@pytest.mark.parametrize("module", ANSWERS)
def test_no_hostile_value_gets_through(module: str) -> None:
    """Refused by a sentence with host and field, or what is taken is of the honest types and harmless to show."""
    honest = read(module, ANSWERS[module])
    kinds = {path: type(value) for path, value in flat(honest)}
    for path in places(ANSWERS[module]):
        for hostile in HOSTILE:
            try:
                facts = read(module, changed(ANSWERS[module], path, hostile))
            except AnsibleFilterError as error:
                assert "The host db1 answered " in str(error) and "nothing was written" in str(error)
                continue
            for leaf in leaves(facts):
                assert not isinstance(leaf, str) or (leaf.isprintable() and "{{" not in leaf and "{%" not in leaf)
                assert not isinstance(leaf, (int, float)) or abs(leaf) < 2**64
            for place, value in flat(facts):
                numbers = (int, float) if kinds.get(place) in (int, float) else ()
                assert value is None or place not in kinds or kinds[place] is type(None) or isinstance(
                    value, numbers or kinds[place]
                ), (path, hostile, place)


def flat(value: t.Any) -> t.Iterator[tuple[tuple[t.Any, ...], t.Any]]:
    for path in places(value):
        part = value
        for key in path:
            part = part[key]
        yield path, part


@pytest.mark.parametrize("answer", [None, [], "failed", 1, [ANSWERS["mongo_tls"]]])
def test_an_answer_is_a_dictionary(answer: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="which takes a dictionary"):
        read("mongo_tls", answer)


def test_facts_of_ansible_are_refused() -> None:
    """With inject_facts_as_vars they would win over the inventory."""
    found = {"discovered_interpreter_python": "/usr/bin/python3"}
    assert read("mongo_tls", {**ANSWERS["mongo_tls"], "ansible_facts": found})
    with pytest.raises(AnsibleFilterError, match="answered ansible_facts = "):
        read("mongo_tls", {**ANSWERS["mongo_tls"], "ansible_facts": {**found, "mongodb_7_tls_mode": "disabled"}})
    with pytest.raises(AnsibleFilterError, match="answered ansible_facts = "):
        read("mongo_tls", {**ANSWERS["mongo_tls"], "ansible_facts": "x"})


def test_the_description_of_a_cluster_wins() -> None:
    described = [{"name": "shop", "data_directory": "/data/shop/", "wal_directory": "/wal/shop"}]
    lie = {**SHOP, "data_directory": "/root", "wal_directory": "/etc", "config_directory": "/root",
           "unit": "ssh.service", "log_file": "/etc/shadow", "socket_directory": "/root"}  # fmt: skip
    found = read("pg_clusters", {**ANSWERS["pg_clusters"], "clusters": [lie]}, clusters=described)
    true = {key: value for key, value in SHOP.items() if key != "port"}
    assert found["clusters"] == {"shop": {**true, "data_directory": "/data/shop", "wal_directory": "/wal/shop"}}


def test_only_the_host_knows_the_homes_of_its_accounts() -> None:
    described = [{"name": "shop", "data_directory": "~postgres/shop"}]
    found = read("pg_clusters", ANSWERS["pg_clusters"], clusters=described)
    assert found["clusters"]["shop"]["data_directory"] == "/srv/shop"


@pytest.mark.parametrize("path", ["srv/shop", "/srv/../etc", "", "/srv/a\nb", "/srv/" + JINJA, ["/srv"]])
def test_a_folder_is_an_absolute_path(path: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"clusters\[0\].data_directory = .* absolute path"):
        read("pg_clusters", {**ANSWERS["pg_clusters"], "clusters": [{**SHOP, "data_directory": path}]})


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ([], "shop is missing"),
        ([SHOP, SHOP], "every name once"),
        ([{**SHOP, "name": "other"}], "one of shop, archive"),
        ([SHOP, {**SHOP, "name": "archive"}, {**SHOP, "name": "gone"}], "one of shop, archive"),
    ],
)
def test_clusters_are_those_that_are_described(found: list[t.Any], named: str) -> None:
    described = [{"name": "shop"}, {"name": "archive"}, {"name": "gone", "state": "absent"}]
    with pytest.raises(AnsibleFilterError, match=named):
        read("pg_clusters", {**ANSWERS["pg_clusters"], "clusters": found}, clusters=described)


def test_of_a_member_without_data_nothing_else_is_taken() -> None:
    assert read("pg_replication_info", {"member": {**MEMBER, "state": "absent"}}) == {"state": "absent", "role": None}
    assert read("pg_replication", {"member": {}}) == {}


def test_a_setting_that_nobody_asked_for_is_not_taken() -> None:
    lie = {**MEMBER, "settings": {**MEMBER["settings"], "shared_preload_libraries": "intruder"}}
    assert read("pg_replication_info", {"member": lie})["settings"] == MEMBER["settings"]


def test_a_local_server_is_where_the_description_says() -> None:
    lie = changed(ANSWERS["local_server"], ("server", "host"), "192.0.2.1")
    lie = changed(changed(lie, ("server", "superuser"), "intruder"), ("server", "port"), 1)
    server = read("local_server", lie, port=5499)["server"]
    assert (server["host"], server["port"], server["superuser"]) == ("127.0.0.1", 5499, "postgres")


def test_a_module_that_was_not_run_has_no_set() -> None:
    facts = read("mongo_replica_set", {"changed": False, "skipped": True, "skip_reason": "x"})
    assert facts["primary"] == "" and facts["members"] == []
    assert read("mongo_replica_set", read("mongo_replica_set", ANSWERS["mongo_replica_set"])) == read(
        "mongo_replica_set", ANSWERS["mongo_replica_set"]
    )
