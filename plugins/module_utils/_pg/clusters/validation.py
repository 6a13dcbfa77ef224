"""What must not be attempted on a host: every reason at once, before anything is touched. Pure."""

from __future__ import annotations

import re
import typing as t

from ..language_tag import language_tag
from . import locales
from .model import CONFIGURATION, MAJOR, Desired, Folder, Host, Live

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
# What a new cluster writes before its first start, beside its first segment of write-ahead log.
INITIAL_BYTES = 48 * 2**20
# Options of initdb that are options of a cluster here, or that would open it to anybody.
OWN_OPTIONS = re.compile(
    r"--(pgdata|auth|auth-host|auth-local|username|pwprompt|pwfile|waldir|data-checksums|encoding|locale|locale-provider"
    r"|icu-locale|wal-segsize|allow-group-access|no-clean|show)(=|$)|-[DAUWXkEgsn]"
)
_FIXED_NAMES = {
    "checksums": "exists, data checksums",
    "encoding": "exists, encoding",
    "locale": "exists, locale",
    "locale_provider": "exists, locale provider",
    "icu_locale": "exists, ICU locale",
    "wal_segment_size": "exists, megabytes per WAL segment",
    "group_access": "exists, data folder readable for its group",
}
_WAYS_OUT = {
    "checksums": "stop the server and run pg_checksums",
    "group_access": "stop the server, change the permissions of its data folder and all below it, start it",
    "wal_segment_size": "stop the server and run pg_resetwal --wal-segsize",
}


def refusals(host: Host, desired: t.Sequence[Desired], unlisted_main: str) -> list[str]:
    return [
        *_of_the_host(host),
        *_of_the_description(desired),
        *(reason for cluster in desired for reason in _of_a_cluster(host, cluster)),
        *_of_ports(host, desired, unlisted_main),
        *_of_space(host, desired),
        *_of_main(host, desired, unlisted_main),
    ]


def is_new(host: Host, cluster: Desired) -> bool:
    """Whether the cluster has to be created: it is not there, or its creation never ended."""
    return _is_created_here(cluster) and (cluster.name not in host.clusters or cluster.name in host.interrupted)


def _is_created_here(cluster: Desired) -> bool:
    return cluster.state == "present" and not cluster.created_elsewhere


def drops_main(host: Host, desired: t.Sequence[Desired], unlisted_main: str) -> bool:
    return unlisted_main == "remove_when_empty" and "main" in host.clusters and "main" not in {c.name for c in desired}


def _of_the_host(host: Host) -> t.Iterator[str]:
    for major, names in host.majors.items():
        yield (
            f"The host holds the PostgreSQL {major} cluster {', '.join(names)} (/etc/postgresql/{major}). Only"
            f" PostgreSQL {MAJOR} is run here, and nothing is upgraded: move it with pg_upgradecluster, or"
            " choose another host."
        )


def _of_the_description(desired: t.Sequence[Desired]) -> t.Iterator[str]:
    for cluster in desired:
        if not NAME.fullmatch(cluster.name):
            yield (
                f"{cluster.name!r} is no name for a cluster: lower-case letters, digits and underscores, beginning with"
                " a letter, 31 at most (systemd splits unit names at a dash)."
            )
        if not 1024 <= cluster.port <= 65535:
            yield f"Cluster {cluster.name}: port {cluster.port} is not between 1024 and 65535."
        size = cluster.at_creation("wal_segment_size")
        if size < 1 or size > 1024 or size & (size - 1):
            yield f"Cluster {cluster.name}: wal_segment_size {size} is not a power of two between 1 and 1024."
        if cluster.fixed.get("icu_locale") and cluster.at_creation("locale_provider") != "icu":
            yield f"Cluster {cluster.name}: icu_locale asks for locale_provider: icu."
        if cluster.at_creation("locale_provider") == "icu" and not cluster.fixed.get("icu_locale"):
            yield f"Cluster {cluster.name}: locale_provider: icu asks for an icu_locale."
        for option in filter(OWN_OPTIONS.match, cluster.initdb_options):
            yield f"Cluster {cluster.name}: initdb_options holds {option}, which the role decides or has an option for."
        for folder in filter(None, (cluster.data_directory, cluster.wal_directory)):
            if not folder.startswith("/") or folder.rstrip("/").count("/") < 2:
                yield f"Cluster {cluster.name}: {folder} is no absolute path below a top-level folder."
    yield from _twice(desired, "name", lambda cluster: [cluster.name])
    present = [cluster for cluster in desired if cluster.state == "present"]
    yield from _twice(present, "port", lambda cluster: [str(cluster.port)])
    yield from _twice(present, "folder", lambda cluster: filter(None, (cluster.data, cluster.wal_directory)))
    yield from _nested(present)


def _twice(desired: t.Sequence[Desired], what: str, keys: t.Callable[[Desired], t.Iterable[str]]) -> t.Iterator[str]:
    seen: dict[str, str] = {}
    for cluster in desired:
        for key in keys(cluster):
            if key in seen:
                yield f"The {what} {key} is given twice: to cluster {seen[key]} and to cluster {cluster.name}."
            seen.setdefault(key, cluster.name)


def _nested(desired: t.Sequence[Desired]) -> t.Iterator[str]:
    folders = [(folder.rstrip("/"), c.name) for c in desired for folder in filter(None, (c.data, c.wal_directory))]
    for inner, name in folders:
        for outer, other in folders:
            if inner.startswith(outer + "/"):
                yield f"Cluster {name}: {inner} is inside {outer} of cluster {other}."


def _of_a_cluster(host: Host, cluster: Desired) -> t.Iterator[str]:
    live = host.clusters.get(cluster.name)
    if cluster.state == "absent":
        if live and cluster.confirm_removal != cluster.name:
            yield (
                f"Cluster {cluster.name} is described as absent, and it exists ({live.data_directory}). Removing it"
                f" destroys its data: say so with confirm_removal: {cluster.name}."
            )
    elif is_new(host, cluster):
        yield from _of_a_new_cluster(host, cluster)
    elif live:
        yield from _of_what_is_fixed(cluster, live)


def _of_a_new_cluster(host: Host, cluster: Desired) -> t.Iterator[str]:
    live = host.clusters.get(cluster.name)
    if live and live.pid:
        yield (
            f"Cluster {cluster.name}: its creation was interrupted, and yet a server runs on {live.data_directory}"
            f" (process {live.pid}). Stop it to have it created anew, or keep it by removing the note"
            f" /var/lib/groundwork/postgresql_{MAJOR}/creating/{cluster.name}."
        )
    described = tuple(filter(None, (cluster.data, cluster.wal_directory)))
    # What the interrupted creation was given is cleared, also when the cluster is described elsewhere since.
    for path in host.interrupted.get(cluster.name, ()):
        folder = host.folders.get(path, Folder("absent"))
        if path not in described and folder.state in ("data", "other"):
            yield (
                f"Cluster {cluster.name}: its creation was interrupted, and the folder {path} that it was given was"
                f" used since (it holds {', '.join(folder.holds)}). Keep the folder by removing the note"
                f" /var/lib/groundwork/postgresql_{MAJOR}/creating/{cluster.name}."
            )
    for path in described:
        folder = host.folders.get(path, Folder("absent"))
        if folder.state in ("data", "other"):
            yield f"Cluster {cluster.name}: {_occupied(path, folder)}"
    if cluster.at_creation("locale_provider") == "icu" and host.icu is False:
        yield (
            f"Cluster {cluster.name}: locale_provider: icu, but the installed server was built without ICU. Install a"
            " package built with it, or use libc."
        )


def _occupied(path: str, folder: Folder) -> str:
    names = ", ".join(folder.holds)
    if "lost+found" in folder.holds:
        return f"{path} is the top of a file system (it holds {names}). Name a folder below it."
    if folder.state == "data":
        return (
            f"{path} already holds a data folder that postgresql-common does not know. Register it with"
            f" pg_createcluster -d {path} {MAJOR} <name>, or name another folder."
        )
    return f"{path} is not empty (it holds {names}) and not this role's. Name another folder, or empty it yourself."


def _of_what_is_fixed(cluster: Desired, live: Live) -> t.Iterator[str]:
    described = {key: value for key, value in cluster.fixed.items() if key in live.fixed}
    for key, value in described.items():
        if not _same(key, value, live.fixed[key]):
            way_out = _WAYS_OUT.get(key, "dump the databases, remove the cluster, create it anew and restore")
            yield (
                f"Cluster {cluster.name} {_FIXED_NAMES[key]}: {_yes(live.fixed[key])}, described is {_yes(value)}. That"
                f" is decided when a cluster is created. Describe {key}: {_yes(live.fixed[key])}, or {way_out}."
            )
    if live.mode is None:
        yield f"Cluster {cluster.name}: its data folder {live.data_directory} is gone. Is a disk not mounted?"
    for what, wanted, found in (
        ("data_directory", cluster.data_directory, live.data_directory),
        ("wal_directory", cluster.wal_directory, live.wal_directory),
    ):
        if wanted and live.mode is not None and wanted.rstrip("/") != (found or "").rstrip("/"):
            yield (
                f"Cluster {cluster.name}: {what} is {found or 'in the data folder'}, described is {wanted}. Data is not"
                f" moved: stop the server, move the folder, set it in {CONFIGURATION}/{cluster.name}/postgresql.conf"
                " (or the link pg_wal) and start it; or describe what is there."
            )


def _same(key: str, wanted: t.Any, found: t.Any) -> bool:
    if key == "locale":
        return locales.library_name(str(wanted)) == locales.library_name(str(found))
    if key == "icu_locale":
        return language_tag(str(wanted)) == language_tag(str(found))
    if key == "encoding":
        return str(wanted).upper().replace("-", "") == str(found).upper().replace("-", "")
    return bool(wanted == found)


def _yes(value: t.Any) -> str:
    return ("false", "true")[value] if isinstance(value, bool) else str(value)


def _of_ports(host: Host, desired: t.Sequence[Desired], unlisted_main: str) -> t.Iterator[str]:
    present = {cluster.name: cluster for cluster in desired if cluster.state == "present"}
    leaving = {cluster.name for cluster in desired if cluster.state == "absent"}
    if drops_main(host, desired, unlisted_main):
        leaving.add("main")
    freed = {live.running_port for name, live in host.clusters.items() if name in leaving}
    for cluster in present.values():
        for name, live in host.clusters.items():
            if name not in present and name not in leaving and live.port == cluster.port:
                yield f"Cluster {cluster.name}: port {cluster.port} is that of cluster {name}, which exists already."
        own = host.clusters.get(cluster.name)
        if cluster.port in host.listening - freed and not (own and own.running_port == cluster.port):
            yield (
                f"Cluster {cluster.name}: somebody listens on port {cluster.port} already. Find out who with"
                f" ss -ltnp 'sport = :{cluster.port}', or choose another port."
            )


def _of_space(host: Host, desired: t.Sequence[Desired]) -> t.Iterator[str]:
    needed: dict[int, int] = {}
    names: dict[int, list[str]] = {}
    for cluster in (cluster for cluster in desired if is_new(host, cluster)):
        segment = cluster.at_creation("wal_segment_size") * 2**20
        for path, size in ((cluster.data, INITIAL_BYTES), (cluster.wal_directory or cluster.data, segment)):
            if path in host.folders:
                disk = host.folders[path].disk
                needed[disk] = needed.get(disk, 0) + size
                names.setdefault(disk, []).append(path)
    for disk, size in needed.items():
        free = min(host.folders[path].free for path in names[disk])
        if free < size and not any(host.folders[path].state == "ours" for path in names[disk]):
            yield (
                f"The disk of {', '.join(dict.fromkeys(names[disk]))} has {free // 2**20} MB free, new clusters there"
                f" take {size // 2**20} MB before they hold anything. Make room, or name folders on another disk."
            )


def _of_main(host: Host, desired: t.Sequence[Desired], unlisted_main: str) -> t.Iterator[str]:
    if not drops_main(host, desired, unlisted_main):
        return
    main = host.clusters["main"]
    if main.contents is None:
        yield (
            "Cluster main is not listed and is to be removed if it is empty, but it cannot be asked: start it, list it,"
            f" or remove it with pg_dropcluster {MAJOR} main."
        )
    elif main.contents:
        yield (
            f"Cluster main is not listed and holds {', '.join(main.contents[:5])}. List it, or save what it holds and"
            f" remove it with pg_dropcluster --stop {MAJOR} main."
        )
