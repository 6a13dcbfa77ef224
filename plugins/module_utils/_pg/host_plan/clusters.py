"""What the host's modules are asked about its clusters: their places, packages, ports, units and kernel parameters."""

from __future__ import annotations

import re
import typing as t

from ..._core.answer import Answer
from ..._core.described import Described, truth
from ..clusters import answer
from .declared import Cluster
from .known import Known

_SUPPORTED_SYSTEMS = ("ubuntu 22.04", "debian 12")
# What pg_clusters takes of a cluster.
_OPTIONS = (
    "name", "state", "confirm_removal", "port", "data_directory", "wal_directory", "start", "checksums", "encoding",
    "locale", "locale_provider", "icu_locale", "wal_segment_size", "group_access", "initdb_options",
)  # fmt: skip
_LOCALE_OPTIONS = ("locale", "lc_collate", "lc_ctype")
_IN_EVERY_C_LIBRARY = re.compile(r"(C|POSIX|C\.utf-?8)", re.IGNORECASE)
_SYSCTL = {
    "vm.swappiness": 10,
    # In bytes: a share of a large memory is more than a disk writes in a minute.
    "vm.dirty_background_bytes": 64 << 20,
    "vm.dirty_bytes": 512 << 20,
}


def request(known: Known) -> dict[str, t.Any]:
    """Options of pg_clusters."""
    return {
        "clusters": [{name: each[name] for name in _OPTIONS if name in each} for each in known.described],
        # Before the servers were asked, all that might come to be as copies.
        "created_elsewhere": [c.name for c in known.replicated] if known.to_copy is None else list(known.to_copy),
        "locales": _database_locales(known.described),
    }


def refusals(known: Known) -> list[str]:
    """A system that this was not tried on."""
    system = known.found and known.found.system
    if not system or f"{system.id} {system.version}" in _SUPPORTED_SYSTEMS:
        return []
    return [f"{system.name} is not one of {', '.join(_SUPPORTED_SYSTEMS)}. Nothing was touched."]


def packages(known: Known, wanted: Described) -> list[dict[str, t.Any]]:
    """The server with its version, and next to it what Ansible's modules need: the driver, and files that two accounts
    may read.

    :param wanted: ``version``, ``hold`` and ``extra``.
    """
    version = str(wanted["version"])
    pinned: dict[str, t.Any] = {"hold": truth(wanted["hold"])}
    if version:
        pinned["version"] = version if "-" in version else f"{version}-*"
    further = ["python3-psycopg2", "acl"]
    if _generated_locales(known.described):
        further.append("locales")
    if any(cluster.audit for cluster in known.clusters.values()):
        further.append("postgresql-16-pgaudit")
    servers: list[dict[str, t.Any]] = [{"name": f"postgresql-{part}16", **pinned} for part in ("", "client-")]
    return servers + [{"name": name} for name in [*further, *wanted["extra"]]]


def ports(known: Known) -> dict[str, int]:
    """Where each server listens now: on its described port once this run has restarted it, and on its old one until
    then.
    """
    return {cluster.name: _running_port(known, cluster.name) or cluster.port for cluster, _place in known.placed}


def places(known: Known) -> list[dict[str, t.Any]]:
    """Where each cluster is and listened when the run began, for loops over all of them."""
    return [
        {
            "name": cluster.name, "port": place.running_port or cluster.port, "data_directory": place.data_directory,
            "config_directory": place.config_directory, "socket_directory": place.socket_directory,
            "log_file": place.log_file, "unit": place.unit,
        }
        for cluster, place in known.placed
    ]  # fmt: skip


def running(known: Known) -> list[str]:
    """Names of those that run; in check mode, that run already."""
    return [server.name for server in (known.services or {}).values() if server.running]


def present(known: Known) -> list[Cluster]:
    """All but those that are still to be copied; a check predicts those as well."""
    to_copy = () if known.check_mode else known.to_copy or ()
    return [cluster for cluster, _place in known.placed if cluster.name not in to_copy]


def tuned_later(known: Known) -> list[dict[str, t.Any]]:
    """Clusters that memory is left to, so that the others are not tuned twice."""
    names = [cluster.name for cluster in present(known)]
    return [
        {"name": cluster.name, "memory_percent": cluster.memory_percent}
        for cluster, _place in known.placed
        if cluster.name not in names and cluster.preset != "none"
    ]


def units(known: Known) -> list[dict[str, t.Any]]:
    """Option ``clusters`` of pg_services."""
    return [
        {"name": cluster.name, "port": cluster.port, "data_directory": known.places[cluster.name].data_directory}
        for cluster in present(known)
    ]


def sysctl(known: Known, inputs: Described) -> dict[str, t.Any]:
    """:param inputs: ``overcommit``, ``sysctl``, and the answer of pg_huge_pages_info as ``huge_pages``."""
    wanted: dict[str, t.Any] = dict(_SYSCTL)
    if truth(inputs["overcommit"]):
        wanted["vm.overcommit_memory"] = 2
    if not inputs["huge_pages"].get("skipped"):
        pages = answer.parse_huge_pages(Answer.of(known.host, "pg_huge_pages_info", inputs["huge_pages"]))
        wanted["vm.nr_hugepages"] = pages.pages
    wanted.update(inputs["sysctl"])
    return {name: value for name, value in wanted.items() if value != ""}


def _running_port(known: Known, name: str) -> int | None:
    if name in known.restarted:
        return None
    server = (known.services or {}).get(name)
    return (server.running_port if server else None) or known.places[name].running_port


def _database_locales(described: t.Iterable[Described]) -> list[str]:
    """Databases may have locales of their own."""
    databases = [database for cluster in described for database in cluster.get("databases") or ()]
    found = [database.get(option) for option in _LOCALE_OPTIONS for database in databases]
    return list(dict.fromkeys(locale for locale in found if locale))


def _generated_locales(described: t.Sequence[Described]) -> list[str]:
    wanted = [cluster.get("locale") for cluster in described] + _database_locales(described)
    return [locale for locale in wanted if locale and not _IN_EVERY_C_LIBRARY.fullmatch(locale)]
