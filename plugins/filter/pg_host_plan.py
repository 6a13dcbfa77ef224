# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pg_host_plan
short_description: Say what the role postgresql_16 does on a host
version_added: 1.0.0
author:
  - The groundwork.databases maintainers (@groundwork)
description:
  - Decides from the description, from what the host answered so far, and from who takes part in the run. Answers are
    read into typed facts as by P(groundwork.databases.host_answer#filter), and refused when they do not fit.
  - Made for P(groundwork.databases.postgresql_16#role), whose C(vars/main.yml) shows what it takes.
positional: _input
options:
  _input:
    description: What is known so far.
    type: dict
    required: true
  certificates:
    description: Adds RV(_value.certificates). Takes C(address), where Ansible reaches the host.
    type: dict
  configuration:
    description: Adds RV(_value.configuration). Takes C(settings) of all clusters, and whether there is an C(exporter).
    type: dict
  exporters:
    description: Adds RV(_value.exporters) and RV(_value.exporter_environments). Takes C(address), which they listen on.
    type: dict
  files:
    description:
      - Adds RV(_value.controller_files) and, with C(contents) of those files by their paths, RV(_value.host_files).
      - Takes C(certificates) as M(groundwork.databases.tls_certificates) returns them, options of the units, and the
        variables that say where the inventory is.
    type: dict
  kernel:
    description: Adds RV(_value.sysctl). Takes C(overcommit), C(sysctl) and C(huge_pages).
    type: dict
  members:
    description:
      - Adds RV(_value.topologies), and what it decides.
      - Takes C(hosts), the variables of all hosts; C(playing), those that did not fail; C(others), what members outside
        of this run answered to M(groundwork.databases.pg_replication_info); C(rebuild).
    type: dict
  packages:
    description: Adds RV(_value.packages). Takes C(version), C(hold) and C(extra).
    type: dict
  preflight:
    description: Gives RV(_value.refusals) and nothing else. Takes C(generated) and C(package_version).
    type: dict
  restarted:
    description:
      - Adds RV(_value.restarted). Takes C(results) of M(groundwork.databases.pg_replication_info) after an upgrade.
    type: dict
  switchover:
    description: Adds RV(_value.switchover). Takes C(cluster), C(target) and C(ignore).
    type: dict
  upgrade:
    description: Adds RV(_value.upgrade). Takes C(part) and C(max_lag_bytes).
    type: dict
"""

EXAMPLES = r"""
- name: Say which units the host gets
  ansible.builtin.debug:
    msg: "{{ (__postgresql_16_known | groundwork.databases.pg_host_plan).units }}"
"""

RETURN = r"""
_value:
  description: The plan. It has the parts that can be decided with what is known.
  type: dict
  contains:
    refusals:
      description: What contradicts itself in the description, and systems that this was not tried on.
      type: list
      elements: str
    certificates:
      description: Certificates for M(groundwork.databases.tls_certificates).
      type: list
      elements: dict
    controller_files:
      description: Files of the controller whose contents RV(_value.host_files) needs.
      type: list
      elements: str
    host_files:
      description: Entries for M(groundwork.databases.host_files).
      type: list
      elements: dict
    configuration:
      description: Clusters for M(groundwork.databases.pg_configuration).
      type: list
      elements: dict
    exporters:
      description: Of each server, how its exporter's role is made.
      type: list
      elements: dict
    exporter_environments:
      description: Entries for M(groundwork.databases.host_files).
      type: list
      elements: dict
    packages:
      description: Packages for M(groundwork.databases.host_packages).
      type: list
      elements: dict
    sysctl:
      description: Parameters for M(groundwork.databases.host_kernel).
      type: dict
    restarted:
      description: Servers that are not healthy after an upgrade, and servers that wait for their standbys.
      type: dict
    switchover:
      description: From whom to whom, and what an earlier run left undone.
      type: dict
    upgrade:
      description: What speaks against a minor upgrade, and whose turn it is.
      type: dict
    topologies:
      description: Of each replicated cluster, who is the primary and what its other members need.
      type: dict
    servers:
      description: How to reach each cluster.
      type: list
      elements: dict
"""

import typing as t

from ..plugin_utils import _deferred


def pg_host_plan(
    known: dict[str, t.Any],
    **parts: dict[str, t.Any],
) -> dict[str, t.Any]:
    """See DOCUMENTATION.

    :raises AnsibleFilterError: an answer does not fit.
    """
    return t.cast("dict[str, t.Any]", _deferred.call("_pg.host_plan.plan:host_plan", known, parts))


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"pg_host_plan": pg_host_plan}
