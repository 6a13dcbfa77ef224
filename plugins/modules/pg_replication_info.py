#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_replication_info
short_description: Tell the state of one member of a replicated PostgreSQL cluster
version_added: 1.0.0
description:
  - Says whether the server on this host is a primary or a standby, on which timeline it is, how far its WAL goes, from
    whom it receives and to whom it sends, and what its replication slots keep back.
  - Works on a host without the server (V(absent)), with a stopped one (read from its control file) and with a running
    one.
  - The states of all members together are what P(groundwork.databases.pg_host_plan#filter) decides from.
extends_documentation_fragment:
  - groundwork.databases._attributes.info_module
  - groundwork.databases._attributes
  - groundwork.databases._replication
options:
  wait_streaming:
    description:
      - Wait up to this many seconds until a standby streams and has replayed all that it received at the beginning of
        the wait, or until a server that starts is ready. The state is returned in any case. A primary that has nothing
        to send answers only after half of the standby's C(wal_receiver_timeout), which is 30 s by default.
    type: float
    default: 0
seealso:
  - module: groundwork.databases.pg_replication
  - plugin: groundwork.databases.pg_host_plan
    plugin_type: filter
author:
  - Groundwork maintainers (@groundwork)
"""

EXAMPLES = r"""
- name: Ask every member of the cluster
  groundwork.databases.pg_replication_info:
    data_directory: /var/lib/postgresql/16/main
  register: member

- name: Show who is what
  ansible.builtin.debug:
    msg: "{{ inventory_hostname }} is a {{ member.member.state }} {{ member.member.role }}"
"""

RETURN = r"""
member:
  description: The state. What does not apply is missing or null.
  returned: success
  type: dict
  contains:
    state:
      description: V(absent), V(copying) (a copy that was not finished), V(stopped), V(starting) or V(running).
      type: str
    role:
      description: V(primary) or V(standby); of a stopped server, what it would come up as.
      type: str
    system_identifier:
      description: Equal on all copies of one cluster.
      type: str
    timeline:
      description: Grows by one with every promotion.
      type: int
    lsn:
      description: End of the WAL that is here.
      type: str
    history:
      description: Earlier timelines and where each was left.
      type: list
      elements: dict
    receiver:
      description:
        - From whom a standby receives, null when no process tries to. Its C(status) is V(streaming) only once something
          came from the primary in answer to the request, and V(connecting) until then, while the server itself says
          streaming already.
      type: dict
    senders:
      description: Who receives from this server, with their lag in bytes and seconds and whether they are synchronous.
      type: list
      elements: dict
    slots:
      description: Replication slots and how much WAL each keeps back.
      type: list
      elements: dict
    settings:
      description: Settings that matter for replication.
      type: dict
    control_settings:
      description: What a hot standby must not have less of, as the control file says it.
      type: dict
    pending_restart:
      description: Settings that wait for a restart.
      type: list
      elements: str
    server_version:
      description: Version of the running server.
      type: str
    installed_version:
      description: Version of the installed program, which runs after the next restart.
      type: str
    longest_transaction_seconds:
      description: Age of the oldest open transaction of a client.
      type: float
  sample:
    state: running
    role: standby
    system_identifier: "7574512345678901234"
    timeline: 2
    lsn: 0/5000148
    receiver: {status: streaming, sender_host: pg2, slot_name: pg1}
"""

import time
import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg.replication.live import is_ready, read_member
from ..module_utils._pg.replication.server import Server, server_argument_spec

POLL_SECONDS = 0.2


def run(module: GroundworkModule) -> dict[str, t.Any]:
    server = Server.from_params(module.params)
    deadline = time.monotonic() + module.params["wait_streaming"]
    member = first = read_member(server)
    while not is_ready(member, first) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        member = read_member(server)
    return {"changed": False, "member": member}


def main() -> None:
    run_module(run, {**server_argument_spec(), "wait_streaming": {"type": "float", "default": 0.0}})


if __name__ == "__main__":
    main()
