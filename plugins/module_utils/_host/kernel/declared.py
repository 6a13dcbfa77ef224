"""What a call wants of the kernel, and the files that make it last. Looks at nothing."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from pathlib import PurePosixPath

from ..._core.problems import Problems

UNTOUCHED = "every setting of the kernel"
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage"
_HEADER = "# Written by Ansible (groundwork.databases.host_kernel); what is changed here is overwritten.\n"
_SETTING = re.compile(r"^[A-Za-z0-9_:@-]+([./][A-Za-z0-9_:@-]+)+$")
_FILE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]*$")


@dataclasses.dataclass(frozen=True)
class Setting:
    """One value of the kernel.

    :ivar kind: ``sysctl``, ``transparent huge pages`` or ``read-ahead``.
    :ivar name: as people write it.
    :ivar path: the file that reads and takes it; empty when there is none.
    :ivar missing: why there is no such file.
    """

    kind: str
    name: str
    path: str
    value: str
    missing: str = ""


@dataclasses.dataclass(frozen=True)
class ReadAhead:
    path: str
    kb: int


@dataclasses.dataclass(frozen=True)
class Device:
    """A disk: its name in /sys/block, such as ``sda`` or ``dm-0``; empty with the reason why there is none."""

    name: str
    missing: str = ""


def read_sysctl(values: dict[str, t.Any], problems: Problems) -> list[Setting]:
    """A name or value that cannot be one is a problem, and one setting under two names."""
    settings: dict[str, Setting] = {}
    for name, value in values.items():
        if not _SETTING.match(name):
            problems.add("sysctl", f"{name!r} is not the name of a kernel setting.", "Such as vm.swappiness.")
            continue
        text = _value(name, value, problems)
        path = f"/proc/sys/{sysctl_path(name)}"
        if path in settings:
            problems.add("sysctl", f"{name} is {settings[path].name} under another name.", "Keep one of them.")
        settings[path] = Setting("sysctl", name, path, text)
    return list(settings.values())


def sysctl_path(name: str) -> str:
    """The path below /proc/sys: of '.' and '/' the one that comes first separates, as sysctl.d(5) says."""
    first = next(character for character in name if character in "./")
    return name.translate(str.maketrans("./", "/.")) if first == "." else name


def read_huge_pages(values: dict[str, t.Any]) -> list[Setting]:
    return [
        Setting("transparent huge pages", name, f"{HUGE_PAGES}/{name}", values[name])
        for name in ("enabled", "defrag")
        if values.get(name) is not None
    ]


def read_read_ahead(entries: list[dict[str, t.Any]], problems: Problems) -> list[ReadAhead]:
    """A relative path or a negative size is a problem."""
    for entry in entries:
        if not entry["path"].startswith("/"):
            problems.add("read_ahead", f"{entry['path']!r} is not an absolute path.", "Start it with '/'.")
        if entry["kb"] < 0:
            problems.add("read_ahead", f"{entry['kb']} is not a size.", "Give kilobytes; 0 turns it off.")
    return [ReadAhead(entry["path"], entry["kb"]) for entry in entries]


def read_ahead_settings(entries: list[ReadAhead], devices: dict[str, Device], problems: Problems) -> list[Setting]:
    """
    :param devices: the disk below every path of ``entries``. Two values for one disk are a problem.
    """
    settings: dict[str, Setting] = {}
    for entry in entries:
        device = devices[entry.path]
        path = f"/sys/block/{device.name}/queue/read_ahead_kb" if device.name else ""
        setting = Setting("read-ahead", device.name or entry.path, path, str(entry.kb), device.missing)
        known = settings.setdefault(path or entry.path, setting)
        if known.value != setting.value:
            problems.add(
                "read_ahead",
                f"{entry.path} lies on {device.name}, as another path does, which wants {known.value} KB.",
                "A disk has one read-ahead: give both paths the same.",
            )
    return list(settings.values())


def check_name(name: str, problems: Problems) -> None:
    if not _FILE_NAME.match(name):
        problems.add("name", f"{name!r} cannot be the name of files.", "Use letters, digits, '_' and '-'.")


def sysctl_file(settings: list[Setting]) -> str | None:
    """The text of the file in /etc/sysctl.d; ``None`` when there is nothing to write."""
    if not settings:
        return None
    return _HEADER + "".join(f"{setting.name} = {setting.value}\n" for setting in settings)


def tmpfiles_file(settings: list[Setting]) -> str | None:
    """The text of the file in /etc/tmpfiles.d. The minus sign: a kernel without it must not fail the boot."""
    if not settings:
        return None
    return _HEADER + "".join(f"w- {setting.path} - - - - {setting.value}\n" for setting in settings)


def udev_file(settings: list[Setting]) -> str | None:
    """The text of the file in /etc/udev/rules.d."""
    lines = [
        f'ACTION=="add|change", SUBSYSTEM=="block", KERNEL=="{PurePosixPath(setting.path).parts[3]}",'
        f' ATTR{{queue/read_ahead_kb}}="{setting.value}"\n'
        for setting in settings
        if setting.path
    ]
    return _HEADER + "".join(lines) if lines else None


def _value(name: str, value: t.Any, problems: Problems) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if not isinstance(value, (int, str)) or not str(value).strip() or "\n" in str(value):
        problems.add("sysctl", f"{value!r} is not a value of {name}.", "Give a number or one line of text.")
    return " ".join(str(value).split())
