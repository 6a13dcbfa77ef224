"""Brings repositories, guards and packages of a host to state, or predicts it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Plan, Step
from ..files import apply as files_apply
from ..files import live as files_live
from ..files import plan as files_planning
from . import apt, policy, sources
from .declared import Guard, Package, Repository
from .live import Installed
from .lock import holder, wait_until_free
from .plan import PackageChange, check_simulation, needs_offers, plan_packages

_UNKNOWN = (ErrorCode.VERSION_UNKNOWN, ErrorCode.PACKAGE_UNKNOWN)
_CONFIGURABLE = ("unpacked", "half-configured", "triggers-awaited", "triggers-pending")


@dataclasses.dataclass(frozen=True)
class Request:
    packages: list[Package]
    repositories: list[Repository]
    guard: Guard | None
    no_autostart: bool
    allow_downgrade: bool
    recommends: bool | None
    lock_timeout: float
    check_mode: bool


@dataclasses.dataclass
class Outcome:
    plan: Plan
    installed: dict[str, str]
    recovered: list[str]
    warnings: list[str]


def converge(request: Request) -> Outcome:
    """
    :raises GroundworkError: what was asked for cannot be, or must not be, done.
    """
    apt.require_apt()
    installed, broken = _read(request)
    files = _plan_files(request)
    recovery = _recovery_steps(broken)
    if request.check_mode:
        return _predict(request, installed, broken, files, recovery)
    if recovery:
        _recover(request, installed)
        installed = apt.read_installed()
    changes = _plan(request, installed, None)
    warnings = _write_files(request, files, bool(needs_offers(changes)))
    dependencies: list[Step] = []
    if changes:
        changes, dependencies = _resolve(request, installed, changes, warnings)
        _apply(request, changes)
        installed = apt.read_installed()
        _verify(request, installed)
    steps = (*recovery, *(change.step for change in files), *(c.step() for c in changes), *dependencies)
    return Outcome(Plan(steps), _versions(request, installed, []), broken, warnings)


def _read(request: Request) -> tuple[dict[str, Installed], list[str]]:
    """What is installed, and what an interrupted run left half-way; a run at work is waited for, not recovered from."""
    installed = apt.read_installed()
    broken = _broken(installed)
    if broken and not request.check_mode:
        wait_until_free(request.lock_timeout)
        installed = apt.read_installed()
        broken = _broken(installed)
    return installed, broken


def _broken(installed: dict[str, Installed]) -> list[str]:
    broken = sorted(name for name, package in installed.items() if package.is_broken)
    if not broken and apt.has_unfinished_updates():
        return ["dpkg's own database"]
    return broken


def _recovery_steps(broken: list[str]) -> list[Step]:
    steps = []
    if broken:
        steps.append(Step("recover", "interrupted package run", ", ".join(broken), before="half-way", after="complete"))
    if policy.is_left_over():
        steps.append(Step("restore", "policy", str(policy.POLICY), before="of a killed run", after="of the host"))
    return steps


def _recover(request: Request, installed: dict[str, Installed]) -> None:
    if policy.is_left_over():
        policy.restore()
    if not _broken(installed):
        return
    with _environment(request, []) as environment:
        apt.configure_all(environment, request.lock_timeout)
        left = _broken(apt.read_installed())
        # What the call names gets the version that the call asks for, below.
        named = {package.name for package in request.packages}
        if any(name not in named for name in left):
            apt.fix_broken(environment, request.lock_timeout)


def _plan_files(request: Request) -> list[files_planning.Change]:
    wanted = {file.path: file for repository in request.repositories for file in sources.repository_files(repository)}
    if request.guard is not None:
        wanted.update((file.path, file) for file in sources.guard_files(request.guard))
    entries = list(wanted.values())
    live = {entry.path: files_live.read_path(entry.path) for entry in entries}
    runner = files_planning.Runner(os.geteuid(), os.getegid(), frozenset(os.getgroups()), request.check_mode)
    return files_planning.plan_files(entries, live, [], files_live.Accounts(), runner)


def _write_files(request: Request, files: list[files_planning.Change], offers_needed: bool) -> list[str]:
    """Write the sources and guards, and fetch the lists if that is needed.

    :returns: what apt complained about repositories that the call does not name.
    :raises GroundworkError: a repository of the call cannot be used; sources are then as they were.
    """
    before = {change.path: files_live.read_path(change.path) for change in files}
    if files:
        files_apply.apply_changes(files)
    changed_sources = [change for change in files if change.path.startswith((sources.SOURCES, sources.KEYRINGS))]
    if not (changed_sources or offers_needed):
        return []
    complaints = apt.update(request.lock_timeout)
    own = [uri for repository in request.repositories for uri in repository.uris if repository.state == "present"]
    ours = [line for line in complaints if any(uri.rstrip("/") in line for uri in own)]
    if changed_sources and ours:
        files_apply.apply_changes(
            [_undo(change, before[change.path]) for change in changed_sources if change.verb != "make"]
        )
        raise GroundworkError(
            f"apt cannot use a repository of this call: {' '.join(ours)}",
            where=", ".join(repository.name for repository in request.repositories),
            untouched="every package and every source of the host",
            hint="Check the address from this host, the suite and the key.",
            code=ErrorCode.REPOSITORY_FAILED,
        )
    return complaints


def _undo(change: files_planning.Change, before: files_live.Live) -> files_planning.Change:
    if before.kind == "absent":
        return dataclasses.replace(change, verb="remove")
    return dataclasses.replace(
        change, verb="write", content=before.content, uid=before.uid, gid=before.gid, mode=before.mode
    )


def _plan(request: Request, installed: dict[str, Installed], offers: t.Any) -> list[PackageChange]:
    return plan_packages(request.packages, installed, offers, allow_downgrade=request.allow_downgrade)


def _resolve(
    request: Request, installed: dict[str, Installed], changes: list[PackageChange], warnings: list[str]
) -> tuple[list[PackageChange], list[Step]]:
    """The same changes with the versions that the repositories offer, and what apt would do besides."""
    try:
        changes = _plan(request, installed, apt.read_offers(needs_offers(changes)))
    except GroundworkError as error:
        if error.code in _UNKNOWN and warnings:
            hint = f"{error.hint} apt complained: {' '.join(warnings)}"
            raise GroundworkError(
                error.what,
                where=error.where,
                untouched=error.untouched,
                hint=hint,
                code=error.code,
                details=error.details,
            ) from None
        raise
    arguments = [change.argument for change in changes if change.needs_apt]
    if not arguments:
        return changes, []
    return changes, check_simulation(changes, apt.simulate(arguments, request.recommends), installed)


def _apply(request: Request, changes: list[PackageChange]) -> None:
    """Unhold, install and remove in one transaction, hold: also when the transaction fails."""
    at_work = [change for change in changes if change.needs_apt]
    unhold = [change.name for change in changes if change.held and (change.needs_apt or not change.hold)]
    apt.mark("unhold", unhold, request.lock_timeout)
    try:
        if at_work:
            removed = [change.name for change in at_work if change.action == "remove"]
            downgrade = any(change.action == "downgrade" for change in at_work)
            with _environment(request, removed) as environment:
                apt.install(
                    [change.argument for change in at_work],
                    environment,
                    request.lock_timeout,
                    request.recommends,
                    downgrade,
                )
    finally:
        hold = [change.name for change in changes if change.hold and _is_there(change.name)]
        apt.mark("hold", hold, request.lock_timeout)


def _is_there(name: str) -> bool:
    package = apt.read_installed().get(name)
    return package is not None and package.status not in ("not-installed", "config-files")


@contextlib.contextmanager
def _environment(request: Request, removed: list[str]) -> t.Iterator[dict[str, str]]:
    if not request.no_autostart:
        yield apt.environment()
        return
    with policy.no_autostart(apt.environment(), removed) as environment:
        yield environment


def _verify(request: Request, installed: dict[str, Installed]) -> None:
    left = _plan(request, installed, None)
    if left:
        raise GroundworkError(
            f"{left[0].name} is not as apt was told to bring it: it is at {left[0].before or 'no version'}.",
            where=left[0].name,
            untouched="nothing: apt reported success",
            hint="Look at /var/log/apt/history.log: something else on the host changed it meanwhile.",
            code=ErrorCode.NOT_CONVERGED,
        )


def _predict(
    request: Request,
    installed: dict[str, Installed],
    broken: list[str],
    files: list[files_planning.Change],
    recovery: list[Step],
) -> Outcome:
    finished = {
        name: dataclasses.replace(package, status="installed")
        if package.status in _CONFIGURABLE and not package.reinstall
        else package
        for name, package in installed.items()
    }
    changes = _plan(request, finished, None)
    dependencies: list[Step] = []
    warnings: list[str] = []
    if broken:
        at_work = holder()
        if at_work is not None:
            warnings.append(f"Process {at_work[1]} holds {at_work[0]}: what is half-way may only not be finished yet.")
    # Lists that were never fetched, or not since the sources changed, cannot contradict the request.
    if needs_offers(changes) and not broken:
        try:
            changes, dependencies = _resolve(request, finished, changes, [])
        except GroundworkError as error:
            if error.code not in (*_UNKNOWN, ErrorCode.PACKAGES_UNRESOLVABLE):
                raise
            if not files:
                warnings.append(
                    f"{error.message}\nThis is by the package lists of this host; a run fetches them first."
                )
    steps = (*recovery, *(change.step for change in files), *(c.step() for c in changes), *dependencies)
    return Outcome(Plan(steps), _versions(request, finished, changes), broken, warnings)


def _versions(request: Request, installed: dict[str, Installed], changes: list[PackageChange]) -> dict[str, str]:
    versions = {change.name: change.version for change in changes}
    return {
        package.name: versions.get(package.name)
        or (installed[package.name].version if package.name in installed else "")
        for package in request.packages
        if package.state == "present"
    }
