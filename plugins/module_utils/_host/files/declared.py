"""What a call wants of the files of a host, and what can be refused without looking at the host."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os.path
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected, repeated

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


def read(params: dict[str, t.Any]) -> tuple[list[Wanted], list[Purge]]:
    """The module's options, in their order.

    :raises GroundworkError: with everything in them that cannot be.
    """
    with collected("the description", ErrorCode.INVALID_FILE, UNTOUCHED) as problems:
        wanted = read_wanted(params["files"], problems)
        purges = read_purges(params["purge"], problems)
    return wanted, purges


def read_wanted(entries: list[dict[str, t.Any]], problems: Problems) -> list[Wanted]:
    wanted = [_Entry(entry, problems).read() for entry in entries]
    for path in repeated(entry.path for entry in wanted):
        problems.add("files", f"{path} is named by two entries.", "Keep one entry for each path.")
    return wanted


def read_purges(entries: list[dict[str, t.Any]], problems: Problems) -> list[Purge]:
    purges = []
    for entry in entries:
        directory = _checked_path(entry["directory"], "purge", problems)
        pattern = entry["pattern"]
        if "/" in pattern or not re.sub(r"[*?.]|\[.*?\]", "", pattern):
            problems.add(
                "purge",
                f"{directory}: the purge pattern {pattern!r} is a path, or matches every file.",
                "Give a pattern that only your own files match, such as '*-groundwork.conf'.",
            )
        purges.append(Purge(directory, pattern))
    return purges


def _checked_path(path: str, option: str, problems: Problems) -> str:
    """The path in its shortest form."""
    if not path.startswith("/") or "\0" in path:
        problems.add(option, f"{path or repr(path)} is not an absolute path.", "Start it with '/'.")
    normal = os.path.normpath(path)
    if ".." in path.split("/") or normal == "/":
        what = f"{path} is not a path that this module manages."
        problems.add(option, what, "Leave out '..' and name something below '/'.")
    return normal


class _Entry:
    def __init__(self, given: dict[str, t.Any], problems: Problems) -> None:
        self._given = given
        self._state = given["state"]
        self._problems = problems
        self._path = _checked_path(given["path"], "files", problems)

    def _refuse(self, what: str, hint: str) -> None:
        self._problems.add("files", f"{self._path} {what}", hint)

    def read(self) -> Wanted:
        self._check_options()
        given = self._given
        return Wanted(
            path=self._path,
            state=self._state,
            content=self._content() if self._state == "present" else None,
            target=given.get("target"),
            owner=given.get("owner"),
            group=given.get("group"),
            mode=self._mode(given.get("mode")),
            secret=bool(given.get("secret")),
            validate=self._validate(given.get("validate")),
            may_come=bool(given.get("owner_may_come")),
        )

    def _check_options(self) -> None:
        state = self._state
        for option in ("content", "content_b64", "target", "mode", "validate"):
            if self._given.get(option) is not None and option not in _OF_STATE[state]:
                self._refuse(f"has {option!r}, which means nothing with state {state!r}.", "Remove one of them.")
        if state in ("absent", "link") and (self._given.get("owner") or self._given.get("group")):
            self._refuse(f"has an owner or a group, which mean nothing with state {state!r}.", "Remove them.")
        if state == "link" and not self._given.get("target"):
            self._refuse("is to be a link without a target.", "Give 'target'.")

    def _content(self) -> bytes:
        text, encoded = self._given.get("content"), self._given.get("content_b64")
        if (text is None) == (encoded is None):
            self._refuse("needs exactly one of 'content' and 'content_b64'.", "An empty file has the content ''.")
        if encoded is None:
            # Ansible hands bytes that are not UTF-8 through as surrogates.
            return str(text).encode("utf-8", "surrogateescape")
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            self._refuse("has a 'content_b64' that is not base64.", "Use the b64encode filter.")
            return b""

    def _mode(self, mode: object) -> int | None:
        if mode is None:
            return None
        if isinstance(mode, str) and _MODE.match(mode):
            return int(mode, 8)
        self._refuse(
            f"has the mode {mode!r}, which is not four octal digits in quotes.",
            'Write for example mode: "0640"; without quotes YAML reads another number.',
        )
        return None

    def _validate(self, argv: list[str] | None) -> tuple[str, ...]:
        if argv and not any("%s" in part for part in argv):
            self._refuse("has a 'validate' without '%s'.", "'%s' stands for the file to look at.")
        return tuple(argv or ())
