#!/usr/bin/python

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_clusters
short_description: Create the PostgreSQL 16 clusters of a Debian or Ubuntu host through postgresql-common
version_added: 1.0.0
description:
  - Brings every cluster of a host (a server with its port, data folder and write-ahead log) to its description in one
    task. Clusters are created with C(pg_createcluster) and not started.
  - Everything that can be refused is refused before anything is touched, and every reason is named at once. Clusters of
    another major version, names, ports and folders that clash, a port that somebody listens on, a folder that holds
    something, a disk without room, a server without ICU, a locale that the C library does not know, and whatever
    C(initdb) decided differently for a cluster that exists.
  - A creation that was killed half-way is recognised by a note under C(/var/lib/groundwork), cleared, and begun anew. A
    folder without such a note, or one that a server has been started on, is never touched.
  - In check mode it works on a host without PostgreSQL, too.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
requirements:
  - postgresql-common and postgresql-16, outside check mode
  - root
options:
  clusters:
    description: The clusters. What the host holds beside them is left alone and returned as RV(unlisted).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the cluster.
        type: str
        required: true
      state:
        description: V(absent) stops the server and removes its data, write-ahead log and configuration.
        type: str
        choices: [present, absent]
        default: present
      confirm_removal:
        description: Must equal O(clusters[].name) for O(clusters[].state=absent) on a cluster that exists.
        type: str
        default: ""
      port:
        description: Port. A changed one is written at once and takes effect at the next restart of the server.
        type: int
        default: 5432
      data_directory:
        description: Data folder, by default C(/var/lib/postgresql/16/<name>). Never moved.
        type: path
      wal_directory:
        description: Folder of the write-ahead log, by default within the data folder. Never moved.
        type: path
      start:
        description: What start.conf says, that is, whether the cluster starts with the host.
        type: str
        choices: [auto, manual]
        default: auto
      checksums:
        description: Data checksums, V(true) for a new cluster. An existing one is compared when this is set.
        type: bool
      encoding:
        description:
          - Encoding of the template databases, V(UTF8) for a new cluster. Compared when set and the server runs.
        type: str
      locale:
        description:
          - Locale of the template databases, V(C.UTF-8) for a new cluster. Compared when set and the server runs.
          - Generated first where the host lacks it.
        type: str
      locale_provider:
        description: V(libc) or V(icu); V(libc) for a new cluster. Compared when set and the server runs.
        type: str
        choices: [libc, icu]
      icu_locale:
        description: ICU locale of the template databases.
        type: str
      wal_segment_size:
        description: Megabytes per segment of the write-ahead log, V(16) for a new cluster. Compared when set.
        type: int
      group_access:
        description:
          - Let the group of the servers' account read the data folder, V(false) for a new cluster. Compared when set.
        type: bool
      initdb_options:
        description: Further options of C(initdb), each one argument.
        type: list
        elements: str
        default: []
  created_elsewhere:
    description:
      - Names of clusters that come to be as copies of another server, not by C(initdb). One that is not there is not
        created here, and its folders are not judged.
    type: list
    elements: str
    default: []
  locales:
    description: Further locales that must be there, for databases with a locale of their own.
    type: list
    elements: str
    default: []
  unlisted_main:
    description:
      - What to do about a cluster C(main), as the package makes it, that O(clusters) does not list. With
        V(remove_when_empty) one that holds anything, or that cannot be asked, is an error.
    type: str
    choices: [keep, remove_when_empty]
    default: keep
"""

EXAMPLES = r"""
- name: Two clusters, one with its write-ahead log on another disk
  groundwork.databases.pg_clusters:
    clusters:
      - name: shop
        port: 5432
        wal_directory: /srv/wal/shop
      - name: archive
        port: 5433
        locale: de_DE.UTF-8

- name: Remove one for good
  groundwork.databases.pg_clusters:
    clusters:
      - name: archive
        state: absent
        confirm_removal: archive
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, kind: cluster, name: shop, statement: pg_createcluster --port=5432 16 shop}
clusters:
  description: The described clusters in the order of the description, with C(state=absent) ones left out.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      type: str
    exists:
      description: Whether the cluster was there before this task.
      type: bool
    data_directory:
      description: Data folder.
      type: str
    wal_directory:
      description: Folder of the write-ahead log, empty when it is in the data folder.
      type: str
    config_directory:
      description: Configuration folder.
      type: str
    socket_directory:
      description: Folder of the Unix socket.
      type: str
    log_file:
      description: Log file that postgresql-common starts the server with.
      type: str
    unit:
      description: systemd unit.
      type: str
    port:
      description: Port as described.
      type: int
    running_port:
      description: Port that the running server listens on, V(null) when it does not run.
      type: int
    standby:
      description: Whether the data folder is that of a standby.
      type: bool
unlisted:
  description: Clusters of the host that were not described and are still there.
  returned: success
  type: list
  elements: str
installed:
  description: Whether the server's programs are there.
  returned: success
  type: bool
system:
  description: The distribution.
  returned: success and failure
  type: dict
  sample: {id: ubuntu, version: "22.04", codename: jammy, name: Ubuntu 22.04.5 LTS}
refusals:
  description: Every reason why nothing was attempted.
  returned: failure
  type: list
  elements: str
"""

import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg.clusters.apply import apply_plan
from ..module_utils._pg.clusters.live import read_host
from ..module_utils._pg.clusters.model import AT_CREATION, SOCKETS, Desired, Host, config_directory, log_file, unit
from ..module_utils._pg.clusters.plan import plan_clusters
from ..module_utils._pg.clusters.validation import drops_main


def build_desired(options: dict[str, t.Any], created_elsewhere: list[str]) -> Desired:
    return Desired(
        name=options["name"],
        port=options["port"],
        state=options["state"],
        confirm_removal=options["confirm_removal"],
        data_directory=(options["data_directory"] or "").rstrip("/") or None,
        wal_directory=(options["wal_directory"] or "").rstrip("/") or None,
        start=options["start"],
        initdb_options=tuple(options["initdb_options"]),
        created_elsewhere=options["name"] in created_elsewhere,
        fixed={key: options[key] for key in AT_CREATION if options[key] not in (None, "")},
    )


def describe(cluster: Desired, host: Host) -> dict[str, t.Any]:
    live = host.clusters.get(cluster.name) if cluster.name not in host.interrupted else None
    return {
        "name": cluster.name,
        "exists": live is not None,
        "data_directory": live.data_directory if live else cluster.data,
        "wal_directory": (live.wal_directory if live else cluster.wal_directory) or "",
        "config_directory": config_directory(cluster.name),
        "socket_directory": SOCKETS,
        "log_file": log_file(cluster.name),
        "unit": unit(cluster.name),
        "port": cluster.port,
        "running_port": live.running_port if live else None,
        "standby": live.standby if live else False,
    }


def run(module: GroundworkModule) -> dict[str, t.Any]:
    params = module.params
    desired = [build_desired(options, params["created_elsewhere"]) for options in params["clusters"]]
    reading = {"wanted_locales": params["locales"], "unlisted_main": params["unlisted_main"]}
    host = read_host(desired, **reading)
    plan = plan_clusters(host, desired, **reading)
    if plan and not module.check_mode:
        apply_plan(plan, host, desired)
        left = plan_clusters(read_host(desired, **reading), desired, **reading)
        if left:
            raise GroundworkError(
                "The clusters are not as described after everything was done: "
                + ", ".join(f"{step.action} {step.kind} {step.name}" for step in left),
                hint="Something else changes them at the same time. Run again.",
                code=ErrorCode.NOT_CONVERGED,
            )
    listed = {cluster.name for cluster in desired}
    dropped = {"main"} if drops_main(host, desired, params["unlisted_main"]) else set()
    return {
        "changed": plan.changed,
        "actions": plan.actions(),
        "diff": plan.diff(),
        "clusters": [describe(cluster, host) for cluster in desired if cluster.state == "present"],
        "unlisted": sorted(set(host.clusters) - listed - dropped),
        "installed": host.installed,
        "system": host.system,
    }


def argument_spec() -> dict[str, t.Any]:
    cluster = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "confirm_removal": {"type": "str", "default": ""},
        "port": {"type": "int", "default": 5432},
        "data_directory": {"type": "path"},
        "wal_directory": {"type": "path"},
        "start": {"type": "str", "choices": ["auto", "manual"], "default": "auto"},
        "checksums": {"type": "bool"},
        "encoding": {"type": "str"},
        "locale": {"type": "str"},
        "locale_provider": {"type": "str", "choices": ["libc", "icu"]},
        "icu_locale": {"type": "str"},
        "wal_segment_size": {"type": "int"},
        "group_access": {"type": "bool"},
        "initdb_options": {"type": "list", "elements": "str", "default": []},
    }
    return {
        "clusters": {"type": "list", "elements": "dict", "required": True, "options": cluster},
        "created_elsewhere": {"type": "list", "elements": "str", "default": []},
        "locales": {"type": "list", "elements": "str", "default": []},
        "unlisted_main": {"type": "str", "choices": ["keep", "remove_when_empty"], "default": "keep"},
    }


def main() -> None:
    run_module(run, argument_spec())


if __name__ == "__main__":
    main()
