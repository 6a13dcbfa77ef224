"""From files to scripts: names read, checksums taken, duplicates refused."""

from __future__ import annotations

import codecs
import dataclasses
import typing as t

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...._migration import checksum, filename
from ...._migration.filename import BASELINE, CALLBACK, REPEATABLE, UNDO, VERSIONED, Name, Naming
from ...._migration.java_text import order_key
from ...._migration.source import Source, SourceFile
from ...._migration.version import Version
from . import script_config
from .placeholder import Placeholders
from .script import Script


@dataclasses.dataclass(frozen=True)
class Reading:
    """How scripts are read."""

    naming: Naming
    encoding: str
    placeholder_replacement: bool
    validate_names: bool = False


@dataclasses.dataclass
class Resolved:
    """Everything found in the locations.

    :ivar versioned, baselines: in the order of their versions.
    :ivar repeatables: in the order in which they run.
    :ivar undos: undo script by version.
    :ivar callbacks: event to its scripts in the order in which they run.
    """

    versioned: list[Script] = dataclasses.field(default_factory=list)
    baselines: list[Script] = dataclasses.field(default_factory=list)
    repeatables: list[Script] = dataclasses.field(default_factory=list)
    undos: dict[Version, Script] = dataclasses.field(default_factory=dict)
    callbacks: dict[str, list[Script]] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def migrations(self) -> list[Script]:
        return [*self.versioned, *self.baselines, *self.repeatables]


def resolve(source: Source, reading: Reading) -> Resolved:
    """Read every script of the locations.

    :raises GroundworkError: two scripts of the same version, description or event; a malformed ``.conf`` file; bytes
        that are not valid in the encoding; a malformed name while ``validate_names`` is set.
    """
    configs = {file.script: file for file in source.files if file.script.lower().endswith(".conf")}
    result = Resolved()
    problems = []
    by_kind: dict[str, list[Script]] = {kind: [] for kind in (VERSIONED, BASELINE, REPEATABLE, UNDO, CALLBACK)}
    for file in source.files:
        name = filename.parse(file.name, reading.naming)
        if name is None:
            continue
        if name.problem:
            problems.append(f"{file.label}: {name.problem}")
            continue
        by_kind[name.kind].append(_script(file, name, configs.get(f"{file.script}.conf"), reading))
    if problems and reading.validate_names:
        raise GroundworkError(
            "Invalid SQL filenames found:\n" + "\n".join(problems),
            untouched="the database",
            code=ErrorCode.VALIDATE_ERROR,
            hint="Rename the files, or set validate_migration_naming to false to have them left out with a warning.",
        )
    result.warnings.extend(f"Left out, because its name is not valid: {problem}" for problem in problems)
    for kind, scripts in by_kind.items():
        _refuse_duplicates(kind, scripts)
    _sort_into(result, by_kind)
    return result


def _script(file: SourceFile, name: Name, config_file: SourceFile | None, reading: Reading) -> Script:
    config = script_config.ScriptConfig()
    if config_file:
        with config_file.open() as content:
            config = script_config.parse(content.read().decode("utf-8", "replace"), config_file.label)
    encoding = python_encoding(config.encoding or reading.encoding, file.label)
    replaces = (
        reading.placeholder_replacement if config.placeholder_replacement is None else config.placeholder_replacement
    )
    with file.open() as content:
        value = checksum.checksum_of_file(content, encoding, file.label)
    return Script(file, name, config, encoding, replaces, value)


def bind(resolved: Resolved, placeholders: Placeholders) -> Resolved:
    """Return the scripts as one database sees them: what a repeatable's checksum is depends on the placeholders'
    values.

    :raises GroundworkError: a placeholder of a repeatable has no value.
    """
    return dataclasses.replace(
        resolved,
        versioned=[_decided(script, placeholders) for script in resolved.versioned],
        baselines=[_decided(script, placeholders) for script in resolved.baselines],
        repeatables=[_bound(_decided(script, placeholders), placeholders) for script in resolved.repeatables],
    )


def _decided(script: Script, placeholders: Placeholders) -> Script:
    expression = script.config.should_execute
    if expression is None:
        return script
    where = f"{script.label}.conf"
    executes = script_config.should_execute("".join(placeholders.lines([expression], where)), where)
    return dataclasses.replace(script, executes=executes)


def _bound(script: Script, placeholders: Placeholders) -> Script:
    if not script.replaces_placeholders:
        return script
    replaced = checksum.checksum_of_lines(script.lines(placeholders))
    return script if replaced == script.checksum else dataclasses.replace(script, other_checksum=replaced)


def python_encoding(name: str, where: str) -> str:
    """Return Python's name of one of Java's charsets.

    :raises GroundworkError: no such encoding.
    """
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise GroundworkError(f"Unknown encoding: {name}", where=where, untouched="the database") from None


def _refuse_duplicates(kind: str, scripts: list[Script]) -> None:
    seen: dict[t.Any, Script] = {}
    for script in scripts:
        key: t.Any = script.version
        first = seen.get(key, script)
        what, code = f"migration with version {first.version}", ErrorCode.DUPLICATE_VERSIONED_MIGRATION
        if kind == REPEATABLE:
            key = script.description
            what, code = f"repeatable migration with description {key}", ErrorCode.DUPLICATE_REPEATABLE_MIGRATION
        elif kind == CALLBACK:
            key = (script.name.event, script.name.description)
            what = f"{script.name.event} callback with description '{script.name.description}'"
            code = ErrorCode.VALIDATE_ERROR
        elif kind in (UNDO, BASELINE):
            what = f"{kind} {what}"
        if key in seen:
            shown = {"SQL": "SQL", "SQL_BASELINE": "SQL_BASELINE", "UNDO_SQL": "UNDO_SQL", "": "SQL"}[script.row_type]
            raise GroundworkError(
                f"Found more than one {what}\nOffenders:\n-> {seen[key].label} ({shown})\n-> {script.label} ({shown})",
                untouched="the database",
                code=code,
                hint="Give one of them another version or description; 1, 01 and 1_0_0 are the same version.",
            )
        seen[key] = script


def _sort_into(result: Resolved, by_kind: dict[str, list[Script]]) -> None:
    def version(script: Script) -> tuple[int, ...]:
        return t.cast(Version, script.version).parts

    result.versioned = sorted(by_kind[VERSIONED], key=version)
    result.baselines = sorted(by_kind[BASELINE], key=version)
    result.repeatables = sorted(by_kind[REPEATABLE], key=lambda script: order_key(script.description))
    result.undos = {t.cast(Version, script.version): script for script in by_kind[UNDO]}
    for script in sorted(by_kind[CALLBACK], key=lambda script: order_key(script.name.description)):
        event = script.name.event
        result.callbacks.setdefault(event, []).append(script)
        if event in filename.EVENTS_THAT_NEVER_COME:
            result.warnings.append(f"The callback {script.path} never runs: there is no event {event} here.")
