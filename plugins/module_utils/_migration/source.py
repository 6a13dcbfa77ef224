"""Where migration files are read from: folders of this machine, or the archive that the action plugin sent."""

from __future__ import annotations

import base64
import dataclasses
import functools
import io
import json
import os
import pathlib
import typing as t
import zipfile

from .._core.errors import GroundworkError

MANIFEST = "manifest.json"


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """One file of a location.

    :ivar script: path relative to its location, with ``/``, as the history table stores it.
    :ivar label: the path to show to people; on the controller when the archive came from there.
    :ivar size: bytes.
    :ivar open: opens the content for reading bytes; can be called more than once.
    """

    script: str
    label: str
    size: int
    open: t.Callable[[], t.BinaryIO]

    @property
    def name(self) -> str:
        return self.script.rpartition("/")[2]


class Source:
    """The files of all locations, in the order of the locations and then by path."""

    def __init__(self, files: list[SourceFile], close: t.Callable[[], None] = lambda: None) -> None:
        self.files = files
        self.close = close


def location_path(location: str) -> str:
    """Return the folder of one of Flyway's ``locations``.

    :raises GroundworkError: a kind of location that has no folder.
    """
    kind, colon, path = location.partition(":")
    if not colon or "/" in kind:
        return location
    if kind == "filesystem":
        return path
    raise GroundworkError(
        f"Locations of the kind {kind}: cannot be read.",
        where=location,
        untouched="the database",
        hint="Give the folder itself, for example the one under src/main/resources that classpath: names.",
    )


def walk(folder: str) -> t.Iterator[tuple[str, str, int]]:
    """Yield relative path, full path and size of every file below ``folder``; hidden folders are left out, as in
    Flyway.
    """
    for current, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            full = os.path.join(current, name)  # noqa: PTH118 - thousands of files: pathlib costs more than the walk
            yield os.path.relpath(full, folder).replace(os.sep, "/"), full, os.stat(full).st_size  # noqa: PTH116


def from_folders(locations: t.Sequence[str], fail_on_missing: bool) -> tuple[Source, list[str]]:
    """Read folders of this machine.

    :return: the source and a warning for each location that does not exist.
    :raises GroundworkError: a location does not exist and ``fail_on_missing`` is set.
    """
    files: list[SourceFile] = []
    warnings = []
    for location in locations:
        folder = location_path(location)
        if not pathlib.Path(folder).is_dir():
            missing = missing_location(location, [folder])
            if fail_on_missing:
                raise missing
            warnings.append(missing.what)
            continue
        files.extend(
            SourceFile(script, full, size, functools.partial(_open, full)) for script, full, size in walk(folder)
        )
    return Source(files), warnings


def _open(path: str) -> t.BinaryIO:
    return open(path, "rb")


def from_archive(path: str | None, data: str | None) -> Source:
    """Read the archive that ``write_archive`` made, from a file or from base64 text."""
    content: t.Any = path if path else io.BytesIO(base64.b64decode(data or ""))
    archive = zipfile.ZipFile(content)
    labels: list[str] = json.loads(archive.read(MANIFEST))
    files = []
    for entry in archive.infolist():
        if entry.filename == MANIFEST:
            continue
        number, _slash, script = entry.filename.partition("/")
        files.append(
            SourceFile(
                script,
                f"{labels[int(number)]}/{script}",
                entry.file_size,
                functools.partial(_open_entry, archive, entry),
            )
        )
    return Source(files, archive.close)


def _open_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> t.BinaryIO:
    return t.cast(t.BinaryIO, archive.open(entry))


def write_archive(target: t.Any, folders: t.Sequence[tuple[str, str]], suffixes: t.Sequence[str]) -> None:
    """Pack the scripts and ``.conf`` files of some folders.

    :param target: a path or a writable binary file.
    :param folders: pairs of the folder and the label to show for it.
    :param suffixes: endings of SQL files.
    """
    endings = tuple(suffix.lower() for suffix in suffixes)
    endings += tuple(f"{ending}.conf" for ending in endings)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(MANIFEST, json.dumps([label for _folder, label in folders]))
        for number, (folder, _label) in enumerate(folders):
            for script, full, _size in walk(folder):
                if script.lower().endswith(endings):
                    # Times before 1980, as reproducible checkouts have them, are none that the format can hold.
                    entry = zipfile.ZipInfo(f"{number}/{script}")
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    with open(full, "rb") as content, archive.open(entry, "w", force_zip64=True) as packed:
                        while chunk := content.read(1 << 20):
                            packed.write(chunk)


def missing_location(location: str, tried: t.Sequence[str]) -> GroundworkError:
    """The error for a folder that is not there."""
    return GroundworkError(
        f"The migration folder {location} does not exist.",
        where=", ".join(tried),
        untouched="the database",
        hint="Check locations. Relative ones are searched in the role's files folder, beside the playbook and in its "
        "files folder; with remote_src they are folders of the target host.",
    )
