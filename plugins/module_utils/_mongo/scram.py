"""SCRAM credentials as MongoDB stores them: compared with a password without a login.

The keys are those of RFC 5802 section 3 (SHA-1) and RFC 7677 (SHA-256). MongoDB's SHA-1 variant takes an MD5 digest of
``user:mongo:password`` for the password, see the driver specification "Authentication".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import stringprep
import typing as t
import unicodedata

from .._core import scram

SHA_1 = "SCRAM-SHA-1"
SHA_256 = "SCRAM-SHA-256"
_HASHES = {SHA_1: "sha1", SHA_256: "sha256"}
# In the two tables of SASLprep that say what a character becomes: everybody takes another one first.
_ZERO_WIDTH_SPACE = "\u200b"


class ForbiddenCharactersError(ValueError):
    """SASLprep refuses the password. The text names the kind of character, never the password."""


def derive(mechanism: str, user: str, password: str, salt: bytes, iterations: int) -> scram.Keys:
    """The keys of one mechanism.

    :raises ForbiddenCharactersError: the password cannot be used with SCRAM-SHA-256.
    """
    secret = saslprep(password).encode("utf-8") if mechanism == SHA_256 else _digest(user, password)
    return scram.derive(_HASHES[mechanism], secret, salt, iterations)


def matches(mechanism: str, user: str, password: str, credential: dict[str, t.Any]) -> bool | None:
    """Whether a credential from ``usersInfo`` belongs to this password; ``None`` when that cannot be told from it."""
    try:
        salt = base64.b64decode(credential["salt"], validate=True)
        stored = base64.b64decode(credential["storedKey"], validate=True)
        iterations = int(credential["iterationCount"])
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None
    if mechanism not in _HASHES or iterations < 1:
        return None
    try:
        derived = derive(mechanism, user, password, salt, iterations)
    except ForbiddenCharactersError:
        return False
    return hmac.compare_digest(derived.stored_key, stored)


def saslprep(text: str) -> str:
    """RFC 4013 for stored strings, as the server's ICU applies it: unassigned characters of Unicode 3.2 are refused.

    :raises ForbiddenCharactersError: the result is not allowed, or nothing is left.
    """
    if _ZERO_WIDTH_SPACE in text:
        raise ForbiddenCharactersError(
            "it holds a zero width space (U+200B), which the server takes for a space and drivers leave out, so that no"
            " login would work"
        )
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not prepared:
        raise ForbiddenCharactersError("nothing is left of it once characters without a width are removed")
    reason = scram.why_prohibited(prepared)
    if reason:
        raise ForbiddenCharactersError(reason)
    return prepared


def _digest(user: str, password: str) -> bytes:
    text = f"{user}:mongo:{password}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode("ascii")
