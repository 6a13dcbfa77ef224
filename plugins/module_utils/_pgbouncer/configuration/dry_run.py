"""A trial start of the installed PgBouncer with the configuration to be, before anything of the running one is touched.

What the program itself refuses (an unknown setting, a value it cannot read, a certificate that does not fit its key, a
bad rule) is refused here; and what it makes of every setting is what the running processes are compared with later.
The trial listens on nothing but a socket in a folder of its own, and lives for some hundredths of a second.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import tempfile
import time
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host import command, filesystem
from ..._host.account import Account
from ..console import Console, Row, socket_port
from ..known_settings import Version, parse_version
from . import render
from .declared import UNTOUCHED, Wanted

PATIENCE_SECONDS = 20
# What the trial has otherwise than the process, and what is no setting: compared as text, where it is compared at all.
COMPARED_AS_TEXT = (
    "listen_addr", "unix_socket_dir", "pidfile", "logfile", "auth_file", "auth_hba_file", "peer_id", "syslog",
)  # fmt: skip
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
    result = command.run([binary, "--version"], timeout=30)
    version = parse_version(result.stdout)
    if not result.ok or version is None:
        raise GroundworkError(
            f"{binary} --version fails: {result.said}", where=binary, untouched=UNTOUCHED
        )
    return version


def try_out(binary: str, account: Account, wanted: Wanted) -> Trial:
    """Start the program with this configuration and read what it made of it.

    :raises GroundworkError: it does not start; the text is what it wrote to its log.
    """
    # The account reads what root wrote, and can change nothing but the folder of its socket and its log.
    with filesystem.temporary_folder(lambda folder: _files(wanted, folder), readers=account.gid) as folder:
        sockets = Path(_layout(folder).sockets(1))
        filesystem.make_directory(sockets, mode=0o700, owner=account.ids if account.drop else None)
        return _try_out(binary, account, folder, sockets)


def _layout(folder: Path) -> render.Layout:
    return render.Layout(str(folder), str(folder), f"{folder}/1")


def _files(wanted: Wanted, folder: Path) -> dict[str, bytes]:
    layout = _layout(folder)
    settings = {name: value for name, value in wanted.settings.items() if name not in COMPARED_AS_TEXT}
    trial = dataclasses.replace(wanted, processes=1, listen_addresses=(), settings=settings)
    texts = {
        layout.ini(1): render.ini(trial, layout, 1),
        layout.userlist: render.userlist(wanted),
        layout.hba: render.hba(wanted),
    }
    return {path: text.encode() for path, text in texts.items()}


def _try_out(binary: str, account: Account, folder: Path, sockets: Path) -> Trial:
    with tempfile.TemporaryFile() as stream:
        process = subprocess.Popen(
            [binary, _layout(folder).ini(1)],
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
        stream.seek(0)
        reasons = complaints(stream.read().decode("utf-8", "replace"), str(folder))
    raise GroundworkError(
        f"PgBouncer does not start with this configuration: {reasons or 'it gives no reason'}",
        where="trial start",
        untouched=UNTOUCHED,
        code=ErrorCode.TRIAL_FAILED,
        hint="Correct the option that it names.",
    )


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
