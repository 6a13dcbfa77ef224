"""What a cluster is now: its files, and what its server says when it answers."""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host import command, filesystem, reaching
from ..._host.account import Account
from ..postmaster import Postmaster, running
from ..settings.catalogue import Setting, from_pg_settings
from .declared import Cluster

if t.TYPE_CHECKING:
    from ..session import Session

APPLICATION = "groundwork pg_configuration"
START_SECONDS = 60
_SETTINGS = """
SELECT name, vartype, context, unit, min_val, max_val, boot_val, enumvals, setting, source, pending_restart,
       sourcefile, sourceline FROM pg_catalog.pg_settings"""
# The server says this of a setting that is right but waits for a restart, and of one that is wrong.
NOT_APPLIED = "setting could not be applied"


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server at one moment.

    :param values: value in force, by name, in the setting's unit.
    :param sources: where each value comes from, as ``pg_settings.source``.
    :param pending: names of settings that wait for a restart.
    :param loaded: when the configuration files were last read, seconds since the epoch.
    """

    version: str
    definitions: tuple[Setting, ...]
    values: dict[str, str]
    sources: dict[str, str]
    pending: tuple[str, ...]
    loaded: float
    started: float
    in_recovery: bool


@dataclasses.dataclass(frozen=True)
class Live:
    """:param server: ``None`` when it does not run.
    :param contents: what each file of ours holds now, ``None`` for one that does not exist.
    :param foreign: drop-ins of somebody else, by name.
    :param changed: when each file, and the folder of the drop-ins, was changed last, seconds since the epoch.
    """

    exists: bool
    server: Server | None
    main_file: str
    contents: dict[Path, str]
    foreign: dict[Path, str]
    auto_file: str
    changed: dict[Path, float]


def open_session(cluster: Cluster, owner: Account, superuser: str) -> Session | None:
    """A session over the Unix socket as the cluster's owner, ``None`` when the server does not run.

    A port or socket folder that changed since the start is not in the way: those of the running server are used.

    :raises GroundworkError: it runs and lets nobody in, or does not come up within a minute.
    """
    from .. import api
    from ..session import Session, SqlError  # noqa: F401

    deadline = time.monotonic() + START_SECONDS
    while True:
        server = running(cluster.data)
        if server.pid is None:
            return None
        options = _login(cluster, superuser, server)
        try:
            with owner.acting():
                return Session.open(options, "postgres", APPLICATION)
        except api.ServerUnreachable as error:
            comes_up = re.search(r"starting up|No such file|Connection refused|not accepting connections$", error.what)
            if comes_up and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            raise GroundworkError(
                f"The server of cluster {cluster.name} runs and cannot be reached: {error.what}",
                where=f"port {options['login_port']}, {options['login_unix_socket']}",
                untouched="its configuration and the server",
                hint=f"{cluster.hba_file} has to let {superuser} in over the Unix socket by peer.",
                code=ErrorCode.SERVER_UNREACHABLE,
            ) from None


def _login(cluster: Cluster, superuser: str, server: Postmaster) -> dict[str, t.Any]:
    from ..._core.module import default_options
    from ..connection import connection_argument_spec

    return default_options(connection_argument_spec()) | {
        "login_unix_socket": server.sockets or str(cluster.sockets),
        "login_port": server.port or cluster.port,
        "login_user": superuser,
    }


def read_server(session: Session) -> Server:
    rows = session.rows(_SETTINGS)
    facts = session.rows(
        "SELECT extract(epoch FROM pg_catalog.pg_conf_load_time())::float8,"
        " extract(epoch FROM pg_catalog.pg_postmaster_start_time())::float8, pg_catalog.pg_is_in_recovery(),"
        " pg_catalog.current_setting('server_version')"
    )[0]
    return Server(
        version=facts[3].split()[0],
        definitions=tuple(from_pg_settings(row[:8] for row in rows)),
        values={row[0].lower(): row[8] for row in rows},
        sources={row[0].lower(): row[9] for row in rows},
        pending=tuple(row[0] for row in rows if row[10]),
        loaded=facts[0],
        started=facts[1],
        in_recovery=facts[2],
    )


class FileError(t.NamedTuple):
    file: str
    line: int
    subject: str
    error: str

    def text(self) -> str:
        return f"{self.file}:{self.line}: {self.subject}: {self.error}"


def file_errors(session: Session) -> list[FileError]:
    """What the running server would refuse in the files as they lie on the disk now."""
    rows = session.rows(
        "SELECT f.sourcefile, f.sourceline, coalesce(f.name, 'line'), f.error FROM pg_catalog.pg_file_settings f"
        " LEFT JOIN pg_catalog.pg_settings s ON lower(s.name) = lower(f.name)"
        " WHERE f.error IS NOT NULL AND NOT (f.error = %s AND coalesce(s.context, '') = 'postmaster')"
        " ORDER BY f.seqno",
        NOT_APPLIED,
    )
    return [FileError(*row) for row in rows]


def access_errors(session: Session, cluster: Cluster) -> list[FileError]:
    """The same for pg_hba.conf and pg_ident.conf."""
    found = []
    for file, view in ((cluster.hba_file, "pg_hba_file_rules"), (cluster.ident_file, "pg_ident_file_mappings")):
        rows = session.rows(
            f"SELECT line_number, error FROM pg_catalog.{view} WHERE error IS NOT NULL ORDER BY 1"  # noqa: S608
        )
        found += [FileError(str(file), row[0] or 0, "rule", row[1]) for row in rows]
    return found


def wanted_values(session: Session, names: t.Sequence[str]) -> dict[str, str]:
    """What the files say of settings, the last word each."""
    rows = session.rows(
        "SELECT DISTINCT ON (lower(name)) lower(name), setting FROM pg_catalog.pg_file_settings"
        " WHERE lower(name) = ANY(%s) ORDER BY lower(name), seqno DESC",
        [name.lower() for name in names],
    )
    return dict(rows)


def installed_version(bin_directory: Path) -> str | None:
    """Version of the server's program on the disk, such as ``16.15``; ``None`` when it is not installed."""
    program = bin_directory / "postgres"
    if not program.is_file():
        return None
    match = re.search(r"\(PostgreSQL\) (\S+)", command.run([str(program), "-V"], timeout=60).stdout)
    return match[1] if match else None


def read_files(cluster: Cluster, ours: str, owner: Account | None) -> Live:
    """The files of the cluster, without its server, with links read as its account.

    :param ours: what the first line of a drop-in of ours says.
    :raises GroundworkError: a link of the account leads to what it may not read, or where root would have to write.
    """
    reaching.require_reachable(cluster.drop_ins)
    contents: dict[Path, str] = {}
    foreign: dict[Path, str] = {}
    for path in sorted(cluster.drop_ins.glob("*.conf")) if cluster.drop_ins.is_dir() else []:
        text = _read(path, owner) or ""
        (contents if text.startswith(ours) else foreign)[path] = text
    for path in (cluster.hba_file, cluster.ident_file):
        found = _read(path, owner)
        if found is not None:
            contents[path] = found
    watched = [*contents, *([cluster.drop_ins] if cluster.drop_ins.is_dir() else [])]
    return Live(
        exists=(cluster.config / "postgresql.conf").is_file(),
        server=None,
        main_file=_read(cluster.config / "postgresql.conf", owner) or "",
        contents=contents,
        foreign=foreign,
        auto_file=_read(cluster.data / "postgresql.auto.conf", owner) or "",
        changed={path: path.stat().st_mtime for path in watched},
    )


def _read(path: Path, owner: Account | None) -> str | None:
    found = content(path, owner)
    return None if found is None else found.decode(errors="surrogateescape")


def content(path: Path, owner: Account | None) -> bytes | None:
    """What a file holds, ``None`` when it is not there. A link is followed with the rights of the servers' account.

    :raises GroundworkError: it leads to what that account may not read.
    """
    if owner is None or not path.is_symlink():
        return filesystem.read(path)
    try:
        with owner.acting():
            return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GroundworkError(
            f"{path} is a link to what the account {owner.name} cannot read: {error.strerror}.", where=str(path),
            untouched="everything", code=ErrorCode.LINK_REFUSED,
            hint="Find out who made it, and remove it. The server could not read it either.",
        ) from None  # fmt: skip
