"""A way to a primary on which its answer to START_REPLICATION, or what follows that, can be held up."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import typing as t

ACCEPTED = b"W"  # CopyBothResponse: the request is accepted, but nothing of the WAL was read yet


class Gate:
    """Hands everything on until it is shut; what comes after the shut place waits until the gate is opened.

    :param server: port of the primary. Its connections must not be encrypted.
    :ivar shut_at: ``answer`` or ``what follows``; None lets everything through.
    :ivar reached: a message waits at the gate.
    """

    def __init__(self, server: int) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.port = int(self._listener.getsockname()[1])
        self.shut_at: str | None = None
        self.reached, self._opened = threading.Event(), threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.open()
        for one in self._sockets:
            one.close()

    def shut(self, where: str) -> None:
        self.reached.clear()
        self._opened.clear()
        self.shut_at = where

    def open(self) -> None:
        self.shut_at = None
        self._opened.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self._server))
                self._sockets += [client, server]
                threading.Thread(target=_hand_on, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for message in _messages(server):
                accepted = message[:1] == ACCEPTED
                if accepted and self.shut_at == "answer":
                    self._wait()
                client.sendall(message)
                if accepted and self.shut_at == "what follows":
                    self._wait()
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def _wait(self) -> None:
        self.reached.set()
        self._opened.wait()


def _messages(source: socket.socket) -> t.Iterator[bytes]:
    """The messages of the server: a byte that says what it is, and four with the length of the rest."""
    data = b""
    while received := source.recv(65536):
        data += received
        while len(data) >= 5 and len(data) >= (end := 1 + struct.unpack("!I", data[1:5])[0]):
            yield data[:end]
            data = data[end:]


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
