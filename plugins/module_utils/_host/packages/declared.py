"""What a call wants of a host's packages and repositories, and what is refused without looking at the host."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected, repeated

UNTOUCHED = "every package and every source of the host"
_PACKAGE = re.compile(r"^[a-z0-9][a-z0-9+.-]+$")
_VERSION = re.compile(r"^[0-9A-Za-z][0-9A-Za-z.+:~-]*\*?$")
_FILE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
_UNIT = re.compile(r"^[A-Za-z0-9:_.@*?\\-]+$")
_KEY_BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


@dataclasses.dataclass(frozen=True)
class Package:
    """
    :ivar version: exact, or the start of it before a trailing ``*``; ``None`` takes what is there, else apt's choice.
    :ivar hold: ``None`` leaves the mark as it is.
    """

    name: str
    version: str | None = None
    hold: bool | None = None
    state: str = "present"


@dataclasses.dataclass(frozen=True)
class Repository:
    name: str
    uris: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    key: str | None = None
    state: str = "present"


@dataclasses.dataclass(frozen=True)
class Guard:
    """What must not be restarted or upgraded behind the back of the role that owns it.

    :ivar services: systemd units, with ``*`` for any part of a name.
    """

    name: str
    services: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


def read(params: dict[str, t.Any]) -> tuple[list[Package], list[Repository], Guard | None]:
    """The module's options.

    :raises GroundworkError: with everything in them that cannot be.
    """
    with collected("the description", ErrorCode.INVALID_PACKAGE, UNTOUCHED) as problems:
        packages = read_packages(params["packages"], problems)
        repositories = read_repositories(params["repositories"], problems)
        guard = read_guard(params["guard"], packages, problems)
    return packages, repositories, guard


def read_packages(entries: list[dict[str, t.Any]], problems: Problems) -> list[Package]:
    packages = [
        Package(entry["name"], entry.get("version") or None, entry.get("hold"), entry.get("state") or "present")
        for entry in entries
    ]
    for name in repeated(package.name for package in packages):
        problems.add("packages", f"{name} is named twice.", "Keep one entry for each package.")
    for package in packages:
        if not _PACKAGE.match(package.name):
            problems.add("packages", f"{package.name!r} is not the name of a package.", "Versions have 'version'.")
        if package.version is not None and not _VERSION.match(package.version):
            problems.add(
                "packages",
                f"{package.version!r} is not a version of {package.name}.",
                "Give a whole version, or its start and one '*' at the end, such as '16.15-*'.",
            )
        if package.state == "absent" and (package.version or package.hold):
            problems.add(
                "packages", f"{package.name} is to be absent, with a version or a hold.", "Remove one of them."
            )
    return packages


def read_repositories(entries: list[dict[str, t.Any]], problems: Problems) -> list[Repository]:
    """A repository that apt could not read is a problem, a private key too."""
    repositories = [
        Repository(
            name=entry["name"],
            uris=tuple(entry.get("uris") or ()),
            suites=tuple(entry.get("suites") or ()),
            components=tuple(entry.get("components") or ()),
            architectures=tuple(entry.get("architectures") or ()),
            key=entry.get("key"),
            state=entry.get("state") or "present",
        )
        for entry in entries
    ]
    for name in repeated(repository.name for repository in repositories):
        problems.add("repositories", f"The repository {name} is named twice.", "Keep one entry.")
    for repository in repositories:
        if not _FILE_NAME.match(repository.name):
            problems.add(
                "repositories",
                f"{repository.name!r} cannot be the name of a repository's files.",
                "Use letters, digits, '_', '-' and '.'.",
            )
        if repository.state == "present":
            _check_repository(repository, problems)
    return repositories


def _check_repository(repository: Repository, problems: Problems) -> None:
    where = f"repositories, {repository.name}"
    if not repository.uris or not repository.suites:
        problems.add(where, "A repository needs 'uris' and 'suites'.", "Give both.")
    for field in (repository.uris, repository.suites, repository.components, repository.architectures):
        for word in field:
            if not word or word.split() != [word]:
                problems.add(where, f"{word!r} is not one word.", "Give lists of words without blanks.")
    for uri in repository.uris:
        if "@" in uri.partition("://")[2].partition("/")[0]:
            problems.add(
                where,
                "A URI of a repository holds a login.",
                "Put the login into a file below /etc/apt/auth.conf.d, which others cannot read.",
            )
    flat = [suite.endswith("/") for suite in repository.suites]
    if any(flat) and (repository.components or not all(flat)):
        problems.add(where, "Suites that end in '/' have no components.", "Split the repository, or correct it.")
    if not any(flat) and not repository.components:
        problems.add(where, "A repository needs 'components'.", "Give them, such as [main].")
    key = repository.key
    if key is not None and not (key.strip().startswith(_KEY_BEGIN) and "-----END PGP PUBLIC KEY BLOCK-----" in key):
        problems.add(
            where,
            "The key of a repository is not a public key in ASCII armour.",
            f"It starts with {_KEY_BEGIN}; for another form: gpg --enarmor, or gpg --armor --export.",
        )


def read_guard(entry: dict[str, t.Any] | None, packages: list[Package], problems: Problems) -> Guard | None:
    """The guard of a call; without packages of its own it is about those that are held."""
    if entry is None:
        return None
    if not _FILE_NAME.match(entry["name"]):
        problems.add("guard", f"{entry['name']!r} cannot be the name of files.", "Use letters, digits, '_' and '-'.")
    guarded = entry.get("packages")
    if guarded is None:
        guarded = [package.name for package in packages if package.hold]
    services = entry.get("services") or []
    for name, kind, pattern in [
        *((name, "package", _PACKAGE) for name in guarded),
        *((s, "unit", _UNIT) for s in services),
    ]:
        if not pattern.match(name):
            problems.add("guard", f"{name!r} is not the name of a {kind}.", "Correct it.")
    return Guard(entry["name"], tuple(services), tuple(guarded))
