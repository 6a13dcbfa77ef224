"""TCP ports of the loopback interface."""

from __future__ import annotations

import socket


def free_port(preferred: int) -> int:
    """``preferred`` unless it is 0 or somebody listens there, else a port that the kernel calls free."""
    if preferred and not is_taken(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Whether a server could not bind the port; a port whose old connections still linger counts as free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False
