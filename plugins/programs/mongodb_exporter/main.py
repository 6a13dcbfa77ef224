"""Metrics of one mongod for Prometheus, with the driver that the host has anyway.

Why not the distributions' prometheus-mongodb-exporter: its driver of 2018 speaks neither the wire protocol that MongoDB
5.1 and later ask for nor SCRAM-SHA-256, and it writes the connection string with its password to its log.

Usage: mongodb_exporter.pyz CONFIGURATION, with the password in MONGODB_EXPORTER_PASSWORD, in Base64.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import typing as t
from pathlib import Path

import pymongo

from .._exporter.replacement import end_when_replaced
from .._exporter.serving import serve
from .metrics import Answer, scrape


class Scraper:
    """One client for all scrapes, and one scrape at a time."""

    def __init__(self, options: Answer) -> None:
        password = base64.b64decode(os.environ.pop("MONGODB_EXPORTER_PASSWORD")).decode()
        self._client: t.Any = pymongo.MongoClient(
            options["host"], options["port"], username=options["user"], password=password, authSource="admin",
            authMechanism="SCRAM-SHA-256", directConnection=True, appname="groundwork exporter", maxPoolSize=2,
            serverSelectionTimeoutMS=3000, connectTimeoutMS=3000, socketTimeoutMS=10000, **options["tls"],
        )  # fmt: skip
        self._lock = threading.Lock()

    def page(self) -> str:
        with self._lock:
            return scrape(self._client)


def main() -> None:
    options = json.loads(Path(sys.argv[1]).read_text())
    end_when_replaced(sys.argv[1], *options["restart_after"])
    serve(options["listen_address"], options["listen_port"], Scraper(options).page)
