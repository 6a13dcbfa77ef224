"""Runs dpkg and apt with argument lists, in one language, without questions."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import command, filesystem
from ..command import Result
from . import live
from .lock import busy, holder, wait_until_free

_LINES_SHOWN = 25
_UPDATES = Path("/var/lib/dpkg/updates")
_PACKAGE_CACHE = Path("/var/cache/apt/pkgcache.bin")
_CONFFILES = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
# Reading must not even write apt's caches: check mode reads too.
_READ_ONLY = [
    "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "-o", "Dir::Log::Planner=/dev/null",
]
_LOCKED = ("Could not get lock", "is another process using it", "Unable to acquire the dpkg frontend lock")


def environment() -> dict[str, str]:
    """For every command: C's messages, no questions, no service restarted by needrestart."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("LC_")},
        "PATH": command.search_path(),
        "LC_ALL": "C",
        "LANG": "C",
        "LANGUAGE": "C",
        "DEBIAN_FRONTEND": "noninteractive",
        "DEBIAN_PRIORITY": "critical",
        "APT_LISTCHANGES_FRONTEND": "none",
        "NEEDRESTART_MODE": "l",
        "NEEDRESTART_SUSPEND": "groundwork.databases",
        "UCF_FORCE_CONFFOLD": "1",
    }


def tail(result: Result) -> str:
    """The end of what was said, without the progress of downloads."""
    lines = [line for line in (result.stdout + "\n" + result.stderr).splitlines() if line.strip()]
    return "\n".join(lines[-_LINES_SHOWN:])


def run(argv: list[str], env: dict[str, str] | None = None) -> Result:
    return command.run(argv, environment=env or environment())


def require_apt() -> None:
    missing = [
        tool
        for tool in ("dpkg-query", "dpkg", "apt-get", "apt-cache", "apt-mark")
        if shutil.which(tool, path=environment()["PATH"]) is None
    ]
    if missing:
        raise GroundworkError(
            f"This host has no {missing[0]}: only Debian, Ubuntu and their kin are supported.",
            where=missing[0],
            untouched="everything",
            code=ErrorCode.NO_APT,
        )


def read_installed() -> dict[str, live.Installed]:
    """Every package that dpkg knows."""
    architecture = run(["dpkg", "--print-architecture"]).stdout.strip()
    return live.parse_status(_checked(["dpkg-query", "--show", "--showformat", live.STATUS_FORMAT]), architecture)


def has_unfinished_updates() -> bool:
    """Whether dpkg was killed between two writes of its database."""
    try:
        return any(entry.name.isdigit() for entry in _UPDATES.iterdir())
    except OSError:
        return False


def read_offers(names: list[str]) -> dict[str, live.Offers]:
    if not names:
        return {}
    versions = live.parse_madison(run(["apt-cache", *_READ_ONLY, "madison", *names]).stdout)
    candidates = live.parse_candidates(run(["apt-cache", *_READ_ONLY, "policy", *names]).stdout)
    return {name: live.Offers(candidates.get(name), versions.get(name, ())) for name in names}


def simulate(arguments: list[str], recommends: bool | None) -> live.Simulation:
    """
    :raises GroundworkError: apt finds no way to do it.
    """
    argv = ["apt-get", *_READ_ONLY, "--simulate", "--yes", "--allow-change-held-packages", "--allow-downgrades"]
    outcome = run([*argv, *_recommends(recommends), "install", *arguments])
    if outcome.code:
        raise GroundworkError(
            f"apt finds no way to do it: {tail(outcome)}",
            where=" ".join(arguments),
            untouched="every package of the host",
            hint="Name versions that fit together; held packages are changed only when the call names them.",
            code=ErrorCode.PACKAGES_UNRESOLVABLE,
        )
    return live.parse_simulation(outcome.stdout)


def update(lock_timeout: float) -> list[str]:
    """Fetch the package lists; returns what apt complains about, worded by itself."""
    outcome = _locked(["apt-get", "--quiet", "-o", "Acquire::Retries=2", "update"], environment(), lock_timeout)
    found = live.complaints(outcome.stdout + "\n" + outcome.stderr)
    return found or ([tail(outcome)] if outcome.code else [])


def install(
    arguments: list[str], env: dict[str, str], lock_timeout: float, recommends: bool | None, downgrade: bool
) -> None:
    """
    :raises GroundworkError: apt or a package's script failed.
    """
    argv = ["apt-get", "--yes", "--quiet", *_CONFFILES, "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=2"]
    argv += ["--allow-downgrades"] if downgrade else []
    outcome = _locked([*argv, *_recommends(recommends), "install", *arguments], env, lock_timeout)
    if outcome.code:
        raise GroundworkError(
            f"apt-get failed (exit {outcome.code}): {tail(outcome)}",
            where=" ".join(arguments),
            untouched="what the lines above do not name",
            hint="Remove the cause and run again; what dpkg left half-way is finished first.",
            code=ErrorCode.APT_FAILED,
        )


def configure_all(env: dict[str, str], lock_timeout: float) -> None:
    """Finish what an interrupted dpkg left, as far as dpkg alone can; what it cannot, the packages' state tells."""
    _locked(["dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"], env, lock_timeout)


def fix_broken(env: dict[str, str], lock_timeout: float) -> None:
    """Let apt bring packages back that dpkg cannot finish alone.

    :raises GroundworkError: it cannot, or only by removing others.
    """
    argv = [
        "apt-get",
        "--yes",
        "--quiet",
        *_CONFFILES,
        "-o",
        "Dpkg::Use-Pty=0",
        "--fix-broken",
        "--no-remove",
        "install",
    ]
    outcome = _locked(argv, env, lock_timeout)
    if outcome.code:
        raise GroundworkError(
            f"An interrupted package run cannot be finished: {tail(outcome)}",
            where="/var/lib/dpkg/status",
            untouched="what the lines above do not name",
            hint="Look with `dpkg --audit`; a package that is no longer offered has to be removed or replaced by hand.",
            code=ErrorCode.RECOVERY_FAILED,
        )


def mark(action: str, names: list[str], lock_timeout: float) -> None:
    """Hold or unhold packages; dpkg's database is written for this too."""
    if not names:
        return
    outcome = _locked(["apt-mark", action, *names], environment(), lock_timeout)
    if outcome.code:
        raise GroundworkError(
            f"apt-mark {action} failed (exit {outcome.code}): {tail(outcome)}",
            where=", ".join(names),
            untouched="the versions of all packages",
            hint="Run again; a version that is not held may be upgraded by others meanwhile.",
            code=ErrorCode.APT_FAILED,
        )
    # apt trusts its cache of dpkg's database by size and second, so right after an installation it may go on without
    # the hold; it makes the cache anew when there is none.
    filesystem.remove(_PACKAGE_CACHE)


def _recommends(wanted: bool | None) -> list[str]:
    return [] if wanted is None else ["--install-recommends" if wanted else "--no-install-recommends"]


def _locked(argv: list[str], env: dict[str, str], lock_timeout: float) -> Result:
    """Run it once nobody else is at work; somebody may come between, so apt is told to wait too."""
    wait_until_free(lock_timeout)
    if argv[0] == "apt-get":
        argv = [argv[0], "-o", f"DPkg::Lock::Timeout={int(lock_timeout)}", *argv[1:]]
    outcome = run(argv, env)
    if outcome.code and any(words in outcome.stderr for words in _LOCKED):
        wait_until_free(lock_timeout)
        outcome = run(argv, env)
        held = holder()
        if outcome.code and held is not None and any(words in outcome.stderr for words in _LOCKED):
            raise busy(held, lock_timeout)
    return outcome


def _checked(argv: list[str]) -> str:
    outcome = run(argv)
    if outcome.code:
        raise GroundworkError(
            f"{argv[0]} failed (exit {outcome.code}): {tail(outcome)}",
            where=" ".join(argv[:2]),
            untouched="every package of the host",
            code=ErrorCode.APT_FAILED,
        )
    return outcome.stdout
