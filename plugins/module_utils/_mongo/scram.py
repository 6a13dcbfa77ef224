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

SHA_1 = "SCRAM-SHA-1"
SHA_256 = "SCRAM-SHA-256"
_HASHES = {SHA_1: "sha1", SHA_256: "sha256"}


# In the two tables of SASLprep that say what a character becomes: everybody takes another one first.
_ZERO_WIDTH_SPACE = "\u200b"


class ForbiddenCharactersError(ValueError):
    """SASLprep refuses the password. The text names the kind of character, never the password."""


class Keys(t.NamedTuple):
    """What a server derives from a password and stores."""

    stored_key: bytes
    server_key: bytes


def derive(mechanism: str, user: str, password: str, salt: bytes, iterations: int) -> Keys:
    """The keys of one mechanism.

    :raises ForbiddenCharactersError: the password cannot be used with SCRAM-SHA-256.
    """
    secret = saslprep(password).encode("utf-8") if mechanism == SHA_256 else _digest(user, password)
    name = _HASHES[mechanism]
    salted = hashlib.pbkdf2_hmac(name, secret, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", name)
    return Keys(hashlib.new(name, client_key).digest(), hmac.digest(salted, b"Server Key", name))


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
    for in_table, kind in _PROHIBITED:
        if any(in_table(char) for char in prepared):
            raise ForbiddenCharactersError(kind)
    right_to_left = [stringprep.in_table_d1(char) for char in prepared]
    if any(right_to_left) and (
        any(stringprep.in_table_d2(char) for char in prepared) or not (right_to_left[0] and right_to_left[-1])
    ):
        raise ForbiddenCharactersError("it mixes characters written from right to left with others")
    return prepared


_PROHIBITED: tuple[tuple[t.Callable[[str], bool], str], ...] = (
    (stringprep.in_table_c21_c22, "it holds control characters"),
    (stringprep.in_table_a1, "it holds characters that Unicode 3.2 does not know, such as emoji"),
    (stringprep.in_table_c12, "it holds spaces that are not ASCII"),
    (stringprep.in_table_c3, "it holds private-use characters"),
    (stringprep.in_table_c4, "it holds code points that are no characters"),
    (stringprep.in_table_c5, "it holds surrogates"),
    (stringprep.in_table_c6, "it holds characters that plain text must not hold"),
    (stringprep.in_table_c7, "it holds ideographic description characters"),
    (stringprep.in_table_c8, "it holds characters that change the display direction"),
    (stringprep.in_table_c9, "it holds tagging characters"),
)


def _digest(user: str, password: str) -> bytes:
    text = f"{user}:mongo:{password}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode("ascii")
