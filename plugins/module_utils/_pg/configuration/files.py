"""Writes files whole or not at all, and keeps the last configuration that worked."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ..._host import filesystem
from ..._host.account import Account
from . import conf_file, live
from .declared import Cluster

KEPT = "last_good"


def write(path: Path, content: bytes, mode: int, owner: Account) -> None:
    """Replace a file of the server's account in one step, synced."""
    filesystem.write(path, content, mode=mode, owner=owner.ids if owner.drop else None)


def make_folder(path: Path, owner: Account) -> None:
    filesystem.make_directory(path, owner=owner.ids if owner.drop else None)


class Snapshot(t.NamedTuple):
    """Files with their contents and modes; what is not in it did not exist."""

    files: dict[Path, tuple[bytes, int]]


def take(cluster: Cluster, owner: Account) -> Snapshot:
    """The files of the cluster that this collection writes, as they are on the disk."""
    found = {}
    for path in (*sorted(cluster.drop_ins.glob("*.conf")), cluster.hba_file, cluster.ident_file):
        content = live.content(path, owner)
        ours = path.parent != cluster.drop_ins or (content or b"").startswith(conf_file.HEADER.encode())
        if content is not None and ours:
            found[path] = content, path.stat().st_mode & 0o777
    return Snapshot(found)


def put_back(cluster: Cluster, snapshot: Snapshot, owner: Account) -> list[Path]:
    """Make the files what they were; returns those that had to be changed."""
    now = take(cluster, owner).files
    changed = [path for path in now if path not in snapshot.files and path.parent == cluster.drop_ins]
    for path in changed:
        filesystem.remove(path)
    for path, (content, mode) in snapshot.files.items():
        if path not in now or now[path][0] != content:
            write(path, content, mode, owner)
            changed.append(path)
    return changed


def keep(cluster: Cluster, snapshot: Snapshot, state: Path) -> None:
    """Store the configuration that works, outside the folder that the server reads.

    Whenever this is interrupted, ``last_good`` or ``last_good.ready`` is whole.
    """
    folder = state / cluster.name
    filesystem.make_directory(folder, mode=0o700, parents=0o755)
    building, ready, old, final = (folder / f"{KEPT}{suffix}" for suffix in (".building", ".ready", ".old", ""))
    if ready.is_dir() and not final.is_dir():
        filesystem.rename(ready, final.name)
    for leftover in (building, ready, old):
        filesystem.remove_tree(leftover)
    store(cluster, snapshot, building)
    filesystem.rename(building, ready.name)
    if final.is_dir():
        filesystem.rename(final, old.name)
    filesystem.rename(ready, final.name)
    filesystem.remove_tree(old)


def store(cluster: Cluster, snapshot: Snapshot, folder: Path) -> None:
    """Copy the files into a folder, which is emptied first."""
    filesystem.remove_tree(folder)
    filesystem.make_directory(folder, mode=0o700, parents=0o755)
    for path, (content, mode) in snapshot.files.items():
        target = folder / path.relative_to(cluster.config)
        filesystem.make_directory(target.parent)
        filesystem.write(target, content, mode=mode)


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
        for path in folder.glob(f".*{filesystem.SUFFIX}"):
            filesystem.remove(path)
