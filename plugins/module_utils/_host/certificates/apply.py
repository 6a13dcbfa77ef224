"""Writing keys and certificates. A run that is killed between two files of a certificate is completed by the next."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import filesystem
from ..files import apply as files_apply
from ..files import plan as files_planning
from . import x509
from .declared import UNTOUCHED, Leaf
from .live import CERTIFICATE_MODE, FOLDER_MODE, KEY_MODE, MODES, Folder, Material
from .plan import Change


def make_directory(directory: Path) -> None:
    try:
        filesystem.make_directory(directory, mode=FOLDER_MODE, parents=0o755)
    except OSError as error:
        raise GroundworkError(
            f"{directory} cannot be made: {error.strerror}.",
            where=str(directory),
            untouched=UNTOUCHED,
            hint="Name a folder that the user who started Ansible can write.",
            code=ErrorCode.UNWRITABLE_CERTIFICATES,
        ) from None


def apply_changes(
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
        _write(change, [(certificate_path, found.certificate_text, CERTIFICATE_MODE)])
        return found
    if change.verb == "complete":
        files = [(key_path, found.key_text, KEY_MODE)] if found.key_text else []
        _write(change, [*files, (certificate_path, found.certificate_text, CERTIFICATE_MODE)])
        return found
    key = found.key if found.key is not None else x509.new_key(folder.authority.key)
    subject = None if found.certificate is None else found.certificate.subject
    certificate = x509.make_authority(folder.authority, key, subject, now)
    made = Material(key, certificate, found.key_text or x509.key_pem(key), x509.certificate_pem(certificate))
    # The key first: a certificate without its key could never be used, a key alone gets a certificate by the next run.
    _write(
        change,
        [(key_path, made.key_text, KEY_MODE), (certificate_path, made.certificate_text, CERTIFICATE_MODE)],
    )
    return made


def _write_leaf(folder: Folder, change: Change, material: Material) -> None:
    contents = {
        "pem": material.key_text + material.certificate_text,
        "key": material.key_text,
        "crt": material.certificate_text,
    }
    _write(change, [(folder.path(change.name, ending), contents[ending], mode) for ending, mode in MODES.items()])


def _write(change: Change, files: list[tuple[Path, bytes, int]]) -> None:
    files_apply.apply_changes(
        [
            files_planning.Change(
                str(path), "write", change.step, content=content, uid=os.geteuid(), gid=os.getegid(), mode=mode
            )
            for path, content, mode in files
        ]
    )
