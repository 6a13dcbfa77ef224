"""A statement's error, reported with file, line and column."""

from __future__ import annotations

from ...._core.error_codes import ErrorCode
from ...._core.errors import GroundworkError
from ...session import SqlError
from ...sql.statement import Statement


def describe(error: SqlError, statement: Statement) -> tuple[str, str]:
    """Return what happened with the line it happened on, and ``file:line:column``."""
    code = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    lines = [f"{error.text}{code}"]
    copied = _copy_line(error, statement)
    if copied:
        lines.append(f"  in the data of the COPY statement at line {statement.line}: {error.context}")
        where = f"{statement.file}:{copied}"
    else:
        place = statement.place(error.position or 1)
        lines.append(f"  {place.line} | {place.shown}")
        if error.position:
            lines.append(f"  {' ' * len(str(place.line))} | {' ' * place.caret}^")
        where = f"{statement.file}:{place.line}:{place.column}"
    lines += [f"  {label}: {text}" for label, text in (("detail", error.detail), ("server's hint", error.hint)) if text]
    if error.context and not copied:
        lines.append("  context: " + " / ".join(error.context.splitlines()))
    return "\n".join(lines), where


def _copy_line(error: SqlError, statement: Statement) -> int:
    """The file's line of a broken line of COPY data; 0 when the error is about something else."""
    if statement.copy_data is None or not error.context.startswith("COPY "):
        return 0
    _before, _line, after = error.context.partition(", line ")
    digits = after[: len(after) - len(after.lstrip("0123456789"))]
    return statement.copy_data.first_line + int(digits) - 1 if digits else 0


def failure(
    error: SqlError,
    statement: Statement,
    title: str,
    untouched: str,
    hint: str | None = None,
    code: ErrorCode = ErrorCode.FAILED_MIGRATION,
) -> GroundworkError:
    """The error for a script that failed at ``statement``."""
    text, where = describe(error, statement)
    return GroundworkError(
        f"{title}\n{text}",
        where=where,
        untouched=untouched,
        hint=hint or error.advice or _HINTS.get(error.sqlstate),
        code=code,
        details={"sqlstate": error.sqlstate, "statement": statement.text[:2000]},
    )


_HINTS = {
    "42601": "Correct the script; nothing of it has been recorded, so the file can be edited.",
    "42501": "The role that runs the scripts lacks a privilege: check login_user and session_role.",
    "53100": "The server's disk is full: make room, then run again.",
}
