"""All clusters of a host: read all, refuse before the first byte is written, plan, apply one after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan
from ..._host.account import Account, find_account
from ..settings import presets
from ..settings.catalogue import postgresql_16
from . import apply, conf_file, live, pending, staging
from . import plan as planning
from .declared import Cluster
from .desired_files import Context, Desired, build
from .host import Host

if t.TYPE_CHECKING:
    from ..session import Session


@dataclasses.dataclass(frozen=True)
class Place:
    """Where and as whom everything happens."""

    owner_name: str
    owner: Account | None
    superuser: str
    bin_directory: Path
    state: Path
    host: Host
    check_mode: bool


@dataclasses.dataclass
class Subject:
    """One cluster on its way through the run."""

    cluster: Cluster
    session: Session | None
    live: live.Live
    desired: Desired
    plan: Plan


@contextlib.contextmanager
def subjects(
    clusters: t.Sequence[Cluster], place: Place, sharing: t.Mapping[str, int | None]
) -> t.Iterator[list[Subject]]:
    """Every cluster with its plan.

    :param sharing: ``memory_percent`` of clusters with a preset that are not among ``clusters``, by name.
    :raises GroundworkError: something of what was asked for cannot be; nothing was written.
    """
    own = {cluster.name: cluster.memory_percent for cluster in clusters if cluster.purpose}
    shares = presets.shares({**sharing, **own})
    context = Context(postgresql_16(), place.host, place.superuser, place.owner_name)
    with contextlib.ExitStack() as stack:
        found = []
        for cluster in clusters:
            session = live.open_session(cluster, place.owner, place.superuser) if place.owner else None
            if session:
                stack.callback(session.close)
            seen = live.read_files(cluster, conf_file.HEADER, find_account(place.owner_name))
            if session:
                seen = dataclasses.replace(seen, server=live.read_server(session))
            desired = build(cluster, seen, shares.get(cluster.name, 0.0), context)
            found.append(Subject(cluster, session, seen, desired, planning.plan(cluster, seen, desired)))
        _refuse(found)
        _refuse_what_the_server_would(found, place)
        yield found


def _refuse(found: t.Sequence[Subject]) -> None:
    refused = [f"{subject.cluster.name}: {error}" for subject in found for error in subject.desired.errors]
    if refused:
        raise GroundworkError(
            "The configuration cannot be used:\n" + "\n".join(f"  {line}" for line in refused),
            untouched="the configuration of every cluster; nothing was written",
            code=ErrorCode.CONFIGURATION_REFUSED,
            details={"refused": refused},
        )


def _refuse_what_the_server_would(found: t.Sequence[Subject], place: Place) -> None:
    if place.owner is None:
        return
    refused = []
    for subject in found:
        if any(step.kind == "file" for step in subject.plan):
            said = staging.objections(
                subject.cluster, subject.live, subject.desired, place.owner, place.bin_directory, not place.check_mode
            )
            refused += [f"{subject.cluster.name}: {line}" for line in said]
    if refused:
        raise GroundworkError(
            "The installed server refuses the configuration:\n" + "\n".join(f"  {line}" for line in refused),
            untouched="the configuration of every cluster; nothing was written",
            hint="The files named do not exist like this yet: they are what would have been written.",
            code=ErrorCode.CONFIGURATION_REFUSED,
            details={"refused": refused},
        )


def put_into_force(found: t.Sequence[Subject], place: Place) -> None:
    for subject in found:
        if subject.plan and place.owner and subject.live.exists:
            apply.apply(
                subject.cluster, subject.live, subject.desired, subject.plan, place.owner, subject.session,
                place.state, place.superuser,
            )  # fmt: skip


def report(subject: Subject, place: Place, installed: str | None) -> dict[str, t.Any]:
    """The module's result for one cluster."""
    server = subject.live.server
    differs = server is not None and installed is not None and server.version != installed
    return {
        "name": subject.cluster.name,
        "running": server is not None,
        "changed": bool(subject.plan),
        "changed_files": [step.name for step in subject.plan if step.kind == "file"],
        "reloaded": any(step.action == "reload" for step in subject.plan),
        "pending_restart": _waiting(subject, place),
        "binary_newer": {"running": server.version, "installed": installed} if server and differs else None,
        "overrides": subject.desired.overrides,
        "warnings": subject.desired.warnings,
    }


def _waiting(subject: Subject, place: Place) -> list[dict[str, str]]:
    server, session = subject.live.server, subject.session
    if server is None or session is None or place.owner is None:
        return []
    if subject.plan and place.check_mode:
        return pending.predicted(server, subject.desired.effective)
    if subject.plan:
        # A session from before the reload may still carry the old marks; a new one starts with the server's.
        fresh = live.open_session(subject.cluster, place.owner, place.superuser)
        if fresh is None:
            return []
        with contextlib.closing(fresh):
            return _told(live.read_server(fresh), fresh)
    return _told(server, session)


def _told(server: live.Server, session: Session) -> list[dict[str, str]]:
    return pending.told(server, live.wanted_values(session, server.pending) if server.pending else {})
