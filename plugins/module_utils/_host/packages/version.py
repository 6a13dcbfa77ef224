"""Debian's version numbers: which is newer, and which one a request means.

Source: deb-version(7), "Sorting algorithm".
"""

from __future__ import annotations

import re

_Key = tuple[tuple[tuple[int, ...], int], ...]
_PARTS = re.compile(r"(\D*)(\d*)")
_END = -1
_TILDE = -2


def sort_key(version: str) -> tuple[int, _Key, _Key]:
    """A key by which versions sort as dpkg sorts them."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _dash, revision = rest.rpartition("-")
    if not _dash:
        upstream, revision = rest, ""
    return int(epoch) if epoch.isdigit() else 0, _key(upstream), _key(revision)


def _key(text: str) -> _Key:
    # Text without digits and numbers take turns. Letters sort before other characters, a tilde before everything, even
    # before the end.
    parts = [
        ((*(_weight(character) for character in letters), _END), int(digits or 0))
        for letters, digits in _PARTS.findall(text)
        if letters or digits
    ]
    return (*parts, ((_END,), 0))


def _weight(character: str) -> int:
    if character == "~":
        return _TILDE
    return ord(character) if character.isalpha() else ord(character) + 256


def is_meant(wanted: str | None, version: str) -> bool:
    """Whether a version satisfies a request: any, exactly this one, or every one that starts so (``16.15-*``)."""
    if wanted is None:
        return True
    if wanted.endswith("*"):
        return version.startswith(wanted[:-1])
    return version == wanted
