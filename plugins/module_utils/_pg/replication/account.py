# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operating-system account of a server: programs run as it, and sessions are opened as it.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import subprocess
import typing as t
from pathlib import Path

from ..._errors import GroundworkError


@dataclasses.dataclass(frozen=True)
class Account:
    """Who owns the data folder.

    :ivar drop: the module runs as root and has to become this account first.
    """

    name: str
    uid: int
    gid: int
    drop: bool

    def run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, without a terminal to ask for passwords, and capture what it prints."""
        identity: dict[str, t.Any] = {}
        if self.drop:
            identity = {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.name, self.gid)}
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "HOME": "/"},
            **identity,
        )

    @contextlib.contextmanager
    def acting(self) -> t.Iterator[None]:
        """Be this account for a moment: peer authentication looks at who opens the socket."""
        if not self.drop:
            yield
            return
        before = os.getegid(), os.geteuid()
        os.setegid(self.gid)
        os.seteuid(self.uid)
        try:
            yield
        finally:
            os.seteuid(before[1])
            os.setegid(before[0])

    def own(self, path: Path) -> None:
        if self.drop:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


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
        )
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, drop=caller == 0 and entry.pw_uid != 0)
