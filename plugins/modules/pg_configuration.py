#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_configuration
short_description: Configure every PostgreSQL 16 cluster of a host
version_added: 1.0.0
description:
  - Writes settings as numbered drop-ins below C(conf.d), and C(pg_hba.conf) and C(pg_ident.conf) from typed rules, for
    all clusters of the host in one call. C(postgresql.conf) is never edited.
  - Validates everything of every cluster before the first byte is written. Names, types, units, ranges and choices are
    held against the running server's own C(pg_settings), or against the catalogue of PostgreSQL 16 while there is none;
    then the installed server reads a copy of the whole configuration.
  - Reloads a running server through SQL, however it is run, after asking it what it thinks of the new files. When it
    refuses anything, the previous files come back and the server is told nothing.
  - Never restarts anything. What waits for a restart is returned, see M(groundwork.databases.pg_restart).
  - A running server is entered over its Unix socket as O(owner), by peer authentication.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
requirements:
  - psycopg2 >= 2.8 when a server runs
options:
  clusters:
    description: The clusters of the host.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the cluster.
        type: str
        required: true
      port:
        description: Port of the server; while it runs, its own word counts.
        type: int
        default: 5432
      config_directory:
        description: Folder with C(postgresql.conf). Defaults to C(/etc/postgresql/16/) and the name.
        type: path
      data_directory:
        description: Data folder. Defaults to C(/var/lib/postgresql/16/) and the name.
        type: path
      wal_directory:
        description: Folder of the write-ahead log when it is not in the data folder; presets look at its disk.
        type: path
      socket_directory:
        description: Folder of the Unix socket.
        type: path
        default: /var/run/postgresql
      preset:
        description:
          - Settings that follow from the machine and from what the server is for; written to C(10-preset.conf).
          - C(max_connections) of O(clusters[].files) or O(clusters[].settings) is taken into account.
        type: dict
        suboptions:
          purpose:
            description:
              - V(oltp) for many short transactions, V(olap) for few long queries, V(mixed) for both, V(tiny) for a
                server that shares a small machine.
            type: str
            choices: [oltp, olap, mixed, tiny]
            required: true
          memory_percent:
            description:
              - Share of the host's memory. Clusters with a preset and without a share divide what is left equally.
            type: int
          disk:
            description: What the data lies on.
            type: str
            choices: [ssd, hdd]
            default: ssd
      files:
        description:
          - Settings by the name of the drop-in that says them, such as C(20-groundwork). The server reads drop-ins in
            the order of their names, and what it reads last counts.
          - A drop-in that this module wrote before and that is not named any more is removed. Those of somebody else
            are left alone, and reported where they win.
        type: dict
        default: {}
      settings:
        description:
          - What the user decides; written to C(99-settings.conf), which has the last word.
          - A value of null takes a setting back that an earlier drop-in says. Lists are written as the server wants
            them, so C([pg_stat_statements, auto_explain]) needs no quotes.
          - Passwords and keys that a command or a connection string holds are shown nowhere. One in C(primary_conninfo)
            is refused; name a C(passfile) there.
        type: dict
        default: {}
      hba:
        description:
          - Who may log in from where; written to C(pg_hba.conf) as a whole. Without this option the file is left alone.
        type: dict
        suboptions:
          defaults:
            description:
              - Put the defaults around the rules. First, the superuser over the Unix socket by peer and never over the
                network; last, everybody over the Unix socket and from O(clusters[].hba.client_networks) with
                C(scram-sha-256).
              - With V(false) the file holds O(clusters[].hba.extra) and O(clusters[].hba.rules) only.
            type: bool
            default: true
          rules:
            description: The user's rules, in the order in which they count.
            type: list
            elements: dict
            default: []
            suboptions: &rule
              type:
                description: Kind of connection.
                type: str
                choices: [local, host, hostssl, hostnossl, hostgssenc, hostnogssenc]
                required: true
              databases:
                description: Names of databases, or V(all), V(sameuser), V(samerole), V(replication).
                type: list
                elements: str
                default: [all]
              users:
                description: Names of roles, V(+group) for the members of a group, or V(all).
                type: list
                elements: str
                default: [all]
              address:
                description: Network such as V(10.0.0.0/8), host name, V(all), V(samehost) or V(samenet).
                type: str
              method:
                description:
                  - How the user proves who they are, such as V(scram-sha-256), V(peer), V(cert) or V(reject).
                  - C(trust) over the network is always refused.
                type: str
                required: true
              options:
                description: Options of the method, such as C(map) or C(clientcert).
                type: dict
                default: {}
              secret_options:
                description: The options C(ldapbindpasswd) and C(radiussecrets), which are shown nowhere.
                type: dict
                default: {}
              comment:
                description: A line above the rule.
                type: str
              allow_weak:
                description: Says that C(md5), C(password), C(ident) or a local C(trust) is meant.
                type: bool
                default: false
          extra:
            description: Rules of other parts of the host, such as replication; before the user's.
            type: list
            elements: dict
            default: []
            suboptions: *rule
          client_networks:
            description: Networks that every role may log in from, to every database.
            type: list
            elements: str
            default: []
          require_tls:
            description: Refuse rules that let a connection in without TLS, and let clients in with TLS only.
            type: bool
            default: false
      ident:
        description: Lines of C(pg_ident.conf). Without this option the file is left alone.
        type: list
        elements: dict
        suboptions:
          map:
            description: Name of the map, for the option C(map) of a rule.
            type: str
            required: true
          system_user:
            description: Name that the authentication found, or V(/) and a regular expression.
            type: str
            required: true
          database_user:
            description: Role that it may log in as.
            type: str
            required: true
          comment:
            description: A line above.
            type: str
  bin_directory:
    description: Folder with the installed C(postgres).
    type: path
    default: /usr/lib/postgresql/16/bin
  owner:
    description: Account that the servers run as, which owns the files.
    type: str
    default: postgres
  superuser:
    description: Role to log in as over the Unix socket. Defaults to O(owner).
    type: str
  state_directory:
    description: Folder for the last configuration that worked, which M(groundwork.databases.pg_restart) falls back to.
    type: path
    default: /var/lib/groundwork/postgresql_16/configuration
  sharing_memory:
    description:
      - Clusters that presets leave memory to and that are not among O(clusters), such as one that is to be copied yet.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the cluster.
        type: str
        required: true
      memory_percent:
        description: Share of the host's memory; without it, an equal part of what is left.
        type: int
  memory_mb:
    description: Memory that presets plan with, instead of all that the host has.
    type: int
  cpus:
    description: Processors that presets plan with, instead of all that the host has.
    type: int
"""

EXAMPLES = r"""
- name: Configure two clusters
  groundwork.databases.pg_configuration:
    clusters:
      - name: launch
        port: 5432
        preset:
          purpose: mixed
          memory_percent: 60
        files:
          20-groundwork:
            listen_addresses: ["*"]
            log_min_duration_statement: 1s
        settings:
          max_connections: 1000
          shared_preload_libraries: [pg_stat_statements, auto_explain]
        hba:
          client_networks: [10.0.0.0/8]
          rules:
            - {type: host, databases: [reports], users: [+analysts], address: 192.168.7.0/24, method: scram-sha-256}
      - name: mandate_vault
        port: 5433
        preset:
          purpose: oltp
        settings:
          log_statement: all
          log_min_duration_statement: 1000
  register: configuration

- name: Say what waits for a restart
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.pending_restart }}"
  loop: "{{ configuration.clusters | selectattr('pending_restart') }}"
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: change, kind: file, name: /etc/postgresql/16/launch/conf.d/99-settings.conf}
    - {action: reload, kind: server, name: cluster launch, statement: SELECT pg_reload_conf()}
clusters:
  description: What came of each cluster, in the order of O(clusters).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the cluster.
      type: str
    running:
      description: Whether its server runs.
      type: bool
    changed:
      description: Whether anything of it changed.
      type: bool
    changed_files:
      description: Files that were written or removed.
      type: list
      elements: str
    reloaded:
      description: Whether the server read its files again.
      type: bool
    pending_restart:
      description: Settings that wait for a restart, as the server says; predicted in check mode.
      type: list
      elements: dict
      sample:
        - {name: max_connections, current: "100", new: "1000"}
    binary_newer:
      description: The versions of the running server and of the installed one when they differ, otherwise null.
      type: dict
      sample: {running: "16.14", installed: "16.15"}
    overrides:
      description: Settings that are said more than once, differently. C(from) wins over C(of).
      type: list
      elements: dict
      sample:
        - setting: work_mem
          value: 64MB
          from: /etc/postgresql/16/launch/conf.d/99-settings.conf
          instead_of: 4MB
          of: /etc/postgresql/16/launch/conf.d/10-preset.conf
    warnings:
      description: What works differently from what was asked for, such as a setting that C(ALTER SYSTEM) wins over.
      type: list
      elements: str
refused:
  description: Everything that is wrong with what was asked for, one line each, beginning with the cluster.
  returned: when it is refused
  type: list
  elements: str
"""

import dataclasses
import typing as t
from pathlib import Path

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._host.account import find_account
from ..module_utils._pg.configuration import declared, live, run
from ..module_utils._pg.configuration.host import read_host
from ..module_utils._pg.postmaster import running
from ..module_utils._pg.settings.check import secrets

RULE = {
    "type": {
        "type": "str",
        "required": True,
        "choices": ["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"],
    },
    "databases": {"type": "list", "elements": "str", "default": ["all"]},
    "users": {"type": "list", "elements": "str", "default": ["all"]},
    "address": {"type": "str"},
    "method": {"type": "str", "required": True},
    "options": {"type": "dict", "default": {}},
    "secret_options": {"type": "dict", "default": {}, "no_log": True},
    "comment": {"type": "str"},
    "allow_weak": {"type": "bool", "default": False},
}
HBA = {
    "defaults": {"type": "bool", "default": True},
    "rules": {"type": "list", "elements": "dict", "default": [], "options": RULE},
    "extra": {"type": "list", "elements": "dict", "default": [], "options": RULE},
    "client_networks": {"type": "list", "elements": "str", "default": []},
    "require_tls": {"type": "bool", "default": False},
}
CLUSTER = {
    "name": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5432},
    "config_directory": {"type": "path"},
    "data_directory": {"type": "path"},
    "wal_directory": {"type": "path"},
    "socket_directory": {"type": "path", "default": "/var/run/postgresql"},
    "preset": {
        "type": "dict",
        "options": {
            "purpose": {"type": "str", "required": True, "choices": ["oltp", "olap", "mixed", "tiny"]},
            "memory_percent": {"type": "int"},
            "disk": {"type": "str", "choices": ["ssd", "hdd"], "default": "ssd"},
        },
    },
    "files": {"type": "dict", "default": {}},
    "settings": {"type": "dict", "default": {}},
    "hba": {"type": "dict", "options": HBA},
    "ident": {
        "type": "list",
        "elements": "dict",
        "options": {
            "map": {"type": "str", "required": True},
            "system_user": {"type": "str", "required": True},
            "database_user": {"type": "str", "required": True},
            "comment": {"type": "str"},
        },
    },
}


def read_place(module: GroundworkModule) -> run.Place:
    """:raises GroundworkError: the account is missing, or the caller may not become it."""
    params = module.params
    owner = find_account(params["owner"])
    if owner is None and not module.check_mode:
        raise GroundworkError(
            f"The account {params['owner']} does not exist on this host.", untouched="everything",
            hint="Install PostgreSQL first.", code=ErrorCode.NO_ACCOUNT,
        )  # fmt: skip
    return run.Place(
        owner_name=params["owner"],
        owner=owner,
        superuser=params["superuser"] or params["owner"],
        bin_directory=Path(params["bin_directory"]),
        state=Path(params["state_directory"]),
        host=read_host(params["memory_mb"], params["cpus"]),
        check_mode=module.check_mode,
    )


def require_clusters(clusters: list[declared.Cluster]) -> None:
    """:raises GroundworkError: a cluster was not created, so it has no configuration to be changed."""
    for cluster in clusters:
        if not (cluster.config / "postgresql.conf").is_file():
            raise GroundworkError(
                f"The cluster {cluster.name} has no postgresql.conf.", where=str(cluster.config),
                untouched="everything", hint="Create the cluster first, with pg_createcluster.",
                code=ErrorCode.CLUSTER_MISSING,
            )  # fmt: skip


def hide_secrets(module: GroundworkModule) -> None:
    """Settings are no secrets, but some may hold one: keep it out of what Ansible shows of the module's arguments."""
    for given in module.params["clusters"]:
        for settings in (given["settings"], *given["files"].values()):
            for name, value in settings.items() if isinstance(settings, dict) else ():
                module.hide(*secrets(name, value))


def configure(module: GroundworkModule) -> dict[str, t.Any]:
    hide_secrets(module)
    clusters = declared.parse(module.params["clusters"])
    place = read_place(module)
    if not module.check_mode:
        require_clusters(clusters)
    if any(running(cluster.data).pid for cluster in clusters):
        from ..module_utils._pg.api import DRIVER_IMPORT_ERROR, require_driver

        if module.check_mode and DRIVER_IMPORT_ERROR:
            # The package may be one that the run itself would install.
            module.warn("Without psycopg2 the running servers were not asked: this predicts from their files alone.")
            place = dataclasses.replace(place, owner=None)
        else:
            require_driver(module)
    sharing = {given["name"]: given["memory_percent"] for given in module.params["sharing_memory"]}
    with run.subjects(clusters, place, sharing) as subjects:
        if not module.check_mode:
            run.put_into_force(subjects, place)
        installed = live.installed_version(place.bin_directory)
        reports = [run.report(subject, place, installed) for subject in subjects]
    for report in reports:
        for warning in report["warnings"]:
            module.warn(f"{report['name']}: {warning}")
    steps = [step for subject in subjects for step in subject.plan]
    return {
        "changed": bool(steps),
        "actions": [step.summary() for step in steps],
        "diff": [step.diff() for step in steps],
        "clusters": reports,
    }


def main() -> None:
    run_module(
        configure,
        {
            "clusters": {"type": "list", "elements": "dict", "required": True, "options": CLUSTER},
            "bin_directory": {"type": "path", "default": "/usr/lib/postgresql/16/bin"},
            "owner": {"type": "str", "default": "postgres"},
            "superuser": {"type": "str"},
            "state_directory": {"type": "path", "default": "/var/lib/groundwork/postgresql_16/configuration"},
            "sharing_memory": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": {"type": "str", "required": True}, "memory_percent": {"type": "int"}},
            },
            "memory_mb": {"type": "int"},
            "cpus": {"type": "int"},
        },
    )


if __name__ == "__main__":
    main()
