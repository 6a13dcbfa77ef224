# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints a digest of what decides what a prepared image holds: ``inputs.py PLAYBOOK BASE_IMAGE``.

That is the image below, the mirror, the playbook, what creates hosts, the roles that the playbook names as far as they
decide what is installed, and the plugins that they call with all that these import.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
import sys
import typing as t
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PLUGINS = CHECKOUT / "plugins"
MIRROR = CHECKOUT / ".cache/tests/mirror"
# Checkouts share an engine and its images, while each signs its mirror with a key of its own.
OF_THE_MIRROR = (MIRROR / "inputs", MIRROR / "tree/key.asc")
CALLED = re.compile(r"groundwork\.databases\.([a-z0-9_]+)")


def files(playbook: Path) -> t.Iterator[Path]:
    """Every file that matters, some of them more than once."""
    yield Path(__file__)
    yield Path(__file__).with_name("prepare")
    yield playbook
    yield CHECKOUT / "tests/molecule/hosts.py"
    roles = [CHECKOUT / "roles" / name for name in CALLED.findall(playbook.read_text())]
    tasks = [path for role in roles for path in _installing(role)]
    yield from tasks
    seen: set[Path] = set()
    for path in [playbook, *tasks]:
        for name in CALLED.findall(path.read_text()):
            for kind in ("modules", "action", "filter", "lookup"):
                yield from imported(PLUGINS / kind / f"{name}.py", seen)


def _installing(role: Path) -> list[Path]:
    """What is known by its name to have a say in the install step; templates are used by later steps only."""
    names = ["tasks/preflight.yml", "tasks/install*.yml", "vars/*.yml", "defaults/*.yml", "files/*.asc"]
    return [path for name in names for path in sorted(role.glob(name))]


def imported(source: Path, seen: set[Path]) -> t.Iterator[Path]:
    """The file, and those of this collection that it imports, however far away."""
    if source in seen or not source.is_file():
        return
    seen.add(source)
    yield source
    for level, module, names in imports(source.read_text()):
        folder = _folder(source, level, module)
        if folder:
            yield from imported(folder.with_suffix(".py"), seen)
            for name in names:
                yield from imported(folder / f"{name}.py", seen)


@functools.cache
def imports(text: str) -> list[tuple[int, str, list[str]]]:
    """Level, module and names of each `from … import …`."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return [(node.level, node.module or "", [alias.name for alias in node.names]) for node in found]


def _folder(source: Path, level: int, module: str) -> Path | None:
    """Where the names of an import lie, None outside the collection."""
    parts = module.split(".") if module else []
    if level:
        return source.parents[level - 1].joinpath(*parts)
    if parts[:4] == ["ansible_collections", "groundwork", "databases", "plugins"]:
        return PLUGINS.joinpath(*parts[4:])
    return None


def digest(playbook: Path, base: str) -> str:
    found = hashlib.sha256(base.encode())
    for path in sorted({*files(playbook), *OF_THE_MIRROR}):
        found.update(f"{path.name}\n".encode() + path.read_bytes())
    return found.hexdigest()[:12]


if __name__ == "__main__":
    print(digest(Path(sys.argv[1]), sys.argv[2]))
