#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongod_configuration
short_description: Bring mongod.conf and the running server to a description
version_added: 1.0.0
description:
  - Writes C(mongod.conf) from a map, and compares the map with what the running server does, not with what the file
    said before.
  - What a server can change as it runs (server parameters, log verbosity, slow-operation thresholds, the size of
    WiredTiger's cache and of the oplog) is changed as it runs. For the rest the module says that a restart is needed,
    and why. It restarts nothing.
  - Every name and type is checked before anything is written. An option that the release does not know is refused, with
    the closest name, or with what took its place. Where mongod is installed, it reads the new file itself first.
  - Refuses authentication turned off. An address that stands for all of the host's, such as V(0.0.0.0), takes
    O(listen_on_all), and without TLS O(exposed_without_tls) too.
notes:
  - Nothing is compared with a server that O(login_user) cannot log in to, for example before its first user. A restart
    is then needed when a file is newer than the process.
  - Passwords and keys are in no result, difference or message, and in no argument of a process.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._mongodb
options:
  settings:
    description: The whole of C(mongod.conf), nested as in the file. What is not in it is not in the file.
    type: dict
    required: true
  release:
    description: The MongoDB release that the options are checked for.
    type: str
    default: "7.0"
  path:
    description: The configuration file.
    type: path
    default: /etc/mongod.conf
  owner:
    description: The account that the server runs as.
    type: str
    default: mongodb
  group:
    description: The group of that account.
    type: str
    default: mongodb
  service:
    description: The systemd unit of the server.
    type: str
    default: mongod
  binary:
    description:
      - The server's executable. Without one, for example in check mode on a virgin host, only the module itself checks.
    type: path
    default: /usr/bin/mongod
  keyfile:
    description: File of the key that the members of a replica set share. It becomes C(security.keyFile).
    type: path
  keyfile_content:
    description: The key, 6 to 1024 characters of Base64. Required with O(keyfile).
    type: str
  replace_keyfile:
    description:
      - Bring a key that differs from the one that a server with data holds. Without it the module fails in that case.
    type: bool
    default: false
  memory_percent:
    description:
      - Share of the memory that is MongoDB's. WiredTiger's cache gets half of it less 1 GiB, at least 256 MiB, unless
        O(settings) says how much it is. The memory is the host's, or the limit of its control group.
    type: int
    default: 100
  listen_on_all:
    description: Allow an address that stands for all of the host's.
    type: bool
    default: false
  exposed_without_tls:
    description: Allow it without C(net.tls.mode) V(requireTLS), too.
    type: bool
    default: false
  adoption:
    description:
      - Allow C(security.transitionToAuth), the stage of an adoption in which clients without a login still get in.
    type: bool
    default: false
  restart_after:
    description:
      - Further files that the server reads at its start only, such as drop-ins of its unit. A restart is needed when
        one is newer than the process.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: A server with authentication
  groundwork.databases.mongod_configuration:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    settings:
      net: {port: 27017, bindIp: 127.0.0.1}
      security: {authorization: enabled}
      storage: {dbPath: /var/lib/mongodb}
      systemLog: {destination: file, path: /var/log/mongodb/mongod.log, logAppend: true}
      setParameter: {authenticationMechanisms: SCRAM-SHA-256}
  register: configuration

- name: Restart when it is needed
  ansible.builtin.systemd_service:
    name: mongod
    state: restarted
  when: configuration.restart_needed
"""

RETURN = r"""
actions:
  description: The steps that were, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: write, kind: configuration file, name: /etc/mongod.conf}
    - action: set
      kind: parameter
      name: cursorTimeoutMillis
      statement: '{"setParameter": 1, "cursorTimeoutMillis": 300000}'
restart_needed:
  description: Whether the running server lacks something that only a restart brings.
  returned: success
  type: bool
restart_reasons:
  description: Why, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ["net.maxIncomingConnections is 2000, the server runs without it"]
running:
  description: Whether the server runs.
  returned: success
  type: bool
login:
  description: Whether O(login_user) could log in, so that the running server was asked.
  returned: success
  type: bool
server_version:
  description: Version of the running server; empty when it was not asked.
  returned: success
  type: str
  sample: 7.0.14
feature_compatibility_version:
  description: The running server's feature compatibility version; empty when it was not asked.
  returned: success
  type: str
  sample: "7.0"
cache_size_gb:
  description: The size of WiredTiger's cache that the file names.
  returned: success
  type: float
  sample: 3.5
"""

import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._mongo.configuration.run import reconcile
from ..module_utils._mongo.connection import connection_argument_spec


def argument_spec() -> dict[str, dict[str, object]]:
    return {
        **connection_argument_spec(),
        "settings": {"type": "dict", "required": True},
        "release": {"type": "str", "default": "7.0"},
        "path": {"type": "path", "default": "/etc/mongod.conf"},
        "owner": {"type": "str", "default": "mongodb"},
        "group": {"type": "str", "default": "mongodb"},
        "service": {"type": "str", "default": "mongod"},
        "binary": {"type": "path", "default": "/usr/bin/mongod"},
        "keyfile": {"type": "path", "no_log": False},
        "keyfile_content": {"type": "str", "no_log": True},
        "replace_keyfile": {"type": "bool", "default": False, "no_log": False},
        "memory_percent": {"type": "int", "default": 100},
        "listen_on_all": {"type": "bool", "default": False},
        "exposed_without_tls": {"type": "bool", "default": False},
        "adoption": {"type": "bool", "default": False},
        "restart_after": {"type": "list", "elements": "path", "default": []},
    }


def run(module: GroundworkModule) -> dict[str, t.Any]:
    return reconcile(module.params, module.check_mode)


def main() -> None:
    run_module(run, argument_spec(), required_together=[("keyfile", "keyfile_content")])


if __name__ == "__main__":
    main()
