"""Carrying out a plan for a host's clusters; each step leaves a state from which the next run goes on."""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan
from ..._host import command, filesystem, service
from ..._host.account import require_account
from . import conffile, locales, marker
from .model import CONFIGURATION, DATA, MAJOR, OWNER, Desired, Host
from .plan import create_command


def apply_plan(plan: Plan, host: Host, desired: t.Sequence[Desired]) -> None:
    """:raises GroundworkError: a step failed, or would have led root through a link of the servers' account."""
    try:
        _apply_plan(plan, host, desired)
    except OSError as error:
        raise GroundworkError(
            f"{error.filename} could not be changed: {error.strerror}.", where=str(error.filename),
            untouched="what the file or folder holds, and the steps after it",
            hint="Find out why the account of the servers may not change it, and run again.",
            code=ErrorCode.NOT_CHANGED,
        ) from error  # fmt: skip


def _apply_plan(plan: Plan, host: Host, desired: t.Sequence[Desired]) -> None:
    described = {cluster.name: cluster for cluster in desired}
    missing = [step.name for step in plan if step.kind == "locale"]
    if missing:
        locales.generate(missing)
    for step in plan:
        if step.kind == "half-created cluster":
            _clear(step.name, host.interrupted[step.name])
        elif step.action == "create":
            _create(described[step.name])
        elif step.action == "drop":
            _drop(step.name)
        elif step.kind == "port":
            _run(["pg_conftool", MAJOR, step.name, "set", "port", step.after], f"the port of cluster {step.name}")
        elif step.kind == "start.conf":
            path = Path(CONFIGURATION, step.name, "start.conf")
            text = conffile.with_start((filesystem.read(path) or b"").decode(errors="replace"), step.after)
            filesystem.write(path, text.encode(), mode=None if path.exists() else 0o644)
            service.read_units_again()
        elif step.kind == "permissions":
            # As the account: where the folder is, a file says that the account can write.
            with require_account(OWNER).acting():
                filesystem.set_attributes(host.clusters[step.name].data_directory, mode=int(step.after, 8))


def _create(cluster: Desired) -> None:
    folders = [cluster.data, *filter(None, [cluster.wal_directory])]
    marker.write(cluster.name, folders)
    if not Path(DATA).is_dir() and not cluster.data_directory:
        # As the package does it, so that the servers' account can work in it.
        _make_folder(Path(DATA), 0o755)
    if cluster.wal_directory:
        _make_folder(Path(cluster.wal_directory), 0o700)
    result = command.run(create_command(cluster))
    if not result.ok or not Path(CONFIGURATION, cluster.name, "postgresql.conf").is_file():
        killed = f"pg_createcluster was ended by signal {-result.code}. " if result.code < 0 else ""
        raise _creation_failed(cluster, folders, killed + (result.stderr.strip() or result.stdout.strip()[-1000:]))
    marker.remove(cluster.name)


def _creation_failed(cluster: Desired, folders: list[str], told: str) -> GroundworkError:
    room = [f"{folder}: {_free(folder)}" for folder in folders]
    full = "No space left on device" in told
    return GroundworkError(
        f"Cluster {cluster.name} could not be created{': its disk is full' if full else ''}.\n{told}",
        where="; ".join(room) + ", now that initdb has removed what it wrote" if full else cluster.data,
        untouched="the other clusters of the host; this one holds nothing yet",
        hint=f"{'Make room' if full else 'Fix the cause'} and run again: what was begun is cleared and created anew.",
        code=ErrorCode.DISK_FULL if full else ErrorCode.CREATE_FAILED,
    )


def _free(folder: str) -> str:
    existing = next(path for path in (Path(folder), *Path(folder).parents) if path.exists())
    disk = os.statvfs(existing)
    return f"{disk.f_bavail * disk.f_frsize // 2**20} MB and {disk.f_favail} files free"


def _make_folder(path: Path, mode: int) -> None:
    """A folder of the servers' account, whose parents everybody may enter."""
    if not filesystem.make_directory(path, mode=mode, owner=require_account(OWNER).ids, parents=0o755):
        filesystem.set_attributes(path, mode=mode, owner=require_account(OWNER).ids)


def _clear(name: str, folders: tuple[str, ...]) -> None:
    """Remove what an interrupted creation left. The folders themselves may be mount points and stay."""
    for folder in filter(os.path.isdir, folders):
        with require_account(OWNER).acting():
            filesystem.empty(folder)
    filesystem.remove_tree(Path(CONFIGURATION, name))


def _drop(name: str) -> None:
    _run(["pg_dropcluster", "--stop", MAJOR, name], f"cluster {name}")
    # pg_dropcluster leaves drop-ins and certificates that it does not know.
    filesystem.remove_tree(Path(CONFIGURATION, name))
    folder = Path(f"/etc/systemd/system/postgresql@{MAJOR}-{name}.service.d")
    for drop_in in folder.glob("*-groundwork.conf"):
        filesystem.remove(drop_in)
    # One that somebody else put there stays, and so does its folder.
    with contextlib.suppress(OSError):
        filesystem.remove(folder)
    service.read_units_again()


def _run(argv: list[str], what: str) -> None:
    command.run(argv).require(where=what, untouched="the steps after it", hint="Fix the cause and run again.")
