# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes Debian packages with dpkg-deb."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import tempfile
from pathlib import Path

from wheels import MirrorError

MAINTAINER = "The groundwork.databases maintainers <maintainers@groundwork.invalid>"


@dataclasses.dataclass(frozen=True)
class Package:
    """A binary package.

    :param fields: control fields beyond Package, Version, Architecture, Maintainer and Description.
    :param contents: path in the package -> file, folder or symbolic link to copy there.
    :param links: path in the package -> what the symbolic link at it points to.
    :param folders: empty folders.
    :param scripts: maintainer scripts: name -> text.
    :param conffiles: paths that dpkg treats as configuration.
    """

    name: str
    version: str
    summary: str
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    architecture: str = "amd64"
    contents: dict[str, Path] = dataclasses.field(default_factory=dict)
    links: dict[str, str] = dataclasses.field(default_factory=dict)
    folders: tuple[str, ...] = ()
    scripts: dict[str, str] = dataclasses.field(default_factory=dict)
    conffiles: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.name}_{self.version}_{self.architecture}.deb"


def write(package: Package, target: Path) -> Path:
    """Build the package into the folder ``target``."""
    with tempfile.TemporaryDirectory(prefix=f"{package.name}-") as scratch:
        root = Path(scratch) / "root"
        root.mkdir(mode=0o755)
        for path, source in package.contents.items():
            _copy(source, root / path.lstrip("/"))
        for path, destination in package.links.items():
            link = root / path.lstrip("/")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(destination)
        for path in package.folders:
            (root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        _write_control(package, root)
        outcome = subprocess.run(
            # gzip at its fastest: the packages travel a few metres of memory and are read once
            ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(target / package.file)],
            capture_output=True, text=True, check=False,
        )
    if outcome.returncode != 0:
        raise MirrorError(f"dpkg-deb could not build {package.file}: {outcome.stderr.strip()}")
    return target / package.file


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _write_control(package: Package, root: Path) -> None:
    installed_kilobytes = sum(entry.lstat().st_size for entry in root.rglob("*") if entry.is_file()) // 1024
    fields = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": package.architecture,
        "Maintainer": MAINTAINER,
        "Installed-Size": str(installed_kilobytes),
        "Section": "database",
        "Priority": "optional",
        **package.fields,
        "Description": f"{package.summary}\n Repacked for the tests of groundwork.databases; not for production.",
    }
    control = root / "DEBIAN"
    control.mkdir(mode=0o755)
    (control / "control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    if package.conffiles:
        (control / "conffiles").write_text("".join(f"{path}\n" for path in package.conffiles))
    for name, text in package.scripts.items():
        script = control / name
        script.write_text(text)
        script.chmod(0o755)
    # The umask of whoever builds must not decide what the package's users can read.
    for entry in [root, *root.rglob("*")]:
        if not entry.is_symlink():
            entry.chmod(entry.stat().st_mode & 0o755 | (0o755 if entry.is_dir() else 0o644))
