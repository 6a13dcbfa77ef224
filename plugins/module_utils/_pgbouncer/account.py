# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account that runs the pooler, and becoming it for a moment.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import typing as t

from .._errors import GroundworkError
from .wanted import UNTOUCHED


@dataclasses.dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def identity(self) -> dict[str, t.Any]:
        """Arguments for ``subprocess`` that make a child run as this account."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    @contextlib.contextmanager
    def effective(self) -> t.Iterator[None]:
        """Be this account while a socket is connected: the console asks the kernel who is calling."""
        caller = os.geteuid()
        if caller != 0:
            yield
            return
        os.seteuid(self.uid)
        try:
            yield
        finally:
            os.seteuid(caller)


def account(name: str) -> Account:
    """The account of this name.

    :raises GroundworkError: there is none, it is root, or the caller can neither be nor become it.
    """
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise GroundworkError(
            f"There is no account {name}.",
            where="account",
            untouched=UNTOUCHED,
            code="NO_ACCOUNT",
            hint="Create it, or name the one that the package made.",
        ) from None
    if entry.pw_uid == 0:
        raise GroundworkError("PgBouncer refuses to run as root.", where="account", untouched=UNTOUCHED)
    if os.geteuid() not in (0, entry.pw_uid):
        raise GroundworkError(
            f"This needs to run as root or as {name}.",
            where="account",
            untouched=UNTOUCHED,
            hint="Set become: true.",
        )
    return Account(name, entry.pw_uid, entry.pw_gid)
