"""The operating-system account of a server: programs, sessions and work on its files happen as it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import typing as t
from pathlib import Path

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from . import command, filesystem

_MOST_OF_A_LOG = 200_000


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

    def run(self, argv: t.Sequence[str], *, timeout: float | None = None) -> command.Result:
        """Run a program as this account: see :func:`command.run`."""
        return command.run(argv, identity=self.identity, timeout=timeout or self.patience)

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

    def read_log(self, path: Path, start: int = 0) -> str:
        """The end of a file, read with this account's rights, who may have put anything in its place.

        :param start: an offset that what is returned does not begin before.
        :returns: at most 200 kB; nothing where the file cannot be read.
        """
        with contextlib.suppress(OSError), self.acting(), path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _MOST_OF_A_LOG, start))
            return file.read(_MOST_OF_A_LOG).decode(errors="replace")
        return ""

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


def require_account(name: str, where: str | None = None) -> Account:
    """The account that a server runs as.

    :param where: the option that names it.
    :raises GroundworkError: there is none, it is root, or the caller can neither be nor become it.
    """
    found = find_account(name)
    if found is None:
        raise GroundworkError(
            f"There is no account {name}.", where=where, untouched="everything",
            hint="Create it, or name the one that the package of the server makes.", code=ErrorCode.NO_ACCOUNT,
        )  # fmt: skip
    if found.uid == 0:
        raise GroundworkError(
            "PostgreSQL and PgBouncer refuse to run as root.", where=where, untouched="everything",
            hint="Name an unprivileged account.",
        )  # fmt: skip
    return found
