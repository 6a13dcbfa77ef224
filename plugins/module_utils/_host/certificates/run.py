"""The folder of certificates brought to state: read, planned, written, and read again."""

from __future__ import annotations

import dataclasses
import datetime
import stat
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from .. import filesystem
from ..run_lock import one_run
from .apply import apply_changes, make_directory
from .declared import UNTOUCHED, Leaf
from .live import FOLDER_MODE, Folder, has_mode
from .plan import Change, Stored, plan_authority, plan_leaf, require_authority_key


@dataclasses.dataclass
class Outcome:
    plan: Plan
    certificates: dict[str, dict[str, t.Any]]
    authority: dict[str, t.Any]


def converge(folder: Folder, leaves: list[Leaf], now: datetime.datetime, check_mode: bool) -> Outcome:
    """
    :raises GroundworkError: the folder cannot be read or written, or the authority cannot be used.
    """
    if check_mode:
        return _converge(folder, leaves, now, True)
    make_directory(folder.directory)
    with one_run(str(folder.directory)):
        return _converge(folder, leaves, now, False)


def _converge(folder: Folder, leaves: list[Leaf], now: datetime.datetime, check_mode: bool) -> Outcome:
    stored, authority = folder.read_authority()
    authority_change = plan_authority(folder.authority, stored, now)
    fresh = stored.certificate is None
    renewed = authority_change is not None and authority_change.verb == "renew"
    end = None if stored.certificate is None else stored.certificate.not_after
    if renewed:
        end = now + datetime.timedelta(days=folder.authority.valid_days)
    read = {leaf.name: folder.read_leaf(leaf.name, authority.certificate) for leaf in leaves}
    changes = [plan_leaf(leaf, read[leaf.name][0], None if fresh else end, now) for leaf in leaves]
    at_work = [change for change in (authority_change, *changes) if change is not None]
    if not fresh:
        require_authority_key(at_work, stored, str(folder.authority_key))
        _require_match(at_work, stored, folder)
    steps = [*_mode_steps(folder.directory), *(change.step for change in at_work)]
    if not check_mode:
        filesystem.set_attributes(folder.directory, mode=FOLDER_MODE)
        found = {name: material for name, (_stored, material) in read.items()}
        apply_changes(folder, leaves, at_work, authority, found, now)
        _verify(folder, leaves, now)
    return Outcome(
        Plan(tuple(steps)), _describe(folder, leaves, at_work, check_mode), _describe_authority(folder, at_work)
    )


def _require_match(changes: list[Change], stored: Stored, folder: Folder) -> None:
    signs = any(change.verb in ("create", "renew") for change in changes)
    if signs and stored.certificate is not None and not stored.key_matches:
        raise GroundworkError(
            "The given authority's key is not that of its certificate.",
            where=str(folder.authority_key),
            untouched=UNTOUCHED,
            hint="Correct ca_cert or ca_key.",
            code=ErrorCode.AUTHORITY_UNUSABLE,
        )


def _mode_steps(directory: Path) -> list[Step]:
    if directory.is_dir() and not has_mode(directory, FOLDER_MODE):
        mode = f"mode {stat.S_IMODE(directory.stat().st_mode):04o}"
        return [Step("close", "directory", str(directory), before=mode, after=f"mode {FOLDER_MODE:04o}")]
    return []


def _verify(folder: Folder, leaves: list[Leaf], now: datetime.datetime) -> None:
    stored, authority = folder.read_authority()
    end = None if stored.certificate is None else stored.certificate.not_after
    for leaf in leaves:
        left = plan_leaf(leaf, folder.read_leaf(leaf.name, authority.certificate)[0], end, now)
        if left is not None:
            raise GroundworkError(
                f"{leaf.name} is not as it was made a moment ago: {left.reason}.",
                where=str(folder.path(leaf.name, "pem")),
                untouched="nothing: every file was written",
                hint="Something else writes this folder; find out what.",
                code=ErrorCode.CERTIFICATE_CHANGED_MEANWHILE,
            )


def _describe(
    folder: Folder, leaves: list[Leaf], changes: list[Change], check_mode: bool
) -> dict[str, dict[str, t.Any]]:
    """What following tasks need; in check mode nothing is said of a certificate that would be made."""
    to_come = {change.name for change in changes if change.verb != "complete"} if check_mode else set()
    described = {}
    for leaf in leaves:
        facts = None if leaf.name in to_come else folder.read_leaf(leaf.name, None)[0].certificate
        described[leaf.name] = {
            "certificate": str(folder.path(leaf.name, "crt")),
            "key": str(folder.path(leaf.name, "key")),
            "pem": str(folder.path(leaf.name, "pem")),
            "ca": str(folder.path("ca", "crt")),
            "fingerprint": facts.fingerprint if facts else None,
            "not_after": f"{facts.not_after:%Y-%m-%dT%H:%M:%SZ}" if facts else None,
        }
    return described


def _describe_authority(folder: Folder, changes: list[Change]) -> dict[str, t.Any]:
    facts = folder.read_authority()[0].certificate
    return {
        "certificate": str(folder.path("ca", "crt")),
        "fingerprint": facts.fingerprint if facts else None,
        "not_after": f"{facts.not_after:%Y-%m-%dT%H:%M:%SZ}" if facts else None,
    }
