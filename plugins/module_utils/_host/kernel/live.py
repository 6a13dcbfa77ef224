"""Reads and writes the kernel's own files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .declared import Device, Setting
from .plan import Live, current

_SYSCTL_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")
_REASONS = {
    errno.EROFS: "it is on a read-only file system here, as in most containers",
    errno.EACCES: "this user may not write it",
    errno.EPERM: "this user, or this container, may not write it",
}


def read_settings(settings: list[Setting]) -> dict[str, Live]:
    return {setting.path: _read(Path(setting.path)) for setting in settings if setting.path}


def _read(path: Path) -> Live:
    try:
        text = path.read_text()
    except OSError:
        return Live(None, False)
    # Opening for writing writes nothing, and knows more than the permission bits: read-only mounts, namespaces.
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError as error:
        return Live(text, False, _REASONS.get(error.errno or 0, error.strerror or "it cannot be opened for writing"))
    return Live(text, True)


def write(setting: Setting) -> str | None:
    """Write a value and read it back.

    :returns: why the platform does not take it, ``None`` when it did.
    :raises GroundworkError: the kernel refuses this very value.
    """
    path = Path(setting.path)
    try:
        path.write_text(setting.value + "\n")
    except OSError as error:
        if error.errno in _REASONS:
            return _REASONS[error.errno]
        raise _refused(setting, error.strerror or str(error)) from None
    found = current(setting, path.read_text())
    if found != setting.value:
        raise _refused(setting, f"it keeps {found}")
    return None


def _refused(setting: Setting, why: str) -> GroundworkError:
    return GroundworkError(
        f"The kernel does not take {setting.value} for {setting.name}: {why}.",
        where=setting.path,
        untouched=f"{setting.name}, and the files that would set it at the next boot",
        hint="Correct the value.",
        code=ErrorCode.KERNEL_REFUSED,
    )


def find_device(path: str) -> Device:
    """The disk below a path, or below the nearest folder above it that is there already."""
    place = Path(path)
    while not place.exists():
        place = place.parent
    number = place.stat().st_dev
    link = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    if not link.exists():
        return Device("", f"{place} is on no block device of this host")
    device = link.resolve()
    if (device / "partition").exists():
        device = device.parent
    return Device(device.name)


def other_sysctl_files(own: str) -> list[tuple[str, str]]:
    """Path and text of the files that are read at boot; of one name the first folder's counts."""
    found: dict[str, Path] = {}
    for folder in _SYSCTL_FOLDERS:
        for path in sorted(Path(folder).glob("*.conf")):
            found.setdefault(path.name, path)
    texts = []
    for path in found.values():
        if str(path) == own:
            continue
        try:
            texts.append((str(path), path.read_text(errors="replace")))
        except OSError:
            continue
    return texts
