#!/usr/bin/python

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbouncer_configuration
short_description: Bring the PgBouncer processes of a host to a description, without dropping a client
version_added: 1.0.0
description:
  - Writes C(pgbouncer-N.ini) for each process, C(userlist.txt) and C(hba.conf), and brings what runs to them.
  - "Everything is checked before a running process is touched: names, settings by version, rules, the sum of all pools
    against the server's C(max_connections), whether the servers answer; and the installed PgBouncer is started for a
    moment with the new configuration, listening on nothing but a private socket. What it refuses is refused here."
  - "Whether a process needs C(RELOAD) or a restart is decided from its own C(SHOW CONFIG): the values that run, and the
    column C(changeable). Settings changed on the console with C(SET) are found and put back."
  - Restarts are rolling. A process first takes no new clients (the others listen on the same port), then is let go
    transaction by transaction, then starts with the new configuration and must answer before the next one follows.
    C(SHOW CONFIG) and C(SHOW DATABASES) are compared with the description after every C(RELOAD) and start.
  - All processes share their port with C(SO_REUSEPORT) and know each other as peers, so that a query's cancellation
    finds the process that runs it.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._pgbouncer.databases
  - groundwork.databases._pgbouncer.users
  - groundwork.databases._pgbouncer.hba
  - groundwork.databases._pgbouncer.servers
options:
  binary:
    description: The program.
    type: path
    default: /usr/sbin/pgbouncer
  account:
    description:
      - Account that runs the processes. The admin console lets it in without a password, through the Unix socket; that
        is how this module asks.
    type: str
    default: pgbouncer
  directory:
    description: Folder of the configuration files. It must exist.
    type: path
    default: /etc/pgbouncer
  runtime_directory:
    description: Folder with one folder per process (C(1), C(2), ...) for its socket and pid file.
    type: path
    default: /run/pgbouncer
  log_directory:
    description: Folder of the logs, C(pgbouncer-N.log). It must exist.
    type: path
    default: /var/log/pgbouncer
  minimum_version:
    description:
      - The run is refused when an older PgBouncer is installed. A lower value is accepted, and warns with the security
        holes that are known of the installed version.
    type: str
    default: 1.25.2
  processes:
    description:
      - How many processes share the port. Each uses one processor core, and has pools of its own.
      - From two on, a restart leaves somebody to connect to.
    type: int
    default: 2
  listen_addresses:
    description: Addresses to listen on, V(*) for all.
    type: list
    elements: str
    default: [127.0.0.1]
  listen_port:
    description: Port, and the suffix of the socket's name.
    type: int
    default: 6432
  settings:
    description:
      - Settings of the section C([pgbouncer]), by PgBouncer's names. What follows from other options (C(listen_addr),
        C(auth_type), C(peer_id) and the like) is refused here. What is not set has PgBouncer's default.
    type: dict
    default: {}
  pooler_hosts:
    description: How many hosts run the same poolers in front of the same servers.
    type: int
    default: 1
  server_check:
    description:
      - Whether a change is refused while a server does not answer or shows a certificate that the pooler would refuse.
    type: bool
    default: true
  accept_risks:
    description:
      - V(md5) allows md5 rules and hashes; V(plaintext_clients) clients without TLS on addresses other than loopback;
        V(unverified_servers) servers without C(server_tls_sslmode=verify-full); V(lost_cancels) several processes of a
        PgBouncer before 1.19, which cannot pass cancellations on.
    type: list
    elements: str
    choices: [md5, plaintext_clients, unverified_servers, lost_cancels]
    default: []
  supervisor:
    description:
      - V(systemd) starts, restarts and stops the instances of O(unit). V(external) leaves that to whoever runs the
        processes (a container engine), and returns under RV(restart_needed) what a C(RELOAD) does not do.
    type: str
    choices: [systemd, external]
    default: systemd
  unit:
    description: Unit of a process, with C({process}) for its number.
    type: str
    default: pgbouncer@{process}.service
  replaces_unit:
    description: A unit of the distribution that runs a single process. It is stopped, disabled and masked.
    type: str
  take_over:
    description:
      - Whether O(replaces_unit) may be stopped while it runs. Its clients are disconnected when their transactions end.
    type: bool
    default: false
  restart:
    description:
      - V(rolling) restarts what needs it, one process at a time. V(never) writes the files, reloads what can be
        reloaded, and returns the rest under RV(restart_needed).
    type: str
    choices: [rolling, never]
    default: rolling
  drain_timeout:
    description:
      - Seconds that the clients of a process may go on by themselves before a restart, while other processes take new
        ones. Needs PgBouncer 1.23.
    type: int
    default: 10
  restart_timeout:
    description: Seconds that running transactions (in session mode, sessions) may take after that.
    type: int
    default: 60
  restart_force:
    description:
      - Whether what is left then is cut off. Otherwise the run fails, the process serves them to their end, and the
        next run goes on.
    type: bool
    default: false
  connect_timeout:
    description: Seconds to wait for a server's answer.
    type: int
    default: 5
requirements:
  - psycopg2 >= 2.8
  - PgBouncer >= 1.16
seealso:
  - module: groundwork.databases.pgbouncer_auth_query
  - module: groundwork.databases.pgbouncer_control
"""

EXAMPLES = r"""
- name: Two processes in transaction mode
  groundwork.databases.pgbouncer_configuration:
    listen_addresses: ["*"]
    settings:
      pool_mode: transaction
      max_client_conn: 2000
      default_pool_size: 20
      client_tls_sslmode: require
      client_tls_key_file: /etc/pgbouncer/tls/server.key
      client_tls_cert_file: /etc/pgbouncer/tls/server.crt
      server_tls_sslmode: verify-full
      server_tls_ca_file: /etc/pgbouncer/tls/ca.crt
    databases:
      - {name: shop, host: db1.example.com, max_db_connections: 30}
    users:
      - {name: shop_app, scram_secret: "{{ shop_app_secret }}"}
      - {name: pgbouncer_stats, scram_secret: "{{ stats_secret }}", stats: true}
    servers:
      - {host: db1.example.com, max_connections: 100}
  become: true
"""

RETURN = r"""
actions:
  description: The files that were, or in check mode would be, written, and what happens to which process.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: reload, kind: process, name: "1", statement: "max_client_conn: '100' -> '2000'"}
processes:
  description: C(action) is V(none), V(reload), V(restart), V(start) or V(stop); C(reasons) say why.
  returned: success
  type: list
  elements: dict
restart_needed:
  description: >-
    With O(restart=never) or O(supervisor=external), the processes that still have to be started or restarted, with
    reasons.
  returned: success
  type: list
  elements: dict
capacity:
  description: Per server, the most connections that the poolers can open, and what is left of the server's.
  returned: success
  type: list
  elements: dict
  sample:
    - {server: "db1:5432", per_process: 30, processes: 2, pooler_hosts: 1, most_connections: 60, max_connections: 100,
       reserve_connections: 10, left: 30}
pools:
  description: C(SHOW POOLS) of all processes added up, after the run.
  returned: success
  type: list
  elements: dict
version:
  description: Version of the installed program; in check mode before it is installed, O(minimum_version).
  returned: success
  type: str
known_holes:
  description: Security holes that are known of this upstream version. Distributions mend some without a new number.
  returned: success
  type: list
  elements: str
servers_reached:
  description: Servers that answered, when there was something to change.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg import api
from ..module_utils._pgbouncer import known_settings
from ..module_utils._pgbouncer.configuration.run import Run


def _list_of(**options: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"type": "list", "elements": "dict", "options": options}


def _databases_spec() -> dict[str, t.Any]:
    numbers = (
        "port", "pool_size", "min_pool_size", "reserve_pool_size", "max_db_connections", "max_db_client_connections",
        "server_lifetime", "query_wait_timeout", "expected_users",
    )  # fmt: skip
    texts = (
        "host", "dbname", "user", "connect_query", "application_name", "client_encoding", "datestyle", "timezone",
        "auth_user", "auth_dbname", "auth_query",
    )  # fmt: skip
    return {
        **_list_of(
            name={"type": "str", "required": True},
            password={"type": "str", "no_log": True},
            pool_mode={"type": "str", "choices": ["session", "transaction", "statement"]},
            load_balance_hosts={"type": "str", "choices": ["disable", "round-robin"]},
            **{name: {"type": "int"} for name in numbers},
            **{name: {"type": "str"} for name in texts},
        ),
        "default": [],
    }


def _users_spec() -> dict[str, t.Any]:
    numbers = (
        "pool_size", "reserve_pool_size", "max_user_connections", "max_user_client_connections", "query_timeout",
        "query_wait_timeout", "idle_transaction_timeout", "transaction_timeout", "client_idle_timeout",
    )  # fmt: skip
    return {
        **_list_of(
            name={"type": "str", "required": True},
            scram_secret={"type": "str", "no_log": True},
            password={"type": "str", "no_log": True},
            admin={"type": "bool", "default": False},
            stats={"type": "bool", "default": False},
            pooled={"type": "bool"},
            pool_mode={"type": "str", "choices": ["session", "transaction", "statement"]},
            **{name: {"type": "int"} for name in numbers},
        ),
        "default": [],
    }


def _hba_spec() -> dict[str, t.Any]:
    names = {"type": "list", "elements": "str", "default": ["all"]}
    anybody: dict[str, t.Any] = {"databases": ["all"], "users": ["all"], "method": "scram-sha-256"}
    return {
        **_list_of(
            type={"type": "str", "choices": ["local", "host", "hostssl", "hostnossl"], "required": True},
            databases=names,
            users=names,
            address={"type": "str"},
            method={"type": "str", "required": True},
            map={"type": "str"},
        ),
        "default": [
            {"type": "local", **anybody},
            {"type": "hostssl", **anybody, "address": "0.0.0.0/0"},
            {"type": "hostssl", **anybody, "address": "::/0"},
        ],
    }


def _servers_spec() -> dict[str, t.Any]:
    return {
        **_list_of(
            host={"type": "str", "required": True},
            port={"type": "int", "default": 5432},
            max_connections={"type": "int"},
            reserve_connections={"type": "int", "default": 10},
            login_user={"type": "str"},
            login_password={"type": "str", "no_log": True},
            login_db={"type": "str", "default": "postgres"},
            ssl_mode={"type": "str", "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"]},
            ca_cert={"type": "path"},
        ),
        "default": [],
    }


def argument_spec() -> dict[str, t.Any]:
    risks = ["md5", "plaintext_clients", "unverified_servers", "lost_cancels"]
    return {
        "binary": {"type": "path", "default": "/usr/sbin/pgbouncer"},
        "account": {"type": "str", "default": "pgbouncer"},
        "directory": {"type": "path", "default": "/etc/pgbouncer"},
        "runtime_directory": {"type": "path", "default": "/run/pgbouncer"},
        "log_directory": {"type": "path", "default": "/var/log/pgbouncer"},
        "minimum_version": {"type": "str", "default": "1.25.2"},
        "processes": {"type": "int", "default": 2},
        "listen_addresses": {"type": "list", "elements": "str", "default": ["127.0.0.1"]},
        "listen_port": {"type": "int", "default": 6432},
        "settings": {"type": "dict", "default": {}},
        "databases": _databases_spec(),
        "users": _users_spec(),
        "hba": _hba_spec(),
        "servers": _servers_spec(),
        "pooler_hosts": {"type": "int", "default": 1},
        "server_check": {"type": "bool", "default": True},
        "accept_risks": {"type": "list", "elements": "str", "choices": risks, "default": []},
        "supervisor": {"type": "str", "choices": ["systemd", "external"], "default": "systemd"},
        "unit": {"type": "str", "default": "pgbouncer@{process}.service"},
        "replaces_unit": {"type": "str"},
        "take_over": {"type": "bool", "default": False},
        "restart": {"type": "str", "choices": ["rolling", "never"], "default": "rolling"},
        "drain_timeout": {"type": "int", "default": 10},
        "restart_timeout": {"type": "int", "default": 60},
        "restart_force": {"type": "bool", "default": False},
        "connect_timeout": {"type": "int", "default": 5},
    }


def require_driver(module: GroundworkModule) -> None:
    if not module.check_mode:
        api.require_driver(module)


def run(module: GroundworkModule) -> dict[str, t.Any]:
    outcome = Run(module.params, check_mode=module.check_mode).run()
    for warning in outcome.warnings:
        module.warn(warning)
    found: dict[str, t.Any] = {
        "changed": outcome.plan.changed,
        "actions": outcome.plan.actions(),
        "processes": [decision.summary() for decision in outcome.decisions],
        "restart_needed": [decision.summary() for decision in outcome.postponed],
        "capacity": outcome.capacity,
        "pools": outcome.pools,
        "version": known_settings.text_of(outcome.version),
        "known_holes": known_settings.known_holes(outcome.version),
        "servers_reached": outcome.reached,
    }
    if module._diff:
        found["diff"] = outcome.plan.diff()
    return found


def main() -> None:
    run_module(run, argument_spec(), require=require_driver)


if __name__ == "__main__":
    main()
