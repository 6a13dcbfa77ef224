# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory describes, as filters get it: validated by meta/argument_specs.yml, which converts nothing.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

Described = t.Mapping[str, t.Any]


def truth(value: t.Any) -> bool:
    """``"no"`` and the like are false."""
    return bool(boolean(value, strict=False))
