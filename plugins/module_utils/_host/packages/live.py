"""What dpkg and apt say, read from their output. Runs nothing itself."""

from __future__ import annotations

import dataclasses
import re

#: For dpkg-query --show --showformat: a package a line.
STATUS_FORMAT = "${Package}\t${Version}\t${db:Status-Want}\t${db:Status-Status}\t${db:Status-Eflag}\t${Architecture}\n"
_COMPLETE = ("installed", "not-installed", "config-files")
_INST = re.compile(r"^Inst (\S+) (?:\[([^\]]*)\] )?\((\S+)")
_REMV = re.compile(r"^(?:Remv|Purg) (\S+)(?: \[([^\]]*)\])?")


@dataclasses.dataclass(frozen=True)
class Installed:
    """A package that dpkg knows.

    :ivar status: ``installed``, ``config-files``, or the name of the stage at which an interrupted run left it.
    """

    version: str
    held: bool
    status: str
    reinstall: bool = False

    @property
    def is_installed(self) -> bool:
        return self.status == "installed" and not self.reinstall

    @property
    def is_broken(self) -> bool:
        return self.reinstall or self.status not in _COMPLETE


@dataclasses.dataclass(frozen=True)
class Offer:
    """A version that a repository offers, and the repository."""

    version: str
    origin: str


@dataclasses.dataclass(frozen=True)
class Offers:
    """
    :ivar candidate: the version that apt would choose, ``None`` when there is none.
    :ivar versions: what can be asked for, newest first.
    """

    candidate: str | None = None
    versions: tuple[Offer, ...] = ()


@dataclasses.dataclass(frozen=True)
class Simulation:
    """What apt-get would do.

    :ivar installs: name: (version now or ``None``, version then).
    :ivar removes: name: version now.
    """

    installs: dict[str, tuple[str | None, str]]
    removes: dict[str, str]


def parse_status(output: str, architecture: str) -> dict[str, Installed]:
    """Packages by name; of one that is there for several architectures the host's own counts."""
    packages: dict[str, Installed] = {}
    own: set[str] = set()
    for line in output.splitlines():
        fields = line.split("\t")
        if len(fields) != 6:
            continue
        name, version, want, status, flag, built_for = fields
        is_own = built_for in (architecture, "all")
        if name in packages and not is_own and name in own:
            continue
        if is_own:
            own.add(name)
        packages[name] = Installed(version, want == "hold", status, flag == "reinstreq")
    return packages


def parse_madison(output: str) -> dict[str, tuple[Offer, ...]]:
    """Versions by package from ``apt-cache madison``, without sources."""
    offers: dict[str, dict[str, str]] = {}
    for line in output.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) != 3 or not fields[2].endswith("Packages"):
            continue
        offers.setdefault(fields[0], {}).setdefault(fields[1], fields[2].rsplit(" ", 2)[0])
    return {name: tuple(Offer(*item) for item in versions.items()) for name, versions in offers.items()}


def parse_candidates(output: str) -> dict[str, str]:
    """Candidates by package from ``apt-cache policy``."""
    candidates: dict[str, str] = {}
    name = ""
    for line in output.splitlines():
        if line and not line[0].isspace():
            name = line.rstrip().rstrip(":")
        elif line.strip().startswith("Candidate:"):
            version = line.split(":", 1)[1].strip()
            if version and version != "(none)":
                candidates[name] = version
    return candidates


def parse_simulation(output: str) -> Simulation:
    installs: dict[str, tuple[str | None, str]] = {}
    removes: dict[str, str] = {}
    for line in output.splitlines():
        install, remove = _INST.match(line), _REMV.match(line)
        if install:
            installs[install[1].partition(":")[0]] = (install[2], install[3])
        elif remove:
            removes[remove[1].partition(":")[0]] = remove[2] or ""
    return Simulation(installs, removes)


def complaints(output: str) -> list[str]:
    """What apt complains about: errors and warnings, each once."""
    lines = [line.strip() for line in output.splitlines()]
    return list(dict.fromkeys(line for line in lines if line.startswith(("E:", "W:", "Err:"))))
