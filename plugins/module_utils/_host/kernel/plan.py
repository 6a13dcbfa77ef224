"""From wanted and live values to the changes, and to what this platform does not permit. Looks at nothing itself."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._core.plan import Step
from .declared import Setting

_CHOSEN = re.compile(r"\[([^\]]+)\]")


@dataclasses.dataclass(frozen=True)
class Live:
    """
    :ivar text: what the file says, ``None`` when it is not there.
    :ivar writable: whether it can be written from here; ``reason`` says why not.
    """

    text: str | None
    writable: bool
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class KernelPlan:
    """
    :ivar changes: the settings to write now, with their steps.
    :ivar not_permitted: what stays different, and why.
    """

    changes: tuple[tuple[Setting, Step], ...]
    not_permitted: tuple[dict[str, t.Any], ...]


def plan_kernel(settings: list[Setting], live: dict[str, Live]) -> KernelPlan:
    """
    :param live: by path, for every setting that has one.
    """
    changes, not_permitted = [], []
    for setting in settings:
        if not setting.path:
            not_permitted.append(_report(setting, None, setting.missing))
            continue
        now = live[setting.path]
        found = None if now.text is None else current(setting, now.text)
        if found == setting.value:
            continue
        if found is None:
            not_permitted.append(_report(setting, None, "this kernel has no such setting"))
        elif setting.kind == "transparent huge pages" and setting.value not in choices(now.text or ""):
            not_permitted.append(_report(setting, found, f"this kernel offers {', '.join(choices(now.text or ''))}"))
        elif not now.writable:
            not_permitted.append(_report(setting, found, now.reason))
        else:
            changes.append((setting, Step("set", setting.kind, setting.name, before=found, after=setting.value)))
    return KernelPlan(tuple(changes), tuple(not_permitted))


def current(setting: Setting, text: str) -> str:
    """The value in the words of the request; of several the kernel marks the chosen one with brackets."""
    if setting.kind == "transparent huge pages":
        chosen = _CHOSEN.search(text)
        return chosen[1] if chosen else text.strip()
    return " ".join(text.split())


def choices(text: str) -> list[str]:
    return [word.strip("[]") for word in text.split()]


def _report(setting: Setting, found: str | None, why: str) -> dict[str, t.Any]:
    return {"kind": setting.kind, "name": setting.name, "wanted": setting.value, "found": found, "why": why}


def overridden(settings: list[Setting], own_file: str, files: list[tuple[str, str]]) -> list[str]:
    """Which values another file replaces at the next boot.

    :param own_file: base name of the file that holds ``settings``.
    :param files: (path, text) of the host's other sysctl.d files, of one name only the one that counts.
    """
    last: dict[str, tuple[str, str]] = {}
    for path, text in sorted(files, key=lambda file: file[0].rpartition("/")[2]):
        if path.rpartition("/")[2] <= own_file:
            continue
        for line in text.splitlines():
            name, equals, value = line.partition("=")
            if equals and not name.lstrip().startswith(("#", ";")):
                last[name.strip().lstrip("-").replace("/", ".")] = (" ".join(value.split()), path)
    return [
        f"{setting.name} = {last[name][0]} in {path} replaces {setting.value} at the next boot."
        for setting in settings
        for name in [setting.name.replace("/", ".")]
        if name in last and last[name][0] != setting.value
        for path in [last[name][1]]
    ]
