"""SCRAM-SHA-256 secrets as PostgreSQL stores them: made, read and compared without a server.

A role's secret has the form ``SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`` (salt and keys in base64),
see the manual's chapter on ``pg_authid``. The keys are those of RFC 5802 section 3 with the hash of RFC 7677.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hmac
import os
import stringprep
import unicodedata

from .._core import scram

MECHANISM = "SCRAM-SHA-256"
KEY_LENGTH = 32
# What PostgreSQL itself uses: src/include/common/scram-common.h.
DEFAULT_ITERATIONS = 4096
DEFAULT_SALT_LENGTH = 16


@dataclasses.dataclass(frozen=True, repr=False)
class Secret:
    """The parts of a stored secret."""

    iterations: int
    salt: bytes
    stored_key: bytes
    server_key: bytes

    def text(self) -> str:
        """The string that ``pg_authid.rolpassword`` and PgBouncer's userlist.txt hold."""
        salt, stored, server = (_encode(part) for part in (self.salt, self.stored_key, self.server_key))
        return f"{MECHANISM}${self.iterations}:{salt}${stored}:{server}"


def make_secret(password: str, *, salt: bytes | None = None, iterations: int = DEFAULT_ITERATIONS) -> str:
    """The secret of a password; a random salt unless one is given."""
    return _derive(password, os.urandom(DEFAULT_SALT_LENGTH) if salt is None else salt, iterations).text()


def parse_secret(text: str) -> Secret | None:
    """The parts of a stored secret, or ``None`` for anything else (md5, plain text, a damaged secret)."""
    try:
        mechanism, parameters, keys = text.split("$")
        iterations, salt = parameters.split(":")
        stored_key, server_key = keys.split(":")
        secret = Secret(int(iterations), _decode(salt), _decode(stored_key), _decode(server_key))
    except ValueError:
        return None
    well_formed = (
        mechanism == MECHANISM
        and secret.iterations > 0
        and len(secret.stored_key) == KEY_LENGTH
        and len(secret.server_key) == KEY_LENGTH
    )
    return secret if well_formed else None


def matches(password: str, stored: str | None) -> bool:
    """Whether a stored secret belongs to this password. An md5 hash never does: it has to be replaced."""
    secret = parse_secret(stored) if stored else None
    if secret is None:
        return False
    derived = _derive(password, secret.salt, secret.iterations)
    return hmac.compare_digest(derived.stored_key, secret.stored_key) and hmac.compare_digest(
        derived.server_key, secret.server_key
    )


def saslprep(password: str) -> bytes:
    """The bytes that are hashed, by the rules of PostgreSQL's src/common/saslprep.c.

    These differ from RFC 4013 in two ways that decide whether a login works: a password that SASLprep refuses is used
    as it is instead of being an error, and the refusal looks at the characters before normalization, not after it.
    """
    raw = password.encode("utf-8")
    if password.isascii():
        return raw
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in password
        if stringprep.in_table_c12(char) or not stringprep.in_table_b1(char)
    )
    if not mapped or scram.why_prohibited(mapped):
        return raw
    return unicodedata.normalize("NFKC", mapped).encode("utf-8")


def _derive(password: str, salt: bytes, iterations: int) -> Secret:
    return Secret(iterations, salt, *scram.derive("sha256", saslprep(password), salt, iterations))


def _encode(part: bytes) -> str:
    return base64.b64encode(part).decode("ascii")


def _decode(part: str) -> bytes:
    try:
        return base64.b64decode(part, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
