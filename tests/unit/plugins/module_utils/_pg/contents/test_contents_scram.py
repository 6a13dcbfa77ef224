# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SCRAM secrets: published vectors, the preparation of passwords, and what a comparison must not accept."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram
from hypothesis import given, settings
from hypothesis import strategies as st

# RFC 7677, section 3: user "user", password "pencil".
RFC_SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
RFC_AUTH_MESSAGE = (
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)
RFC_CLIENT_PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
RFC_SERVER_SIGNATURE = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_stored_key_accepts_the_client_proof_of_rfc_7677() -> None:
    secret = scram.parse_secret(scram.make_secret("pencil", salt=RFC_SALT))
    assert secret is not None
    signature = hmac.digest(secret.stored_key, RFC_AUTH_MESSAGE.encode(), "sha256")
    client_key = bytes(a ^ b for a, b in zip(RFC_CLIENT_PROOF, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == secret.stored_key


def test_server_key_gives_the_server_signature_of_rfc_7677() -> None:
    secret = scram.parse_secret(scram.make_secret("pencil", salt=RFC_SALT))
    assert secret is not None
    assert hmac.digest(secret.server_key, RFC_AUTH_MESSAGE.encode(), "sha256") == RFC_SERVER_SIGNATURE


def test_secret_has_postgresqls_form() -> None:
    text = scram.make_secret("pencil", salt=RFC_SALT)
    assert text.startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    secret = scram.parse_secret(text)
    assert secret is not None
    assert (secret.iterations, secret.salt, secret.text()) == (4096, RFC_SALT, text)


def test_every_secret_has_its_own_salt() -> None:
    assert scram.make_secret("pencil") != scram.make_secret("pencil")


# RFC 4013 section 3, where PostgreSQL follows it, and where it uses the refused password as it is.
SASLPREP = [
    pytest.param("I\u00adX", b"IX", id="soft hyphen goes"),
    pytest.param("user", b"user", id="ascii stays"),
    pytest.param("USER", b"USER", id="case stays"),
    pytest.param("\u00aa", b"a", id="feminine ordinal is normalized"),
    pytest.param("\u2168", b"IX", id="roman numeral is normalized"),
    pytest.param("a\u00a0b", b"a b", id="no-break space is a space"),
    pytest.param("a\u200bb", b"a b", id="zero width space is in both tables, the space table wins"),
    pytest.param("\u0007", b"\x07", id="ascii is not even looked at"),
    pytest.param("\u0007ä", "\u0007ä".encode(), id="a control character is refused, so raw"),
    pytest.param("\u0627\u0031", "\u0627\u0031".encode(), id="bad bidirectional text is refused, so raw"),
    pytest.param("\u0627\u0031\u0628", "\u0627\u0031\u0628".encode(), id="good bidirectional text"),
    pytest.param("\u00adü", "ü".encode(), id="mapped, then normalized"),
    pytest.param("\u00ad", "\u00ad".encode(), id="nothing left, so raw"),
    pytest.param("u\u0308", "ü".encode(), id="composed"),
    pytest.param("\U0001f600", "\U0001f600".encode(), id="unassigned in Unicode 3.2, so raw"),
    pytest.param("\u2168\U0001f600", "\u2168\U0001f600".encode(), id="one unassigned makes all of it raw"),
]


@pytest.mark.parametrize(("password", "prepared"), SASLPREP)
def test_saslprep(password: str, prepared: bytes) -> None:
    assert scram.saslprep(password) == prepared


NOT_SECRETS = [
    "",
    "pencil",
    "md5" + "0" * 32,
    "SCRAM-SHA-256",
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$AAAA:AAAA",
    "SCRAM-SHA-256$x:W22ZaJ0SNY7soEsUEjb6gQ==$" + "A" * 43 + "=:" + "A" * 43 + "=",
    "SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==$" + "A" * 43 + "=:" + "A" * 43 + "=",
    "SCRAM-SHA-256$4096:!!!!$" + "A" * 43 + "=:" + "A" * 43 + "=",
    "SCRAM-SHA-1$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" + "A" * 43 + "=:" + "A" * 43 + "=",
]


@pytest.mark.parametrize("text", NOT_SECRETS)
def test_what_is_no_secret_is_neither_parsed_nor_matched(text: str) -> None:
    assert scram.parse_secret(text) is None
    assert not scram.matches("pencil", text)


def test_a_role_without_password_matches_nothing() -> None:
    assert not scram.matches("pencil", None)


def test_a_secret_with_one_damaged_key_does_not_match() -> None:
    mechanism, parameters, keys = scram.make_secret("pencil", salt=RFC_SALT).split("$")
    stored_key, server_key = keys.split(":")
    swapped = f"{mechanism}${parameters}${server_key}:{stored_key}"
    assert scram.parse_secret(swapped) is not None
    assert not scram.matches("pencil", swapped)


@settings(max_examples=50, deadline=None)
@given(password=st.text(min_size=1, max_size=40), other=st.text(min_size=1, max_size=40))
def test_a_secret_matches_its_password_and_no_other(password: str, other: str) -> None:
    secret = scram.make_secret(password, iterations=1)
    assert scram.matches(password, secret)
    assert scram.matches(other, secret) == (scram.saslprep(other) == scram.saslprep(password))


def test_the_keys_do_not_show_in_a_repr() -> None:
    secret = scram.parse_secret(scram.make_secret("pencil", salt=RFC_SALT))
    assert "stored_key" not in repr(secret)
