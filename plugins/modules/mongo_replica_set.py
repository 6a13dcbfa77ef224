#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongo_replica_set
short_description: Bring a MongoDB server or replica set from its first start to its description
version_added: 1.0.0
description:
  - Takes a mongod that was started with authorization, or with a key file, and has no users and no configuration. It
    initiates the replica set, waits for the primary, creates the administrator through the localhost exception, and
    proves the login. There is no time at which the server is open.
  - What the server answers decides how far an earlier run came. There is no file that remembers it, so a run that was
    interrupted at any point is finished by the next one.
  - Members and settings are compared with the configuration in force. Each C(replSetReconfig) of a run adds or removes
    at most one voting member. A new member joins without a vote and gets it once it holds the data.
  - Between two steps it waits until a majority has the configuration.
  - Every host is asked who it is before a configuration names it, in check mode too. Refused before any change are one
    that does not answer, one that was not started for a set, one that belongs to another set or holds data, and one
    that is a member already under another name, see O(members[].previous_host).
  - A degraded set is not changed. What would have to be changed is reported, see O(degraded).
  - A member that is not in O(members) is not waited for.
  - Can run on any member, it finds the primary by itself. Only the first user has to be created on the host of the
    primary, as the localhost exception demands it.
notes:
  - The members reach each other, and the module reaches the primary and new members, under O(members[].host).
  - A new host is asked without a login for its process and its set, and with O(login_user) for its data. One that
    refuses this login does not show whether it holds data, nor for which set it was started; a server that was just
    started for the first time refuses it too.
  - The module talks to single members, so O(login_uri) and O(replica_set) have no effect.
  - Needs MongoDB 5.0 or later.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._mongodb
options:
  name:
    description:
      - Name of the replica set, C(replication.replSetName) in C(mongod.conf). Unset or empty for a single server, of
        which only the administrator and O(feature_compatibility_version) are looked at.
    type: str
  member:
    description:
      - C(host:port) of this server as the other members know it; one of O(members). Needed to initiate.
      - Defaults to O(login_host) and O(login_port).
    type: str
  members:
    description:
      - Members of the set. Options that are unset keep what a member has, and are the server's defaults for a new one.
      - Unset leaves the members as they are.
    type: list
    elements: dict
    suboptions:
      host:
        description: C(host:port) of the member.
        type: str
        required: true
      previous_host:
        description:
          - C(host:port) that the member has had so far, to rename it in place.
          - Both have to be the same server. When the old one does not answer any more, the new one has to know itself
            by the old name, or to have been a member of this set.
        type: str
      priority:
        description: Weight in elections, V(0) for a member that never becomes primary.
        type: float
      votes:
        description: Whether the member has a vote.
        type: int
        choices: [0, 1]
      hidden:
        description: Whether clients do not see the member. Needs O(members[].priority=0).
        type: bool
      secondary_delay_secs:
        description: Seconds that the member stays behind on purpose. Needs O(members[].priority=0).
        type: int
      tags:
        description: Tags of the member, exactly these.
        type: dict
      arbiter_only:
        description: Whether the member only votes. Cannot be changed.
        type: bool
      build_indexes:
        description: Whether the member builds indexes. Cannot be changed.
        type: bool
  purge_members:
    description: Whether members that are not in O(members) are removed. Otherwise they are returned as C(unmanaged).
    type: bool
    default: false
  settings:
    description: Settings of the set. What is unset is left as it is.
    type: dict
    suboptions:
      chaining_allowed:
        description: Whether secondaries may copy from secondaries.
        type: bool
      heartbeat_interval_millis:
        description: Milliseconds between heartbeats.
        type: int
      heartbeat_timeout_secs:
        description: Seconds after which a member that does not answer counts as gone.
        type: int
      election_timeout_millis:
        description: Milliseconds without a primary after which an election begins.
        type: int
      catch_up_timeout_millis:
        description: Milliseconds that a new primary takes for writes that it does not have yet. V(-1) is without limit.
        type: int
      catch_up_takeover_delay_millis:
        description: Milliseconds before a member that is ahead of a new primary takes over.
        type: int
      get_last_error_modes:
        description: Custom write concerns by tags.
        type: dict
  step_down_primary:
    description:
      - Whether another member may be made primary when the present one is to be removed or may no longer be elected.
        Writes pause for the time of an election. Without it such a change is refused.
    type: bool
    default: false
  initiate:
    description:
      - When a server without a configuration may be initiated. V(when_all_answer) asks every member of O(members)
        first, and refuses when one does not answer, as that one could hold the set. V(always) leaves these out of the
        set; a later run adds them.
      - Never initiates when one of them already belongs to a set.
    type: str
    choices: [when_all_answer, always, never]
    default: when_all_answer
  administrator_roles:
    description:
      - Roles of the administrator O(login_user) when this module creates it, all in V(admin). Those of an existing
        administrator are left alone.
    type: list
    elements: str
    default: [root]
  degraded:
    description:
      - What happens when changes are needed and a voting member of O(members) is not well, or there is no primary. With
        V(fail) the module fails, with V(report) it succeeds, changes nothing and returns RV(postponed).
      - A degraded set that needs no change is never a failure, it is a warning.
    type: str
    choices: [fail, report]
    default: fail
  feature_compatibility_version:
    description:
      - Feature compatibility version to set, such as V(7.0). Unset only reports it.
      - Refused while the members do not all run the same version.
    type: str
  confirm_feature_compatibility_version:
    description: The confirmation that MongoDB 7.0 and later ask for, as going back needs help from MongoDB's support.
    type: bool
    default: false
  settle_timeout:
    description:
      - Seconds to wait for a primary and for members that are just starting, before the set counts as degraded.
    type: int
    default: 20
  wait_timeout:
    description: Seconds that one step may take, such as an election.
    type: int
    default: 600
  sync_timeout:
    description:
      - Seconds that a new member may take to copy the data before it gets its vote. Defaults to O(wait_timeout).
    type: int
  assume_empty:
    description:
      - Only has an effect in check mode. Plan as for a server without data and do not connect, for a server that the
        same run would set up.
    type: bool
    default: false
  assume_started:
    description:
      - Only has an effect in check mode. Those of O(members), each C(host:port), that the same run would start, or
        restart for the set. They are not refused for not answering, or for not having been started for a set.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: A single server gets its administrator
  groundwork.databases.mongo_replica_set:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"

- name: Three members, one of them hidden, on the host of the first one
  groundwork.databases.mongo_replica_set:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    name: rs0
    member: db1.example.com:27017
    members:
      - {host: "db1.example.com:27017", priority: 2}
      - {host: "db2.example.com:27017"}
      - {host: "db3.example.com:27017", priority: 0, hidden: true, tags: {use: backup}}

- name: Replace a member, from any of those that stay
  groundwork.databases.mongo_replica_set:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    name: rs0
    members:
      - {host: "db1.example.com:27017"}
      - {host: "db2.example.com:27017"}
      - {host: "db4.example.com:27017"}
    purge_members: true
    step_down_primary: true
"""

RETURN = r"""
actions:
  description: The steps that were, or in check mode would be, done, in order. The password is not in them.
  returned: success
  type: list
  elements: dict
  sample:
    - action: grant vote
      kind: replica set member
      name: db4.example.com:27017
      statement: '{"replSetReconfig": {"members": [{"_id": 0, "host": "db1.example.com:27017"}]}}'
postponed:
  description: Steps that are needed and were left out, as the set is degraded and O(degraded=report).
  returned: success
  type: list
  elements: dict
  sample: []
primary:
  description: C(host:port) of the primary; V(none) without a set or a primary.
  returned: success
  type: str
  sample: db1.example.com:27017
members:
  description: Members and their states.
  returned: success
  type: list
  elements: dict
  sample:
    - host: db1.example.com:27017
      state: PRIMARY
      lag_seconds: 0.0
      message: ''
      votes: 1
      priority: 1
      hidden: false
unhealthy:
  description: Members that are neither primary, secondary nor arbiter.
  returned: success
  type: list
  elements: str
  sample: []
unmanaged:
  description: Members that are in the set and not in O(members).
  returned: success
  type: list
  elements: str
  sample: []
feature_compatibility_version:
  description: The feature compatibility version in force; V(none) when it could not be read.
  returned: success
  type: str
  sample: '7.0'
authorization:
  description: Whether the server asks for logins.
  returned: success
  type: bool
  sample: true
config_version:
  description: Version of the set's configuration.
  returned: when there is a set
  type: int
  sample: 5
server_version:
  description: Version of the server; empty when none was asked because of O(assume_empty).
  returned: success
  type: str
  sample: 7.0.14
"""

import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._mongo import api
from ..module_utils._mongo.connection import connection_argument_spec
from ..module_utils._mongo.replica_set import declared
from ..module_utils._mongo.replica_set import run as reconcile


def run(module: GroundworkModule) -> dict[str, t.Any]:
    options = declared.checked(module.params)
    reconciler = reconcile.Reconciler(options)
    if module.check_mode and options["assume_empty"]:
        outcome = reconciler.planned_for_nothing()
    else:
        outcome = reconciler.run(module.check_mode)
    for warning in outcome.warnings:
        module.warn(warning)
    if not outcome.facts["authorization"]:
        module.warn("This server does not ask for logins: set security.authorization or security.keyFile.")
    return {
        "changed": outcome.plan.changed, "actions": outcome.plan.actions(), "diff": outcome.plan.diff(),
        "postponed": outcome.postponed.actions(), **outcome.facts,
    }


def main() -> None:
    run_module(run, {**connection_argument_spec(), **declared.argument_spec()}, require=api.require_driver)


if __name__ == "__main__":
    main()
