"""Which files of the collection a program is made of: its own, and those that they import."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path, PurePosixPath

from .._core.errors import GroundworkError

#: Every program is a folder there with this file, whose ``main()`` runs it. Folders with "_" are what programs share.
PROGRAMS = "programs"
ENTRY = "main.py"
_NOT_ON_HOSTS = ("ansible", "ansible_collections")


def names(root: Path) -> list[str]:
    """Names of all programs.

    :param root: the collection's folder ``plugins``.
    """
    return sorted(path.parent.name for path in root.glob(f"{PROGRAMS}/[!_]*/{ENTRY}"))


def read(root: Path, program: str) -> dict[PurePosixPath, bytes]:
    """Every file of a program by its path below ``root``.

    :raises GroundworkError: there is no such program, or it imports what a host does not have.
    """
    if program not in names(root):
        raise GroundworkError(
            f"There is no program {program!r}.", where=f"plugins/{PROGRAMS}", untouched="everything",
            hint=f"Programs are {', '.join(names(root))}.",
        )  # fmt: skip
    found: dict[PurePosixPath, bytes] = {}
    waiting = [PurePosixPath(PROGRAMS, program, ENTRY)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = (root / path).read_bytes()
            waiting += _imported(root, path, found[path])
    return found


def _imported(root: Path, path: PurePosixPath, text: bytes) -> t.Iterator[PurePosixPath]:
    for node in ast.walk(ast.parse(text, str(path))):
        if isinstance(node, ast.Import):
            _refuse_absolute(path, node, [alias.name for alias in node.names])
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            _refuse_absolute(path, node, [node.module or ""])
        elif isinstance(node, ast.ImportFrom):
            yield from _relative(root, path, node)


def _refuse_absolute(path: PurePosixPath, node: ast.stmt, modules: list[str]) -> None:
    for module in modules:
        if module.partition(".")[0] in _NOT_ON_HOSTS:
            raise GroundworkError(
                f"A program cannot import {module}: hosts do not have it.", where=f"plugins/{path}:{node.lineno}",
                untouched="everything", hint="Import modules of this collection relatively, and nothing of Ansible.",
            )  # fmt: skip


def _relative(root: Path, path: PurePosixPath, node: ast.ImportFrom) -> t.Iterator[PurePosixPath]:
    """Files behind ``from .module import name``, where a name may be a module of its own."""
    module = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
    for alias in node.names:
        choices = [module / f"{alias.name}.py", module.with_suffix(".py")]
        there = [choice for choice in choices if (root / choice).is_file()]
        if not there:
            raise GroundworkError(
                f"There is no file for the import of {alias.name}.", where=f"plugins/{path}:{node.lineno}",
                untouched="everything", hint=f"Looked at plugins/{choices[0]} and plugins/{choices[1]}.",
            )  # fmt: skip
        yield there[0]
