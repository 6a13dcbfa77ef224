# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mongo_host_plan
short_description: Say what the role mongodb_7 does on a host
version_added: 1.0.0
author:
  - The groundwork.databases maintainers (@groundwork)
description:
  - Decides from the description, from what the host answered so far, and from who takes part in the run. Answers are
    read into typed facts as by P(groundwork.databases.host_answer#filter), and refused when they do not fit.
  - Made for P(groundwork.databases.mongodb_7#role), whose C(vars/main.yml) shows what it takes.
positional: _input
options:
  _input:
    description: What is known so far.
    type: dict
    required: true
  exporter:
    description:
      - Adds RV(_value.exporter). Takes C(enabled), C(user), C(address) and C(port), and C(limits) of the inventory.
    type: dict
  files:
    description:
      - Adds RV(_value.controller_files) and, with C(contents) of those files by their paths, RV(_value.host_files).
      - Takes C(certificates), the folder of generated ones, C(authority), a given file, and the variables that say
        where the inventory is.
    type: dict
  health:
    description: Adds RV(_value.unwell). Takes C(answer) of M(groundwork.databases.mongo_member).
    type: dict
  members:
    description: Adds what the hosts of the run decide together. Takes C(hosts), the variables of all hosts.
    type: dict
  next_stage:
    description: Adds RV(_value.reached_at_next). Takes C(mode) of the stage of TLS that comes.
    type: dict
  packages:
    description:
      - Adds RV(_value.packages) and RV(_value.repository). Takes C(packages), C(hold), C(driver) and C(repository).
    type: dict
  preflight:
    description: Adds RV(_value.refusals). Takes what of the description only these look at.
    type: dict
  secrets:
    description: Adds RV(_value.secrets). Takes C(directory) and C(keyfile_name).
    type: dict
  settings:
    description: Adds RV(_value.settings). Takes C(bind_ip), C(data_directory), C(adoption) and C(settings).
    type: dict
  stages:
    description:
      - Adds RV(_value.stages), RV(_value.refusal) and RV(_value.certificates). Every member takes one stage before any
        takes the next. Members that are further apart than a run leaves them are refused.
      - Takes C(hosts), the variables of all hosts, and C(everyone), those that take part or have failed.
    type: dict
"""

EXAMPLES = r"""
- name: Say how the server is reached
  ansible.builtin.debug:
    msg: "{{ (__mongodb_7_known | groundwork.databases.mongo_host_plan).login }}"
"""

RETURN = r"""
_value:
  description: The plan. It has no secret, except that the certificate of a server is one file with its key.
  type: dict
  contains:
    refusals:
      description: What contradicts itself in the description, and servers that would lock their clients out.
      type: list
      elements: str
    login:
      description: How the modules reach the server.
      type: dict
    restart:
      description: Whether the server is restarted, and whether it comes last.
      type: dict
    speaker:
      description: Host that speaks for the set.
      type: str
    absent:
      description: Members that are not part of the run or have failed in it.
      type: list
      elements: str
    restart_order:
      description: Hosts that are restarted, one after the other.
      type: list
      elements: str
    unwell:
      description: Members that are not well.
      type: list
      elements: str
    reached_at_next:
      description: Whether the server is reached through TLS while the next stage is taken.
      type: bool
    stages:
      description: Stages of TLS that are left, in order; the described one when there is nothing left.
      type: list
      elements: dict
      sample:
        - {mode: requireTLS, cluster_auth_mode: keyFile}
    refusal:
      description: Why the stage of TLS cannot change.
      type: str
    certificates:
      description: Certificates for M(groundwork.databases.tls_certificates), on one host of all that share a folder.
      type: list
      elements: dict
    settings:
      description: Settings for M(groundwork.databases.mongod_configuration).
      type: dict
    packages:
      description: Packages for M(groundwork.databases.host_packages).
      type: list
      elements: dict
    repository:
      description: Their repository.
      type: dict
    secrets:
      description: Files of the controller that generated secrets are kept in.
      type: dict
    controller_files:
      description: Files of the controller whose contents RV(_value.host_files) needs.
      type: list
      elements: str
    host_files:
      description: Entries for M(groundwork.databases.host_files).
      type: list
      elements: dict
    exporter:
      description: User and options of the exporter, and the limits of its alerts.
      type: dict
    server:
      description: The fact C(mongodb_7_server).
      type: dict
"""

import typing as t

from ..plugin_utils import _deferred


def mongo_host_plan(known: dict[str, t.Any], **parts: dict[str, t.Any]) -> dict[str, t.Any]:
    """See DOCUMENTATION.

    :raises AnsibleFilterError: an answer does not fit, or the members of a set contradict each other.
    """
    return t.cast("dict[str, t.Any]", _deferred.call("_mongo.host_plan.plan:host_plan", known, parts))


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"mongo_host_plan": mongo_host_plan}
