"""From a description of mongod.conf to the file, the running server, and whether that must be restarted."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from pathlib import Path

from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from ..._host import filesystem
from .. import api
from . import files, live, memory, plan, process, settings
from .options import Release, read_release
from .settings import Flat

NO_SUCH_FOLDER = "/nonexistent/groundwork"


@dataclasses.dataclass
class Running:
    """The server that is to be compared: none of both, only its process, or the process and a session."""

    process: process.Process | None = None
    server: api.Server | None = None
    state: live.Live | None = None

    @property
    def server_version(self) -> str:
        return self.server.facts.version_text if self.server else ""


def reconcile(options: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """The module's result.

    :raises GroundworkError: the description is refused, or a step failed.
    """
    release = read_release(options["release"])
    wanted = wanted_settings(options, release)
    targets = wanted_files(options, wanted)
    steps = [(target, step) for target in targets if (step := files.plan_file(target))]
    if steps and Path(options["binary"]).is_file():
        _ask_executable(options["binary"], wanted)
    with _session(options) as running:
        difference = plan.compare(wanted, running.state) if running.state else plan.Difference()
        reasons = restart_reasons(options, running, difference, [step for _target, step in steps])
        done = Plan((*(step for _target, step in steps), *(change.step for change in difference.changes)))
        if not check_mode:
            for target, _step in steps:
                files.write_file(target)
            _apply_live(running, wanted, difference)
        return {
            "changed": done.changed,
            "actions": done.actions(),
            "diff": done.diff(),
            "restart_needed": bool(reasons),
            "restart_reasons": reasons,
            "running": running.process is not None,
            "login": running.state is not None,
            "server_version": running.server_version,
            "feature_compatibility_version": running.state.feature_compatibility_version if running.state else "",
            "cache_size_gb": wanted[plan.CACHE_SIZE],
        }


def wanted_settings(options: dict[str, t.Any], release: Release) -> Flat:
    """The checked settings with what follows from the other options.

    :raises GroundworkError: they are refused.
    """
    wanted = settings.read(options["settings"], release)
    if options["keyfile"]:
        wanted.setdefault("security.keyFile", options["keyfile"])
    if plan.CACHE_SIZE not in wanted:
        if not 1 <= options["memory_percent"] <= 100:
            raise GroundworkError("memory_percent is a number from 1 to 100.", untouched="everything")
        size = memory.cache_size(memory.usable_memory(), options["memory_percent"])
        wanted[plan.CACHE_SIZE] = memory.gigabytes(size)
    settings.check_safety(
        wanted, listen_on_all=options["listen_on_all"], exposed_without_tls=options["exposed_without_tls"],
        adoption=options["adoption"],
    )
    return wanted


def wanted_files(options: dict[str, t.Any], wanted: Flat) -> list[files.WantedFile]:
    """The key first: a server that starts between both must not miss it."""
    targets = []
    if options["keyfile"]:
        content = options["keyfile_content"]
        files.check_key(content)
        if not options["replace_keyfile"]:
            files.check_same_key(options["keyfile"], content, wanted.get("storage.dbPath", "/data/db"))
        targets.append(files.WantedFile(
            "key file", options["keyfile"], content.strip() + "\n", options["owner"], options["group"], 0o400, True,
        ))
    targets.append(files.WantedFile(
        "configuration file", options["path"], settings.render(wanted), "root", options["group"], 0o640,
    ))
    return targets


def restart_reasons(
    options: dict[str, t.Any], running: Running, difference: plan.Difference, steps: list[Step]
) -> list[str]:
    """Why the running server must be restarted; nothing that runs needs no restart."""
    if running.process is None:
        return []
    reasons = list(difference.reasons)
    if running.process.replaced or _is_another_version(options["binary"], running):
        reasons.append(f"{options['binary']} was replaced after the server had started")
    read_at_start = [*([options["keyfile"]] if options["keyfile"] else []), *options["restart_after"]]
    if running.state is None:
        read_at_start.append(options["path"])
    pending = {step.name for step in steps if step.action != "protect"}
    for path in read_at_start:
        if path in pending or process.is_newer(path, running.process):
            reasons.append(f"{path} is newer than the server's start")
    return reasons


def _is_another_version(binary: str, running: Running) -> bool:
    """Where the kernel hides the process's executable, as in some containers, the versions tell."""
    installed = process.version_of(binary) if running.state else None
    return installed is not None and installed != running.server_version


@contextlib.contextmanager
def _session(options: dict[str, t.Any]) -> t.Iterator[Running]:
    """The running server, with a session where the login is accepted: before its first user there is no login."""
    running = Running(process.running(options["service"], options["binary"]))
    if running.process and options["login_user"] and api.DRIVER_IMPORT_ERROR is None:
        with contextlib.suppress(api.ServerUnreachable):
            running.server = api.connect_member(options, "groundwork mongod_configuration")
    try:
        if running.server:
            running.state = live.read(running.server)
        yield running
    finally:
        if running.server:
            running.server.close()


def _apply_live(running: Running, wanted: Flat, difference: plan.Difference) -> None:
    if not difference.changes or not running.server:
        return
    for change in difference.changes:
        running.server.run("admin", change.command)
    left = plan.compare(wanted, live.read(running.server)).changes
    if left:
        raise GroundworkError(
            f"The server took {', '.join(change.step.name for change in left)} and still has another value.",
            where=running.server.where, untouched="the file is written; a restart reads it",
        )


def _ask_executable(binary: str, wanted: Flat) -> None:
    """Secrets go through files that only this account can read, never through arguments."""
    trial = {
        "storage.dbPath": NO_SUCH_FOLDER, "net.unixDomainSocket.enabled": False, "net.bindIp": "127.0.0.1",
        "setParameter": wanted.get("setParameter", {}),
    }
    texts = {
        "candidate.conf": settings.render(wanted).encode(), "parameters.conf": settings.render(trial).encode(),
    }
    with filesystem.temporary_folder(lambda _folder: texts) as folder:
        process.try_file(binary, str(folder / "candidate.conf"), str(folder / "parameters.conf"))
