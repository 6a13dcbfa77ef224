"""The steps from the files that a cluster has to those that it should have; pure."""

from __future__ import annotations

from pathlib import Path

from ..._core.plan import Plan, Step
from ..hba.files import without_secrets
from . import conf_file
from .declared import Cluster
from .desired_files import Desired
from .live import Live, Server


def plan(cluster: Cluster, live: Live, desired: Desired) -> Plan:
    """Write, remove, then reload, when there is a server to reload."""
    steps = []
    for path, file in desired.files.items():
        before = live.contents.get(path, live.foreign.get(path))
        if before != file.text:
            action = "create" if before is None else "change"
            steps.append(Step(action, "file", str(path), _shown(path, before), _differing(path, before, file.shown)))
    for path in sorted(set(live.contents) - set(desired.files)):
        if path.parent == cluster.drop_ins:
            steps.append(Step("remove", "file", str(path), _shown(path, live.contents[path])))
    if live.server and (steps or is_stale(cluster, live, live.server, desired)):
        steps.append(Step("reload", "server", f"cluster {cluster.name}", statement="SELECT pg_reload_conf()"))
    return Plan(tuple(steps))


def is_stale(cluster: Cluster, live: Live, server: Server, desired: Desired) -> bool:
    """Whether files changed after the server read them: a run was interrupted between the two."""
    watched = {*desired.files, cluster.drop_ins}
    return any(changed > server.loaded for path, changed in live.changed.items() if path in watched)


def _shown(path: Path, text: str | None) -> str | None:
    if text is None:
        return None
    return without_secrets(text) if path.name == "pg_hba.conf" else conf_file.shown(text)


def _differing(path: Path, before: str | None, after: str) -> str:
    """A diff that hides its only difference would look empty; say that there is one."""
    if before is not None and _shown(path, before) == after:
        return after + "# (a secret changed)\n"
    return after
