"""Making the data folder of a standby: a copy by pg_basebackup, or pg_rewind of a folder that diverged.

A marker says that the folder is being made. While there is one the folder is worth nothing and is emptied
by the next run, unless a server was started on it since: then it was made by hand. A folder with content and without
such a marker holds data of another owner and is never emptied.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import signal
import time
import typing as t
from pathlib import Path

from ..._core.answer import harmless
from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host import command, filesystem
from ..._host.process import arguments
from ..._host.run_lock import one_run
from ..quoting import identifier
from .names import connection_string
from .server import STANDBY_SIGNAL

if t.TYPE_CHECKING:
    from .server import Server


END_SECONDS = 10.0
MARKERS = Path("/var/lib/groundwork/postgresql_16/copying")


@dataclasses.dataclass(frozen=True)
class Source:
    """Where the copy comes from: the members, of which the one that is the primary is taken."""

    hosts: tuple[tuple[str, int], ...]
    user: str
    passfile: str | None
    ssl: dict[str, str | None]
    application_name: str

    def connection(self, database: str | None = None) -> str:
        """A connection string without secrets: the password is in the password file."""
        return connection_string(
            {
                "host": ",".join(host for host, _port in self.hosts),
                "port": ",".join(str(port) for _host, port in self.hosts),
                "user": self.user,
                "passfile": self.passfile,
                **self.ssl,
                "dbname": database,
                "application_name": self.application_name,
                "target_session_attrs": "primary",
                "connect_timeout": 10,
            }
        )


@dataclasses.dataclass(frozen=True)
class CopyOptions:
    """How pg_basebackup copies.

    :ivar max_rate: such as ``100M`` a second; unlimited when unset.
    :ivar tablespaces: folder on the primary to folder here.
    """

    wal_directory: str | None
    slot: str | None
    max_rate: str | None
    checkpoint: str
    tablespaces: dict[str, str]


def marker_of(data: Path) -> Path:
    """In a folder of root's own: next to the data the account could write one, and so name what is to be emptied."""
    if os.geteuid() != 0:
        return data.with_name(f".{data.name}.groundwork-copying")
    return MARKERS / f"{hashlib.sha256(str(data).encode()).hexdigest()[:24]}.json"


def _note(server: Server, folders: set[Path]) -> None:
    marker = marker_of(server.data)
    filesystem.make_directory(marker.parent, parents=0o755)
    content = {"data": str(server.data), "folders": sorted(map(str, folders))}
    filesystem.write(marker, json.dumps(content).encode() + b"\n", mode=0o600)


def is_unfinished(server: Server) -> bool:
    """Whether the folder is what a copy or a rewind that never came to its end left.

    No program that makes the folder writes ``postmaster.opts``: only the start of a server does.
    """
    options = server.data / "postmaster.opts"
    try:
        begun = marker_of(server.data).stat().st_mtime
    except FileNotFoundError:
        return False
    return server.pid() is None and not (options.exists() and options.stat().st_mtime > begun)


def copy_command(server: Server, source: Source, options: CopyOptions) -> list[str]:
    """pg_basebackup checks every page's checksum and, at its end, syncs what it wrote."""
    argv = [
        str(server.bin / "pg_basebackup"), "--pgdata", str(server.data), "--dbname", source.connection(),
        "--no-password", "--wal-method=stream", f"--checkpoint={options.checkpoint}",
    ]  # fmt: skip
    if options.slot:
        argv += ["--slot", options.slot]
    if options.max_rate:
        argv += ["--max-rate", options.max_rate]
    if options.wal_directory:
        argv += ["--waldir", options.wal_directory]
    for old, new in sorted(options.tablespaces.items()):
        argv += ["--tablespace-mapping", f"{_escaped(old)}={_escaped(new)}"]
    return argv


def _escaped(folder: str) -> str:
    return folder.replace("=", "\\=")


def reserve_slot(server: Server, source: Source, slot: str) -> None:
    """Make the slot on the primary anew, keeping WAL back from its last checkpoint on.

    Only once the old standby is stopped: as long as it runs it asks for the WAL where it got stuck, and that request
    moves even a new slot back to there, for the next checkpoint to invalidate.

    :raises GroundworkError: the primary cannot be reached, or the slot is still in use.
    """
    create = f"CREATE_REPLICATION_SLOT {identifier(slot)} PHYSICAL RESERVE_WAL"
    drop = f"DROP_REPLICATION_SLOT {identifier(slot)}"
    deadline = time.monotonic() + END_SECONDS
    while True:
        known = _replication_command(server, source, f"READ_REPLICATION_SLOT {identifier(slot)}")
        commands = [drop, create] if known.stdout.startswith("physical") else [create]
        result = _replication_command(server, source, *commands) if known.ok else known
        if result.ok:
            return
        # The primary notices only after a moment that the one who used the slot is gone.
        if "is active for PID" not in result.stderr or time.monotonic() >= deadline:
            raise GroundworkError(
                f"The primary does not reserve its slot {slot}: {_last_lines(result.stderr)}", where=server.where,
                untouched="the data folder, the primary and the other members", hint=_hint(result.stderr),
                code=ErrorCode.STANDBY_SLOT_REFUSED,
            )
        time.sleep(0.2)


def identified(server: Server, source: Source) -> str:
    """The system identifier of the primary that the copy would come from.

    :raises GroundworkError: no primary answers, or the programs to ask with are missing.
    """
    try:
        result = _replication_command(server, source, "IDENTIFY_SYSTEM")
    except command.NotRun as error:
        raise GroundworkError(
            f"The programs of PostgreSQL cannot be run: {error.where}: {error.reason}.",
            where=server.where, untouched="everything", hint="Install them first, or set bin_directory.",
            code=ErrorCode.STANDBY_PROGRAMS_MISSING,
        ) from error
    if not result.ok:
        raise GroundworkError(
            f"None of {', '.join(f'{host}:{port}' for host, port in source.hosts)} answers as the primary to copy: "
            f"{_last_lines(result.stderr)}", where=server.where, untouched="everything", hint=_hint(result.stderr),
            code=ErrorCode.STANDBY_SOURCE_UNREACHABLE,
        )
    return result.stdout.strip().partition("|")[0]


def _replication_command(server: Server, source: Source, *commands: str) -> command.Result:
    """Commands of the replication protocol, which psql sends as they are."""
    argv = [
        str(server.bin / "psql"), "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align",
        "--set=ON_ERROR_STOP=1", "--dbname", f"{source.connection()} replication=true",
    ]  # fmt: skip
    return server.owner.run([*argv, *(f"--command={command}" for command in commands)])


def copy(server: Server, source: Source, options: CopyOptions) -> None:
    """Copy the primary into the (then emptied) data folder and leave it ready to start as a standby.

    :raises GroundworkError: pg_basebackup failed; the marker stays, so the next run begins again.
    """
    own = _own_folders(server)
    with _alone(server):
        if options.slot:
            reserve_slot(server, source, options.slot)
        _note(server, own)
        for folder in {server.data, *_given_folders(options)}:
            _make_folder(folder, server)
        for folder in {server.data, *own, *_given_folders(options)}:
            _empty_folder(folder, server)
        result = server.owner.run(copy_command(server, source, options))
    if not result.ok:
        raise GroundworkError(
            f"pg_basebackup failed: {_last_lines(result.stderr)}", where=server.where,
            untouched="the primary and the other members", hint=_hint(result.stderr),
            code=ErrorCode.STANDBY_COPY_FAILED,
        )
    make_standby(server)
    filesystem.remove(marker_of(server.data))


@contextlib.contextmanager
def _alone(server: Server) -> t.Iterator[None]:
    """See to it that nothing else works on the folder: no other run, and no program that a killed run left behind.

    A pg_basebackup that fails removes all content of its folder, so an old one would remove a new copy. Its process
    that receives WAL even outlives it, and keeps the slot.

    :raises GroundworkError: another run is at work.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(one_run(f"the copy into {server.data}", timeout=0))
        except GroundworkError as error:
            raise GroundworkError(
                f"Another run copies the primary into this folder right now. {error.what}", where=server.where,
                untouched="everything", hint="Wait until it has ended.", code=ErrorCode.STANDBY_COPY_RUNNING,
            ) from None
        for pid in _left_behind(server):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + END_SECONDS
        while _left_behind(server) and time.monotonic() < deadline:
            time.sleep(0.05)
        yield


def _left_behind(server: Server) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = arguments(process.name)
            if words[0] == str(server.bin / "pg_basebackup") and str(server.data) in words:
                found.append(int(process.name))
    return found


def refuse_foreign_content(server: Server, options: CopyOptions, *, rebuild: bool) -> None:
    """Never empty a folder that is not known to be this standby's, or a broken copy.

    :raises GroundworkError: there is something in a folder that has to be empty.
    """
    own = _own_folders(server)
    for folder in sorted(own):
        if folder.is_dir() and folder.stat().st_uid != server.owner.uid:
            raise GroundworkError(
                f"A link in the data folder leads to {harmless(str(folder))}, which is not a folder of the account"
                f" {server.owner.name}.",
                where=server.where,
                untouched="everything",
                hint="Look at pg_wal and pg_tblspc there, and find out who made the link. Remove it, then run again.",
                code=ErrorCode.STANDBY_FOLDER_FOREIGN,
            )
    if rebuild or is_unfinished(server):
        own |= {server.data}
    for folder in sorted({server.data, *_given_folders(options)} - own):
        if folder.is_dir() and any(folder.iterdir()):
            raise GroundworkError(
                f"{folder} is to become a folder of the standby, but something is in it.", where=str(folder),
                untouched="everything",
                hint="Look at it, and move it away or remove it if nobody needs it. An empty folder is fine.",
                code=ErrorCode.STANDBY_FOLDER_NOT_EMPTY,
            )


def _given_folders(options: CopyOptions) -> set[Path]:
    given = [options.wal_directory, *options.tablespaces.values()]
    return {Path(folder) for folder in given if folder}


def _own_folders(server: Server) -> set[Path]:
    """Folders elsewhere that a copy's links lead to: pg_basebackup links only what it found empty."""
    data = server.data
    links = [data / "pg_wal", *((data / "pg_tblspc").iterdir() if (data / "pg_tblspc").is_dir() else [])]
    noted: list[str] = []
    if is_unfinished(server):
        with contextlib.suppress(OSError, ValueError, KeyError):
            noted = json.loads(marker_of(data).read_text())["folders"]
    return {link.resolve() for link in links if link.is_symlink()} | set(map(Path, noted))


def make_standby(server: Server) -> None:
    """Say that the folder is to come up as a standby; synced, as a lost one would mean a second primary."""
    with server.owner.acting():
        filesystem.write(server.data / STANDBY_SIGNAL, b"", mode=0o600)


def _make_folder(folder: Path, server: Server) -> None:
    """Make a described folder exist as one of the server's account."""
    owner = server.owner.ids if server.owner.drop else None
    if folder.is_dir() and folder.stat().st_uid == server.owner.uid:
        return
    if not filesystem.make_directory(folder, mode=0o700, owner=owner, parents=0o755):
        filesystem.set_attributes(folder, owner=owner)


def _empty_folder(folder: Path, server: Server) -> None:
    """Empty and close a folder with the account's rights, as links of the account may have named it."""
    with server.owner.acting():
        if folder.is_dir():
            filesystem.empty(folder)
            filesystem.set_attributes(folder, mode=0o700)


def rewind(server: Server, source: Source) -> bool:
    """Undo what only this folder has, so that it can follow the primary again.

    :returns: whether there was anything to undo; a standby without that is kept back by something else.

    :raises GroundworkError: pg_rewind refuses or failed; ``details['damaged']`` says whether it had begun to write.
    """
    argv = [
        str(server.bin / "pg_rewind"), "--target-pgdata", str(server.data), "--source-server",
        source.connection("postgres"),
    ]  # fmt: skip
    if server.config_file:
        argv += [f"--config-file={server.config_file}"]
    result = server.owner.run(argv)
    if not result.ok:
        damaged = "servers diverged" in result.stdout + result.stderr and "pg_rewind: error" in result.stderr
        if damaged:
            _note(server, _own_folders(server))
        raise GroundworkError(
            f"pg_rewind failed: {_last_lines(result.stderr)}", where=server.where,
            untouched="the primary and the other members",
            hint="Rebuild it with rebuild_method copy.",
            code=ErrorCode.STANDBY_REWIND_FAILED, details={"damaged": damaged},
        )
    make_standby(server)
    return "no rewind required" not in result.stdout + result.stderr


def _last_lines(text: str, count: int = 3) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not re.match(r"\s*\d+/\d+ kB", line)]
    return " ".join(" ".join(lines[-count:]).split())


def _hint(errors: str) -> str:
    if "no pg_hba.conf entry" in errors:
        return "The primary's pg_hba.conf has to let this host in for the database replication."
    if "password authentication failed" in errors or "no password supplied" in errors:
        return "The password in the password file is not that of the replication role."
    if "checksum" in errors:
        return "The primary has a damaged page. Do not fail over away from it before you know which copy is good."
    if "No space left" in errors:
        return "Make room; the next run begins the copy again."
    if "is active for PID" in errors:
        return "Another server uses this slot: two members must not have the same name. End it, then run again."
    return "Fix the cause; the next run begins the copy again."
