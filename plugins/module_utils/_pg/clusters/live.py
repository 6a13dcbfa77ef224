"""What a host holds: read from files and from the servers that run, nothing is changed."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t
from pathlib import Path

from ..._core.answer import harmless
from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host import command
from ..._host.account import find_account, require_account
from ..postmaster import running
from . import conffile, locales, marker
from .model import CONFIGURATION, MAJOR, OWNER, PROGRAMS, SOCKETS, Desired, Folder, Host, Live

_PROPERTIES = """
SELECT pg_encoding_to_char(encoding), datcollate, CASE datlocprovider WHEN 'i' THEN 'icu' ELSE 'libc' END,
       coalesce(daticulocale, '')
FROM pg_database WHERE datname = 'template0'
"""
# What initdb decided and files tell; for the rest the server is asked.
_ANSWERED_BY_FILES = frozenset({"checksums", "wal_segment_size", "group_access"})
# Everything beside what initdb makes: databases, roles, and relations in the database that the package made.
_CONTENTS = """
SELECT 'database ' || datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')
UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE oid >= 16384
UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class
    WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
LIMIT 20
"""


def read_host(desired: t.Sequence[Desired], *, wanted_locales: t.Sequence[str], unlisted_main: str) -> Host:
    installed = Path(PROGRAMS, "initdb").is_file()
    interrupted = marker.read()
    described = {cluster.name: cluster for cluster in desired}
    asked = {"main"} - set(described) if unlisted_main != "keep" else set()
    asked |= {name for name, cluster in described.items() if not _ANSWERED_BY_FILES.issuperset(cluster.fixed)}
    clusters = {
        path.parent.name: _read_cluster(path.parent, ask=path.parent.name in asked)
        for path in sorted(Path(CONFIGURATION).glob("*/postgresql.conf"))
    }
    names = {*wanted_locales, *(cluster.at_creation("locale") for cluster in desired)}
    only_built_in = all(locales.library_name(name) in locales.ALWAYS for name in names)
    return Host(
        system=_read_system(),
        majors=_other_majors(),
        installed=installed,
        icu=_knows_icu() if installed and any(c.at_creation("locale_provider") == "icu" for c in desired) else None,
        locales=locales.ALWAYS if only_built_in else locales.read_available(),
        offered=None if only_built_in else locales.read_offered(),
        listening=_listening_ports(),
        clusters=clusters,
        interrupted=interrupted,
        folders={path: _read_folder(Path(path), interrupted) for path in _new_folders(desired, clusters, interrupted)},
    )


def _new_folders(desired: t.Sequence[Desired], *known: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Folders that creations would take or clear; not those of clusters that exist."""
    clusters, interrupted = known
    for cluster in desired:
        if cluster.state == "absent" or cluster.created_elsewhere:
            continue
        if cluster.name not in clusters or cluster.name in interrupted:
            yield from filter(None, (cluster.data, cluster.wal_directory, *interrupted.get(cluster.name, ())))


def _read_system() -> dict[str, str]:
    pairs = (line.partition("=") for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    release = {name: value.strip('"') for name, _equals, value in pairs}
    return {
        "id": release.get("ID", ""),
        "version": release.get("VERSION_ID", ""),
        "codename": release.get("VERSION_CODENAME", ""),
        "name": release.get("PRETTY_NAME", ""),
    }


def _other_majors() -> dict[str, tuple[str, ...]]:
    majors: dict[str, list[str]] = {}
    for path in sorted(Path(CONFIGURATION).parent.glob("*/*/postgresql.conf")):
        major = path.parents[1].name
        if major != MAJOR:
            majors.setdefault(major, []).append(path.parent.name)
    return {major: tuple(names) for major, names in majors.items()}


def _knows_icu() -> bool:
    # The server is linked against ICU or it is not; asking initdb would begin to initialise something.
    return b"libicui18n" in Path(PROGRAMS, "postgres").read_bytes()


def _listening_ports() -> frozenset[int]:
    """Ports with a listening TCP socket (state 0A), of either family."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        lines = Path(table).read_text().splitlines()[1:] if Path(table).is_file() else []
        for fields in (line.split() for line in lines):
            if fields[3] == "0A":
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return frozenset(ports)


def _read_folder(path: Path, interrupted: dict[str, tuple[str, ...]]) -> Folder:
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    disk = os.statvfs(existing)
    free, device = disk.f_bavail * disk.f_frsize, existing.stat().st_dev
    if not path.exists():
        return Folder("absent", free, device)
    if not path.is_dir():
        return Folder("other", free, device, ("it is a file",))
    names = sorted(entry.name for entry in path.iterdir())
    if not names:
        return Folder("empty", free, device)
    # A postmaster leaves its options behind at its first start: with them, somebody used what is here.
    if any(str(path) in folders for folders in interrupted.values()) and "postmaster.opts" not in names:
        return Folder("ours", free, device, tuple(names[:5]))
    return Folder("data" if "PG_VERSION" in names else "other", free, device, tuple(names[:5]))


def _read_cluster(configuration: Path, *, ask: bool) -> Live:
    account = find_account(OWNER)
    # As the account, whose file this is: it may include any other.
    with account.acting() if account else contextlib.nullcontext():
        settings = conffile.read_settings(configuration / "postgresql.conf")
    data = Path(settings.get("data_directory", f"/var/lib/postgresql/{MAJOR}/{configuration.name}"))
    pid, running_port, _sockets = running(data)
    fixed = _control_data(data)
    contents = None
    if ask and running_port:
        row = ask_server(running_port, _PROPERTIES)
        if row:
            encoding, locale, provider, icu = row[0].split("|")
            fixed |= {"encoding": encoding, "locale": locale, "locale_provider": provider, "icu_locale": icu or None}
            contents = tuple(ask_server(running_port, _CONTENTS) or ())
    mode = stat.S_IMODE(data.stat().st_mode) if data.is_dir() else None
    if mode is not None:
        fixed["group_access"] = bool(mode & stat.S_IRGRP)
    wal = data / "pg_wal"
    target = str(wal.resolve()) if wal.is_symlink() else None
    for path in filter(None, (str(data), target)):
        if not path.isprintable():
            raise GroundworkError(
                f"Cluster {configuration.name} names a folder with a control character: {harmless(path)}.",
                where=f"{configuration / 'postgresql.conf'}; {harmless(str(wal))}", untouched="everything",
                hint="Find out who made that name: units and files would hold it. Rename the folder, or lead the"
                " link pg_wal elsewhere, while the server is stopped.", code=ErrorCode.UNPRINTABLE_PATH,
            )  # fmt: skip
    return Live(
        name=configuration.name,
        port=int(settings.get("port", "5432")),
        data_directory=str(data),
        wal_directory=target,
        start=conffile.read_start(configuration / "start.conf"),
        pid=pid,
        running_port=running_port,
        mode=mode,
        fixed=fixed,
        contents=contents,
        standby=(data / "standby.signal").exists(),
    )


def _control_data(data: Path) -> dict[str, t.Any]:
    """What initdb decided and pg_control knows."""
    program = Path(PROGRAMS, "pg_controldata")
    if not program.is_file() or not (data / "global/pg_control").is_file():
        return {}
    pairs = (line.partition(":") for line in command.run([str(program), str(data)]).stdout.splitlines())
    values = {name.strip(): value.strip() for name, _colon, value in pairs}
    fixed: dict[str, t.Any] = {}
    if "Data page checksum version" in values:
        fixed["checksums"] = values["Data page checksum version"] != "0"
    if "Bytes per WAL segment" in values:
        fixed["wal_segment_size"] = int(values["Bytes per WAL segment"]) // 2**20
    return fixed


def ask_server(port: int, query: str) -> list[str] | None:
    """The rows of a query by the owner over the Unix socket; ``None`` when the server does not let it in."""
    result = command.run(
        [f"{PROGRAMS}/psql", "-XAtq", f"--host={SOCKETS}", f"--port={port}", "--dbname=postgres", f"--command={query}"],
        identity=require_account(OWNER).identity,
        timeout=30,
        environment={"PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "groundwork"},
    )
    return result.stdout.splitlines() if result.ok else None
