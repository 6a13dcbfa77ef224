"""Settings that wait for a restart: predicted from the files, or as the server tells them."""

from __future__ import annotations

import typing as t

from ..settings import check, units, values
from ..settings.catalogue import Setting
from ..settings.check import Effective
from .live import Server

# Where a value comes from that no file can change.
_BEYOND_FILES = ("command line", "override", "environment variable")


def predicted(server: Server, effective: t.Mapping[str, Effective]) -> list[dict[str, str]]:
    """What will wait once the files that say ``effective`` are in force."""
    found = []
    for setting in server.definitions:
        name = setting.name.lower()
        if not setting.needs_restart or server.sources[name] in _BEYOND_FILES:
            continue
        said = effective.get(name)
        if said is None and server.sources[name] != "configuration file":
            continue
        wanted = said.text if said else setting.boot
        # The server chooses wal_buffers by itself when told -1, and shows what it chose.
        chosen = name == "wal_buffers" and wanted.strip() == "-1"
        if not chosen and values.meaning(setting, server.values[name]) != values.meaning(setting, wanted):
            found.append(entry(setting, server.values[name], wanted))
    return sorted(found, key=lambda waiting: waiting["name"])


def told(server: Server, wanted: t.Mapping[str, str]) -> list[dict[str, str]]:
    """What waits now.

    :param wanted: what the files say of each; a setting that they do not mention goes back to its default.
    """
    settings = {setting.name: setting for setting in server.definitions}
    return [
        entry(settings[name], server.values[name.lower()], wanted.get(name.lower(), settings[name].boot))
        for name in sorted(server.pending)
    ]


def entry(setting: Setting, current: str, wanted: str) -> dict[str, str]:
    return {
        "name": setting.name,
        "current": check.hidden(setting.name, readable(setting, current)),
        "new": check.hidden(setting.name, readable(setting, wanted)),
    }


def readable(setting: Setting, written: str) -> str:
    """A value with its unit, the same way whoever wrote it: 1GB and not 131072."""
    meant = values.meaning(setting, written)
    return units.text(meant, setting.unit) if isinstance(meant, float) else written
