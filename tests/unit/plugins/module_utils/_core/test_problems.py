# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is declared: all that is wrong with it is in one failure, each with its place, in one format."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._core.problems import Problems, collected
from ansible_collections.groundwork.databases.plugins.module_utils._host.certificates import declared as certificates
from ansible_collections.groundwork.databases.plugins.module_utils._host.files import declared as files
from ansible_collections.groundwork.databases.plugins.module_utils._host.kernel import declared as kernel
from ansible_collections.groundwork.databases.plugins.module_utils._host.packages import declared as packages
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.collections import declared as collections
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.configuration import settings as mongod
from ansible_collections.groundwork.databases.plugins.module_utils._pg.configuration import declared as configuration
from ansible_collections.groundwork.databases.plugins.module_utils._pg.contents import declared as contents
from ansible_collections.groundwork.databases.plugins.module_utils._pg.migration.files import script_config
from ansible_collections.groundwork.databases.plugins.module_utils._pg.partitions import declared as partitions
from ansible_collections.groundwork.databases.plugins.module_utils._pg.row_security import declared as row_security
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration import declared as pgbouncer

DAYS = {"key_type": "ec", "rsa_bits": 2048, "valid_days": 365, "renew_before_days": 30}
TABLE = {"schema": "s", "interval": "month", "ahead": 1, "keep": 1, "retire": "report", "partition_name": None}
POLICY = {
    "schema": "s", "tables": ["*"], "except": None, "having_column": None, "state": "present", "force": True,
    "permissive": True, "roles": ["PUBLIC"],
}  # fmt: skip


def read_pgbouncer() -> None:
    pgbouncer.parse(
        {
            "accept_risks": [],
            "processes": 0,
            "listen_addresses": ["127.0.0.1"],
            "listen_port": 6432,
            "settings": {"auth_type": "md5", "no_such_setting": 1},
            "databases": [{"name": "shop", "host": "/run", "pool_mode": "sometimes", "pool_size": {"a": 1}}],
            "users": [{"name": "app", "admin": False, "stats": False}],
            "hba": [{"type": "host", "databases": ["all"], "users": ["+g"], "address": "far", "method": "trust"}],
        },
        (1, 25, 2),
    )


def read_contents() -> None:
    contents.parse(
        {
            "roles": [{"name": "pg_x", "state": "present", "connection_limit": -2}],
            "databases": [
                {
                    "name": "shop",
                    "state": "present",
                    "grants": [
                        {
                            "role": "app",
                            "type": "tables",
                            "schema": "s",
                            "objects": ["all"],
                            "privileges": ["SELCT"],
                            "grantable": False,
                        }
                    ],
                }
            ],
            "purge_settings": False,
            "purge_memberships": False,
            "purge_grants": False,
            "purge_default_privileges": False,
            "update_password": "always",
            "missing_objects": "fail",
        }
    )


def read_partitions() -> None:
    tables = [{**TABLE, "name": "a", "ahead": -1, "since": "soon"}, {**TABLE, "name": "b", "since": None}]
    partitions.parse({"tables": [*tables, tables[1]], "today": "now", "login_db": "shop"})


def read_row_security() -> None:
    policies = [
        {**POLICY, "name": "a", "command": "insert", "using": "x", "with_check": "x", "roles": []},
        {**POLICY, "name": "b", "command": "all", "using": None, "with_check": None},
    ]
    row_security.parse({"policies": policies})


def read_collections() -> None:
    with collected("the test", "TEST", "everything") as problems:
        indexes = [{"keys": {"$x": 1}}, {"keys": {"a": 0}}]
        collections.read_collections([{"name": "a$b"}, {"name": "c", "foo": 1, "indexes": indexes}], "db", problems)


def read_mongod() -> None:
    mongod.read({"net": {"port": "many", "tls": {"mode": "requireSSL"}}, "prot": 1}, (7, 0))


def read_certificates() -> None:
    leaf = {"name": "../a", "dns_names": ["b c"], "ip_addresses": ["10.0.0"], "usage": ["server"], **DAYS}
    certificates.read(
        {
            "ca": {"common_name": "", **DAYS},
            "ca_cert": None,
            "ca_key": None,
            "certificates": [leaf, {"name": "b", "usage": [], **DAYS}],
        }
    )


def read_files() -> None:
    entries = [
        {"path": "etc/a", "state": "present", "mode": "9"},
        {"path": "/b", "state": "link"},
        {"path": "/b", "state": "absent"},
    ]
    files.read({"files": entries, "purge": [{"directory": "/c", "pattern": "*"}]})


def read_kernel() -> None:
    with collected("the test", "TEST", "everything") as problems:
        kernel.check_name("a/b", problems)
        kernel.read_sysctl({"swappiness": 1, "vm.swappiness": ""}, problems)
        kernel.read_read_ahead([{"path": "data", "kb": -1}], problems)


def read_packages() -> None:
    packages.read(
        {
            "packages": [{"name": "-o"}, {"name": "a1", "version": "1 2"}],
            "repositories": [{"name": "../x", "uris": ["a b"], "suites": ["s"]}],
            "guard": {"name": "a/b", "services": ["c d"]},
        }
    )


def read_configuration() -> None:
    cluster = {"name": "a/b", "port": 5432, "socket_directory": "/run", "files": {"10-preset": {}, "groundwork": {}}}
    configuration.parse([cluster])


EVERYWHERE: dict[str, tuple[t.Callable[[], object], list[str]]] = {
    "pgbouncer": (
        read_pgbouncer,
        [
            "processes: 0 processes cannot be. Peer ids go from 1 to 16383.",
            "settings.auth_type: 'auth_type' is not set here. It follows from the option hba.",
            "settings.no_such_setting: ",
            "databases: shop: pool_mode: There is no pool mode 'sometimes'. Use session, transaction, statement.",
            "databases: shop: pool_size: A setting is a text",
            "users: app: A user needs either scram_secret or password.",
            "hba[0]: The method 'trust' is refused",
            "hba[0]: PgBouncer's hba file has no groups",
            "hba[0]: 'far' is no IP address or network.",
        ],
    ),
    "contents": (
        read_contents,
        [
            "role pg_x: this name is reserved by PostgreSQL",
            "role pg_x: connection_limit -2",
            "database shop grant to app on tables: unknown privilege 'SELCT'",
        ],
    ),
    "partitions": (
        read_partitions,
        [
            "s.a: since soon is not a day.",
            "s.a: ahead and keep cannot be negative.",
            "s.b: The table s.b is listed more than once.",
            "shop: today now is not a day.",
        ],
    ),
    "row security": (
        read_row_security,
        [
            "policy a: A policy for insert has with_check only",
            "policy a: The policy is for no role.",
            "policy b: The policy has no condition.",
        ],
    ),
    "collections": (
        read_collections,
        ["collections[0].name: ", "collections[1].foo: unknown option", "collections[1].indexes[0].keys.$x: ",
         "collections[1].indexes[1].keys.a: "],
    ),
    "mongod": (
        read_mongod,
        ["net.port: 'many' is not a whole number.", "net.tls.mode: 'requireSSL'", "prot: There is no such option."],
    ),
    "certificates": (
        read_certificates,
        [
            "certificates, ca: '' has not 1 to 64 characters.",
            "certificates, ../a: '../a' cannot be the name",
            "certificates, ../a: '10.0.0' is not an IP address.",
            "certificates, ../a: 'b c' is not a host name.",
            "certificates, b: b has no usage.",
        ],
    ),
    "files": (
        read_files,
        [
            "files: etc/a is not an absolute path.",
            "files: etc/a needs exactly one of",
            "files: etc/a has the mode '9'",
            "files: /b is to be a link without a target.",
            "files: /b is named by two entries.",
            "purge: /c: the purge pattern '*'",
        ],
    ),
    "kernel": (
        read_kernel,
        ["name: 'a/b' cannot", "sysctl: 'swappiness' is not", "sysctl: '' is not a value", "read_ahead: 'data' is not",
         "read_ahead: -1 is not"],
    ),
    "packages": (
        read_packages,
        ["packages: '-o' is not the name", "packages: '1 2' is not a version", "repositories: '../x' cannot be",
         "repositories, ../x: 'a b' is not one word.", "repositories, ../x: A repository needs 'components'.",
         "guard: 'a/b' cannot be", "guard: 'c d' is not the name of a unit."],
    ),
    "script configuration": (
        lambda: script_config.parse("bogus=1\n# fine\nencoding=UTF-8\nexecuteInTransaction=maybe", "V1__a.sql.conf"),
        [
            "V1__a.sql.conf:1: Unknown configuration property: bogus. Known properties are",
            "V1__a.sql.conf:4: executeInTransaction is neither true nor false: maybe",
        ],
    ),
    "configuration": (
        read_configuration,
        ['clusters: "a/b" cannot', 'cluster a/b: The drop-in "10-preset"', 'cluster a/b: The drop-in "groundwork"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EVERYWHERE)
def test_every_mistake_of_a_declaration_is_in_one_failure(name: str) -> None:
    read, expected = EVERYWHERE[name]
    with pytest.raises(GroundworkError) as caught:
        read()
    first, *lines = caught.value.what.split("\n  ")
    assert first.startswith(f"{len(expected)} problems in ") and first.endswith(":"), caught.value.message
    assert len(lines) == len(caught.value.details["problems"]) == len(expected), caught.value.message
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=True)] == expected
    assert caught.value.code and caught.value.untouched


def test_one_mistake_has_its_hint_in_a_line_of_its_own() -> None:
    problems = Problems()
    problems.add("users[0]", "The name is empty.", "Give one.", "OWN_CODE")
    problems.add("users[0]", "The name is empty.", "Give one.", "OWN_CODE")
    with pytest.raises(GroundworkError) as caught:
        problems.raise_if_any("the users", "CODE")
    assert caught.value.message == (
        "users[0]: The name is empty.\nuntouched: everything; nothing was written\nhint: Give one."
    )
    assert caught.value.details["problems"] == [
        {"path": "users[0]", "problem": "The name is empty.", "hint": "Give one."}
    ]
    assert caught.value.code == "OWN_CODE"


def test_nothing_wrong_is_no_failure() -> None:
    problems = Problems()
    problems.raise_if_any("the users", "CODE")
    assert not problems
