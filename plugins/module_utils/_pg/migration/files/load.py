"""The files that a module was given, as scripts."""

from __future__ import annotations

import typing as t

from ...._migration import source
from ...._migration.source import Source
from ..commands.settings import Settings
from . import resolve
from .resolve import Resolved


def files(params: dict[str, t.Any]) -> tuple[Source, list[str]]:
    """Return the files and warnings about missing locations.

    :raises GroundworkError: a location does not exist and may not be missing.
    """
    if params["_archive_data"] or params["_archive_path"]:
        return source.from_archive(params["_archive_path"], params["_archive_data"]), []
    return source.from_folders(params["locations"] or [], params["fail_on_missing_locations"])


def scripts(found: Source, settings: Settings) -> Resolved:
    """Read names, settings and checksums of all scripts.

    :raises GroundworkError: what ``resolve`` raises.
    """
    reading = resolve.Reading(
        settings.naming, settings.encoding, settings.placeholder_replacement, settings.validate_names
    )
    return resolve.resolve(found, reading)
