"""Change files of all locations: names read, checksums taken, contents validated, duplicates refused."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.problems import Problems
from ..._migration import checksum, filename
from ..._migration.java_text import order_key
from ..._migration.source import Source, SourceFile
from ..._migration.version import Version
from . import document, operation

SUFFIXES = (".json", ".yml", ".yaml")
NAMING = filename.Naming(suffixes=SUFFIXES)


@dataclasses.dataclass(frozen=True)
class Script:
    """One change file.

    :ivar version: ``None`` for a repeatable one.
    :ivar name: path relative to its location.
    :ivar label: path to show to people.
    """

    version: Version | None
    description: str
    name: str
    label: str
    checksum: int
    operations: tuple[operation.Operation, ...]

    @property
    def key(self) -> str:
        """Unique among everything that the history holds: 1, 1.0 and 01 are one version."""
        if self.version is None:
            return f"R {self.description}"
        return version_key(self.version)

    @property
    def title(self) -> str:
        return f"{self.version or 'repeatable'} {self.description}".strip()


def version_key(version: Version) -> str:
    return "V " + (".".join(str(part) for part in version.parts) or "0")


def resolve(source: Source, invalid: t.Callable[[t.Any], str | None]) -> list[Script]:
    """Every change file, versioned ones by version, then repeatable ones by description.

    :param invalid: says why a value cannot be sent to the server, ``None`` when it can.
    :raises GroundworkError: anything is wrong with any file; all problems of their contents are told at once.
    """
    problems = Problems()
    scripts = []
    for file in source.files:
        name = filename.parse(file.name, NAMING)
        if name is None or name.kind == filename.CALLBACK:
            if file.name.lower().endswith(SUFFIXES):
                problems.add(file.label, "a change file is named V<version>__<description> or R__<description>")
        elif name.kind not in (filename.VERSIONED, filename.REPEATABLE):
            problems.add(file.label, f"{name.kind} files are not supported")
        elif name.problem:
            problems.add(file.label, name.problem)
        else:
            script = _script(file, name, problems, invalid)
            if script:
                scripts.append(script)
    problems.raise_if_any("the change files", ErrorCode.INVALID_CHANGE_FILE)
    _refuse_duplicates(scripts)
    return sorted(scripts, key=_order)


def _order(script: Script) -> tuple[bool, tuple[int, ...], bytes]:
    return script.version is None, script.version.parts if script.version else (), order_key(script.description)


def _script(
    file: SourceFile, name: filename.Name, problems: Problems, invalid: t.Callable[[t.Any], str | None]
) -> Script | None:
    with file.open() as stream:
        value = checksum.checksum_of_file(stream, "utf-8", file.label)
    with file.open() as stream:
        text = stream.read().decode("utf-8-sig")
    try:
        content = document.parse(text, file.label)
    except GroundworkError as error:
        if error.code != ErrorCode.MALFORMED_CHANGE_FILE:
            raise
        problems.add(error.where or file.label, error.what)
        return None
    if not isinstance(content.value, dict) or set(content.value) != {document.OPERATIONS} or not content.operations:
        problems.add(file.label, "a change file is a mapping with one name, operations, and a list of at least one")
        return None
    found = operation.read(content.operations, file.label, name.kind == filename.REPEATABLE, problems)
    for one in found:
        reason = _why_invalid(one, invalid)
        if reason:
            problems.add(f"{one.where}.{one.kind}{reason[0]}", reason[1])
    return Script(name.version, name.description, file.script, file.label, value, tuple(found))


def _why_invalid(one: operation.Operation, invalid: t.Callable[[t.Any], str | None]) -> tuple[str, str] | None:
    parts = [(f".documents[{index}]", item) for index, item in enumerate(one.body.get("documents") or [])]
    parts += [(f".{name}", item) for name, item in one.body.items() if name != "documents"]
    for path, item in parts:
        reason = invalid(item)
        if reason:
            return path, reason
    return None


def _refuse_duplicates(scripts: list[Script]) -> None:
    seen: dict[str, Script] = {}
    for script in scripts:
        if script.key in seen:
            what = f"version {script.version}" if script.version else f"description {script.description}"
            code = (
                ErrorCode.DUPLICATE_VERSIONED_MIGRATION if script.version else ErrorCode.DUPLICATE_REPEATABLE_MIGRATION
            )
            raise GroundworkError(
                f"Found more than one migration with {what}:\n-> {seen[script.key].label}\n-> {script.label}",
                untouched=document.UNTOUCHED, code=code,
                hint="Give one of them another version or description; 1, 01 and 1_0_0 are the same version.",
            )
        seen[script.key] = script
