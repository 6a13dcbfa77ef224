"""One application as its file describes it, and those of a run that one server holds."""

from __future__ import annotations

import dataclasses
import re

from . import located
from .located import Located
from .problem import Problem

# It is a part of the name of a variable, and of a path.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclasses.dataclass(frozen=True)
class Application:
    """:ivar file: path as messages show it. :ivar folder: where its folders of migrations are. :ivar found: the file's
    mapping; ``None`` when it cannot be read.
    """

    name: str
    file: str
    folder: str
    found: Located | None
    problems: tuple[Problem, ...] = ()

    def store(self, engine: str) -> Located | None:
        return self.found.get(engine) if self.found else None


def parse(name: str, content: bytes, file: str, folder: str) -> Application:
    """Read a description; what is wrong with its text is in the problems."""
    try:
        found, problems = located.read(located.decode(content, file), file)
    except located.Unreadable as error:
        return Application(name, file, folder, None, (error.problem,))
    return Application(name, file, folder, found, tuple(problems))


def unreadable(name: str, file: str, folder: str, text: str) -> Application:
    return Application(name, file, folder, None, (Problem(file, 1, "", text),))


@dataclasses.dataclass(frozen=True)
class Server:
    """What else than the applications a server holds, as the inventory says.

    :ivar roles: names of roles, with ``name@database`` for MongoDB.
    """

    roles: frozenset[str] = frozenset()
    databases: frozenset[str] = frozenset()
