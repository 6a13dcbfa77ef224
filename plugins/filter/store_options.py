# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: store_options
short_description: Say what a store has besides its lists
version_added: 1.0.0
author:
  - The groundwork.databases maintainers (@groundwork)
description:
  - Of a store of an C(application.yml), the keys that are not lists, such as C(purge_grants).
positional: _input, engine
options:
  _input:
    description: The store.
    type: dict
    required: true
  engine:
    description: Which store it is.
    type: str
    choices: [postgresql, mongodb]
    required: true
"""

EXAMPLES = r"""
- name: Say what pg_contents gets besides roles and databases
  ansible.builtin.debug:
    msg: "{{ shop.postgresql | groundwork.databases.store_options('postgresql') }}"
"""

RETURN = r"""
_value:
  description: The keys with their values.
  type: dict
"""

import typing as t

from ..plugin_utils import _deferred


def store_options(store: dict[str, t.Any], engine: str) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    return t.cast("dict[str, t.Any]", _deferred.call("_declared.calls:own_options", store, engine))


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"store_options": store_options}
