"""Answers Prometheus over HTTP: ``/metrics``, and nothing else."""

from __future__ import annotations

import http.server
import socket
import threading
import typing as t

_SECONDS_FOR_A_REQUEST = 10
_REQUESTS_AT_A_TIME = 8


def serve(address: str, port: int, scrape: t.Callable[[], str]) -> None:
    """Answer for ever.

    :param scrape: gives the page. It is called for each request, several at a time.
    """
    _Server(address, port, scrape).serve_forever()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = _SECONDS_FOR_A_REQUEST

    def do_GET(self) -> None:
        if self.path.split("?")[0] != "/metrics":
            self.send_error(404)
            return
        body = self.server.scrape().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: t.Any) -> None:
        """A scrape every few seconds is not worth a line of the journal."""


class _Server(http.server.ThreadingHTTPServer):
    """A server for addresses of either kind, which refuses what is too much at a time."""

    def __init__(self, address: str, port: int, scrape: t.Callable[[], str]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.scrape = scrape
        self._free = threading.BoundedSemaphore(_REQUESTS_AT_A_TIME)
        super().__init__((address, port), _Handler)

    def process_request(self, request: t.Any, client_address: t.Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: t.Any, client_address: t.Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()
