"""Packs a program of ``plugins/programs`` as a zip application, for a host that has a Python and not this collection.

The same sources give the same bytes on every controller: entries are sorted, have one time and one mode, and are
stored as they are, because what a compressor makes of them depends on its version.
"""

from __future__ import annotations

import io
import stat
import typing as t
import zipfile
from pathlib import Path, PurePosixPath

from . import sources

PLUGINS = Path(__file__).resolve().parents[2]
#: Isolated: neither the environment nor the current folder adds modules.
INTERPRETER = "/usr/bin/python3 -I"
#: The package of the archive. Below it, files are where they are below ``plugins``.
PACKAGE = "groundwork"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_MODE = stat.S_IFREG | 0o644
_UNIX = 3


def program(name: str, root: Path = PLUGINS) -> bytes:
    """The zip application of a program.

    :param root: a folder such as the collection's ``plugins``.
    :raises GroundworkError: there is no such program, or it imports what a host does not have.
    """
    files = {str(PurePosixPath(PACKAGE) / path): text for path, text in sources.read(root, name).items()}
    start = f"{PACKAGE}.{sources.PROGRAMS}.{name}.{PurePosixPath(sources.ENTRY).stem}"
    return _pack({**_packages(files), **files, "__main__.py": f"from {start} import main\n\nmain()\n".encode()})


def _packages(files: t.Iterable[str]) -> dict[str, bytes]:
    """What makes each folder a package: before 3.13, Python finds none in an archive without."""
    folders = {folder for name in files for folder in PurePosixPath(name).parents if folder.name}
    return {str(folder / "__init__.py"): b"" for folder in folders}


def _pack(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    out.write(f"#!{INTERPRETER}\n".encode())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            archive.writestr(entry, files[name])
    return out.getvalue()
