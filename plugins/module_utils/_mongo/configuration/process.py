"""The mongod process of a systemd unit, and the executable that it would be started from next."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host import command, service
from ..._host.account import Account

# What mongod says of setParameter before it looks for its data; everything else it says later has other reasons.
_BAD_PARAMETER = re.compile(r"--setParameter|Bad value for parameter|BadValue:")


@dataclasses.dataclass(frozen=True)
class Process:
    """A running server.

    :param started: when, in seconds since the epoch.
    :param replaced: whether its executable's file is not the one of its start any more.
    """

    pid: int
    started: float
    replaced: bool


def running(unit: str, binary: str) -> Process | None:
    """The unit's main process, ``None`` when there is no such unit, or nothing runs.

    :param binary: what the unit starts.
    """
    try:
        facts = service.show([unit], "MainPID,ActiveState,ExecMainStartTimestampMonotonic")[unit]
    except GroundworkError:
        return None
    pid = int(facts.get("MainPID", 0) or 0)
    if not pid or facts.get("ActiveState") not in ("active", "activating", "reloading", "deactivating"):
        return None
    age = time.monotonic() - int(facts.get("ExecMainStartTimestampMonotonic", 0) or 0) / 1e6
    started = time.time() - age
    return Process(pid, started, _is_replaced(pid, binary, started))


def _is_replaced(pid: int, binary: str, started: float) -> bool:
    """A package replaces the file, whose old name then says so; an archive brings another folder.

    Where the kernel does not show the name, as in some containers, the file's own change time tells. A package keeps
    the time of modification that the file had when it was built.
    """
    try:
        return str(Path(f"/proc/{pid}/exe").readlink()) != str(Path(binary).resolve())
    except OSError:
        pass
    try:
        return Path(binary).stat().st_ctime > started
    except OSError:
        return False


def is_newer(file: str, process: Process) -> bool:
    """Whether the file was written after the process had started."""
    try:
        return Path(file).stat().st_mtime > process.started
    except OSError:
        return False


def version_of(binary: str, account: Account | None = None) -> str | None:
    """The executable's own version, such as ``7.0.28``; ``None`` when there is none.

    :raises GroundworkError: it does not run.
    """
    if not Path(binary).is_file():
        return None
    result = command.run([binary, "--version"], identity=account.identity if account else None, timeout=60)
    match = re.search(r"db version v([0-9.]+)", result.stdout)
    if not match:
        reason = result.said or f"exit code {result.code}"
        raise GroundworkError(
            f"The mongod executable does not run: {reason}", where=binary, untouched="everything",
            hint="ldd names the libraries that it lacks.",
        )
    return match.group(1)


def try_file(binary: str, candidate: str, parameters: str) -> None:
    """Let the executable itself read the configuration, without starting a server.

    :param candidate: file with the whole configuration; only parsed.
    :param parameters: file with its ``setParameter`` and a data folder that does not exist: the server gives up there,
        after it has looked at every parameter.
    :raises GroundworkError: it refuses one of them.
    """
    parsed = command.run([binary, "--config", candidate, "--outputConfig"], timeout=60)
    if not parsed.ok:
        raise _refused(_complaints(parsed) or [f"it ended with exit code {parsed.code}"])
    trial = _complaints(command.run([binary, "--config", parameters], timeout=60))
    refused = [line for line in trial if _BAD_PARAMETER.search(line)]
    if refused:
        raise _refused(refused)


def _complaints(result: command.Result) -> list[str]:
    """What mongod says before it has a log: lines on standard error, or entries of the log on standard output."""
    found = [line.strip() for line in result.stderr.splitlines() if line.strip() and not line.startswith("try ")]
    for line in result.stdout.splitlines():
        try:
            entry = json.loads(line)
            found.append(str(entry["attr"]["error"]["errmsg"]))
        except (ValueError, KeyError, TypeError):
            continue
    return list(dict.fromkeys(found))


def _refused(problems: list[str]) -> GroundworkError:
    return GroundworkError(
        "mongod refuses this configuration:\n  " + "\n  ".join(problems), where="settings",
        untouched="everything; the running server keeps its configuration",
        hint="Correct the settings of the role or the inventory and run again.", code=ErrorCode.INVALID_SETTING,
        details={"problems": problems},
    )
