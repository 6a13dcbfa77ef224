"""Addresses are tried before a process makes room: with real sockets, as the kernel has the last word."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import typing as t

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._host.account import Account
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration import port_check
from ansible_collections.groundwork.databases.plugins.module_utils._pgbouncer.configuration.plan import Running

ME = Account("me", os.geteuid(), os.getegid(), drop=False)


@dataclasses.dataclass(frozen=True)
class Description:
    """What of the whole description matters here."""

    listen_addresses: tuple[str, ...]
    listen_port: int


def check(port: int, *addresses: str, running: t.Sequence[Running | None] = ()) -> None:
    port_check.check(t.cast("t.Any", Description(addresses, port)), running, ME)


@contextlib.contextmanager
def listener(shared: bool = False) -> t.Iterator[int]:
    with contextlib.closing(socket.socket()) as one:
        if shared:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


def test_a_free_port_and_one_that_is_shared() -> None:
    check(0, "127.0.0.1", "*")
    with listener(shared=True) as port:
        check(port, "127.0.0.1")


def test_a_port_that_somebody_else_has() -> None:
    with listener() as port, pytest.raises(GroundworkError) as refused:
        check(port, "127.0.0.1")
    assert "could not listen on 127.0.0.1" in refused.value.what and "somebody else listens there" in refused.value.what
    assert refused.value.code == "CANNOT_LISTEN"


def test_what_a_process_listens_on_is_not_tried() -> None:
    with listener() as port:
        config = {"listen_addr": {"value": "127.0.0.1"}, "listen_port": {"value": str(port)}}
        check(port, "127.0.0.1", running=[None, Running(None, config, [])])


def test_an_address_that_the_host_lacks() -> None:
    with pytest.raises(GroundworkError, match="this host does not have it"):
        check(6432, "192.0.2.1")
