"""A log with what was rotated away from it."""

from __future__ import annotations

import datetime
import gzip
import re
import typing as t
from pathlib import Path

from ..._core.errors import GroundworkError

_SPAN = re.compile(r"(\d+)\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def since(text: str | None, now: datetime.datetime) -> datetime.datetime | None:
    """``24h`` before now, or the moment that an ISO 8601 text names; UTC unless it says otherwise.

    :raises GroundworkError: it is neither.
    """
    if not text:
        return None
    span = _SPAN.fullmatch(text.strip())
    if span:
        return now - datetime.timedelta(seconds=int(span.group(1)) * _SECONDS[span.group(2)])
    try:
        moment = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise GroundworkError(
            f"{text!r} is no time.", where="since", untouched="everything",
            hint="A span such as 90m, 24h or 7d, or a moment such as 2026-03-01T08:00:00Z.",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)


def with_rotated(path: str, oldest: datetime.datetime | None) -> list[Path]:
    """The log's files, oldest first; those that ended before ``oldest`` left out.

    logrotate numbers them (``mongod.log.1``, ``mongod.log.2.gz``), or dates them; mongod itself dates them.

    :raises GroundworkError: there is no such log.
    """
    log = Path(path)
    if not log.is_file():
        raise GroundworkError(
            "There is no such log.", where=path, untouched="everything",
            hint="Name the file of systemLog.path; a server that logs to syslog has none.",
        )
    files = [log, *(file for file in log.parent.glob(log.name + "*") if file.is_file() and file != log)]
    if oldest is not None:
        files = [file for file in files if file.stat().st_mtime >= oldest.timestamp()]
    return sorted(files, key=lambda file: (file == log, file.stat().st_mtime))


def lines(file: Path) -> t.Iterator[str]:
    """The file's lines, unpacked when it is compressed."""
    opened: t.Any = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8", errors="replace") as stream:
        yield from stream
