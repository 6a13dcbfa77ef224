# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: secrets_directory
short_description: The folder on the controller for what roles generate for the hosts of an inventory
version_added: 1.0.0
description:
  - Gives the folder for generated keys, passwords and certificates of the inventory that the host comes from. It is the
    default of the roles' options for such folders.
  - The folder is never below the inventory, because Ansible reads all files there as inventories, and each line of a
    key as the name of a host.
  - C(site/inventories/uat/hosts) has C(site/.secrets/inventories/uat), whether Ansible is started with
    C(-i inventories/uat), C(-i inventories/uat/hosts) or C(-i inventories), and from any folder.
  - Of the folders above the inventory file, the last one called C(inventories) or C(inventory) counts, and C(.secrets)
    lies next to it; without one, C(.secrets) lies next to the folder of the inventory file, so that C(site/hosts) has
    C(.secrets/site) next to C(site).
  - Where C(inventories) itself holds files such as C(uat.yml) and C(prod.yml), each has a folder of its own.
  - Gives an empty text for a host that is in no inventory file, as with C(-i host,).
author:
  - The groundwork.databases maintainers (@groundwork)
options:
  _terms:
    description: A folder below it, such as V(mongodb). None means the folder itself.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Keep the certificates of this inventory's database hosts
  groundwork.databases.tls_certificates:
    directory: "{{ lookup('groundwork.databases.secrets_directory', 'postgresql') }}"
    certificates:
      - name: "{{ inventory_hostname }}"
  delegate_to: localhost
  become: false
"""

RETURN = r"""
_raw:
  description: The absolute path, or an empty text.
  type: list
  elements: str
"""

import typing as t

from ansible.plugins.lookup import LookupBase
from ansible_collections.groundwork.databases.plugins.module_utils._generated import place


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(
        self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        inventory = place.from_variables(variables or {})
        return [place.secrets_directory(inventory, str(term)) for term in terms or [""]]
