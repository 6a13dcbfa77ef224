"""Where a server is: ``host:port``, with an address of version 6 in brackets."""

from __future__ import annotations

import re
import typing as t

_ENDPOINT = re.compile(r"(?:\[([^\[\]\s/]*:[^\[\]\s/]*)\]|([^:\[\]\s/]+)):([0-9]{1,5})")
_LAST_PORT = 65535


class Endpoint(t.NamedTuple):
    """:ivar host: without brackets."""

    host: str
    port: int


def parse(text: str) -> Endpoint | None:
    """``None`` for what is not ``host:port``, as ``::1:27017``: nothing says where its port begins."""
    found = _ENDPOINT.fullmatch(text)
    if not found or not 0 < int(found[3]) <= _LAST_PORT:
        return None
    return Endpoint(found[1] or found[2], int(found[3]))
