"""Ends the process that works at a chosen point, as ``kill -9`` would: before its n-th call of some functions.

A clock would hit another point on every machine; counting calls visits each of them, and says when there are no more.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import typing as t

#: Names of functions written in C, of any module.
FILE_CHANGES = frozenset(
    {"write", "fsync", "truncate", "rename", "replace", "unlink", "remove", "mkdir", "rmdir", "link", "symlink"}
    | {"chmod", "fchmod", "chown", "fchown", "lchown"}
)
SQL_STATEMENTS = frozenset({"execute", "copy_expert"})
MONGODB_MESSAGES = frozenset({"sendall"})

LIMIT = 1000


class KillPoint(t.NamedTuple):
    """Before which call a process is to end: the first call has the number 1."""

    calls: frozenset[str]
    number: int


def arm(point: KillPoint) -> None:
    """Let this process end at the point, in whichever of its threads it is reached."""
    numbers = itertools.count(1)

    def watch(_frame: t.Any, event: str, function: t.Any) -> None:
        if event != "c_call" or function.__name__ not in point.calls:
            return
        # str.replace has the name of os.replace.
        if not isinstance(function.__self__, (str, bytes)) and next(numbers) == point.number:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(watch)
    sys.setprofile(watch)


def every_point(
    calls: frozenset[str],
    start: t.Callable[[KillPoint], t.Any],
    *,
    at_least: int,
    first: int = 1,
    step: int = 1,
) -> t.Iterator[int]:
    """Start a process per point until one comes through, and yield after each that did not.

    :param start: starts the process that is killed at the point; gives what ``ModuleProcess`` is.
    :param at_least: how many calls there are to be killed before; fewer mean that they were not counted.
    :return: the number of the point that the process was killed at.
    """
    for number in range(first, LIMIT, step):
        process = start(KillPoint(calls, number))
        output = process.communicate(timeout=120)
        if process.returncode == 0:
            assert number > at_least, f"the run has only {number - 1} calls of {', '.join(sorted(calls))}"
            return
        assert process.returncode == -signal.SIGKILL, output
        yield number
    raise AssertionError(f"after {LIMIT} calls the process had not come to its end")
