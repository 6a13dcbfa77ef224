# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: generated_files
short_description: Where generated files are, where they have to be, and what is wrong with that
version_added: 1.0.0
description:
  - Says for a folder on the controller whether it may hold what a role generates, and whether this lies below the
    inventory still, where earlier versions kept it.
  - The roles of this collection refuse what it calls a problem, and let M(groundwork.databases.generated_files) move
    the files. In check mode they read the files where they are.
author:
  - The groundwork.databases maintainers (@groundwork)
options:
  _terms:
    description: The folder. With O(file=true), a file that may be one of those of another role.
    type: list
    elements: str
    required: true
  part:
    description: What the files are for.
    type: str
    choices: [postgresql, pgbouncer, mongodb]
  kind:
    description: Certificates with their keys, or the shared keys and passwords of replica sets.
    type: str
    choices: [certificates, keys]
  option:
    description: The variable that says the folder, for messages.
    type: str
  file:
    description: Give the path that the file has now, and nothing else.
    type: bool
    default: false
seealso:
  - module: groundwork.databases.generated_files
"""

EXAMPLES = r"""
- name: Refuse a folder for certificates that Ansible reads as an inventory
  ansible.builtin.assert:
    that: place.problem == ''
    fail_msg: "{{ place.problem }}"
  vars:
    place: >-
      {{ lookup('groundwork.databases.generated_files', postgresql_16_tls_directory, part='postgresql',
                kind='certificates', option='postgresql_16_tls_directory') }}
"""

RETURN = r"""
_raw:
  description:
    - For each folder C(present), where its files are now; C(problem), a sentence for what cannot work, or an empty
      text; and C(move), an entry of O(groundwork.databases.generated_files#module:moves), or an empty dictionary.
    - With O(file=true), a path for each.
  type: list
  elements: raw
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._generated import place, state


class LookupModule(LookupBase):  # type: ignore[misc]
    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        self.set_options(var_options=variables, direct=kwargs)
        inventory = place.from_variables(variables or {})
        if self.get_option("file"):
            return [place.present_file(str(term), inventory) for term in terms]
        part, kind, option = (self.get_option(name) for name in ("part", "kind", "option"))
        if None in (part, kind, option):
            raise AnsibleLookupError("generated_files needs part, kind and option.")
        try:
            return [_answer(state.read_state(inventory, part, kind, str(term), option), kind) for term in terms]
        except GroundworkError as error:
            raise AnsibleLookupError(error.message) from None


def _answer(found: state.State, kind: str) -> dict[str, t.Any]:
    move = {"kind": kind, "former": found.former, "directory": found.directory} if found.former else {}
    return {"present": found.present, "problem": found.problem, "move": move}
