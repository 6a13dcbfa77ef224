"""The operating-system account that runs the local servers, and the folders that it can reach."""

from __future__ import annotations

import hashlib
import os
import pwd
from pathlib import Path

from .._core.errors import GroundworkError
from .._host.account import Account

PATIENCE_SECONDS = 120
SHARED_STATE_ROOT = Path("/var/lib/groundwork-local")


def server_account(requested: str | None) -> Account:
    """The invoking user, or for root an unprivileged one: PostgreSQL refuses to run as root.

    :raises GroundworkError: the requested account does not exist, or the caller may not become it.
    """
    caller = os.geteuid()
    if caller != 0:
        own = pwd.getpwuid(caller)
        if requested and requested != own.pw_name:
            raise GroundworkError(
                f"The local servers cannot run as {requested}: only root can switch to another account.",
                untouched="everything",
                hint=f"Run as root, or leave the account unset to use {own.pw_name}.",
            )
        return Account(own.pw_name, own.pw_uid, own.pw_gid, False, PATIENCE_SECONDS)
    name = requested or _invoker_behind_sudo() or "nobody"
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise GroundworkError(
            f"The account {name} does not exist on this machine.",
            untouched="everything",
            hint="Set local_servers_account to an existing unprivileged account.",
        ) from None
    if entry.pw_uid == 0:
        raise GroundworkError(
            "The local servers cannot run as root: PostgreSQL refuses it.",
            untouched="everything",
            hint="Set local_servers_account to an unprivileged account, or leave it unset.",
        )
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, True, PATIENCE_SECONDS)


def _invoker_behind_sudo() -> str | None:
    name = os.environ.get("SUDO_USER")
    return name if name and name != "root" else None


def reachable_directory(wanted: Path, account: Account) -> Path:
    """Where files under ``wanted`` really have to live so that the account can reach them.

    A root checkout in a closed home (``/root`` is 0700) cannot hold files of an unprivileged account. Opening that
    home to everybody is not ours to do, so such files live under /var/lib instead and ``wanted`` becomes a link.
    """
    if not account.drop or all(_can_enter(parent, account) for parent in wanted.parents if parent.exists()):
        return wanted
    name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return SHARED_STATE_ROOT / name


def _can_enter(directory: Path, account: Account) -> bool:
    status = directory.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == account.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)
