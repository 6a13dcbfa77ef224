"""A migration or callback script as it was found, and its text as a stream."""

from __future__ import annotations

import dataclasses
import io
import typing as t

from ...._core.errors import GroundworkError
from ...._migration.filename import BASELINE, CALLBACK, REPEATABLE, UNDO, VERSIONED, Name
from ...._migration.source import SourceFile
from ...._migration.version import Version
from .placeholder import Placeholders
from .script_config import ScriptConfig

#: What the history table's column "type" holds for a script of this kind.
ROW_TYPES = {VERSIONED: "SQL", REPEATABLE: "SQL", BASELINE: "SQL_BASELINE", UNDO: "UNDO_SQL", CALLBACK: ""}


@dataclasses.dataclass(frozen=True)
class Script:
    """One script.

    :ivar checksum: of the text as it stands in the file.
    :ivar other_checksum: of a repeatable with its placeholders replaced; ``None`` when that makes no difference. Either
        counts as equal, and this one is what is stored.
    :ivar executes: False when shouldExecute in its ``.conf`` file says so: it stays pending then, and is left out.
    """

    file: SourceFile
    name: Name
    config: ScriptConfig
    encoding: str
    replaces_placeholders: bool
    checksum: int
    other_checksum: int | None = None
    executes: bool = True

    @property
    def path(self) -> str:
        """As stored in the history table: at most 1000 characters, the beginning cut like Flyway does."""
        path = self.file.script
        return path if len(path) <= 1000 else "..." + path[3:1000]

    @property
    def label(self) -> str:
        return self.file.label

    @property
    def kind(self) -> str:
        return self.name.kind

    @property
    def version(self) -> Version | None:
        return self.name.version

    @property
    def description(self) -> str:
        """As stored in the history table: at most 200 characters."""
        text = self.name.description
        return text if len(text) <= 200 else text[:197] + "..."

    @property
    def row_type(self) -> str:
        return ROW_TYPES[self.kind]

    @property
    def stored_checksum(self) -> int:
        return self.checksum if self.other_checksum is None else self.other_checksum

    def checksum_matches(self, applied: int | None) -> bool:
        return applied in (self.checksum, self.stored_checksum)

    def lines(self, placeholders: Placeholders) -> t.Iterator[str]:
        """Yield the text line by line, placeholders replaced where that is on."""
        lines = decoded_lines(self.file, self.encoding)
        if not self.replaces_placeholders:
            return lines
        own = placeholders.with_values({"flyway:filename": self.file.name})
        return own.lines(lines, self.label)

    def has_secret(self, placeholders: Placeholders) -> bool:
        """Whether its statements carry the value of a placeholder that must not be shown."""
        return self.replaces_placeholders and placeholders.has_secret(decoded_lines(self.file, self.encoding))


def decoded_lines(file: SourceFile, encoding: str) -> t.Iterator[str]:
    """Yield the lines of a file with their ends as they are, without a byte order mark.

    :raises GroundworkError: bytes that are not valid in ``encoding``.
    """
    with file.open() as raw, io.TextIOWrapper(raw, encoding, errors="strict", newline="") as text:
        number = 0
        try:
            for number, line in enumerate(text, 1):
                yield line.removeprefix("\ufeff") if number == 1 else line
        except UnicodeDecodeError as error:
            raise GroundworkError(
                f"The script is not valid {encoding}: {error.reason}.",
                where=f"{file.label}:{number + 1}",
                untouched="the database",
                hint="Save the file in that encoding, or name its own one.",
            ) from None
