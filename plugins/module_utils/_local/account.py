"""The operating-system account that runs the local servers, and the folders that it can reach."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pwd
from pathlib import Path

from .._host.account import Account, require_account

PATIENCE_SECONDS = 120
SHARED_STATE_ROOT = Path("/var/lib/groundwork-local")


def server_account(requested: str | None) -> Account:
    """The invoking user, or for root an unprivileged one: PostgreSQL refuses to run as root.

    :raises GroundworkError: the requested account does not exist, or the caller may not become it.
    """
    caller = os.geteuid()
    default = pwd.getpwuid(caller).pw_name if caller else _invoker_behind_sudo() or "nobody"
    found = require_account(requested or default, "local_servers_account")
    return dataclasses.replace(found, patience=PATIENCE_SECONDS)


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
