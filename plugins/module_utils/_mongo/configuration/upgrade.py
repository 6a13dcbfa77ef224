"""Whether one MongoDB release may be installed over what a host has.

A server starts on the data of its own release and of the one before, and of the latter only when its feature
compatibility version (FCV) is that of the latter (MongoDB manual, "Upgrade a Standalone to 7.0", prerequisites).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .options import Release

# The releases that follow each other; the rapid releases between them cannot be upgraded to on a host of one's own.
RELEASES: tuple[Release, ...] = ((3, 6), (4, 0), (4, 2), (4, 4), (5, 0), (6, 0), (7, 0), (8, 0))
FOREIGN = re.compile(
    r"mongodb-server(-core)?|mongodb-enterprise.*|mongodb-org-unstable.*|percona-server-mongodb-server.*"
)
SERVER_PACKAGES = re.compile(r"mongodb-org(-database|-server|-shell|-mongos|-tools|-database-tools-extra)?")


@dataclasses.dataclass(frozen=True)
class Found:
    """What a host has.

    :param packages: versions of installed packages by name.
    :param installed: version of the executable, ``None`` without one.
    :param running: version of the running server, ``None`` when none answers.
    :param compatibility: its FCV such as ``6.0``, ``None`` when nobody could ask.
    """

    packages: dict[str, str]
    installed: str | None = None
    running: str | None = None
    compatibility: str | None = None


def release_of(version: str) -> Release:
    """``6.0.5`` as ``(6, 0)``."""
    major, minor = re.findall(r"\d+", version)[:2]
    return int(major), int(minor)


def text(release: Release) -> str:
    return f"{release[0]}.{release[1]}"


def check(found: Found, wanted: Release, version: str | None, *, major_upgrade: bool) -> None:
    """Refuse what the server, or its data, would not survive.

    :param version: the exact version that is asked for, ``None`` for the newest of ``wanted``.
    :param major_upgrade: whether the next release may be installed over the previous one.
    :raises GroundworkError: with the path to take.
    """
    _check_packages(found.packages)
    if version and release_of(version) != wanted:
        raise _refusal(
            f"Version {version} is not one of release {text(wanted)}.", "Make both say the same.", ErrorCode.VERSION
        )
    newest_binary = found.installed or found.running
    if newest_binary is None:
        return
    present = max(release_of(item) for item in (found.installed, found.running) if item)
    if present > wanted:
        raise _refusal(
            f"The host has MongoDB {newest_binary}; {text(wanted)} is older, and does not start on its data.",
            f"Set the release to {text(present)}, or restore a backup into a new server of {text(wanted)}.",
            ErrorCode.DOWNGRADE_REFUSED,
        )
    if present < wanted:
        _check_upgrade(found, present, wanted, major_upgrade)


def _check_packages(packages: dict[str, str]) -> None:
    foreign = sorted(name for name in packages if FOREIGN.fullmatch(name))
    if foreign:
        raise _refusal(
            f"Another MongoDB is installed: {', '.join(foreign)}.",
            "Remove it (its data stays), or take its server over by a dump.", ErrorCode.FOREIGN_PACKAGES,
        )
    mine = {name: version for name, version in packages.items() if SERVER_PACKAGES.fullmatch(name)}
    if len({release_of(version) for version in mine.values()}) > 1:
        listed = ", ".join(f"{name} {version}" for name, version in sorted(mine.items()))
        raise _refusal(
            f"The installed packages are of different releases: {listed}.",
            "Bring all of them to the release of mongodb-org-server (apt-mark unhold, apt-get install) and run again.",
            ErrorCode.MIXED_RELEASES,
        )


def _check_upgrade(found: Found, present: Release, wanted: Release, major_upgrade: bool) -> None:
    steps = [release for release in RELEASES if present < release <= wanted]
    if len(steps) != 1:
        raise _refusal(
            f"From MongoDB {text(present)} to {text(wanted)} a release would be skipped.",
            "The path is " + ", then ".join(_leg(before, after) for before, after in _legs(present, steps)) + ".",
            ErrorCode.SKIPPED_RELEASE,
        )
    if found.compatibility is None:
        raise _refusal(
            f"The feature compatibility version could not be read, and {text(wanted)} starts only on {text(present)}.",
            "Start the server and give the role its administrator's login, then run again.", ErrorCode.UNKNOWN_FCV,
        )
    if found.compatibility != text(present):
        raise _refusal(
            f"The feature compatibility version is {found.compatibility}; {text(wanted)} needs {text(present)}.",
            f"Set release and feature compatibility version to {text(present)} first, and upgrade when that has proved"
            " itself.",
            ErrorCode.LOW_FCV,
        )
    if not major_upgrade:
        raise _refusal(
            f"The host has MongoDB {text(present)}; a release is not changed in passing.",
            f"Set mongodb_7_release to {text(present)} to stay, or mongodb_7_major_upgrade to go to {text(wanted)}.",
            ErrorCode.MAJOR_UPGRADE,
        )


def _legs(present: Release, steps: list[Release]) -> t.Iterator[tuple[Release, Release]]:
    return zip([present, *steps[:-1]], steps, strict=True)


def _leg(before: Release, after: Release) -> str:
    return f"feature compatibility version {text(before)} and the packages of {text(after)}"


def _refusal(what: str, hint: str, code: ErrorCode) -> GroundworkError:
    untouched = "everything; the server and its packages are as they were"
    return GroundworkError(what, untouched=untouched, hint=hint, code=code)
