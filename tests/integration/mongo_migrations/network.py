"""A way to the server on which a chosen message gets stuck, as in a network that is congested."""

from __future__ import annotations

import contextlib
import socket
import threading


class Congestion:
    """Hands everything on, until something that is sent contains ``text``; that and all after it waits for ``end``.

    :param server: address and port of the server.
    """

    def __init__(self, server: tuple[str, int], text: bytes) -> None:
        self._server, self._text = server, text
        self._stuck, self._ended = threading.Event(), threading.Event()
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port = int(self._sockets[0].getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Congestion:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.end()
        for one in self._sockets:
            one.close()

    def wait_until_stuck(self, seconds: float = 60) -> None:
        assert self._stuck.wait(seconds), "nothing with that text was sent"

    def end(self) -> None:
        self._ended.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._sockets[0].accept()[0]
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                threading.Thread(target=self._send, args=(client, server), daemon=True).start()
                threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()

    def _send(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._text in data:
                    self._stuck.set()
                if self._stuck.is_set():
                    self._ended.wait()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
