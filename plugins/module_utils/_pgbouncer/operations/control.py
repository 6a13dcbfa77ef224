"""PAUSE, RESUME and RECONNECT on all processes of a host, and the guard that resumes when nothing else does."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host import filesystem, run_lock
from ..._host.account import Account
from ..._host.process import arguments
from ..._host.service import run_later, systemctl
from ..console import Console, ConsoleError, socket_port

GUARD_UNIT = "groundwork-pgbouncer-resume"
GUARD_PROGRAM = "pgbouncer_resume"


def processes(runtime_directory: str) -> list[str]:
    """Folders of the processes that listen.

    :raises GroundworkError: there is none.
    """
    folders = sorted((path for path in Path(runtime_directory).glob("*") if path.is_dir()), key=lambda path: path.name)
    found = [str(folder) for folder in folders if socket_port(folder) is not None]
    if not found:
        raise GroundworkError(
            "No pooler runs here.", where=runtime_directory, untouched="everything", hint="Start it, or skip this host."
        )
    return found


class Poolers:
    """Consoles of all processes, opened one after the other and used together."""

    def __init__(self, folders: list[str], account: Account, databases: list[str]) -> None:
        self._folders = folders
        self._account = account
        self._databases: list[str | None] = [*databases] if databases else [None]
        self._consoles = [Console(folder, account) for folder in folders]

    def close(self) -> None:
        for console in self._consoles:
            console.close()

    def paused(self) -> list[bool]:
        """For each process, whether everything that was asked for is paused."""
        return [self._is_paused(console) for console in self._consoles]

    def _is_paused(self, console: Console) -> bool:
        if console.is_paused():
            return True
        asked = [database for database in self._databases if database is not None]
        return bool(asked) and set(asked) <= set(console.paused_databases())

    def any_paused(self) -> list[bool]:
        """For each process, whether anything that was asked for is paused."""
        return [bool(self._to_resume(console)) for console in self._consoles]

    def _to_resume(self, console: Console) -> list[str | None]:
        """What of the asked is paused; ``None`` is a pause of everything, which a pause of a database is no part of."""
        asked = [database for database in self._databases if database is not None]
        paused = console.paused_databases()
        if asked:
            return [database for database in asked if database in paused]
        return [*([None] if console.is_paused() else []), *paused]

    def others_paused(self) -> bool:
        """Whether anything is paused that was not asked for, and so needs the guard."""
        asked = set(self._databases)
        if None in asked:
            return False
        return any(console.is_paused() or set(console.paused_databases()) - asked for console in self._consoles)

    def pause(self, seconds: float) -> float:
        """Wait until no server connection is used any more, at most so long; return how long it took.

        :raises GroundworkError: it takes longer. Everything goes on again then.
        """
        begun = time.monotonic()
        executor = concurrent.futures.ThreadPoolExecutor(len(self._consoles))
        try:
            jobs = [executor.submit(self._pause_one, console) for console in self._consoles]
            _done, late = concurrent.futures.wait(jobs, timeout=seconds)
            if late:
                holders = self.holders()
                self.resume_everything()
                for console in self._consoles:
                    console.break_off()
                concurrent.futures.wait(jobs)
                raise GroundworkError(
                    f"Not everything let go within {seconds:g} s, so everything goes on again. Still busy: "
                    f"{'; '.join(holders) or 'nobody any more'}",
                    where=", ".join(self._folders), untouched="those transactions and sessions",
                    code=ErrorCode.STILL_BUSY,
                    hint="End them, or allow more time. In session mode a client holds its connection until it leaves.",
                    details={"holders": holders},
                )  # fmt: skip
            try:
                for job in jobs:
                    job.result()
            except ConsoleError:
                self.resume_everything()
                raise
        finally:
            executor.shutdown(wait=False)
        return time.monotonic() - begun

    def _pause_one(self, console: Console) -> None:
        if not self._is_paused(console):
            for database in self._databases:
                console.command("PAUSE", database)

    def resume(self) -> None:
        """RESUME whatever of the asked is paused; a process that is not says so, which is no fault."""
        for console in self._consoles:
            # Old versions do not tell whether everything is paused, so that is resumed in any case.
            beside = console.paused_databases() if None in self._databases else []
            for database in [*self._databases, *beside]:
                with contextlib.suppress(ConsoleError):
                    console.command("RESUME", database)
        if any(self.any_paused()):
            raise GroundworkError(
                "The poolers are still paused.", where=", ".join(self._folders), code=ErrorCode.NOT_RESUMED,
                hint="Does the log name a reason? A process that is shutting down cannot resume.",
            )  # fmt: skip

    def resume_everything(self) -> None:
        """RESUME on fresh sessions, because those that wait for a PAUSE cannot say it."""
        for folder in self._folders:
            with Console(folder, self._account) as console:
                for database in self._databases:
                    with contextlib.suppress(ConsoleError):
                        console.command("RESUME", database)

    def reconnect(self) -> None:
        for console in self._consoles:
            for database in self._databases:
                console.command("RECONNECT", database)

    def holders(self) -> list[str]:
        """Who has a server connection, with how long it has been asked for something."""
        found = []
        for folder in self._folders:
            with Console(folder, self._account) as console:
                for row in console.show("CLIENTS"):
                    if row["database"] != "pgbouncer" and row["link"]:
                        application = f" ({row['application_name']})" if row.get("application_name") else ""
                        found.append(f"{row['user']}@{row['database']} from {row['addr']}{application}")
        return found


class Guard:
    """Resumes everything that is paused then, also when the play, the module and the connection to the host are gone.

    With systemd it is a timer, which ``systemctl list-timers`` shows; elsewhere a process of its own.

    :param program: the zip application ``plugins/programs/pgbouncer_resume``; only ``arm`` needs it.
    """

    def __init__(self, runtime_directory: str, account: Account, program: bytes = b"") -> None:
        self._folder = runtime_directory
        self._account = account
        self._content = program
        self._note = Path(runtime_directory, "resume-guard.pid")
        root = os.geteuid() == 0
        # What root runs may not lie in a folder of the poolers' account.
        self._program = (run_lock.ROOTS if root else Path(runtime_directory)) / f"{GUARD_PROGRAM}.pyz"
        self._systemd = Path("/run/systemd/system").is_dir() and root

    @property
    def name(self) -> str:
        return f"{GUARD_UNIT}.timer" if self._systemd else "process"

    def arm(self, seconds: int) -> None:
        """Resume in so many seconds, in place of an earlier guard.

        :raises GroundworkError: it cannot be set; nothing is paused then.
        """
        self.disarm()
        self._write_program()
        if not self._systemd:
            self._arm_process(seconds)
            return
        result = run_later(
            GUARD_UNIT, "Resume PgBouncer when nobody else did", self._command(0), f"--on-active={seconds}",
            "--timer-property=AccuracySec=500ms",
        )  # fmt: skip
        if not result.ok:
            raise GroundworkError(
                f"The timer that would resume cannot be set: {result.said}", where=self.name,
                untouched="everything; nothing was paused",
            )  # fmt: skip

    def _write_program(self) -> None:
        """The timer starts it when this module, and the folder that it runs from, are gone."""
        try:
            if self._program.parent == run_lock.ROOTS:
                run_lock.own_folder()
            filesystem.write(self._program, self._content, mode=0o600)
        except OSError as error:
            raise GroundworkError(
                f"The program that would resume cannot be written: {error.strerror or error}.",
                where=str(self._program), untouched="everything; nothing was paused",
                hint="Make room there, or remove what is in its place.",
            ) from error  # fmt: skip

    def _arm_process(self, seconds: int) -> None:
        process = subprocess.Popen(
            self._command(seconds), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd="/",
        )  # fmt: skip
        filesystem.write(self._note, f"{process.pid}\n".encode("ascii"), mode=0o644)

    def _command(self, delay: int) -> list[str]:
        return [sys.executable, str(self._program), self._folder, str(self._account.uid), str(delay)]

    def disarm(self) -> None:
        if self._systemd:
            for unit in (f"{GUARD_UNIT}.timer", f"{GUARD_UNIT}.service"):
                for verb in ("stop", "reset-failed"):
                    systemctl(verb, "--quiet", unit, timeout=60)
            return
        with contextlib.suppress(OSError, ValueError):
            pid = int(self._note.read_text(encoding="ascii"))
            if str(self._program) in arguments(pid):
                os.kill(pid, signal.SIGTERM)
        filesystem.remove(self._note)

    def is_armed(self) -> bool:
        if self._systemd:
            return systemctl("is-active", "--quiet", self.name, timeout=60).ok
        return self._note.exists()


def summary(folders: t.Iterable[str], paused: t.Iterable[bool]) -> list[dict[str, t.Any]]:
    return [{"process": Path(folder).name, "paused": state} for folder, state in zip(folders, paused, strict=True)]
