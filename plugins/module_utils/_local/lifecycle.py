"""Reading a local server's state and carrying out a plan, for any engine."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from .._core.errors import GroundworkError
from .._core.plan import Plan
from .._host import command, filesystem
from .._host.account import Account
from .._host.packages.apt import environment
from . import library, port
from .layout import Layout, Record
from .plan import Data, DesiredServer, LiveServer


class Engine(t.Protocol):
    """What differs between the engines."""

    engine: str
    preferred_port: int
    layout: Layout
    account: Account

    @property
    def product(self) -> str: ...
    @property
    def binary(self) -> Path: ...
    @property
    def config_file(self) -> Path: ...
    def is_installed(self) -> bool: ...
    def install(self) -> None: ...
    def missing_libraries(self) -> list[str]: ...
    def data_state(self, initialised: bool) -> Data: ...
    def is_running(self) -> bool: ...
    def pid(self) -> int | None: ...
    def render_config(self, port: int, settings: dict[str, t.Any]) -> str: ...
    def initialise(self, superuser: str, password: str) -> None: ...
    def create_first_user(self, port: int, name: str, password: str) -> None: ...
    def login_version(self, port: int, name: str, password: str) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


def read_live(server: Engine) -> LiveServer:
    """The server as it is now; reads only."""
    record = server.layout.read_record()
    running = server.is_running()
    installed = server.is_installed()
    # The linker is asked only when a start may follow: a running server has its libraries.
    missing = server.missing_libraries() if installed and not running else []
    return LiveServer(
        installed=installed,
        missing_packages=tuple(library.packages_for(missing)),
        data=server.data_state(record.initialised),
        running=running,
        port=record.port,
        config=server.config_file.read_text() if server.config_file.is_file() else None,
        binary=record.binary,
    )


def choose_port(live: LiveServer, requested: int, preferred: int) -> int:
    """The requested port, else that of the last start, else a free one.

    A remembered port that somebody else took meanwhile is given up; a requested one never is.

    :raises GroundworkError: the requested port is taken by another process.
    """
    if requested:
        if not (live.running and live.port == requested) and port.is_taken(requested):
            raise GroundworkError(
                f"Port {requested} of 127.0.0.1 is in use by another process.",
                untouched="everything",
                hint=f"Find it with: ss -ltnp 'sport = :{requested}'; or choose another port, 0 takes a free one.",
            )
        return requested
    if live.port and (live.running or not port.is_taken(live.port)):
        return live.port
    return port.free_port(preferred)


def apply_plan(server: Engine, plan: Plan, desired: DesiredServer, superuser: str, password: str) -> None:
    """Carry out the steps in order; each leaves a state from which the next run can go on."""
    if not plan:
        return
    if desired.state == "started":
        server.layout.prepare(server.account)
    for step in plan:
        if step.action == "install" and step.kind == "packages":
            _install_packages((step.statement or "").split()[2:])
        elif step.action == "install":
            server.install()
            _install_packages(library.packages_for(server.missing_libraries()))
        elif step.action == "initialise":
            _initialise(server, superuser, password)
        elif step.action == "configure":
            owner = server.account.ids if server.account.drop else None
            filesystem.write(server.config_file, desired.config.encode(), mode=0o644, owner=owner)
        elif step.action == "restart":
            server.stop()
            _start(server, desired)
        elif step.action == "start":
            _start(server, desired)
        elif step.action == "create":
            server.create_first_user(desired.port, superuser, password)
        elif step.action == "stop":
            server.stop()
        elif step.action == "remove" and step.kind == "server":
            server.layout.remove()


def set_aside_damaged(server: Engine) -> t.NoReturn:
    """Keep a damaged data folder under another name and say so; the next run starts with an empty server."""
    aside = server.layout.set_aside_data()
    # It was complete: so it must count when a person puts it back.
    server.layout.write_record(Record(port=server.layout.read_record().port, initialised=True))
    raise GroundworkError(
        f"The data folder of {server.product} was complete once and now lacks essential files.",
        where=str(server.layout.data),
        untouched=f"its files: they were kept as {aside}",
        hint="Run again to start with an empty server, or put the missing files back and rename the folder first.",
    )


def _initialise(server: Engine, superuser: str, password: str) -> None:
    record = server.layout.read_record()
    server.layout.write_record(Record(port=record.port, initialised=False, binary=record.binary))
    server.initialise(superuser, password)


def _start(server: Engine, desired: DesiredServer) -> None:
    record = server.layout.read_record()
    server.start()
    server.layout.write_record(Record(port=desired.port, initialised=record.initialised, binary=str(server.binary)))


def mark_initialised(server: Engine) -> None:
    """Remember that the server came up with its superuser: from now on its data may be worth something."""
    record = server.layout.read_record()
    if not record.initialised:
        server.layout.write_record(Record(port=record.port, initialised=True, binary=record.binary))


def _install_packages(packages: list[str]) -> None:
    if not packages:
        return
    if os.geteuid() != 0:
        raise GroundworkError(
            "Shared libraries are missing.",
            untouched="the server's data",
            hint="Install them as root: apt-get install " + " ".join(packages),
        )
    for argv in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "--no-install-recommends", *packages]):
        command.run(argv, environment=environment()).require(
            untouched="the server's data", hint="Install the packages by hand and run again."
        )
