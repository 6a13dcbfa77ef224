# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pg_replication_part
short_description: Say what the description of a replicated PostgreSQL cluster means for one of its members
version_added: 1.0.0
author:
  - Groundwork maintainers (@groundwork)
description:
  - Gives the settings, the rules of C(pg_hba.conf) and the password file of a member. They are the same whether the
    member is the primary or a standby, so a switchover changes no file.
options:
  _input:
    description: The description, as in C(replication) of a cluster of P(groundwork.databases.postgresql_16#role).
    type: dict
    required: true
  member:
    description: Inventory name of the member.
    type: str
    required: true
  addresses:
    description: Address of every member by its name.
    type: dict
    required: true
  port:
    description: Port of the cluster on all members.
    type: int
    required: true
  passfile:
    description: Where the password file is on the members.
    type: str
    required: true
  tls:
    description: Whether the servers offer TLS, which replication then asks for.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the settings of a member
  ansible.builtin.debug:
    msg: "{{ (replication | groundwork.databases.pg_replication_part('pg1', addresses, 5432, passfile)).settings }}"
"""

RETURN = r"""
_value:
  description: The member's part.
  type: dict
  contains:
    replication:
      description: The description with every option filled in.
      type: dict
    settings:
      description: Settings of the server.
      type: dict
    hba:
      description: Rules for C(pg_hba.conf).
      type: list
      elements: dict
    passfile_content:
      description: Content of the password file, a secret.
      type: str
    hosts:
      description: Addresses with ports.
      type: list
      elements: str
    slot:
      description: Name of the member's slot and of its session on the primary.
      type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.groundwork.databases.plugins.module_utils._errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication import part
from ansible_collections.groundwork.databases.plugins.module_utils._pg.replication.names import slot_name


def pg_replication_part(
    replication: dict[str, t.Any],
    member: str,
    addresses: dict[str, str],
    port: int,
    passfile: str,
    tls: bool = False,
) -> dict[str, t.Any]:
    try:
        filled = part.with_defaults(replication)
    except GroundworkError as error:
        raise AnsibleFilterError(error.message) from None
    if member not in filled["members"]:
        members = ", ".join(filled["members"])
        raise AnsibleFilterError(f"{member} is none of the cluster's replication.members: {members}.")
    if tls and not filled["ssl_mode"]:
        filled["ssl_mode"] = "verify-ca" if filled["ca_file"] else "require"
    hosts = [addresses[name] for name in filled["members"]]
    return {
        "replication": filled,
        "settings": part.settings(filled, member, addresses, int(port), passfile),
        "hba": part.rules(filled, addresses, tls),
        "passfile_content": part.password_file(filled),
        "hosts": [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts],
        "slot": slot_name(member),
    }


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"pg_replication_part": pg_replication_part}
