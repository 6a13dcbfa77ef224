"""The check of all applications of a run: each file once, and for each server what it would hold."""

from __future__ import annotations

import dataclasses
import typing as t

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from . import module_rules, references, structure
from .application import Application, Server
from .located import Entry, Located
from .problem import Problem
from .resolve import Resolver, resolve

UNTOUCHED = "everything: no server was started, and no file was written"

_REFERENCES: dict[str, t.Callable[[t.Sequence[Application], Server, bool], t.Iterator[Problem]]] = {
    "postgresql": references.postgresql,
    "mongodb": references.mongodb,
}
ENGINES = tuple(_REFERENCES)


class Check:
    """Collects what is wrong, each problem once, however many hosts have it."""

    def __init__(self) -> None:
        self._schema = structure.load()
        self._hosts: dict[Problem, set[str]] = {}
        self._checked: dict[str, set[str]] = {}
        self._everywhere: set[Problem] = set()
        self._wrong_files: set[str] = set()

    def files(self, applications: t.Iterable[Application]) -> None:
        """What a file says, whatever the host."""
        for application in applications:
            problems = list(application.problems)
            if application.found:
                problems += structure.check(application.found, self._schema, application.file)
            self._everywhere.update(problems)
            self._wrong_files.update(problem.file for problem in problems)

    def unused(self, engine: str, applications: t.Sequence[Application]) -> None:
        """A store that no host of the run holds: its templates stay as they are."""
        self._everywhere.update(self._of_applications(engine, applications, Server(), self._complete(applications)))

    def server(
        self, engine: str, host: str, applications: t.Sequence[Application], server: Server, resolver: Resolver
    ) -> None:
        """A store on a host, with the values that its templates have there."""
        self._checked.setdefault(engine, set()).add(host)
        for problem in self._of_server(engine, applications, server, resolver):
            self._hosts.setdefault(problem, set()).add(host)

    def _of_server(
        self, engine: str, applications: t.Sequence[Application], server: Server, resolver: Resolver
    ) -> list[Problem]:
        problems: list[Problem] = []
        with_values = []
        for application in applications:
            store = application.store(engine)
            if application.found is None or store is None:
                with_values.append(application)
                continue
            found = resolve(store, resolver, application.file, engine, problems)
            schema = self._schema["properties"][engine]
            problems += structure.check(found, schema, application.file, engine)
            with_values.append(_with_store(application, engine, found))
        complete = not problems and self._complete(applications)
        return problems + self._of_applications(engine, with_values, server, complete)

    @staticmethod
    def _of_applications(
        engine: str, applications: t.Sequence[Application], server: Server, complete: bool
    ) -> list[Problem]:
        problems = list(_REFERENCES[engine](applications, server, complete))
        if complete and not problems:
            return [problem for application in applications for problem in module_rules.problems(application, engine)]
        return problems

    def _complete(self, applications: t.Sequence[Application]) -> bool:
        return not any(application.file in self._wrong_files for application in applications)

    def problems(self) -> list[str]:
        """One line each, in the order of the files."""
        listed = {(problem, "") for problem in self._everywhere}
        for problem, hosts in self._hosts.items():
            if problem not in self._everywhere:
                engine = problem.path.partition(".")[0].partition("[")[0]
                everywhere = hosts == self._checked.get(engine, hosts)
                listed.add((problem, "" if everywhere else f" (on {', '.join(sorted(hosts))})"))
        return [f"{problem}{where}" for problem, where in sorted(listed)]


def _with_store(application: Application, engine: str, store: Located) -> Application:
    found = t.cast(Located, application.found)
    entry = found.value[engine]
    mapping = {**found.value, engine: Entry(entry.line, store)}
    return dataclasses.replace(application, found=Located(mapping, found.line, found.origin))


def refuse(problems: t.Sequence[str], subject: str, hint: str) -> None:
    """:raises GroundworkError: there is a problem; all of them are in its text, one a line."""
    if not problems:
        return
    count = len(problems)
    first = "One problem" if count == 1 else f"{count} problems"
    raise GroundworkError(
        f"{first} in {subject}:\n  " + "\n  ".join(problems),
        untouched=UNTOUCHED, hint=hint, code=ErrorCode.INVALID_APPLICATION,
    )  # fmt: skip
