"""How to log in to the servers of this machine."""

from __future__ import annotations

ADDRESS = "127.0.0.1"
SUPERUSERS = {"postgresql": "postgres", "mongodb": "admin"}
