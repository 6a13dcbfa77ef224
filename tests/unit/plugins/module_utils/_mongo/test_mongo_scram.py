"""SCRAM keys against the exchanges of RFC 7677 and of MongoDB's driver specification, SASLprep against RFC 4013."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._mongo import scram

# Mechanism, hash, salt, iterations, the client's first message, the combined nonce, the server's signature, the proof.
EXCHANGES = [
    (
        "SCRAM-SHA-256", "sha256", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096, "n=user,r=rOprNGfwEbeRWgbNEkqO",
        "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    ),
    (
        "SCRAM-SHA-1", "sha1", "rQ9ZY3MntBeuP3E1TDVC4w==", 10000, "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "fyko+d2lbbFgONRv9qkxdawLHo+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE", "UMWeI25JD1yNYZRMpZ4VHvhZ9e0=",
        "MC2T8BvbmWRckDw8oWl5IVghwCY=",
    ),
]  # fmt: skip


@pytest.mark.parametrize("exchange", EXCHANGES, ids=[exchange[0] for exchange in EXCHANGES])
def test_keys_make_the_published_signature_and_proof(exchange: tuple[str, str, str, int, str, str, str, str]) -> None:
    mechanism, name, salt, iterations, client_first, nonce, signature, proof = exchange
    keys = scram.derive(mechanism, "user", "pencil", base64.b64decode(salt), iterations)
    message = f"{client_first},r={nonce},s={salt},i={iterations},c=biws,r={nonce}".encode()
    assert base64.b64encode(hmac.digest(keys.server_key, message, name)).decode() == signature
    # The proof hides the client key behind a signature by the stored key: undoing that must give the stored key again.
    client_signature = hmac.digest(keys.stored_key, message, name)
    client_key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), client_signature, strict=True))
    assert hashlib.new(name, client_key).digest() == keys.stored_key


PREPARED = [
    ("I\u00adX", "IX"),
    ("user", "user"),
    ("USER", "USER"),
    ("\u00aa", "a"),
    ("\u2168", "IX"),
    ("a\u00a0b", "a b"),
]
FORBIDDEN = ["\u0007", "\u0627\u0031", "", "\u200b", "a\u200bb", "\ue000", "\u0221", "\U0001f600", "\ufffd", "\u2028"]


@pytest.mark.parametrize(("given", "expected"), PREPARED)
def test_saslprep_maps(given: str, expected: str) -> None:
    assert scram.saslprep(given) == expected


@pytest.mark.parametrize("given", FORBIDDEN)
def test_saslprep_refuses(given: str) -> None:
    with pytest.raises(scram.ForbiddenCharactersError):
        scram.saslprep(given)


def _credential(mechanism: str, password: str) -> dict[str, object]:
    salt = bytes(range(16))
    keys = scram.derive(mechanism, "anna", password, salt, 100)
    return {
        "salt": base64.b64encode(salt).decode(), "iterationCount": 100,
        "storedKey": base64.b64encode(keys.stored_key).decode(),
    }  # fmt: skip


@pytest.mark.parametrize("mechanism", [scram.SHA_1, scram.SHA_256])
def test_stored_key_tells_the_password(mechanism: str) -> None:
    credential = _credential(mechanism, "s3cret")
    assert scram.matches(mechanism, "anna", "s3cret", credential) is True
    assert scram.matches(mechanism, "anna", "s3cret ", credential) is False


@pytest.mark.parametrize("broken", [{}, {"salt": "!", "storedKey": "AA==", "iterationCount": 1}, None])
def test_what_cannot_be_read_tells_nothing(broken: dict[str, object] | None) -> None:
    assert scram.matches(scram.SHA_256, "anna", "x", broken) is None  # type: ignore[arg-type]
    assert scram.matches("PLAIN", "anna", "x", _credential(scram.SHA_256, "x")) is None


def test_password_that_sha_256_refuses_is_just_another_one() -> None:
    assert scram.matches(scram.SHA_256, "anna", "\u0007", _credential(scram.SHA_256, "x")) is False
