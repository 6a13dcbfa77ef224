"""The files that stand for repositories and guards."""

from __future__ import annotations

import re

from ..files.declared import Wanted
from .declared import Guard, Repository

SOURCES = "/etc/apt/sources.list.d"
KEYRINGS = "/etc/apt/keyrings"
_HEADER = "Written by Ansible (groundwork.databases.host_packages); what is changed here is overwritten."


def repository_files(repository: Repository) -> list[Wanted]:
    """The source in deb822 form, and the key that it is signed with."""
    source, key = f"{SOURCES}/{repository.name}.sources", f"{KEYRINGS}/{repository.name}.asc"
    if repository.state == "absent":
        return [absent(source), absent(key)]
    fields = [
        ("Types", "deb"),
        ("URIs", " ".join(repository.uris)),
        ("Suites", " ".join(repository.suites)),
        ("Components", " ".join(repository.components)),
        ("Architectures", " ".join(repository.architectures)),
        ("Signed-By", key if repository.key else ""),
    ]
    text = f"# {_HEADER}\n" + "".join(f"{name}: {value}\n" for name, value in fields if value)
    if repository.key is None:
        return [present(source, text), absent(key)]
    return [directory(KEYRINGS), present(key, repository.key.strip() + "\n"), present(source, text)]


def guard_files(guard: Guard) -> list[Wanted]:
    """Tells needrestart never to restart the services, and unattended-upgrades never to upgrade the packages."""
    needrestart = f"/etc/needrestart/conf.d/groundwork-{guard.name}.conf"
    unattended = f"/etc/apt/apt.conf.d/90groundwork-{guard.name}"
    files = []
    if guard.services:
        lines = [f"$nrconf{{override_rc}}{{qr({unit_pattern(unit)})}} = 0;\n" for unit in guard.services]
        files += [
            directory("/etc/needrestart"),
            directory("/etc/needrestart/conf.d"),
            present(needrestart, f"# {_HEADER}\n" + "".join(lines)),
        ]
    else:
        files.append(absent(needrestart))
    if guard.packages:
        names = "".join(f'    "^{_escaped(name)}$";\n' for name in guard.packages)
        text = f"// {_HEADER}\nUnattended-Upgrade::Package-Blacklist {{\n{names}}};\n"
        files.append(present(unattended, text))
    else:
        files.append(absent(unattended))
    return files


def unit_pattern(unit: str) -> str:
    """A regular expression of Perl for a unit's name, in which ``*`` stands for anything."""
    named = unit if re.search(r"\.[a-z]+$", unit) else f"{unit}.service"
    return "^" + ".*".join(re.sub(r"([.@+?\\])", r"\\\1", part) for part in named.split("*")) + "$"


def _escaped(name: str) -> str:
    return re.sub(r"([.+])", r"\\\1", name)


def present(path: str, text: str) -> Wanted:
    return Wanted(path, "present", text.encode(), None, "root", "root", 0o644, False, (), False)


def absent(path: str) -> Wanted:
    return Wanted(path, "absent", None, None, None, None, None, False, (), False)


def directory(path: str) -> Wanted:
    return Wanted(path, "directory", None, None, None, None, None, False, (), False)
