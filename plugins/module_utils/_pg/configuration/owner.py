# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account that a host's clusters run as, and acting as it: peer authentication looks at the effective user.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import typing as t

from ..._errors import GroundworkError
from ..._local.account import Account


def find_owner(name: str) -> Account | None:
    """The account, or ``None`` when this host does not have it (yet).

    :raises GroundworkError: the caller is neither root nor this account.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    caller = os.geteuid()
    if caller not in (0, entry.pw_uid):
        raise GroundworkError(
            f"This has to run as root or as {name}.", untouched="everything", hint="Use become: true.", code="not_root"
        )
    return Account(name, entry.pw_uid, entry.pw_gid, drop=caller == 0 and entry.pw_uid != 0)


@contextlib.contextmanager
def acting_as(owner: Account) -> t.Iterator[None]:
    """Everything inside happens with the owner's rights; the caller's come back afterwards."""
    if not owner.drop:
        yield
        return
    group = os.getegid()
    os.setegid(owner.gid)
    try:
        os.seteuid(owner.uid)
        try:
            yield
        finally:
            os.seteuid(0)
    finally:
        os.setegid(group)


def run(owner: Account | None, argv: list[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """A program of the server as its owner; as the caller when there is no owner.

    :raises GroundworkError: it does not end in time.
    """
    account = owner or Account("", os.geteuid(), os.getegid(), drop=False)
    try:
        return account.run(argv, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise GroundworkError(f"{argv[0]} did not end within {timeout:.0f} s.", untouched="everything") from None
