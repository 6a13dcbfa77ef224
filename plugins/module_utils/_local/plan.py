"""What has to be done to a local server: a pure decision."""

from __future__ import annotations

import dataclasses
import typing as t

from .._core.errors import GroundworkError
from .._core.plan import Plan, Step

Data = t.Literal["absent", "incomplete", "complete", "damaged"]


@dataclasses.dataclass(frozen=True)
class LiveServer:
    """The server as found.

    :param installed: whether the binaries are there.
    :param missing_packages: Debian packages whose libraries the installed binaries lack.
    :param data: ``incomplete`` means that initialisation never ended, ``damaged`` that files went missing later.
    :param port: the port of the last start, ``None`` before the first one.
    :param config: the configuration file's text, ``None`` when there is none.
    :param binary: the executable of the last start.
    """

    installed: bool
    missing_packages: tuple[str, ...]
    data: Data
    running: bool
    port: int | None
    config: str | None
    binary: str | None


@dataclasses.dataclass(frozen=True)
class DesiredServer:
    """The server as wanted.

    :param product: the server's name and version for people.
    :param first_user: the user to create once the server runs; ``None`` when initialisation already makes it.
    """

    state: t.Literal["started", "stopped", "absent"]
    product: str
    port: int
    config: str
    binary: str
    first_user: str | None = None


def plan_server(live: LiveServer, desired: DesiredServer, *, may_install_packages: bool) -> Plan:
    """Decide the steps that bring the server to its desired state.

    :raises GroundworkError: something that only a person may decide: damaged data, missing libraries without root.
    """
    if desired.state == "absent":
        return Plan(tuple(_removal(live, desired)))
    if desired.state == "stopped":
        return Plan((_stop(desired),)) if live.running else Plan()
    if live.missing_packages and not may_install_packages:
        raise GroundworkError(
            f"{desired.product} cannot start: shared libraries are missing.",
            where=desired.binary,
            untouched="the server's data",
            hint="Install them as root: apt-get install " + " ".join(live.missing_packages),
        )
    return Plan(tuple(_start_steps(live, desired)))


def _start_steps(live: LiveServer, desired: DesiredServer) -> t.Iterator[Step]:
    if not live.installed:
        yield Step("install", "server", desired.product, after={"binary": desired.binary})
    if live.missing_packages:
        packages = " ".join(live.missing_packages)
        yield Step("install", "packages", packages, after=packages, statement=f"apt-get install {packages}")
    # A running server whose first user is missing needs just that user; its folder must not be touched.
    if live.data == "incomplete" and not live.running:
        yield Step(
            "remove", "half-initialised data folder", desired.product, before="never known to be complete",
            after="kept as data.damaged-<number>, if a server wrote to it",
        )  # fmt: skip
    if live.data in ("absent", "incomplete") and not live.running:
        yield Step("initialise", "data folder", desired.product, after={"port": desired.port})
    reconfigured = live.config != desired.config
    if reconfigured:
        yield Step("configure", "settings", desired.product, before=live.config, after=desired.config)
    if live.running and (reconfigured or live.binary != desired.binary):
        yield Step(
            "restart", "server", desired.product, before={"binary": live.binary}, after={"binary": desired.binary}
        )
    if not live.running:
        yield Step("start", "server", desired.product, before="stopped", after=f"listening on 127.0.0.1:{desired.port}")
    if desired.first_user and live.data != "complete":
        yield Step("create", "first user", desired.first_user, after={"roles": ["root"]})


def _removal(live: LiveServer, desired: DesiredServer) -> t.Iterator[Step]:
    if live.running:
        yield _stop(desired)
    if live.data != "absent" or live.config is not None:
        yield Step("remove", "server", desired.product, before={"data": live.data, "port": live.port})


def _stop(desired: DesiredServer) -> Step:
    return Step("stop", "server", desired.product, before="running", after="stopped")
