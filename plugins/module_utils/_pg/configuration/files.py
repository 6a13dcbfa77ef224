# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files whole or not at all, and keeps the last configuration that worked.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t
from pathlib import Path

from ..._local.account import Account
from . import conf_file
from .request import Cluster

KEPT = "last_good"


def write(path: Path, content: bytes, mode: int, owner: Account) -> None:
    """Replace a file in one step; a crash leaves the old one or the new one, and nothing that the server would read."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
            os.fchmod(descriptor, mode)
            if owner.drop:
                os.fchown(descriptor, owner.uid, owner.gid)
            out.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync(path.parent)


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _sync(path.parent)


def make_folder(path: Path, owner: Account) -> None:
    if not path.is_dir():
        path.mkdir(mode=0o755)
        owner.own(path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def ours(cluster: Cluster) -> list[Path]:
    """The files of the cluster that this collection writes, as they are on the disk."""
    drop_ins = [
        path
        for path in sorted(cluster.drop_ins.glob("*.conf"))
        if path.read_bytes().startswith(conf_file.HEADER.encode())
    ]
    return [*drop_ins, *(path for path in (cluster.hba_file, cluster.ident_file) if path.is_file())]


class Snapshot(t.NamedTuple):
    """Files with their contents and modes; what is not in it did not exist."""

    files: dict[Path, tuple[bytes, int]]


def take(cluster: Cluster) -> Snapshot:
    return Snapshot({path: (path.read_bytes(), path.stat().st_mode & 0o777) for path in ours(cluster)})


def put_back(cluster: Cluster, snapshot: Snapshot, owner: Account) -> list[Path]:
    """Make the files what they were; returns those that had to be changed."""
    changed = []
    for path in ours(cluster):
        if path not in snapshot.files and path.parent == cluster.drop_ins:
            remove(path)
            changed.append(path)
    for path, (content, mode) in snapshot.files.items():
        if not path.is_file() or path.read_bytes() != content:
            write(path, content, mode, owner)
            changed.append(path)
    return changed


def keep(cluster: Cluster, snapshot: Snapshot, state: Path) -> None:
    """Store the configuration that works, outside the folder that the server reads.

    Whenever this is interrupted, ``last_good`` or ``last_good.ready`` is whole.
    """
    folder = state / cluster.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    building, ready, old, final = (folder / f"{KEPT}{suffix}" for suffix in (".building", ".ready", ".old", ""))
    if ready.is_dir() and not final.is_dir():
        ready.rename(final)
    for leftover in (building, ready, old):
        shutil.rmtree(leftover, ignore_errors=True)
    store(cluster, snapshot, building)
    building.rename(ready)
    if final.is_dir():
        final.rename(old)
    ready.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def store(cluster: Cluster, snapshot: Snapshot, folder: Path) -> None:
    """Copy the files into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    for path, (content, mode) in snapshot.files.items():
        target = folder / path.relative_to(cluster.config)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
        target.chmod(mode)


def kept(cluster: Cluster, state: Path) -> Snapshot | None:
    """The configuration that last worked; ``None`` when none was ever stored."""
    for folder in (state / cluster.name / KEPT, state / cluster.name / f"{KEPT}.ready"):
        if folder.is_dir():
            found = [path for path in folder.glob("**/*") if path.is_file()]
            return Snapshot(
                {
                    cluster.config / path.relative_to(folder): (path.read_bytes(), path.stat().st_mode & 0o777)
                    for path in found
                }
            )
    return None


def sweep(cluster: Cluster) -> None:
    """Remove what an interrupted run left of :func:`write`; the server reads none of it."""
    for folder in (cluster.config, cluster.drop_ins):
        for path in folder.glob(".*.conf.*.new"):
            path.unlink(missing_ok=True)
