"""Running the programs of a host's clusters as the account that owns them."""

from __future__ import annotations

import os
import subprocess

from ..._core.errors import GroundworkError
from ..._host.account import Account


def run(owner: Account | None, argv: list[str], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """A program of the server as its owner; as the caller when there is no owner.

    :raises GroundworkError: it does not end in time.
    """
    account = owner or Account("", os.geteuid(), os.getegid(), drop=False)
    try:
        return account.run(argv, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise GroundworkError(f"{argv[0]} did not end within {timeout:.0f} s.", untouched="everything") from None
