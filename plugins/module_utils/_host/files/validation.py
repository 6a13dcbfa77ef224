"""Asks a file's own program whether it would take the file, before it is put in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from .. import command
from .declared import UNTOUCHED
from .plan import Change

TIMEOUT = 60
_LINES_SHOWN = 20


def validate_all(changes: list[Change], check_mode: bool) -> list[str]:
    """Validate every new content; the candidates lie in a folder of their own under their own names.

    :returns: the files that could not be validated as their program is not installed yet (only in check mode).
    :raises GroundworkError: a program refuses its file, or is missing outside check mode.
    """
    unproven = []
    for change in changes:
        if change.verb != "write" or not change.validate:
            continue
        if shutil.which(change.validate[0], path=command.search_path()) is None:
            if not check_mode:
                raise _refusal(change, f"cannot be validated: there is no {change.validate[0]}", "Install it first.")
            unproven.append(change.path)
            continue
        with tempfile.TemporaryDirectory(prefix="groundwork-") as folder:
            candidate = Path(folder) / Path(change.path).name
            candidate.touch(mode=0o600)
            candidate.write_bytes(change.content or b"")
            _validate(change, candidate)
    return unproven


def _validate(change: Change, candidate: Path) -> None:
    argv = [part.replace("%s", str(candidate)) for part in change.validate]
    try:
        result = command.run(argv, timeout=TIMEOUT, environment=os.environ)
    except GroundworkError as error:
        raise _refusal(change, f"was not validated: {error.what}", "Run it by hand.") from None
    if result.ok:
        return
    # The program's words may quote the file.
    said = "what it said is not shown, as the file is secret"
    if not change.secret:
        lines = (result.stdout + result.stderr).replace(str(candidate), change.path).splitlines()
        said = "\n".join(lines[-_LINES_SHOWN:]) or "it said nothing"
    raise _refusal(change, f"is refused by {argv[0]} (exit {result.code}): {said}", "Correct the content.")


def _refusal(change: Change, what: str, hint: str) -> GroundworkError:
    return GroundworkError(
        f"{change.path} {what}", where=change.path, untouched=UNTOUCHED, hint=hint, code=ErrorCode.FILE_NOT_VALID
    )
