"""The text of the files: what is quoted, what is hidden in diffs."""

from __future__ import annotations

import typing as t

from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration import hba, render
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration.declared import (
    Database,
    User,
    Wanted,
)

LAYOUT = render.Layout("/etc/pgbouncer", "/run/pgbouncer", "/var/log/pgbouncer")


def wanted(version: tuple[int, int, int] = (1, 25, 2), **changes: t.Any) -> Wanted:
    values: dict[str, t.Any] = {
        "version": version,
        "processes": 2,
        "listen_addresses": ("10.0.0.1", "127.0.0.1"),
        "listen_port": 6432,
        "settings": {"pool_mode": "transaction"},
        "databases": (
            Database("shop", {"host": "db1", "connect_query": "SET x = 'it''s'"}),
            Database('my "db"', {"host": "db1", "password": "a b'c"}),
            Database("*", {"host": "/run/postgresql"}),
        ),
        "users": (
            User('q"uote', 'pass"word', admin=True, options={"pool_size": "3"}),
            User("watcher", "SCRAM-SHA-256$x", stats=True),
        ),
        "rules": (),
    }
    return Wanted(**{**values, **changes})


def test_complete_file() -> None:
    assert render.ini(wanted(), LAYOUT, 2) == (
        render.MANAGED
        + '''[databases]
shop = host=db1 connect_query='SET x = \'\'it\'\'\'\'s\'\'\'
"my ""db""" = host=db1 password='a b\'\'c'
* = host=/run/postgresql

[users]
"q""uote" = pool_size=3

[peers]
1 = host=/run/pgbouncer/1 port=6432
2 = host=/run/pgbouncer/2 port=6432

[pgbouncer]
listen_addr = 10.0.0.1,127.0.0.1
listen_port = 6432
unix_socket_dir = /run/pgbouncer/2
pidfile = /run/pgbouncer/2/pgbouncer.pid
logfile = /var/log/pgbouncer/pgbouncer-2.log
auth_type = hba
auth_hba_file = /etc/pgbouncer/hba.conf
auth_file = /etc/pgbouncer/userlist.txt
admin_users = q"uote
stats_users = watcher
so_reuseport = 1
peer_id = 2
pool_mode = transaction
'''
    )


def test_old_version_has_no_peers() -> None:
    text = render.ini(wanted(version=(1, 18, 0)), LAYOUT, 1)
    assert "peer" not in text


def test_userlist_and_its_diff() -> None:
    text = render.userlist(wanted())
    assert text == '"q""uote" "pass""word"\n"watcher" "SCRAM-SHA-256$x"\n'
    shown = render.userlist_for_diff(text, "0123")
    assert shown == 'q""uote: password\nwatcher: SCRAM secret\n(contents 0123)\n'


def test_passwords_are_left_out_of_diffs() -> None:
    shown = render.without_passwords(render.ini(wanted(), LAYOUT, 1))
    assert "a b" not in shown
    assert "password=***" in shown


def test_rules() -> None:
    everything: dict[str, t.Any] = {"databases": ["all"], "users": ["all"], "method": "scram-sha-256"}
    rules = hba.parse(
        [
            {"type": "local", **everything, "method": "peer", "map": "ops"},
            {"type": "hostssl", **everything, "address": "10.1.2.3/8", "users": ["a", "B c"]},
            {"type": "host", **everything, "address": "all"},
        ],
        (1, 25, 2),
        (),
        problems := Problems(),
    )
    assert not problems
    assert [rule.line() for rule in rules] == [
        "local all all peer map=ops",
        'hostssl all a,"B c" 10.0.0.0/8 scram-sha-256',
        "host all all all scram-sha-256",
    ]
    assert [rule.without_tls for rule in rules] == [False, False, True]
