"""What the folder of certificates holds.

Of each certificate NAME.pem, which holds key and certificate in one file and so is whole or not there, is the one that
counts; NAME.key and NAME.crt are taken from it.
"""

from __future__ import annotations

import dataclasses
import stat
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from . import x509
from .declared import UNTOUCHED, Authority
from .plan import Stored

KEY_MODE, CERTIFICATE_MODE, FOLDER_MODE = 0o600, 0o644, 0o700
MODES = {"pem": KEY_MODE, "key": KEY_MODE, "crt": CERTIFICATE_MODE}
_BEGIN_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


@dataclasses.dataclass(frozen=True)
class Material:
    """What was read for one name; empty where there is nothing usable."""

    key: t.Any = None
    certificate: t.Any = None
    key_text: bytes = b""
    certificate_text: bytes = b""


class Folder:
    """
    :param passphrase: of a given authority's key.
    """

    def __init__(self, directory: Path, authority: Authority, passphrase: str | None) -> None:
        self.directory = directory
        self.authority = authority
        self._passphrase = passphrase

    def path(self, name: str, ending: str) -> Path:
        return self.directory / f"{name}.{ending}"

    @property
    def authority_certificate(self) -> Path:
        return Path(self.authority.certificate_file or self.path("ca", "crt"))

    @property
    def authority_key(self) -> Path:
        return Path(self.authority.key_file or self.path("ca", "key"))

    def read_authority(self) -> tuple[Stored, Material]:
        certificate_text, key_text = _content(self.authority_certificate), _content(self.authority_key)
        try:
            certificate = None if certificate_text is None else x509.load_certificate(certificate_text)
        except x509.UnreadableError as error:
            return Stored(
                None, key_text is not None, False, False, f"{self.authority_certificate}: {error}"
            ), Material()
        try:
            key = None if key_text is None else x509.load_key(key_text, self._passphrase)
        except x509.UnreadableError as error:
            return Stored(None, True, False, False, f"{self.authority_key}: {error}"), Material()
        matches = None not in (key, certificate) and x509.public_key_id(key) == x509.public_key_id(certificate)
        facts = None if certificate is None else x509.read_facts(certificate, None)
        return (
            Stored(facts, key is not None, matches, self._authority_agrees(certificate_text)),
            Material(key, certificate, key_text or b"", certificate_text or b""),
        )

    def _authority_agrees(self, certificate_text: bytes | None) -> bool:
        if self.authority.certificate_file is not None:
            return _content(self.path("ca", "crt")) == certificate_text
        return has_mode(self.authority_key, KEY_MODE) and has_mode(self.authority_certificate, CERTIFICATE_MODE)

    def read_leaf(self, name: str, authority: t.Any) -> tuple[Stored, Material]:
        both, key_text, certificate_text = (_content(self.path(name, ending)) for ending in ("pem", "key", "crt"))
        material, problem = _parse(*_split(both)) if both is not None else (Material(), None)
        if material.certificate is None:
            # The file that counts was removed or damaged: the other two may still be whole.
            material, other_problem = _parse(key_text, certificate_text)
            problem = problem or other_problem
        if material.certificate is None:
            return Stored(None, material.key is not None, False, False, problem), material
        agree = (both, key_text, certificate_text) == (
            material.key_text + material.certificate_text,
            material.key_text,
            material.certificate_text,
        ) and all(has_mode(self.path(name, ending), mode) for ending, mode in MODES.items())
        facts = x509.read_facts(material.certificate, authority)
        return Stored(facts, True, True, agree), material


def _parse(key_text: bytes | None, certificate_text: bytes | None) -> tuple[Material, str | None]:
    """A key and its certificate, or why they are none."""
    if not key_text and not certificate_text:
        return Material(), None
    try:
        key = x509.load_key(key_text or b"")
    except x509.UnreadableError as error:
        return Material(), f"its key cannot be used: {error}"
    try:
        certificate = x509.load_certificate(certificate_text or b"")
    except x509.UnreadableError as error:
        return Material(key=key), f"its certificate cannot be used: {error}"
    if x509.public_key_id(key) != x509.public_key_id(certificate):
        return Material(key=key), "its key is not that of its certificate"
    return Material(key, certificate, key_text or b"", certificate_text or b""), None


def _split(both: bytes) -> tuple[bytes, bytes]:
    begin = both.find(_BEGIN_CERTIFICATE)
    return (both, b"") if begin < 0 else (both[:begin], both[begin:])


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GroundworkError(
            f"{path} cannot be read: {error.strerror}.",
            where=str(path),
            untouched=UNTOUCHED,
            hint="This runs on the controller as the user who started Ansible: give that user the folder.",
            code=ErrorCode.UNREADABLE_CERTIFICATES,
        ) from None


def has_mode(path: Path, mode: int) -> bool:
    return not path.exists() or stat.S_IMODE(path.stat().st_mode) == mode
