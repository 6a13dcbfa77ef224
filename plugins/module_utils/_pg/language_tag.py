"""Locales of ICU in the spelling that PostgreSQL keeps."""

from __future__ import annotations


def language_tag(locale: str) -> str:
    """A form to compare by: PostgreSQL 16 keeps ``de_DE`` as the language tag ``de-DE``.

    Keywords after an ``@`` become parts of the tag under other names; only ICU itself knows which.
    """
    return locale.replace("_", "-").lower()
