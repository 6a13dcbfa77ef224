"""Everything that is wrong with one input, so that one run shows it all."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .error_codes import ErrorCode
from .errors import GroundworkError


@dataclasses.dataclass(frozen=True)
class Problem:
    """
    :ivar path: where it stands in the input, such as ``users[1].password``.
    :ivar text: what is wrong, in one sentence; never a secret.
    :ivar hint: what to do, in a sentence of its own.
    :ivar code: where it is another one than that of the whole input.
    """

    path: str
    text: str
    hint: str | None = None
    code: ErrorCode | None = None

    def line(self) -> str:
        return f"{self.path}: {self.text}" + (f" {self.hint}" if self.hint else "")

    def facts(self) -> dict[str, str]:
        hint = {"hint": self.hint} if self.hint else {}
        return {"path": self.path, "problem": self.text, **hint}


class Problems:
    """The problems of one input, in the order in which they were found, each of them once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, path: str, text: str, hint: str | None = None, code: ErrorCode | None = None) -> None:
        problem = Problem(path, text, hint, code)
        if problem not in self.found:
            self.found.append(problem)

    def __bool__(self) -> bool:
        return bool(self.found)

    def raise_if_any(self, subject: str, code: ErrorCode, untouched: str = "everything; nothing was written") -> None:
        """
        :param subject: what was read, such as ``the specification``.
        :param code: of the failure, unless the first problem has its own.
        :raises GroundworkError: there is at least one problem; all of them are in its text and details.
        """
        if not self.found:
            return
        first = self.found[0]
        alone = len(self.found) == 1
        lines = "".join(f"\n  {problem.line()}" for problem in self.found)
        raise GroundworkError(
            f"{first.path}: {first.text}" if alone else f"{len(self.found)} problems in {subject}:{lines}",
            untouched=untouched,
            hint=first.hint if alone else None,
            code=first.code or code,
            details={"problems": [problem.facts() for problem in self.found]},
        )


@contextlib.contextmanager
def collected(subject: str, code: ErrorCode, untouched: str) -> t.Iterator[Problems]:
    """Problems that are raised at the end; see :meth:`Problems.raise_if_any`."""
    problems = Problems()
    yield problems
    problems.raise_if_any(subject, code, untouched)


def repeated(names: t.Iterable[str]) -> list[str]:
    """The names that stand there more than once, each of them once."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    return [name for name, count in seen.items() if count > 1]
