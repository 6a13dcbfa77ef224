"""The configuration files: compared, and replaced in one step each."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Step
from ..._host import filesystem
from ..._host.account import Account
from . import render
from .declared import UNTOUCHED, Wanted

# The pooler reads its files and cannot write them; root owns them, the account's group reads.
MODE = 0o640


@dataclasses.dataclass(frozen=True, repr=False)
class File:
    path: str
    text: str
    kind: str

    def shown(self, text: str) -> str:
        """A text of this file as a diff may show it."""
        if self.kind == "userlist":
            return render.userlist_for_diff(text, hashlib.sha256(text.encode()).hexdigest()[:12])
        return render.without_passwords(text)


def wanted_files(wanted: Wanted, layout: render.Layout) -> list[File]:
    files = [File(layout.userlist, render.userlist(wanted), "userlist"), File(layout.hba, render.hba(wanted), "hba")]
    for process in range(1, wanted.processes + 1):
        files.append(File(layout.ini(process), render.ini(wanted, layout, process), "configuration"))
    return files


def obsolete_files(wanted: Wanted, layout: render.Layout) -> list[str]:
    """Configurations of processes that shall not be."""
    known = {layout.ini(process) for process in range(1, wanted.processes + 1)}
    return sorted(str(path) for path in Path(layout.directory).glob("pgbouncer-[0-9]*.ini") if str(path) not in known)


def plan(files: list[File], account: Account | None) -> list[Step]:
    """Steps for the files that are not there, or hold something else, or can be read by others."""
    steps = []
    for file in files:
        before = _read(file.path)
        after = file.shown(file.text)
        if before is None:
            steps.append(Step("create", "file", file.path, after=after))
        elif before != file.text:
            steps.append(Step("change", "file", file.path, before=file.shown(before), after=after))
        elif account is not None and not _is_owned(file.path, account):
            steps.append(Step("protect", "file", file.path, before=_rights(file.path), after=_wanted_rights(account)))
    return steps


def write(files: list[File], account: Account, paths: set[str]) -> None:
    """Replace the files named in ``paths``; each is complete under its name or not changed at all."""
    for file in files:
        if file.path in paths:
            filesystem.write(file.path, file.text.encode(), mode=MODE, owner=_owner(account))


def digest(files: list[File], others: list[str], process_ini: str) -> str:
    """A fingerprint of all that one process reads: its configuration, the shared files, keys and certificates."""
    found = hashlib.sha256()
    for file in files:
        if file.kind != "configuration" or file.path == process_ini:
            found.update(file.text.encode() + b"\0")
    for path in others:
        found.update(_bytes(path) + b"\0")
    return found.hexdigest()


def newest_change(paths: list[str]) -> float:
    """When the last of these files got its contents, as a time stamp."""
    return max((Path(path).stat().st_ctime for path in paths if Path(path).exists()), default=0.0)


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise GroundworkError(
            f"{path} cannot be read: {error.strerror}.",
            where="settings",
            untouched=UNTOUCHED,
            code=ErrorCode.NO_CERTIFICATE,
            hint="Put the certificates and keys in place before the pooler is configured.",
        ) from None


def _read(path: str) -> str | None:
    found = filesystem.read(path)
    return None if found is None else found.decode(errors="replace")


def _owner(account: Account) -> tuple[int, int]:
    return (0, account.gid) if os.geteuid() == 0 else (account.uid, account.gid)


def _is_owned(path: str, account: Account) -> bool:
    found = Path(path).stat()
    return (found.st_uid, found.st_gid) == _owner(account) and stat.S_IMODE(found.st_mode) == MODE


def _rights(path: str) -> str:
    found = Path(path).stat()
    return f"{found.st_uid}:{found.st_gid} {stat.S_IMODE(found.st_mode):04o}"


def _wanted_rights(account: Account) -> str:
    uid, gid = _owner(account)
    return f"{uid}:{gid} {MODE:04o}"
