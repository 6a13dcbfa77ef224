"""The operating-system account of a server: programs, sessions and work on its files happen as it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import subprocess
import typing as t
from pathlib import Path

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from . import filesystem


@dataclasses.dataclass(frozen=True)
class Account:
    """
    :ivar drop: the caller is root and has to become this account first.
    :ivar patience: seconds that a program may take, without a limit when unset.
    """

    name: str
    uid: int
    gid: int
    drop: bool
    patience: float | None = None

    @property
    def identity(self) -> dict[str, t.Any]:
        """Arguments for ``subprocess`` that make a child run as this account."""
        if not self.drop:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.name, self.gid)}

    def run(self, argv: list[str], *, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, without a terminal to ask for passwords, and capture what it prints.

        :raises subprocess.TimeoutExpired: it does not end in time.
        """
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout or self.patience,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "HOME": "/"},
            **self.identity,
        )

    @contextlib.contextmanager
    def acting(self) -> t.Iterator[None]:
        """Have this account's rights, and no others, for a moment: on files, and for whom a socket's peer sees."""
        if not self.drop or os.geteuid() != 0:
            yield
            return
        groups, group = os.getgroups(), os.getegid()
        try:
            os.setgroups(os.getgrouplist(self.name, self.gid))
            os.setegid(self.gid)
            os.seteuid(self.uid)
            yield
        finally:
            os.seteuid(0)
            os.setegid(group)
            os.setgroups(groups)

    def own(self, path: Path) -> None:
        """Give a folder or file to this account; nothing to do when the caller already is it."""
        if self.drop:
            filesystem.set_attributes(path, owner=self.ids)

    @property
    def ids(self) -> filesystem.Owner:
        return self.uid, self.gid


def find_account(name: str) -> Account | None:
    """The account, or ``None`` where it does not exist (yet).

    :raises GroundworkError: it exists, but the caller is neither it nor root.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    caller = os.geteuid()
    if caller not in (0, entry.pw_uid):
        raise GroundworkError(
            f"This has to run as root or as {name}, not as {pwd.getpwuid(caller).pw_name}.",
            untouched="everything",
            hint="Set become: true.",
            code=ErrorCode.NOT_ROOT,
        )
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, drop=caller == 0 and entry.pw_uid != 0)
