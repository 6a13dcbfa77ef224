"""From a host as found to the clusters as described: a pure decision."""

from __future__ import annotations

import shlex
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from . import locales
from .model import AT_CREATION, MAJOR, Desired, Host, Live
from .validation import drops_main, is_new, refusals


def plan_clusters(
    host: Host, desired: t.Sequence[Desired], *, wanted_locales: t.Sequence[str] = (), unlisted_main: str = "keep"
) -> Plan:
    """Decide the steps.

    :raises GroundworkError: something that must not be attempted; every reason is named.
    """
    reasons = [*refusals(host, desired, unlisted_main), *_unknown_locales(host, desired, wanted_locales)]
    if reasons:
        raise GroundworkError(
            reasons[0] if len(reasons) == 1 else "\n".join(f"- {reason}" for reason in reasons),
            untouched="everything",
            code=ErrorCode.REFUSED,
            details={"refusals": reasons},
        )
    return Plan(tuple(_steps(host, desired, wanted_locales, unlisted_main)))


def needed_locales(host: Host, desired: t.Sequence[Desired], wanted_locales: t.Sequence[str]) -> list[str]:
    """Locales to generate: those of clusters that are new or copied, and those asked for beside."""
    # The settings of a copy name the locale of the server that it is a copy of.
    coming = [c for c in desired if is_new(host, c) or (c.state == "present" and c.created_elsewhere)]
    names = [*(cluster.at_creation("locale") for cluster in coming), *wanted_locales]
    known = locales.ALWAYS if host.locales is None else host.locales
    return [name for name in dict.fromkeys(names) if locales.library_name(name) not in known]


def create_command(cluster: Desired) -> list[str]:
    """The call of pg_createcluster; secrets have no part in it."""
    initdb = list(cluster.initdb_options)
    if cluster.at_creation("checksums"):
        initdb.append("--data-checksums")
    if cluster.wal_directory:
        initdb.append(f"--waldir={cluster.wal_directory}")
    if cluster.at_creation("group_access"):
        initdb.append("--allow-group-access")
    if cluster.at_creation("wal_segment_size") != AT_CREATION["wal_segment_size"]:
        initdb.append(f"--wal-segsize={cluster.at_creation('wal_segment_size')}")
    if cluster.at_creation("locale_provider") == "icu":
        initdb += ["--locale-provider=icu", f"--icu-locale={cluster.fixed['icu_locale']}"]
    return [
        "pg_createcluster",
        f"--port={cluster.port}",
        f"--encoding={cluster.at_creation('encoding')}",
        f"--locale={cluster.at_creation('locale')}",
        f"--datadir={cluster.data}",
        f"--start-conf={cluster.start}",
        MAJOR,
        cluster.name,
        *(["--", *initdb] if initdb else []),
    ]


def _unknown_locales(host: Host, desired: t.Sequence[Desired], wanted_locales: t.Sequence[str]) -> t.Iterator[str]:
    if host.offered is None:
        return
    for name in needed_locales(host, desired, wanted_locales):
        if locales.library_name(name) not in host.offered:
            yield f"The C library of this host knows no locale {name}; those that it knows are in {locales.OFFERED}."


def _steps(
    host: Host, desired: t.Sequence[Desired], wanted_locales: t.Sequence[str], unlisted_main: str
) -> t.Iterator[Step]:
    for name in needed_locales(host, desired, wanted_locales):
        yield Step("generate", "locale", name, after=name, statement="locale-gen --keep-existing")
    if drops_main(host, desired, unlisted_main):
        yield _drop(host.clusters["main"], "empty, not listed")
    for cluster in desired:
        live = host.clusters.get(cluster.name)
        if cluster.state == "absent":
            if live:
                yield _drop(live, "confirmed")
        elif is_new(host, cluster):
            yield from _creation(host, cluster)
        elif live:
            yield from _adjustments(cluster, live)


def _creation(host: Host, cluster: Desired) -> t.Iterator[Step]:
    if cluster.name in host.interrupted:
        folders = ", ".join(host.interrupted[cluster.name])
        yield Step("remove", "half-created cluster", cluster.name, before=f"never completed, holds nothing: {folders}")
    after = {
        "port": cluster.port,
        "data_directory": cluster.data,
        "wal_directory": cluster.wal_directory or "in the data folder",
        "start": cluster.start,
        **{key: cluster.at_creation(key) for key in AT_CREATION if cluster.at_creation(key) is not None},
    }
    yield Step("create", "cluster", cluster.name, after=after, statement=shlex.join(create_command(cluster)))


def _adjustments(cluster: Desired, live: Live) -> t.Iterator[Step]:
    if live.port != cluster.port:
        command = f"pg_conftool {MAJOR} {cluster.name} set port {cluster.port}"
        yield Step("alter", "port", cluster.name, before=str(live.port), after=str(cluster.port), statement=command)
    if live.start != cluster.start:
        yield Step("alter", "start.conf", cluster.name, before=live.start, after=cluster.start)
    if live.mode is not None and live.mode not in (0o700, 0o750):
        wanted = "0750" if cluster.at_creation("group_access") else "0700"
        yield Step("alter", "permissions", cluster.name, before=f"{live.mode:04o} {live.data_directory}", after=wanted)


def _drop(live: Live, why: str) -> Step:
    before = {"port": live.port, "data_directory": live.data_directory, "wal_directory": live.wal_directory, "why": why}
    return Step("drop", "cluster", live.name, before=before, statement=f"pg_dropcluster --stop {MAJOR} {live.name}")
