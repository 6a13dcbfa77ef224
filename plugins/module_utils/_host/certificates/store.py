"""The folder of certificates: reading it, and bringing it to state.

Of each certificate NAME.pem, which holds key and certificate in one file and so is whole or not there, is the one that
counts; NAME.key and NAME.crt are taken from it. A run that is killed between two files is completed by the next.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import stat
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from .. import filesystem
from ..files import apply as files_apply
from ..files import plan as files_planning
from ..run_lock import one_run
from . import x509
from .declared import UNTOUCHED, Authority, Leaf
from .plan import Change, Stored, plan_authority, plan_leaf, require_authority_key

_KEY_MODE, _CERTIFICATE_MODE, _FOLDER_MODE = 0o600, 0o644, 0o700
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
        return _has_mode(self.authority_key, _KEY_MODE) and _has_mode(self.authority_certificate, _CERTIFICATE_MODE)

    def read_leaf(self, name: str, authority: t.Any) -> tuple[Stored, Material]:
        both, key_text, certificate_text = (_content(self.path(name, ending)) for ending in ("pem", "key", "crt"))
        material, problem = _parse(*_split(both)) if both is not None else (Material(), None)
        if material.certificate is None:
            # Somebody removed or damaged the file that counts: the other two may still be whole.
            material, other_problem = _parse(key_text, certificate_text)
            problem = problem or other_problem
        if material.certificate is None:
            return Stored(None, material.key is not None, False, False, problem), material
        agree = (both, key_text, certificate_text) == (
            material.key_text + material.certificate_text,
            material.key_text,
            material.certificate_text,
        ) and all(_has_mode(self.path(name, ending), mode) for ending, mode in _MODES.items())
        facts = x509.read_facts(material.certificate, authority)
        return Stored(facts, True, True, agree), material


_MODES = {"pem": _KEY_MODE, "key": _KEY_MODE, "crt": _CERTIFICATE_MODE}


@dataclasses.dataclass
class Outcome:
    plan: Plan
    certificates: dict[str, dict[str, t.Any]]
    authority: dict[str, t.Any]


def converge(folder: Folder, leaves: list[Leaf], now: datetime.datetime, check_mode: bool) -> Outcome:
    """
    :raises GroundworkError: the folder cannot be read or written, or the authority cannot be used.
    """
    if check_mode:
        return _converge(folder, leaves, now, True)
    _make_directory(folder.directory)
    with one_run(str(folder.directory)):
        return _converge(folder, leaves, now, False)


def _converge(folder: Folder, leaves: list[Leaf], now: datetime.datetime, check_mode: bool) -> Outcome:
    stored, authority = folder.read_authority()
    authority_change = plan_authority(folder.authority, stored, now)
    fresh = stored.certificate is None
    renewed = authority_change is not None and authority_change.verb == "renew"
    end = None if stored.certificate is None else stored.certificate.not_after
    if renewed:
        end = now + datetime.timedelta(days=folder.authority.valid_days)
    read = {leaf.name: folder.read_leaf(leaf.name, authority.certificate) for leaf in leaves}
    changes = [plan_leaf(leaf, read[leaf.name][0], None if fresh else end, now) for leaf in leaves]
    at_work = [change for change in (authority_change, *changes) if change is not None]
    if not fresh:
        require_authority_key(at_work, stored, str(folder.authority_key))
        _require_match(at_work, stored, folder)
    steps = [*_mode_steps(folder.directory), *(change.step for change in at_work)]
    if not check_mode:
        filesystem.set_attributes(folder.directory, mode=_FOLDER_MODE)
        _apply(folder, leaves, at_work, authority, {name: material for name, (_stored, material) in read.items()}, now)
        _verify(folder, leaves, now)
    return Outcome(
        Plan(tuple(steps)), _describe(folder, leaves, at_work, check_mode), _describe_authority(folder, at_work)
    )


def _require_match(changes: list[Change], stored: Stored, folder: Folder) -> None:
    signs = any(change.verb in ("create", "renew") for change in changes)
    if signs and stored.certificate is not None and not stored.key_matches:
        raise GroundworkError(
            "The given authority's key is not that of its certificate.",
            where=str(folder.authority_key),
            untouched=UNTOUCHED,
            hint="Correct ca_cert or ca_key.",
            code=ErrorCode.AUTHORITY_UNUSABLE,
        )


def _mode_steps(directory: Path) -> list[Step]:
    if directory.is_dir() and not _has_mode(directory, _FOLDER_MODE):
        mode = f"mode {stat.S_IMODE(directory.stat().st_mode):04o}"
        return [Step("close", "directory", str(directory), before=mode, after=f"mode {_FOLDER_MODE:04o}")]
    return []


def _apply(
    folder: Folder,
    leaves: list[Leaf],
    changes: list[Change],
    authority: Material,
    materials: dict[str, Material],
    now: datetime.datetime,
) -> None:
    wanted = {leaf.name: leaf for leaf in leaves}
    for change in changes:
        if change.name == "ca":
            authority = _write_authority(folder, change, authority, now)
        elif change.verb == "complete":
            _write_leaf(folder, change, materials[change.name])
        else:
            leaf = wanted[change.name]
            key = x509.new_key(leaf.key)
            certificate = x509.make_leaf(leaf, key, authority.certificate, authority.key, now)
            made = Material(key, certificate, x509.key_pem(key), x509.certificate_pem(certificate))
            _write_leaf(folder, change, made)


def _write_authority(folder: Folder, change: Change, found: Material, now: datetime.datetime) -> Material:
    certificate_path, key_path = folder.path("ca", "crt"), folder.path("ca", "key")
    if folder.authority.certificate_file is not None:
        _write(change, [(certificate_path, found.certificate_text, _CERTIFICATE_MODE)])
        return found
    if change.verb == "complete":
        files = [(key_path, found.key_text, _KEY_MODE)] if found.key_text else []
        _write(change, [*files, (certificate_path, found.certificate_text, _CERTIFICATE_MODE)])
        return found
    key = found.key if found.key is not None else x509.new_key(folder.authority.key)
    subject = None if found.certificate is None else found.certificate.subject
    certificate = x509.make_authority(folder.authority, key, subject, now)
    made = Material(key, certificate, found.key_text or x509.key_pem(key), x509.certificate_pem(certificate))
    # The key first: a certificate without its key could never be used, a key alone gets a certificate by the next run.
    _write(
        change,
        [(key_path, made.key_text, _KEY_MODE), (certificate_path, made.certificate_text, _CERTIFICATE_MODE)],
    )
    return made


def _write_leaf(folder: Folder, change: Change, material: Material) -> None:
    contents = {
        "pem": material.key_text + material.certificate_text,
        "key": material.key_text,
        "crt": material.certificate_text,
    }
    _write(change, [(folder.path(change.name, ending), contents[ending], mode) for ending, mode in _MODES.items()])


def _write(change: Change, files: list[tuple[Path, bytes, int]]) -> None:
    files_apply.apply_changes(
        [
            files_planning.Change(
                str(path), "write", change.step, content=content, uid=os.geteuid(), gid=os.getegid(), mode=mode
            )
            for path, content, mode in files
        ]
    )


def _verify(folder: Folder, leaves: list[Leaf], now: datetime.datetime) -> None:
    stored, authority = folder.read_authority()
    end = None if stored.certificate is None else stored.certificate.not_after
    for leaf in leaves:
        left = plan_leaf(leaf, folder.read_leaf(leaf.name, authority.certificate)[0], end, now)
        if left is not None:
            raise GroundworkError(
                f"{leaf.name} is not as it was made a moment ago: {left.reason}.",
                where=str(folder.path(leaf.name, "pem")),
                untouched="nothing: every file was written",
                hint="Something else writes this folder; find out what.",
                code=ErrorCode.CERTIFICATE_CHANGED_MEANWHILE,
            )


def _describe(
    folder: Folder, leaves: list[Leaf], changes: list[Change], check_mode: bool
) -> dict[str, dict[str, t.Any]]:
    """What following tasks need; in check mode nothing is said of a certificate that would be made."""
    to_come = {change.name for change in changes if change.verb != "complete"} if check_mode else set()
    described = {}
    for leaf in leaves:
        facts = None if leaf.name in to_come else folder.read_leaf(leaf.name, None)[0].certificate
        described[leaf.name] = {
            "certificate": str(folder.path(leaf.name, "crt")),
            "key": str(folder.path(leaf.name, "key")),
            "pem": str(folder.path(leaf.name, "pem")),
            "ca": str(folder.path("ca", "crt")),
            "fingerprint": facts.fingerprint if facts else None,
            "not_after": f"{facts.not_after:%Y-%m-%dT%H:%M:%SZ}" if facts else None,
        }
    return described


def _describe_authority(folder: Folder, changes: list[Change]) -> dict[str, t.Any]:
    facts = folder.read_authority()[0].certificate
    return {
        "certificate": str(folder.path("ca", "crt")),
        "fingerprint": facts.fingerprint if facts else None,
        "not_after": f"{facts.not_after:%Y-%m-%dT%H:%M:%SZ}" if facts else None,
    }


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


def _has_mode(path: Path, mode: int) -> bool:
    return not path.exists() or stat.S_IMODE(path.stat().st_mode) == mode


def _make_directory(directory: Path) -> None:
    try:
        filesystem.make_directory(directory, mode=_FOLDER_MODE, parents=0o755)
    except OSError as error:
        raise GroundworkError(
            f"{directory} cannot be made: {error.strerror}.",
            where=str(directory),
            untouched=UNTOUCHED,
            hint="Name a folder that the user who started Ansible can write.",
            code=ErrorCode.UNWRITABLE_CERTIFICATES,
        ) from None
