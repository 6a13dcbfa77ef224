"""Flyway's versions: digits in groups, compared group by group as numbers of any size."""

from __future__ import annotations

import dataclasses
import functools
import re

from .._core.errors import GroundworkError

_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")


class InvalidVersionError(GroundworkError):
    """The text is no version."""


@functools.total_ordering
@dataclasses.dataclass(frozen=True, eq=False)
class Version:
    """A version as the history table stores it, with its value for comparing.

    :ivar text: with ``_`` replaced by ``.``, leading zeros kept.
    :ivar parts: the groups as numbers, zero groups at the end removed: ``1``, ``01`` and ``1_0_0`` are the same
        version.
    """

    text: str
    parts: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read a version from a file name or from the history table.

        :raises InvalidVersionError: anything but digits, ``.`` and ``_``.
        """
        dotted = text.replace("_", ".")
        if not _VERSION.fullmatch(dotted):
            raise InvalidVersionError(
                f"Version may only contain 0..9 and . (dot). Invalid version: {text}",
                hint="Write versions like 1, 1.2.3, 1_2_3 or 20260131120000.",
            )
        parts = [int(part) for part in dotted.split(".")]
        while parts and parts[-1] == 0:
            parts.pop()
        return cls(dotted, tuple(parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.parts == other.parts

    def __lt__(self, other: Version) -> bool:
        return self.parts < other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __str__(self) -> str:
        return self.text


@dataclasses.dataclass(frozen=True)
class Target:
    """How far to migrate.

    :ivar keyword: ``latest``, ``current``, ``next``, or empty when ``version`` decides.
    :ivar optional: written ``2.1?``: it is no error when no migration has that version.
    """

    keyword: str = "latest"
    version: Version | None = None
    optional: bool = False

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read Flyway's ``target``.

        :raises InvalidVersionError: neither a keyword nor a version.
        """
        word = text.strip().lower()
        if word in ("latest", "current", "next"):
            return cls(word)
        return cls("", Version.parse(text.strip().removesuffix("?")), word.endswith("?"))

    def open(self) -> Target:
        """The same without limit, to look at everything there is."""
        return Target("latest")

    def __str__(self) -> str:
        return self.keyword or str(self.version)
