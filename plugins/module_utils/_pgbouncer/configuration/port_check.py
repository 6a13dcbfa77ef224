"""Whether the addresses can be listened on, tried before a running process makes room for one that could not."""

from __future__ import annotations

import contextlib
import errno
import socket
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host.account import Account
from .declared import UNTOUCHED, Wanted
from .plan import Running

EVERY_ADDRESS = "*"
_REASONS = {
    errno.EADDRINUSE: "somebody else listens there",
    errno.EADDRNOTAVAIL: "this host does not have it",
    errno.EACCES: "ports below 1024 are not for the account of the pooler",
}


def check(wanted: Wanted, running: t.Iterable[Running | None], account: Account) -> None:
    """Try every address that no process listens on yet.

    :raises GroundworkError: one cannot be listened on.
    """
    taken = {address for process in running if process is not None for address in _of_process(process)}
    for address in wanted.listen_addresses:
        if (address, wanted.listen_port) not in taken:
            _try(address, wanted.listen_port, account)


def _of_process(process: Running) -> list[tuple[str, int]]:
    addresses = str(process.config["listen_addr"]["value"] or "").split(",")
    return [(address.strip(), int(process.config["listen_port"]["value"])) for address in addresses]


def _try(address: str, port: int, account: Account) -> None:
    try:
        found = socket.getaddrinfo(
            None if address == EVERY_ADDRESS else address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise _refused(address, port, str(error)) from None
    for family, kind, protocol, _name, place in found:
        try:
            with account.acting(), contextlib.closing(socket.socket(family, kind, protocol)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # The kernel shares an address among sockets of one account, if all of them ask for it.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(place)
        except OSError as error:
            if address == EVERY_ADDRESS and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                continue
            raise _refused(address, port, _REASONS.get(error.errno or 0, error.strerror or str(error))) from None


def _refused(address: str, port: int, reason: str) -> GroundworkError:
    return GroundworkError(
        f"PgBouncer could not listen on {address}, port {port}: {reason}.",
        where="listen_addresses",
        untouched=UNTOUCHED,
        hint="Correct the address or port, or free it: ss -ltnp shows who listens.",
        code=ErrorCode.CANNOT_LISTEN,
    )
