# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: store_calls
short_description: Say which options the modules get for what a store holds
version_added: 1.0.0
author:
  - The groundwork.databases maintainers (@groundwork)
description:
  - Made for the entry points C(contents) of P(groundwork.databases.postgresql_16#role) and
    P(groundwork.databases.mongodb_7#role). The keys are those of an C(application.yml); any other is refused.
positional: _input, engine
options:
  _input:
    description: What the store holds, by the keys of an C(application.yml).
    type: dict
    required: true
  engine:
    description: Which store it is.
    type: str
    choices: [postgresql, mongodb]
    required: true
  directory:
    description: Folder that relative folders of migrations begin in.
    type: str
    default: ""
  defaults:
    description: By module, options for entries that do not say them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Say what pg_schema_apply gets
  ansible.builtin.debug:
    msg: >-
      {{ ({'migrations': shop_migrations} | groundwork.databases.store_calls('postgresql', directory=shop_directory))
         .pg_schema_apply }}
"""

RETURN = r"""
_value:
  description:
    - Options by module. Those of C(pg_contents) and C(mongo_users) are a dictionary, those of the others a list of
      them.
  type: dict
"""

import typing as t

from ..plugin_utils import _deferred


def store_calls(
    store: dict[str, t.Any], engine: str, directory: str = "", defaults: dict[str, t.Any] | None = None
) -> dict[str, t.Any]:
    """See DOCUMENTATION.

    :raises AnsibleFilterError: a key or value that an application.yml cannot have.
    """
    return t.cast("dict[str, t.Any]", _deferred.call("_declared.calls:calls", store, engine, directory, defaults or {}))


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"store_calls": store_calls}
