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
    support: full
  diff_mode:
    description: Returns details on what has changed (or would change in C(check_mode)) when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode with the same arguments, the second run changes nothing.
    support: full
  platform:
    description: Operating systems the module runs on.
    support: full
    platforms: posix
"""

    # Named before the other one, whose values give way to these.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    details: This module reads and never changes anything.
  diff_mode:
    support: N/A
    details: This module reads and never changes anything.
  idempotent:
    details: This module reads and never changes anything.
"""
