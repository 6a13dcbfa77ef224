# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trial start of the installed PgBouncer with the configuration to be, before anything of the running one is touched.

What the program itself refuses (an unknown setting, a value it cannot read, a certificate that does not fit its key, a
bad rule) is refused here; and what it makes of every setting is what the running processes are compared with later.
The trial listens on nothing but a socket in a folder of its own, and lives for some hundredths of a second.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .._errors import GroundworkError
from . import render
from .account import Account
from .catalogue import Version, parse_version
from .console import Console, Row, socket_port
from .wanted import UNTOUCHED, Wanted

PATIENCE_SECONDS = 20
# What the trial has otherwise than the process, and what is no setting: compared as text, where it is compared at all.
COMPARED_AS_TEXT = (
    "listen_addr",
    "unix_socket_dir",
    "pidfile",
    "logfile",
    "auth_file",
    "auth_hba_file",
    "peer_id",
    "syslog",
)
NOT_COMPARED = ("conffile", "user", "job_name", "service_name")


@dataclasses.dataclass(frozen=True)
class Trial:
    """What the program made of the configuration."""

    config: dict[str, Row]
    databases: list[Row]


def installed_version(binary: str) -> Version | None:
    """The version of the program, ``None`` when it is not there.

    :raises GroundworkError: it is there and does not say which it is.
    """
    if not Path(binary).exists():
        return None
    outcome = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=30)
    version = parse_version(outcome.stdout)
    if outcome.returncode or version is None:
        raise GroundworkError(
            f"{binary} --version fails: {(outcome.stderr or outcome.stdout).strip()}", where=binary, untouched=UNTOUCHED
        )
    return version


def try_out(binary: str, account: Account, wanted: Wanted) -> Trial:
    """Start the program with this configuration and read what it made of it.

    :raises GroundworkError: it does not start; the text is what it wrote to its log.
    """
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-trial-"))
    try:
        return _try_out(binary, account, wanted, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try_out(binary: str, account: Account, wanted: Wanted, folder: Path) -> Trial:
    layout = render.Layout(str(folder), str(folder), str(folder))
    sockets = Path(layout.sockets(1))
    sockets.mkdir()
    config = Path(layout.ini(1))
    _write(config, _ini(wanted, layout))
    _write(Path(layout.userlist), render.userlist(wanted))
    _write(Path(layout.hba), render.hba(wanted))
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, account.uid, account.gid)
    said = folder / "said"
    with said.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [binary, str(config)],
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            **account.identity,
        )
    try:
        if _listens(process, sockets):
            with Console(sockets, account) as console:
                return Trial(console.config(), console.show("DATABASES"))
    finally:
        process.kill()
        process.wait()
    reasons = complaints(said.read_text(encoding="utf-8", errors="replace"), str(folder))
    raise GroundworkError(
        f"PgBouncer does not start with this configuration: {reasons or 'it gives no reason'}",
        where="trial start",
        untouched=UNTOUCHED,
        code="TRIAL_FAILED",
        hint="Correct the option that it names.",
    )


def _ini(wanted: Wanted, layout: render.Layout) -> str:
    settings = {name: value for name, value in wanted.settings.items() if name not in COMPARED_AS_TEXT}
    trial = dataclasses.replace(wanted, processes=1, listen_addresses=(), settings=settings)
    return render.ini(trial, layout, 1)


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _listens(process: subprocess.Popen[bytes], sockets: Path) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if socket_port(sockets) is not None:
            return True
        time.sleep(0.01)
    return False


def complaints(log: str, folder: str = "") -> str:
    """The errors in a log of PgBouncer, without their time stamps; a file's folder and quoted secrets are left out."""
    found = []
    for line in log.splitlines():
        match = re.search(r"\b(FATAL|ERROR|WARNING|CRITICAL)\b:? +(.*)", line)
        if match:
            text = match[2].replace(folder + "/", "") if folder else match[2]
            found.append(re.sub(r"SCRAM-SHA-256\$\S+|password=\S+", "***", text))
    return "; ".join(dict.fromkeys(found))
