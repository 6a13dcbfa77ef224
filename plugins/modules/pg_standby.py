#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_standby
short_description: Make a PostgreSQL standby, or make one again
version_added: 1.0.0
description:
  - Copies the primary with C(pg_basebackup) into a folder that is absent or empty, and leaves it ready to start as a
    standby. WAL is streamed meanwhile, through the standby's own slot if there is one, and checksums are verified.
  - A copy that was interrupted is recognised by a marker in C(/var/lib/groundwork), or next to the folder where this
    does not run as root, and is begun again, unless a server was started on the folder since. Then a person made it,
    and it is left as it is.
  - A folder with anything else in it is never emptied, nor one that links in the data folder lead to and that does not
    belong to O(account).
  - A standby that has diverged is rewound or copied anew only when O(rebuild=true).
  - Does not start the server; what does so must first see that its configuration is complete.
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._replication
options:
  hosts:
    description: Addresses of the members, as C(host) or C(host:port). The one that is the primary is copied from.
    type: list
    elements: str
    required: true
  user:
    description: Role to log in with for replication.
    type: str
    required: true
  passfile:
    description: Password file of libpq that holds the password of O(user), on this host. Passwords are never arguments.
    type: path
  replication_ssl_mode:
    description: How TLS is negotiated with the primary.
    type: str
    choices: [disable, allow, prefer, require, verify-ca, verify-full]
    default: prefer
  replication_ca_cert:
    description: File with the authorities that may have signed the primary's certificate.
    type: path
  application_name:
    description: Name of the copying session on the primary.
    type: str
    default: groundwork_standby
  slot:
    description:
      - Physical slot on the primary to stream through. It is made anew before the copy, once an old standby has been
        stopped, and keeps the WAL that the copy needs from its very beginning.
    type: str
  system_identifier:
    description:
      - What the primary must have. Another cluster at one of O(hosts) is refused before anything is stopped or emptied,
        in check mode too when it answers there.
    type: str
  wal_directory:
    description: Folder for the WAL, outside the data folder.
    type: path
  tablespace_mapping:
    description: Folder of a tablespace on the primary to its folder here; the same folder when it is not listed.
    type: dict
    default: {}
  max_rate:
    description: Upper limit of the copy per second, such as V(100M).
    type: str
  checkpoint:
    description: Whether the primary hurries with the checkpoint that a copy begins with.
    type: str
    choices: [fast, spread]
    default: fast
  rebuild:
    description: Throw away what this member has, or what only it has, when it exists already.
    type: bool
    default: false
  rebuild_method:
    description:
      - V(rewind) runs C(pg_rewind), which copies only what differs. V(copy) copies everything. V(auto) tries the first,
        and does the second when that fails or when a standby has nothing to be rewound, because it lacks WAL.
    type: str
    choices: [auto, rewind, copy]
    default: auto
  cluster_name:
    description:
      - Make the copy known to C(postgresql-common) under this name, so that C(pg_lsclusters) and systemd know it.
    type: str
  version:
    description: Major version for O(cluster_name).
    type: str
    default: '16'
  start_conf:
    description: Whether systemd starts the cluster at boot, for O(cluster_name).
    type: str
    choices: [auto, manual, disabled]
    default: auto
  base_settings:
    description:
      - Lines at the beginning of the C(postgresql.conf) that O(cluster_name) gets; everything later wins over them.
    type: dict
    default: {}
  stop_timeout:
    description: Seconds to wait for the server to stop before a rebuild.
    type: float
    default: 60
seealso:
  - module: groundwork.databases.pg_replication
author:
  - Groundwork maintainers (@groundwork)
"""

EXAMPLES = r"""
- name: Make a standby
  groundwork.databases.pg_standby:
    data_directory: /var/lib/postgresql/16/main
    cluster_name: main
    hosts: [pg1, pg2, pg3]
    user: replicator
    passfile: /var/lib/postgresql/replication.pgpass
    slot: pg2
    max_rate: 100M

- name: Make a diverged one follow again
  groundwork.databases.pg_standby:
    data_directory: /var/lib/postgresql/16/main
    service: postgresql@16-main
    config_file: /etc/postgresql/16/main/postgresql.conf
    hosts: [pg1, pg2, pg3]
    user: replicator
    passfile: /var/lib/postgresql/replication.pgpass
    rebuild: true
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: copy, kind: standby, name: /var/lib/postgresql/16/main}
seconds:
  description: How long it took.
  returned: success
  type: float
"""

import time
import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan, Step
from ..module_utils._pg.replication.copying import (
    CopyOptions,
    Source,
    copy,
    identified,
    is_unfinished,
    refuse_foreign_content,
    reserve_slot,
    rewind,
)
from ..module_utils._pg.replication.registering import Registration, register
from ..module_utils._pg.replication.server import Server, server_argument_spec

COPYING = {"copy", "copy again", "copy anew", "rewind"}


def argument_spec() -> dict[str, dict[str, t.Any]]:
    ssl_modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
    return {
        **server_argument_spec(),
        "hosts": {"type": "list", "elements": "str", "required": True},
        "user": {"type": "str", "required": True},
        "passfile": {"type": "path", "no_log": False},
        "replication_ssl_mode": {"type": "str", "choices": ssl_modes, "default": "prefer"},
        "replication_ca_cert": {"type": "path"},
        "application_name": {"type": "str", "default": "groundwork_standby"},
        "slot": {"type": "str"},
        "system_identifier": {"type": "str"},
        "wal_directory": {"type": "path"},
        "tablespace_mapping": {"type": "dict", "default": {}},
        "max_rate": {"type": "str"},
        "checkpoint": {"type": "str", "choices": ["fast", "spread"], "default": "fast"},
        "rebuild": {"type": "bool", "default": False},
        "rebuild_method": {"type": "str", "choices": ["auto", "rewind", "copy"], "default": "auto"},
        "cluster_name": {"type": "str"},
        "version": {"type": "str", "default": "16"},
        "start_conf": {"type": "str", "choices": ["auto", "manual", "disabled"], "default": "auto"},
        "base_settings": {"type": "dict", "default": {}},
        "stop_timeout": {"type": "float", "default": 60.0},
    }


class Standby:
    """The member on this host: what has to be done to it, and doing it."""

    def __init__(self, params: dict[str, t.Any]) -> None:
        self.params = params
        self.server = Server.from_params(params)
        self.source = Source(
            hosts=tuple(_address(text) for text in params["hosts"]),
            user=params["user"],
            passfile=params["passfile"],
            ssl={"sslmode": params["replication_ssl_mode"], "sslrootcert": params["replication_ca_cert"]},
            application_name=params["application_name"],
        )
        self.options = CopyOptions(
            wal_directory=params["wal_directory"],
            slot=params["slot"],
            max_rate=params["max_rate"],
            checkpoint=params["checkpoint"],
            tablespaces=dict(params["tablespace_mapping"]),
        )
        self.registration = self._registration()

    def _registration(self) -> Registration | None:
        params = self.params
        if not params["cluster_name"]:
            return None
        settings = {name: str(value) for name, value in params["base_settings"].items()}
        return Registration(params["version"], params["cluster_name"], params["port"], params["start_conf"], settings)

    def plan(self) -> Plan:
        """:raises GroundworkError: something is in the way that is not ours to remove."""
        name = self.server.where
        steps = []
        half_made = is_unfinished(self.server)
        exists = self.server.exists() and not half_made
        if not exists or self.params["rebuild"]:
            refuse_foreign_content(self.server, self.options, rebuild=self.params["rebuild"])
        if exists and self.params["rebuild"]:
            if self.server.pid() is not None:
                steps.append(Step("stop", "server", name, "running", "stopped"))
            verb = "copy anew" if self.params["rebuild_method"] == "copy" else "rewind"
            steps.append(Step(verb, "standby", name, "what only it has", None))
        elif half_made:
            steps.append(Step("copy again", "standby", name, "a copy that was not finished", "a copy of the primary"))
        elif not exists:
            steps.append(Step("copy", "standby", name, None, "a copy of the primary"))
        elif not self.server.is_standby():
            raise GroundworkError(
                "The data folder holds a primary, not a standby.", where=name, untouched="everything",
                hint="Set rebuild to turn it into a standby; what only it has, is lost then.",
            )
        if self.registration and not self.registration.is_known():
            steps.append(
                Step("register", "cluster", f"{self.registration.version}/{self.registration.name}", None, "known")
            )
        return Plan(tuple(steps))

    def ask_source(self, plan: Plan, check: bool) -> None:
        """Ask the primary who it is before the old data, and a slot of that name on the primary, are gone.

        :raises GroundworkError: it does not answer, or is another cluster.
        """
        if not {step.action for step in plan} & COPYING:
            return
        try:
            found = identified(self.server, self.source)
        except GroundworkError:
            # The very run may yet install the programs, or make the role and its password file.
            if check:
                return
            raise
        expected = self.params["system_identifier"]
        if expected and found != expected:
            raise GroundworkError(
                f"The primary at {', '.join(self.params['hosts'])} has the system identifier {found}, not {expected}: "
                "it is another cluster.", where=self.server.where,
                untouched="everything; this server and its data, and the primary with its slots",
                hint="Check the addresses of the members.", code=ErrorCode.STANDBY_OTHER_CLUSTER,
            )

    def apply(self, plan: Plan) -> None:
        doing = {step.action for step in plan}
        if "stop" in doing:
            self._stop()
        if "rewind" in doing:
            self._rewind()
        elif doing & COPYING:
            copy(self.server, self.source, self.options)
        if doing - {"register", "stop"}:
            self._verify()
        if "register" in doing and self.registration:
            register(self.server, self.registration)

    def _stop(self) -> None:
        if not self.server.stop(self.params["stop_timeout"]):
            raise GroundworkError(
                f"The server did not stop within {self.params['stop_timeout']:.0f} s.", where=self.server.where,
                untouched="its data", hint="Its log says what it waits for. Run again when it has stopped.",
            )
        self.server.stop_service()

    def _rewind(self) -> None:
        was_standby = self.server.is_standby()
        if self.options.slot:
            reserve_slot(self.server, self.source, self.options.slot)
        try:
            enough = rewind(self.server, self.source) or not was_standby
        except GroundworkError:
            if self.params["rebuild_method"] == "rewind":
                raise
            enough = False
        # A standby that has not diverged lacks WAL that the primary has removed.
        if not enough and self.params["rebuild_method"] == "auto":
            copy(self.server, self.source, self.options)

    def _verify(self) -> None:
        expected = self.params["system_identifier"]
        found = self.server.control().system_identifier
        if expected and found != expected:
            raise GroundworkError(
                f"The copy has the system identifier {found}, not {expected}: another cluster was copied.",
                where=self.server.where, untouched="the other members",
                hint="Check the addresses of the members, then remove this folder.",
            )


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    # An IPv6 address holds colons itself: host:port needs exactly one, or brackets.
    if colon and port.isdigit() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), int(port)
    return text, 5432


def run(module: GroundworkModule) -> dict[str, t.Any]:
    began = time.monotonic()
    standby = Standby(module.params)
    plan = standby.plan()
    standby.ask_source(plan, module.check_mode)
    if not module.check_mode:
        standby.apply(plan)
    result = {"changed": plan.changed, "actions": plan.actions(), "seconds": round(time.monotonic() - began, 2)}
    if module._diff:
        result["diff"] = plan.diff()
    return result


def main() -> None:
    run_module(run, argument_spec())


if __name__ == "__main__":
    main()
