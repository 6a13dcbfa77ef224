# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed apt repository: a pool, an index of everything in it for each suite, InRelease and Release.gpg.

The pool may hold any number of versions of a package; the indexes list them all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import email.utils
import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wheels import MirrorError

IDENTITY = "groundwork.databases test mirror (throw-away key of one checkout)"


@dataclasses.dataclass(frozen=True)
class Suite:
    """``name`` as it stands in Suites: of a source, for example jammy-pgdg or jammy/mongodb-org/7.0."""

    name: str
    component: str


class SigningKey:
    """A key pair made at first use and kept, readable to its owner only, in one file outside the repository."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def public(self) -> str:
        with self._keyring() as home:
            return _gpg(home, "--armor", "--export").stdout

    def sign(self, release: Path) -> None:
        """Write InRelease and Release.gpg beside ``release``."""
        with self._keyring() as home:
            _gpg(home, "--clearsign", "--output", str(release.with_name("InRelease")), str(release))
            _gpg(home, "--armor", "--detach-sign", "--output", str(release.with_name("Release.gpg")), str(release))

    @contextlib.contextmanager
    def _keyring(self) -> Iterator[Path]:
        # gpg-agent's socket lies in this folder, and a socket's path must be short: hence not below the checkout.
        home = Path(tempfile.mkdtemp(prefix="gpg-"))
        try:
            if self._file.is_file():
                _gpg(home, "--import", str(self._file))
            else:
                _gpg(home, "--quick-generate-key", IDENTITY, "rsa3072", "sign", "never")
                self._keep(_gpg(home, "--armor", "--export-secret-keys").stdout)
            yield home
        finally:
            subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], capture_output=True, check=False)
            shutil.rmtree(home, ignore_errors=True)

    def _keep(self, secret: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as out:
            out.write(secret)


def _gpg(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    outcome = subprocess.run(
        [
            "gpg", "--homedir", str(home), "--batch", "--yes", "--quiet",
            "--pinentry-mode", "loopback", "--passphrase", "", *arguments,
        ],
        capture_output=True, text=True, check=False,
    )
    if outcome.returncode != 0:
        raise MirrorError(f"gpg {arguments[0]} failed: {outcome.stderr.strip()}")
    return outcome


def publish(root: Path, packages: list[Path], suites: list[Suite], key: SigningKey) -> None:
    """Write the repository ``root``; every package is in every suite.

    :param packages: .deb files; hard links to them make the pool.
    """
    pool = root / "pool"
    pool.mkdir(parents=True)
    entries = []
    for package in sorted(packages):
        pooled = pool / package.name
        pooled.hardlink_to(package)
        entries.append(_index_entry(root, pooled))
    index = "\n".join(entries).encode()
    for suite in suites:
        folder = root / "dists" / suite.name
        binaries = folder / suite.component / "binary-amd64"
        binaries.mkdir(parents=True)
        (binaries / "Packages").write_bytes(index)
        (binaries / "Packages.gz").write_bytes(gzip.compress(index, mtime=0))
        release = folder / "Release"
        release.write_text(_release(folder, suite))
        key.sign(release)


def _index_entry(root: Path, package: Path) -> str:
    control = subprocess.run(["dpkg-deb", "--field", str(package)], capture_output=True, text=True, check=True).stdout
    return (
        f"{control.strip()}\nFilename: {package.relative_to(root)}\nSize: {package.stat().st_size}\n"
        f"SHA256: {hashlib.sha256(package.read_bytes()).hexdigest()}\n"
    )


def _release(folder: Path, suite: Suite) -> str:
    fields = {
        "Origin": "groundwork.databases test mirror",
        "Label": "groundwork.databases test mirror",
        "Suite": suite.name,
        "Codename": suite.name,
        "Date": email.utils.formatdate(usegmt=True),
        "Architectures": "amd64",
        "Components": suite.component,
    }
    sums = "".join(
        f" {hashlib.sha256(entry.read_bytes()).hexdigest()} {entry.stat().st_size} {entry.relative_to(folder)}\n"
        for entry in sorted(folder.rglob("Packages*"))
    )
    return "".join(f"{name}: {value}\n" for name, value in fields.items()) + f"SHA256:\n{sums}"
