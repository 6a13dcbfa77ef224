"""Restarts a server without ever leaving it stopped because of its configuration."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host.account import Account
from ..._host.service import PgCtl, Systemd, read_units_again
from ..postmaster import running
from ..services import drop_ins
from . import files, live, pending, staging
from .declared import Cluster

LOG_LINES = 15
FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Subject:
    """The server to restart, and the means to do so."""

    cluster: Cluster
    owner: Account
    superuser: str
    bin_directory: Path
    state: Path
    service: Systemd | PgCtl
    log: Path
    timeout: int


@dataclasses.dataclass(frozen=True)
class Need:
    """:param reasons: why the running server has to be restarted, one sentence each.
    :param started: when it was started, seconds since the epoch; ``None`` when it does not run.
    """

    reasons: tuple[str, ...]
    started: float | None
    waiting: tuple[dict[str, str], ...] = ()
    preloaded: str = ""


def read_need(subject: Subject, given: t.Sequence[str]) -> Need:
    """What the server itself says waits for a restart, after what the caller knows of."""
    session = live.open_session(subject.cluster, subject.owner, subject.superuser)
    if session is None:
        return Need((), None)
    with contextlib.closing(session):
        server = live.read_server(session)
        wanted = live.wanted_values(session, [*server.pending, "shared_preload_libraries"])
        waiting = pending.told(server, wanted)
    installed = live.installed_version(subject.bin_directory)
    reasons = [
        f"{found['name']}: {found['current'] or '(empty)'} becomes {found['new'] or '(empty)'}" for found in waiting
    ]
    if installed and installed != server.version:
        reasons.append(f"the server is {server.version}, and {installed} is installed")
    preloaded = wanted.get("shared_preload_libraries", "")
    return Need((*reasons, *given), server.started, tuple(waiting), preloaded)


def refuse_what_cannot_start(subject: Subject, need: Need) -> None:
    """:raises GroundworkError: the files on the disk are nothing that the server could start with."""
    postgres = subject.bin_directory / "postgres"
    said = staging.missing_libraries(need.preloaded, subject.bin_directory) or (
        staging.ask(postgres, subject.cluster.config, subject.cluster, subject.owner) if postgres.is_file() else []
    )
    if said:
        raise GroundworkError(
            f"The server of cluster {subject.cluster.name} was not restarted, as it would not come up again:\n"
            + "\n".join(f"  {line}" for line in said),
            where=str(subject.cluster.config),
            untouched="the running server",
            hint="Correct the configuration and run again.",
            code=ErrorCode.WOULD_NOT_START,
        )


def restart(subject: Subject, need: Need) -> float:
    """Restart and wait until it answers; returns for how many seconds it did not.

    :raises GroundworkError: it came up with its last working configuration only, or not at all.
    """
    offset = subject.log.stat().st_size if subject.log.is_file() else 0
    before = time.monotonic()
    said = _attempt(subject.service.restart)
    if _answers(subject, need.started or 0.0):
        seconds = time.monotonic() - before
        files.keep(subject.cluster, files.take(subject.cluster, subject.owner), subject.state)
        if isinstance(subject.service, Systemd):
            drop_ins.keep(subject.service.unit, subject.state / subject.cluster.name)
        return seconds
    words = _words(subject, offset) or said
    # What failed is kept for whoever has to find out why.
    _set_aside(subject)
    good = files.kept(subject.cluster, subject.state)
    other_unit = _put_back_unit(subject)
    if good is None and not other_unit:
        raise _down(subject, words, "no configuration that worked before is known")
    if good:
        files.put_back(subject.cluster, good, subject.owner)
    again = _attempt(subject.service.start)
    if not _answers(subject, need.started or 0.0):
        later = _words(subject, offset) or again
        raise _down(subject, later, "nor with its last working configuration, which is in place now")
    raise GroundworkError(
        f"The server of cluster {subject.cluster.name} did not start with its new "
        f"{'unit or configuration' if other_unit else 'configuration'}. Its log says:\n{words}",
        where=str(subject.log),
        untouched="the data; the last configuration that worked is back, and the server runs with it again",
        hint=f"The configuration that failed is in {subject.state / subject.cluster.name / FAILED}. Correct it and run "
        "again.",
        code=ErrorCode.RESTORED,
        details={"restored": True},
    )


def _attempt(order: t.Callable[[], None]) -> str:
    """What was said when it failed; whether the server runs is read from the server itself."""
    try:
        order()
    except GroundworkError as error:
        return error.what
    return ""


def _put_back_unit(subject: Subject) -> bool:
    """Make the unit what the server last ran with; returns whether it was anything else."""
    service, folder = subject.service, subject.state / subject.cluster.name
    if not isinstance(service, Systemd) or not drop_ins.put_back(service.unit, folder):
        return False
    _attempt(read_units_again)
    return True


def _answers(subject: Subject, started: float) -> bool:
    """Whether a server that was started after ``started`` lets its superuser in, in time."""
    deadline = time.monotonic() + subject.timeout
    while running(subject.cluster.data).pid and time.monotonic() < deadline:
        try:
            session = live.open_session(subject.cluster, subject.owner, subject.superuser)
        except GroundworkError:
            continue
        if session is None:
            return False
        with contextlib.closing(session):
            if live.read_server(session).started > started:
                return True
        time.sleep(0.2)
    return False


def _set_aside(subject: Subject) -> None:
    failed = files.take(subject.cluster, subject.owner)
    folder = subject.state / subject.cluster.name / FAILED
    files.store(subject.cluster, failed, folder)


def _words(subject: Subject, offset: int) -> str:
    """What the log has said since, its last lines."""
    text = subject.owner.read_log(subject.log, offset)
    # The shutdown before went well; what counts begins with the start, which a unit can also fail before.
    _before, ended, after = text.partition("database system is shut down\n")
    text = after if ended else text
    begin = max(text.rfind("starting PostgreSQL"), 0)
    telling = [line for line in text[text.rfind("\n", 0, begin) + 1 :].splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in telling[-LOG_LINES:])


def _down(subject: Subject, words: str, why: str) -> GroundworkError:
    return GroundworkError(
        f"The server of cluster {subject.cluster.name} is down: it does not start, {why}. Its log says:\n{words}",
        where=str(subject.log),
        untouched="the data",
        hint="Fix the cause that the log names and run again.",
        code=ErrorCode.SERVER_DOWN,
        details={"restored": False},
    )
