"""What a cluster should be, and what a host was found to hold.

A cluster is PostgreSQL's word for one server with its data folder, postgresql-common's for an entry below
``/etc/postgresql/<major>/<name>``.
"""

from __future__ import annotations

import dataclasses
import typing as t

MAJOR = "16"
CONFIGURATION = f"/etc/postgresql/{MAJOR}"
PROGRAMS = f"/usr/lib/postgresql/{MAJOR}/bin"
DATA = f"/var/lib/postgresql/{MAJOR}"
SOCKETS = "/var/run/postgresql"
OWNER = "postgres"

# What a new cluster gets where its description says nothing.
AT_CREATION: dict[str, t.Any] = {
    "checksums": True,
    "encoding": "UTF8",
    "locale": "C.UTF-8",
    "locale_provider": "libc",
    "icu_locale": None,
    "wal_segment_size": 16,
    "group_access": False,
}


def config_directory(name: str) -> str:
    return f"{CONFIGURATION}/{name}"


def log_file(name: str) -> str:
    """Where postgresql-common lets the server log."""
    return f"/var/log/postgresql/postgresql-{MAJOR}-{name}.log"


def unit(name: str) -> str:
    return f"postgresql@{MAJOR}-{name}.service"


@dataclasses.dataclass(frozen=True)
class Desired:
    """A cluster as described; ``None`` where the description says nothing.

    :param created_elsewhere: it comes to be by a copy of another server, not by initdb.
    :param fixed: what initdb decides for good, only the described keys of :data:`AT_CREATION`.
    """

    name: str
    port: int
    state: t.Literal["present", "absent"] = "present"
    confirm_removal: str = ""
    data_directory: str | None = None
    wal_directory: str | None = None
    start: t.Literal["auto", "manual"] = "auto"
    initdb_options: tuple[str, ...] = ()
    created_elsewhere: bool = False
    fixed: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def data(self) -> str:
        return self.data_directory or f"{DATA}/{self.name}"

    def at_creation(self, key: str) -> t.Any:
        return self.fixed.get(key, AT_CREATION[key])


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder that a new cluster would take.

    :param state: ``ours`` was left by a creation that never ended, ``data`` is a complete data folder, ``other`` holds
        something else.
    :param holds: a few names of what is in it.
    :param free: bytes free on its disk.
    :param disk: the disk, to add up what several folders need of it.
    """

    state: t.Literal["absent", "empty", "ours", "data", "other"]
    free: int = 0
    disk: int = 0
    holds: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Live:
    """A cluster that postgresql-common knows.

    :param wal_directory: where ``pg_wal`` leads, ``None`` when it is in the data folder.
    :param start: the word of start.conf.
    :param pid: the postmaster, ``None`` when the server does not run.
    :param running_port: the port that the running server listens on; the configured one may be newer.
    :param mode: permissions of the data folder, ``None`` when it is missing.
    :param fixed: what initdb decided, as far as it could be read: the rest takes a running server.
    :param contents: what somebody put into the cluster, ``None`` when that was not read.
    """

    name: str
    port: int
    data_directory: str
    wal_directory: str | None = None
    start: str = "auto"
    pid: int | None = None
    running_port: int | None = None
    mode: int | None = 0o700
    fixed: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    contents: tuple[str, ...] | None = None
    standby: bool = False


@dataclasses.dataclass(frozen=True)
class Host:
    """Everything about a host that decides what can be done.

    :param system: ``id``, ``version``, ``codename`` and ``name`` of the distribution.
    :param majors: clusters of other majors, by major.
    :param installed: the server's version when its programs are there.
    :param icu: whether those programs know ICU.
    :param locales: the locales of the host in the C library's spelling; ``None`` when that cannot be told yet.
    :param offered: the locales that could be generated, ``None`` when that cannot be told yet.
    :param listening: ports that somebody listens on.
    :param interrupted: clusters whose creation began and never ended, with their folders.
    """

    system: dict[str, str]
    majors: dict[str, tuple[str, ...]]
    installed: bool
    icu: bool | None
    locales: frozenset[str] | None
    offered: frozenset[str] | None
    listening: frozenset[int]
    clusters: dict[str, Live]
    interrupted: dict[str, tuple[str, ...]]
    folders: dict[str, Folder]
