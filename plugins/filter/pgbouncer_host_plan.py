# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pgbouncer_host_plan
short_description: Say what the role pgbouncer does on a host
version_added: 1.0.0
author:
  - The groundwork.databases maintainers (@groundwork)
description:
  - Decides from the description alone.
  - Made for P(groundwork.databases.pgbouncer#role), whose C(vars/main.yml) shows what it takes.
positional: _input
options:
  _input:
    description: What is described.
    type: dict
    required: true
  files:
    description:
      - Adds RV(_value.controller_files) and, with C(contents) of those files by their paths, RV(_value.tls_files).
      - Takes C(certificates) as M(groundwork.databases.tls_certificates) returns them, and the variables that say where
        the inventory is.
    type: dict
"""

EXAMPLES = r"""
- name: Say what the pooler is configured with
  ansible.builtin.debug:
    msg: "{{ (__pgbouncer_known | groundwork.databases.pgbouncer_host_plan).settings }}"
"""

RETURN = r"""
_value:
  description: The plan. It has no secret, except that a certificate and its key are one file.
  type: dict
  contains:
    settings:
      description: Settings for M(groundwork.databases.pgbouncer_configuration).
      type: dict
    open_files:
      description: How many files a process may have open.
      type: int
    certificate:
      description: Certificate for M(groundwork.databases.tls_certificates).
      type: dict
    server_authority:
      description: File on the host with the authorities of the servers.
      type: str
    controller_files:
      description: Files of the controller whose contents RV(_value.tls_files) needs.
      type: list
      elements: str
    tls_files:
      description: Entries for M(groundwork.databases.host_files).
      type: list
      elements: dict
"""

import typing as t

from ..plugin_utils import _deferred


def pgbouncer_host_plan(known: dict[str, t.Any], **parts: dict[str, t.Any]) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    return t.cast("dict[str, t.Any]", _deferred.call("_pgbouncer.host_plan:host_plan", known, parts))


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"pgbouncer_host_plan": pgbouncer_host_plan}
