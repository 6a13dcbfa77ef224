"""What SCRAM asks of every server: the keys of RFC 5802 section 3, and the characters that RFC 4013 prohibits."""

from __future__ import annotations

import hashlib
import hmac
import stringprep
import typing as t

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


class Keys(t.NamedTuple):
    """What a server derives from a password and stores."""

    stored_key: bytes
    server_key: bytes


def derive(name: str, secret: bytes, salt: bytes, iterations: int) -> Keys:
    """
    :param name: of the hash, ``sha1`` or ``sha256``.
    :param secret: the prepared password.
    """
    salted = hashlib.pbkdf2_hmac(name, secret, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", name)
    return Keys(hashlib.new(name, client_key).digest(), hmac.digest(salted, b"Server Key", name))


def why_prohibited(text: str) -> str | None:
    """The first reason why SASLprep prohibits a text that is not empty; never the text."""
    for in_table, kind in _PROHIBITED:
        if any(in_table(char) for char in text):
            return kind
    right_to_left = [stringprep.in_table_d1(char) for char in text]
    if any(right_to_left) and (
        any(stringprep.in_table_d2(char) for char in text) or not (right_to_left[0] and right_to_left[-1])
    ):
        return "it mixes characters written from right to left with others"
    return None
