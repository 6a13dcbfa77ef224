"""The one place that creates, writes, renames, removes and gives away files.

Root gets to them as ``reaching`` has it, and works in their folder by its descriptor: an account that owns a folder, as
that of a database server does, has no way to lead root out of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import typing as t
from pathlib import Path

from .._core.errors import GroundworkError
from .reaching import FOLDER, around, folder, opened

# One name for each file, so that a run takes over what a killed one left; hidden, so that no server that reads a whole
# folder takes it for its configuration.
SUFFIX = ".groundwork-new"

Owner = tuple[int, int]


def write(path: Path | str, content: bytes, *, mode: int | None = None, owner: Owner | None = None) -> None:
    """Replace a file in one step: at any moment it is the old one or the new one, as a whole.

    :param mode: of the new file; unset, that of the file it replaces, or 0600.
    :param owner: user and group; unset, those of the file it replaces, or the caller's.
    :raises OSError: the system refuses; the old file is as it was.
    """
    prepared = prepare(path, content, mode=mode, owner=owner)
    try:
        commit(path, prepared)
    except BaseException:
        discard(path, prepared)
        raise


def prepare(path: Path | str, content: bytes, *, mode: int | None = None, owner: Owner | None = None) -> int:
    """Write a file next to its place, synced and with its owner and mode; returns what :func:`commit` takes."""
    path = Path(path)
    with around(path) as parent:
        before = _facts(path.name, parent)
        if before is not None and stat.S_ISREG(before.st_mode):
            mode = stat.S_IMODE(before.st_mode) if mode is None else mode
            owner = (before.st_uid, before.st_gid) if owner is None and os.geteuid() == 0 else owner
        _unlink(_candidate(path), parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(_candidate(path), flags, 0o600, dir_fd=parent)
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
                out.flush()
                _set(descriptor, mode, owner)
                os.fsync(descriptor)
                return os.fstat(descriptor).st_ino
        except BaseException:
            _unlink(_candidate(path), parent)
            raise


def commit(path: Path | str, prepared: int) -> None:
    """Put what was prepared in its place."""
    path = Path(path)
    with around(path) as parent:
        found = _facts(_candidate(path), parent)
        if found is None or found.st_ino != prepared:
            raise OSError(errno.EBUSY, "another run writes it at the same time")
        os.rename(_candidate(path), path.name, src_dir_fd=parent, dst_dir_fd=parent)
        _sync(parent)


def discard(path: Path | str, prepared: int | None = None) -> None:
    """Remove what was, or may have been, prepared; with what :func:`prepare` returned, never that of another run."""
    path = Path(path)
    with contextlib.suppress(OSError, GroundworkError), around(path) as parent:
        found = _facts(_candidate(path), parent)
        if found is not None and prepared in (None, found.st_ino):
            _unlink(_candidate(path), parent)


def link(path: Path | str, target: str) -> None:
    """Make a link, in place of an earlier one."""
    path = Path(path)
    with around(path) as parent:
        _unlink(_candidate(path), parent)
        os.symlink(target, _candidate(path), dir_fd=parent)
        try:
            os.rename(_candidate(path), path.name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            _unlink(_candidate(path), parent)
            raise
        _sync(parent)


def make_directory(
    path: Path | str, *, mode: int = 0o755, owner: Owner | None = None, parents: int | None = None
) -> bool:
    """Make a folder.

    :param parents: mode of those above it, which are made as the caller's own; unset, they have to be there.
    :returns: whether it was made. One that is there already stays as it is.
    """
    path = Path(path)
    if parents is not None and not os.path.lexists(path.parent):
        make_directory(path.parent, mode=parents, parents=parents)
    with around(path) as parent:
        try:
            os.mkdir(path.name, 0o700, dir_fd=parent)
        except FileExistsError:
            return False
        descriptor = os.open(path.name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)
        try:
            _set(descriptor, mode, owner)
        except BaseException:
            os.rmdir(path.name, dir_fd=parent)
            raise
        finally:
            os.close(descriptor)
        _sync(parent)
        return True


def set_attributes(path: Path | str, *, mode: int | None = None, owner: Owner | None = None) -> None:
    """Give a file or folder another owner or mode.

    :raises GroundworkError: as root: it is a link, or a file with a second name, in a folder of another account.
    """
    path = Path(path)
    if os.geteuid() != 0:
        if owner is not None:
            os.chown(path, *owner)
        if mode is not None:
            path.chmod(mode)
        return
    with opened(path) as descriptor:
        _set(descriptor, mode, owner)


def read(path: Path | str) -> bytes | None:
    """What a file holds, ``None`` when it is not there.

    :raises GroundworkError: as root: it is a link, or a file with a second name, in a folder of another account.
    """
    try:
        with opened(Path(path)) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def remove(path: Path | str) -> None:
    """Remove a file, a link or an empty folder, where there is one."""
    path = Path(path)
    with contextlib.suppress(FileNotFoundError), around(path) as parent:
        facts = _facts(path.name, parent)
        if facts is not None and stat.S_ISDIR(facts.st_mode):
            os.rmdir(path.name, dir_fd=parent)
        else:
            _unlink(path.name, parent)
        _sync(parent)


def remove_tree(path: Path | str) -> None:
    """Remove a folder with all that is in it, where there is one; links in it are removed, not followed."""
    path = Path(path)
    with contextlib.suppress(FileNotFoundError), around(path) as parent:
        facts = _facts(path.name, parent)
        if facts is not None and stat.S_ISDIR(facts.st_mode):
            descriptor = os.open(path.name, FOLDER | os.O_NOFOLLOW, dir_fd=parent)
            try:
                _empty(descriptor)
            finally:
                os.close(descriptor)
    remove(path)


def empty(path: Path | str) -> None:
    """Remove all that is in a folder, which may be a mount point and stays."""
    with folder(path) as descriptor:
        _empty(descriptor)


def rename(old: Path, name: str) -> None:
    """Give a file or folder another name in its folder, in place of a file, or of an empty folder, that has it."""
    with around(old) as parent:
        os.rename(old.name, name, src_dir_fd=parent, dst_dir_fd=parent)
        _sync(parent)


@contextlib.contextmanager
def temporary_folder(
    files: t.Callable[[Path], t.Mapping[str, bytes]], *, readers: int | None = None
) -> t.Iterator[Path]:
    """A folder of the caller's own with files in it, removed at the end.

    :param files: from the folder to content by path in it.
    :param readers: group whose members may read what is in it, and change nothing.
    """
    with tempfile.TemporaryDirectory(prefix="groundwork-", ignore_cleanup_errors=True) as name:
        for relative, content in files(Path(name)).items():
            path = Path(name, relative)
            path.parent.mkdir(exist_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(content)
        if readers is not None and os.geteuid() == 0:
            # The folder itself comes last: until then only the caller gets at what is in it.
            for path in (*Path(name).glob("**/*"), Path(name)):
                os.chown(path, 0, readers)
                path.chmod(0o750 if path.is_dir() else 0o640)
        yield Path(name)


def _candidate(path: Path) -> str:
    return f".{path.name}{SUFFIX}"


def _facts(name: str, parent: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _unlink(name: str, parent: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def _set(descriptor: int, mode: int | None, owner: Owner | None) -> None:
    # Owner first: a change of owner clears the set-user-ID bit.
    if owner is not None:
        os.fchown(descriptor, *owner)
    if mode is not None:
        os.fchmod(descriptor, mode)


def _empty(descriptor: int) -> None:
    for _path, folders, files, here in os.fwalk(".", topdown=False, dir_fd=descriptor):
        for name in files:
            os.unlink(name, dir_fd=here)
        for name in folders:
            try:
                os.rmdir(name, dir_fd=here)
            except NotADirectoryError:
                os.unlink(name, dir_fd=here)
    _sync(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot sync a folder.
        if error.errno != errno.EINVAL:
            raise
