"""Whether a running mongod asks its clients for a login, from what it was started with, for when nobody can ask it.

The hosts have no YAML library to rely on, so the file is searched for the few settings that decide.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..._host.process import arguments
from . import process, settings

_COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
# In blocks, in braces, with a dotted name, quoted or not; and the older form with equals signs.
_ASKS = re.compile(
    r"""(?mx) (?:^|[\s{,."'])
    (?: authorization["']?\s*:\s*["']?enabled\b | (?:keyFile|clusterAuthMode)["']?\s*:\s*["']?[^\s"'}]
      | auth\s*=\s*true\b | (?:keyFile|clusterAuthMode)\s*=\s*\S )"""
)
_LETS_IN = re.compile(r"""(?m)(?:^|[\s{,."'])transitionToAuth["']?\s*[:=]\s*["']?true\b""")


def of_process(running: process.Process) -> bool | None:
    """What the process's command line and configuration file say, ``None`` when they do not tell."""
    try:
        words = arguments(running.pid)
        path = configuration_file(words)
        text = Path(path).read_text(errors="replace") if path else ""
    except OSError:
        return None
    # What somebody else wrote after the start says nothing of the server. The collection's own file, whose restart may
    # be due still, was only written where this question had been answered.
    if path and process.is_newer(path, running) and not text.startswith(settings.HEADER):
        return None
    return of_options(words, text)


def configuration_file(words: list[str]) -> str | None:
    """The file that a command line names, ``None`` without one."""
    for number, word in enumerate(words):
        name, separator, value = word.partition("=")
        if name in ("--config", "-f"):
            return value if separator else "".join(words[number + 1:number + 2])
    return None


def of_options(words: list[str], text: str = "") -> bool | None:
    """Whether a server that was started so asks for a login: pure.

    :param words: its command line; ``None`` is the answer to an empty one.
    :param text: its configuration file.
    """
    names = {word.partition("=")[0] for word in words if word}
    if not names:
        return None
    plain = _COMMENT.sub("", text)
    if names & {"--transitionToAuth", "--noauth"} or _LETS_IN.search(plain):
        return False
    return bool(names & {"--auth", "--keyFile", "--clusterAuthMode"} or _ASKS.search(plain))
