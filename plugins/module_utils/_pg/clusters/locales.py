"""Locales of the C library."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host import command, filesystem

# What glibc and Debian bring along without generating anything.
ALWAYS = frozenset({"C", "POSIX", "C.utf8"})
GENERATOR = Path("/usr/sbin/locale-gen")
LIST = Path("/etc/locale.gen")
OFFERED = Path("/usr/share/i18n/SUPPORTED")


def library_name(locale: str) -> str:
    """The spelling of ``locale -a``: ``en_US.UTF-8`` is ``en_US.utf8``."""
    name, dot, charset = locale.partition(".")
    charset, at, modifier = charset.partition("@")
    return name + dot + re.sub(r"[^a-z0-9]", "", charset.lower()) + at + modifier


def read_available() -> frozenset[str] | None:
    result = command.run(["/usr/bin/locale", "-a"])
    return frozenset(result.stdout.split()) | ALWAYS if result.ok else None


def read_offered() -> frozenset[str] | None:
    if not OFFERED.is_file():
        return None
    return frozenset(library_name(line.split()[0]) for line in OFFERED.read_text().splitlines() if line.strip())


def generate(names: t.Sequence[str]) -> None:
    """Add the locales to the host's list and make those that it lacks.

    :raises GroundworkError: a locale is unknown to the C library, or could not be written.
    """
    lines = LIST.read_text().splitlines() if LIST.is_file() else []
    wanted = [_supported_line(name) for name in names]
    kept = [line for line in lines if line.lstrip("# ").strip() not in wanted]
    filesystem.write(LIST, "\n".join([*kept, *wanted, ""]).encode(), mode=None if LIST.exists() else 0o644)
    result = command.run([str(GENERATOR), "--keep-existing"])
    missing = [name for name in names if library_name(name) not in (read_available() or frozenset())]
    if not result.ok or missing:
        raise GroundworkError(
            f"The locale {', '.join(missing or names)} could not be generated: {result.said}",
            where=str(LIST),
            untouched="the clusters",
            hint="Fix the cause and run again.",
            code=ErrorCode.LOCALE_FAILED,
        )


def _supported_line(name: str) -> str:
    """The locale with its character set, in the form of locale.gen."""
    for line in OFFERED.read_text().splitlines():
        if line.strip() and library_name(line.split()[0]) == library_name(name):
            return line.strip()
    raise GroundworkError(
        f"The C library knows no locale {name}.",
        where=str(OFFERED),
        untouched="everything",
        hint=f"Choose one of: {OFFERED}, or C.UTF-8.",
        code=ErrorCode.UNKNOWN_LOCALE,
    )
