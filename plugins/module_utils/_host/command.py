"""Runs programs of the host: with an argument list, without a terminal, in one language, and as an account."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import typing as t
from pathlib import Path

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError

_SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin")


class NotRun(GroundworkError):
    """A program that is not there, or that the caller may not run.

    :ivar reason: what the operating system says.
    """

    def __init__(self, program: str, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"{program} could not be run: {reason}", where=program, untouched="everything",
            hint="Install it, or correct its path.", code=ErrorCode.COMMAND_FAILED,
        )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Result:
    """How a program ended, and what it printed.

    :ivar code: its exit code; of a signal that ended it, the negative number.
    """

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def said(self) -> str:
        """What it complained of; where that is nothing, what it printed."""
        return self.stderr.strip() or self.stdout.strip()

    def require(self, *, where: str | None = None, untouched: str | None = None, hint: str | None = None) -> Result:
        """:raises GroundworkError: the program failed; names it with its arguments, so none may be a secret."""
        if not self.ok:
            call = " ".join([Path(self.argv[0]).name, *self.argv[1:]])
            reason = self.said or (f"it ended by signal {-self.code}" if self.code < 0 else f"exit code {self.code}")
            raise GroundworkError(
                f"{call} failed: {reason}", where=where, untouched=untouched, hint=hint, code=ErrorCode.COMMAND_FAILED
            )
        return self


def search_path() -> str:
    """The caller's; a login without a profile, as Ansible's, may lack the folders of the system's own programs."""
    return os.pathsep.join([*filter(None, [os.environ.get("PATH")]), *_SYSTEM])


def run(
    argv: t.Sequence[str],
    *,
    identity: t.Mapping[str, t.Any] | None = None,
    timeout: float | None = None,
    environment: t.Mapping[str, str] | None = None,
    name: str | None = None,
) -> Result:
    """Run a program and capture what it prints. A failure is a result too: see :meth:`Result.require`.

    :param identity: of an account that the program runs as, see :class:`.account.Account`; the caller when unset.
    :param timeout: seconds after which it is killed; without a limit when unset.
    :param environment: variables besides the search path, the language and the home folder, which win over these.
    :param name: what errors call it; the program without its arguments, which may be secret, when unset.
    :raises NotRun: it could not be started.
    :raises GroundworkError: it did not end in time.
    """
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
            cwd="/",
            env={"PATH": search_path(), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "HOME": "/", **(environment or {})},
            **(identity or {}),
        )
    except OSError as error:
        raise NotRun(argv[0], error.strerror or str(error)) from None
    except subprocess.TimeoutExpired:
        raise GroundworkError(
            f"{name or argv[0]} did not end within {timeout:g} s.", where=argv[0], untouched="what it had not begun",
            hint="Find out what it waits for, and run again.", code=ErrorCode.COMMAND_FAILED,
        ) from None  # fmt: skip
    return Result(tuple(argv), done.returncode, done.stdout, done.stderr)
