"""Resumes every pooler of a host that is paused when its time is up: the guard of a pause.

Usage: pgbouncer_resume.pyz RUNTIME_DIRECTORY UID SECONDS

Runs by itself: neither the play nor the collection is needed any more. It becomes the poolers' account when it has what
that account may not be able to read, the Python that Ansible runs with.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
import time
import typing as t
from pathlib import Path

import psycopg2

from .._pooler.console import CONSOLE, connect, resume, show


def main() -> None:
    runtime_directory, uid, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    become(uid)
    time.sleep(seconds)
    for folder in sorted(path for path in runtime_directory.glob("*") if path.is_dir()):
        resume_process(folder)


def become(uid: int) -> None:
    """Be this account and no more, for good."""
    if os.getuid() != uid:
        os.setgroups([])
        os.setgid(pwd.getpwuid(uid).pw_gid)
        os.setuid(uid)


def resume_process(folder: Path) -> None:
    """End the pause of everything, which old versions do not tell of, and those of databases."""
    try:
        with contextlib.closing(connect(folder)) as connection:
            paused = [row["name"] for row in show(connection, "DATABASES") if row["paused"] and row["name"] != CONSOLE]
            for database in [None, *paused]:
                _resume(connection, folder, database)
    except (psycopg2.Error, OSError) as error:
        print(folder, str(error).strip(), flush=True)


def _resume(connection: t.Any, folder: Path, database: str | None) -> None:
    try:
        resume(connection, database)
        print("the time is up: resumed", folder, database or "", flush=True)
    except psycopg2.Error as error:
        print(folder, database or "", str(error).strip(), flush=True)
