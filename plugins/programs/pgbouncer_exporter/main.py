"""Metrics of all PgBouncer processes of a host for Prometheus, with the driver that the host has anyway.

Why not the distributions' prometheus-pgbouncer-exporter 1.7: it asks for columns that PgBouncer took away in 1.8
(``total_requests``) and 1.24 (``reserve_pool``) and answers every scrape with an error; and it knows one process only.
Names follow prometheus-community's exporter, with the label ``process``.

Runs as the account of the pooler, which the console lets in without a password.
"""

from __future__ import annotations

import argparse
import functools

from .._exporter.replacement import end_when_replaced
from .._exporter.serving import serve
from .metrics import scrape


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9127)
    parser.add_argument("--runtime-directory", default="/run/pgbouncer")
    options = parser.parse_args()
    end_when_replaced()
    serve(options.address, options.port, functools.partial(scrape, options.runtime_directory))
