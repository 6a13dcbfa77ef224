# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locales of ICU in the spelling that PostgreSQL keeps.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations


def language_tag(locale: str) -> str:
    """A form to compare by: PostgreSQL 16 keeps ``de_DE`` as the language tag ``de-DE``.

    Keywords after an ``@`` become parts of the tag under other names; only ICU itself knows which.
    """
    return locale.replace("_", "-").lower()
