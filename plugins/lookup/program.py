# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: program
short_description: Pack a program of this collection for a host
version_added: 1.0.0
description:
  - Gives a program that runs on a host outside of Ansible, such as an exporter, as a zip application of Python in
    base64, for O(groundwork.databases.host_files#module:files[].content_b64).
  - It is packed from the sources in C(plugins/programs), with what they import of this collection, and begins with the
    line that names its interpreter. The same sources give the same bytes on every controller.
author:
  - The groundwork.databases maintainers (@groundwork)
options:
  _terms:
    description: The program, which is the name of a folder in C(plugins/programs).
    type: list
    elements: str
    required: true
seealso:
  - module: groundwork.databases.host_files
"""

EXAMPLES = r"""
- name: Bring the exporter
  groundwork.databases.host_files:
    files:
      - path: /usr/local/lib/groundwork/pgbouncer_exporter.pyz
        content_b64: "{{ lookup('groundwork.databases.program', 'pgbouncer_exporter') }}"
        mode: "0755"
"""

RETURN = r"""
_raw:
  description: The packed programs.
  type: list
  elements: str
"""

import base64
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._programs import archive


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [base64.b64encode(archive.program(str(term))).decode() for term in terms]
        except GroundworkError as error:
            raise AnsibleLookupError(error.message) from None
