"""What a call wants of the files of a host, and what can be refused without looking at the host."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os.path
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError

UNTOUCHED = "every file of this call"
_MODE = re.compile(r"^[0-7]{4}$")
_OF_STATE = {
    "present": {"content", "content_b64", "mode", "secret", "validate"},
    "directory": {"mode"},
    "link": {"target"},
    "absent": set(),
}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One entry of ``files``.

    :ivar content: what the file holds; ``None`` unless ``state`` is ``present``.
    :ivar mode: permission bits, ``None`` leaves them as they are.
    :ivar validate: argument list with ``%s`` for the candidate's path; empty for no validation.
    :ivar may_come: in check mode owner, group and parent folder may be missing still.
    """

    path: str
    state: str
    content: bytes | None
    target: str | None
    owner: str | None
    group: str | None
    mode: int | None
    secret: bool
    validate: tuple[str, ...]
    may_come: bool


@dataclasses.dataclass(frozen=True)
class Purge:
    """Files of ``directory`` whose names match ``pattern`` and that no entry names are removed."""

    directory: str
    pattern: str


def read_wanted(entries: list[dict[str, t.Any]]) -> list[Wanted]:
    """The entries of a call, in its order.

    :raises GroundworkError: an entry that cannot be meant, or a path that two entries name.
    """
    wanted = [_read_entry(entry) for entry in entries]
    seen: set[str] = set()
    for entry in wanted:
        if entry.path in seen:
            raise _refusal(entry.path, "is named by two entries.", "Keep one entry for each path.")
        seen.add(entry.path)
    return wanted


def read_purges(entries: list[dict[str, t.Any]]) -> list[Purge]:
    purges = []
    for entry in entries:
        directory = checked_path(entry["directory"])
        pattern = entry["pattern"]
        if "/" in pattern or not re.sub(r"[*?.]|\[.*?\]", "", pattern):
            raise _refusal(
                f"{directory}: the purge pattern {pattern!r}",
                "is a path, or matches every file.",
                "Give a pattern that only your own files match, such as '*-groundwork.conf'.",
            )
        purges.append(Purge(directory, pattern))
    return purges


def checked_path(path: str) -> str:
    """
    :raises GroundworkError: the path is relative, or not in its shortest form.
    """
    if not path.startswith("/") or "\0" in path:
        raise _refusal(path or "''", "is not an absolute path.", "Start it with '/'.")
    normal = os.path.normpath(path)
    if ".." in path.split("/") or normal == "/":
        raise _refusal(path, "is not a path that this module manages.", "Leave out '..' and name something below '/'.")
    return normal


def _read_entry(entry: dict[str, t.Any]) -> Wanted:
    path = checked_path(entry["path"])
    state = entry["state"]
    _check_options(path, state, entry)
    return Wanted(
        path=path,
        state=state,
        content=_content(path, entry) if state == "present" else None,
        target=entry.get("target"),
        owner=entry.get("owner"),
        group=entry.get("group"),
        mode=_mode(path, entry.get("mode")),
        secret=bool(entry.get("secret")),
        validate=_validate(path, entry.get("validate")),
        may_come=bool(entry.get("owner_may_come")),
    )


def _check_options(path: str, state: str, entry: dict[str, t.Any]) -> None:
    for option in ("content", "content_b64", "target", "mode", "validate"):
        if entry.get(option) is not None and option not in _OF_STATE[state]:
            raise _refusal(path, f"has {option!r}, which means nothing with state {state!r}.", "Remove one of them.")
    if state in ("absent", "link") and (entry.get("owner") or entry.get("group")):
        raise _refusal(path, f"has an owner or a group, which mean nothing with state {state!r}.", "Remove them.")
    if state == "link" and not entry.get("target"):
        raise _refusal(path, "is to be a link without a target.", "Give 'target'.")


def _content(path: str, entry: dict[str, t.Any]) -> bytes:
    text, encoded = entry.get("content"), entry.get("content_b64")
    if (text is None) == (encoded is None):
        raise _refusal(path, "needs exactly one of 'content' and 'content_b64'.", "An empty file has the content ''.")
    if encoded is None:
        # Ansible hands bytes that are not UTF-8 through as surrogates.
        return str(text).encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _refusal(path, "has a 'content_b64' that is not base64.", "Use the b64encode filter.") from None


def _mode(path: str, mode: object) -> int | None:
    if mode is None:
        return None
    if not isinstance(mode, str) or not _MODE.match(mode):
        raise _refusal(
            path,
            f"has the mode {mode!r}, which is not four octal digits in quotes.",
            'Write for example mode: "0640"; without quotes YAML reads another number.',
        )
    return int(mode, 8)


def _validate(path: str, argv: list[str] | None) -> tuple[str, ...]:
    if not argv:
        return ()
    if not any("%s" in part for part in argv):
        raise _refusal(path, "has a 'validate' without '%s'.", "'%s' stands for the file to look at.")
    return tuple(argv)


def _refusal(path: str, what: str, hint: str) -> GroundworkError:
    return GroundworkError(f"{path} {what}", where=path, untouched=UNTOUCHED, hint=hint, code=ErrorCode.INVALID_FILE)
