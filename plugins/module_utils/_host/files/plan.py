"""From wanted and live files to the changes between them. Looks at nothing itself."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t
from pathlib import PurePosixPath

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from .declared import UNTOUCHED, Wanted
from .live import Live

NOT_SHOWN = "(content not shown: secret)"
_NEW_MODE = {"directory": 0o755, "present": 0o644}
_NEW_SECRET_MODE = 0o600


class AccountNames(t.Protocol):
    """Names and numbers of accounts."""

    def uid(self, owner: str) -> int | None: ...
    def gid(self, group: str) -> int | None: ...
    def owner(self, uid: int) -> str: ...
    def group(self, gid: int) -> str: ...


@dataclasses.dataclass(frozen=True)
class Runner:
    """Who runs the module, and how.

    :ivar uid: effective user; 0 can give files to others.
    :ivar gids: groups that a user who is not root can give files to.
    """

    uid: int
    gid: int
    gids: frozenset[int]
    check_mode: bool


@dataclasses.dataclass(frozen=True)
class Change:
    """One path's change: what ``apply`` needs and the step that shows it.

    :ivar verb: ``write``, ``make`` (a folder), ``link``, ``adjust`` (owner, group, mode) or ``remove``.
    :ivar uid: ``None`` in check mode for an owner who does not exist yet.
    """

    path: str
    verb: str
    step: Step
    content: bytes | None = None
    target: str | None = None
    uid: int | None = None
    gid: int | None = None
    mode: int | None = None
    secret: bool = False
    validate: tuple[str, ...] = ()


def plan_files(
    wanted: list[Wanted], live: dict[str, Live], purged: list[str], names: AccountNames, runner: Runner
) -> list[Change]:
    """Changes in the order in which they are applied: folders from the top, files, links, removals.

    :param live: by path, for every path of ``wanted`` and ``purged``.
    :raises GroundworkError: something that must not be changed, or could only be changed in part.
    """
    made = {entry.path for entry in wanted if entry.state == "directory"}
    changes = [
        change
        for entry in wanted
        for change in [_change(entry, live[entry.path], made, names, runner)]
        if change is not None
    ]
    listed = {entry.path for entry in wanted}
    changes += [_removal(path, live[path], names, False) for path in purged if path not in listed]
    rank = {"make": 0, "adjust": 1, "write": 1, "link": 2, "remove": 3}
    return sorted(changes, key=lambda change: (rank[change.verb], change.path if change.verb == "make" else ""))


def as_plan(changes: list[Change]) -> Plan:
    return Plan(tuple(change.step for change in changes))


def _change(entry: Wanted, live: Live, made: set[str], names: AccountNames, runner: Runner) -> Change | None:
    _refuse_kind(entry, live)
    if entry.state == "absent":
        if live.kind == "absent":
            return None
        _refuse_surroundings(entry, live, made, runner)
        return _removal(entry.path, live, names, entry.secret)
    if entry.state == "link":
        if live.kind == "link" and live.target == entry.target:
            return None
        _refuse_surroundings(entry, live, made, runner)
        before = f"link to {live.target}" if live.kind == "link" else None
        verb = "create" if before is None else "replace"
        step = Step(verb, "link", entry.path, before=before, after=f"link to {entry.target}")
        return Change(entry.path, "link", step, target=entry.target)
    return _content_change(entry, live, made, names, runner)


def _content_change(entry: Wanted, live: Live, made: set[str], names: AccountNames, runner: Runner) -> Change | None:
    exists = live.kind != "absent"
    uid = _account(entry, entry.owner, "owner", names.uid, live.uid if exists else runner.uid, runner)
    gid = _account(entry, entry.group, "group", names.gid, live.gid if exists else runner.gid, runner)
    new_mode = _NEW_SECRET_MODE if entry.secret else _NEW_MODE[entry.state]
    mode = entry.mode if entry.mode is not None else (live.mode if exists else new_mode)
    same_content = entry.state == "directory" or live.content == entry.content
    same_attributes = (live.uid, live.gid, live.mode) == (uid, gid, mode)
    if exists and same_content and same_attributes:
        return None
    _refuse_rights(entry, live, uid, gid, runner)
    kind = "directory" if entry.state == "directory" else "file"
    if exists and same_content:
        verb, action = "adjust", "adjust"
    else:
        _refuse_surroundings(entry, live, made, runner)
        verb = "make" if kind == "directory" else "write"
        action = "replace" if exists else "create"
    before = _attributes(names.owner(live.uid), names.group(live.gid), live.mode) if exists else None
    after = _attributes(
        entry.owner if uid is None else names.owner(uid), entry.group if gid is None else names.group(gid), mode
    )
    if kind == "file" and verb == "write":
        before = None if before is None else before + _shown(live.content, entry.secret)
        after += _shown(entry.content, entry.secret)
    return Change(
        path=entry.path,
        verb=verb,
        step=Step(action, kind, entry.path, before=before, after=after),
        content=entry.content,
        uid=uid,
        gid=gid,
        mode=mode,
        secret=entry.secret,
        validate=entry.validate,
    )


def _removal(path: str, live: Live, names: AccountNames, secret: bool) -> Change:
    kind = live.kind if live.kind in ("directory", "link") else "file"
    before = (
        f"link to {live.target}"
        if kind == "link"
        else _attributes(names.owner(live.uid), names.group(live.gid), live.mode)
    )
    if live.kind == "file":
        # What nobody lists any more may have been a secret: a file that others cannot read is not shown.
        before += _shown(live.content, secret or not live.mode & 0o044)
    return Change(path, "remove", Step("remove", kind, path, before=before))


def _attributes(owner: str | None, group: str | None, mode: int) -> str:
    return f"owner {owner}, group {group}, mode {mode:04o}\n"


def _shown(content: bytes | None, secret: bool) -> str:
    if secret:
        return NOT_SHOWN + "\n"
    content = content or b""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    # A terminal shows nothing of use for a NUL, and an archive may be valid UTF-8 by chance.
    if "\0" in text:
        return f"({len(content)} bytes that are not text, SHA-256 {hashlib.sha256(content).hexdigest()})\n"
    return text


def _account(
    entry: Wanted,
    name: str | None,
    kind: str,
    number_of: t.Callable[[str], int | None],
    unnamed: int,
    runner: Runner,
) -> int | None:
    """The number of an owner or group; ``None`` for one that a package of the same run would bring."""
    if name is None:
        return unnamed
    number = number_of(name)
    if number is None and not (runner.check_mode and entry.may_come):
        raise _refusal(
            entry.path,
            f"is to have the {kind} {name}, which this host does not have.",
            f"Correct it, or create the {kind} first"
            + (" (owner_may_come lets check mode pass)." if runner.check_mode else "."),
        )
    return number


def _refuse_kind(entry: Wanted, live: Live) -> None:
    if live.kind == "other":
        raise _refusal(entry.path, "is a device, socket or pipe.", "Name another path.")
    if entry.state == "present" and live.kind == "directory":
        raise _refusal(entry.path, "is a directory where a file should be.", "Move it away, or name another path.")
    if entry.state == "present" and live.kind == "link":
        raise _refusal(
            entry.path, f"is a link to {live.target}.", "Name the file it leads to, or remove the link first."
        )
    if entry.state == "directory" and (live.kind == "file" or (live.kind == "link" and not live.leads_to_directory)):
        raise _refusal(entry.path, f"is a {live.kind} where a directory should be.", "Move it away first.")
    if entry.state == "link" and live.kind in ("file", "directory"):
        raise _refusal(entry.path, f"is a {live.kind} where a link should be.", "Move it away first.")
    if entry.state == "absent" and live.kind == "directory" and not live.empty:
        raise _refusal(entry.path, "is to be removed, and it is a directory that is not empty.", "Empty it first.")


def _refuse_surroundings(entry: Wanted, live: Live, made: set[str], runner: Runner) -> None:
    parent = str(PurePosixPath(entry.path).parent)
    if live.parent == "other":
        raise _refusal(entry.path, f"has a parent {parent} that is not a directory.", "Correct the path.")
    if live.parent == "absent" and parent not in made and not (runner.check_mode and entry.may_come):
        raise _refusal(
            entry.path,
            f"has no parent directory {parent}.",
            "Correct the path, or add the directory to the files of this call.",
        )
    if not live.parent_writable:
        raise _refusal(entry.path, f"is in {parent}, where uid {runner.uid} cannot write.", "Run as root (become).")


def _refuse_rights(entry: Wanted, live: Live, uid: int | None, gid: int | None, runner: Runner) -> None:
    """A user who is not root can neither give a file away nor change one of somebody else."""
    if runner.uid == 0:
        return
    exists = live.kind != "absent"
    foreign = exists and live.uid != runner.uid
    if uid not in (None, runner.uid) or foreign or (gid is not None and gid not in runner.gids):
        raise _refusal(
            entry.path,
            f"belongs, or is to be given, to somebody else than uid {runner.uid}.",
            "Run as root (become).",
        )


def _refusal(path: str, what: str, hint: str) -> GroundworkError:
    return GroundworkError(f"{path} {what}", where=path, untouched=UNTOUCHED, hint=hint, code=ErrorCode.INVALID_FILE)
