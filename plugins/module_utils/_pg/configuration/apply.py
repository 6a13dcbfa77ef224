"""Puts a plan into force: writes, asks the running server, reloads, and undoes all of it when anything is refused."""

from __future__ import annotations

import time
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan
from ..._host import filesystem
from ..._host.account import Account
from . import files, live
from . import plan as planning
from .declared import Cluster
from .desired_files import Desired

if t.TYPE_CHECKING:
    from ..session import Session

RELOAD_SECONDS = 30


def apply(
    cluster: Cluster, seen: live.Live, desired: Desired, plan: Plan, owner: Account, session: Session | None,
    state: Path, superuser: str,
) -> None:  # fmt: skip
    """:raises GroundworkError: the files are what they were, and the server runs as it did."""
    before = files.take(cluster, owner)
    if seen.server and not seen.server.pending and not planning.is_stale(cluster, seen, seen.server, desired):
        files.keep(cluster, before, state)
    try:
        _write(cluster, desired, plan, owner)
    except OSError as error:
        files.put_back(cluster, before, owner)
        raise GroundworkError(
            f"{error.strerror}: the configuration of cluster {cluster.name} was not written.",
            where=str(error.filename or cluster.config),
            untouched="the previous files are back, the server was not touched",
            code=ErrorCode.NOT_WRITTEN,
        ) from None
    if session is None:
        return
    _refuse_errors(cluster, before, owner, session)
    if any(step.action == "reload" for step in plan):
        _reload(cluster, before, owner, session, superuser)


def _write(cluster: Cluster, desired: Desired, plan: Plan, owner: Account) -> None:
    files.sweep(cluster)
    files.make_folder(cluster.drop_ins, owner)
    for step in plan:
        path = Path(step.name)
        if step.kind == "file" and step.action == "remove":
            filesystem.remove(path)
        elif step.kind == "file":
            file = desired.files[path]
            files.write(path, file.text.encode(errors="surrogateescape"), file.mode, owner)


def _refuse_errors(cluster: Cluster, before: files.Snapshot, owner: Account, session: Session) -> None:
    errors = [*live.file_errors(session), *live.access_errors(session, cluster)]
    if not errors:
        return
    files.put_back(cluster, before, owner)
    raise GroundworkError(
        f"The running server of cluster {cluster.name} refuses its new configuration:\n"
        + "\n".join(f"  {error.text()}" for error in errors),
        where=f"{errors[0].file}:{errors[0].line}",
        untouched="the previous files are back, and the running server was not told anything",
        hint="Correct the value and run again.",
        code=ErrorCode.CONFIGURATION_REFUSED,
    )


def _reload(cluster: Cluster, before: files.Snapshot, owner: Account, session: Session, superuser: str) -> None:
    """Reload, and come back in through a new session before the old one is let go."""
    try:
        reload_and_wait(cluster, session)
        probe = live.open_session(cluster, owner, superuser)
        if probe is None:
            raise GroundworkError(f"The server of cluster {cluster.name} stopped while it was reloaded.")
        probe.close()
    except GroundworkError as error:
        files.put_back(cluster, before, owner)
        session.rows("SELECT pg_catalog.pg_reload_conf()")
        raise GroundworkError(
            f"The new configuration of cluster {cluster.name} was rolled back: {error.what}",
            where=error.where,
            untouched="the previous files are in force again",
            hint=error.hint,
            code=ErrorCode.RELOAD_FAILED,
        ) from None


def reload_and_wait(cluster: Cluster, session: Session) -> None:
    """:raises GroundworkError: the server has not read its files in time."""
    loaded = session.value("SELECT pg_catalog.pg_conf_load_time()")
    session.rows("SELECT pg_catalog.pg_reload_conf()")
    deadline = time.monotonic() + RELOAD_SECONDS
    while session.value("SELECT pg_catalog.pg_conf_load_time()") <= loaded:
        if time.monotonic() > deadline:
            raise GroundworkError(
                f"it did not read its files within {RELOAD_SECONDS} s of the request",
                where=f"cluster {cluster.name}",
                hint="Its log says why.",
            )
        time.sleep(0.02)
