"""What a call wants of a host's packages and repositories, and what is refused without looking at the host."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError

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


def read_packages(entries: list[dict[str, t.Any]]) -> list[Package]:
    """
    :raises GroundworkError: a name or version that cannot be one, or a package that is named twice.
    """
    packages = [
        Package(entry["name"], entry.get("version") or None, entry.get("hold"), entry.get("state") or "present")
        for entry in entries
    ]
    seen: set[str] = set()
    for package in packages:
        if not _PACKAGE.match(package.name):
            raise _refusal(f"{package.name!r} is not the name of a package.", "packages", "Versions have 'version'.")
        if package.name in seen:
            raise _refusal(f"{package.name} is named twice.", "packages", "Keep one entry for each package.")
        seen.add(package.name)
        if package.version is not None and not _VERSION.match(package.version):
            raise _refusal(
                f"{package.version!r} is not a version of {package.name}.",
                "packages",
                "Give a whole version, or its start and one '*' at the end, such as '16.15-*'.",
            )
        if package.state == "absent" and (package.version or package.hold):
            raise _refusal(
                f"{package.name} is to be absent, with a version or a hold.", "packages", "Remove one of them."
            )
    return packages


def read_repositories(entries: list[dict[str, t.Any]]) -> list[Repository]:
    """
    :raises GroundworkError: a repository that apt could not read, a private key, or a name that is used twice.
    """
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
    seen: set[str] = set()
    for repository in repositories:
        if not _FILE_NAME.match(repository.name):
            raise _refusal(
                f"{repository.name!r} cannot be the name of a repository's files.",
                "repositories",
                "Use letters, digits, '_', '-' and '.'.",
            )
        if repository.name in seen:
            raise _refusal(f"The repository {repository.name} is named twice.", "repositories", "Keep one entry.")
        seen.add(repository.name)
        if repository.state == "present":
            _check_repository(repository)
    return repositories


def _check_repository(repository: Repository) -> None:
    where = f"repositories, {repository.name}"
    if not repository.uris or not repository.suites:
        raise _refusal("A repository needs 'uris' and 'suites'.", where, "Give both.")
    for field in (repository.uris, repository.suites, repository.components, repository.architectures):
        for word in field:
            if not word or word.split() != [word]:
                raise _refusal(f"{word!r} is not one word.", where, "Give lists of words without blanks.")
    for uri in repository.uris:
        if "@" in uri.partition("://")[2].partition("/")[0]:
            raise _refusal(
                "A URI of a repository holds a login.",
                where,
                "Put the login into a file below /etc/apt/auth.conf.d, which others cannot read.",
            )
    flat = [suite.endswith("/") for suite in repository.suites]
    if any(flat) and (repository.components or not all(flat)):
        raise _refusal("Suites that end in '/' have no components.", where, "Split the repository, or correct it.")
    if not any(flat) and not repository.components:
        raise _refusal("A repository needs 'components'.", where, "Give them, such as [main].")
    key = repository.key
    if key is not None and not (key.strip().startswith(_KEY_BEGIN) and "-----END PGP PUBLIC KEY BLOCK-----" in key):
        raise _refusal(
            "The key of a repository is not a public key in ASCII armour.",
            where,
            f"It starts with {_KEY_BEGIN}; for another form: gpg --enarmor, or gpg --armor --export.",
        )


def read_guard(entry: dict[str, t.Any] | None, packages: list[Package]) -> Guard | None:
    """The guard of a call; without packages of its own it is about those that are held.

    :raises GroundworkError: a name that cannot be one.
    """
    if entry is None:
        return None
    if not _FILE_NAME.match(entry["name"]):
        raise _refusal(f"{entry['name']!r} cannot be the name of files.", "guard", "Use letters, digits, '_' and '-'.")
    guarded = entry.get("packages")
    if guarded is None:
        guarded = [package.name for package in packages if package.hold]
    services = entry.get("services") or []
    for name, kind, pattern in [
        *((name, "package", _PACKAGE) for name in guarded),
        *((s, "unit", _UNIT) for s in services),
    ]:
        if not pattern.match(name):
            raise _refusal(f"{name!r} is not the name of a {kind}.", "guard", "Correct it.")
    return Guard(entry["name"], tuple(services), tuple(guarded))


def _refusal(what: str, where: str, hint: str) -> GroundworkError:
    return GroundworkError(what, where=where, untouched=UNTOUCHED, hint=hint, code=ErrorCode.INVALID_PACKAGE)
