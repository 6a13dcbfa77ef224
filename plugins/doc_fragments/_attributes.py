# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return the changed status that a run would have, without changing the target.
  diff_mode:
    description: Returns details on what has changed (or would change in C(check_mode)) when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode with the same arguments, the second run changes nothing.
  platform:
    description: Operating systems the module runs on.
"""

    FULL = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: posix
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: This module reads and never changes anything.
  diff_mode:
    support: N/A
    details: This module reads and never changes anything.
  idempotent:
    support: full
    details: This module reads and never changes anything.
  platform:
    support: full
    platforms: posix
"""

    ACTIONGROUP_POSTGRESQL = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/groundwork.databases.postgresql) in C(module_defaults) to set connection options once.
    support: full
    membership:
      - groundwork.databases.postgresql
"""

    ACTIONGROUP_MONGODB = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/groundwork.databases.mongodb) in C(module_defaults) to set connection options once.
    support: full
    membership:
      - groundwork.databases.mongodb
"""
