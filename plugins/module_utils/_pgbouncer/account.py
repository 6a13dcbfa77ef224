"""The account that runs the pooler."""

from __future__ import annotations

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from .._host.account import Account, find_account
from .configuration.declared import UNTOUCHED


def account(name: str) -> Account:
    """The account of this name.

    :raises GroundworkError: there is none, it is root, or the caller can neither be nor become it.
    """
    found = find_account(name)
    if found is None:
        raise GroundworkError(
            f"There is no account {name}.",
            where="account",
            untouched=UNTOUCHED,
            code=ErrorCode.NO_ACCOUNT,
            hint="Create it, or name the one that the package made.",
        )
    if found.uid == 0:
        raise GroundworkError("PgBouncer refuses to run as root.", where="account", untouched=UNTOUCHED)
    return found
