"""How many huge pages a cluster's shared memory takes."""

from __future__ import annotations

import pwd
import subprocess
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from . import conffile
from .live import ask_server, read_postmaster
from .model import CONFIGURATION, DATA, OWNER, PROGRAMS

_SETTING = "shared_memory_size_in_huge_pages"


def read_huge_pages(name: str) -> int:
    """Pages of the kernel's default size; 0 for a cluster that is not there, or a kernel without huge pages.

    :raises GroundworkError: the server's programs cannot read its configuration.
    """
    configuration = Path(CONFIGURATION, name, "postgresql.conf")
    if not configuration.is_file():
        return 0
    data = conffile.read_settings(configuration).get("data_directory", f"{DATA}/{name}")
    _pid, port = read_postmaster(Path(data))
    # A running server may have other settings than those that its files hold by now; the larger number counts.
    running = ask_server(port, f"SHOW {_SETTING}") if port else None
    return max(_configured(configuration, data), int(running[0]) if running else 0, 0)


def _configured(configuration: Path, data: str) -> int:
    account = pwd.getpwnam(OWNER)
    outcome = subprocess.run(
        [f"{PROGRAMS}/postgres", "-C", _SETTING, "-D", data, "-c", f"config_file={configuration}"],
        capture_output=True, text=True, check=False, cwd="/", user=account.pw_uid, group=account.pw_gid,
        extra_groups=[], env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    words = outcome.stdout.split()
    if outcome.returncode == 0 and words:
        return int(words[-1])
    if "postmaster.pid" in outcome.stderr:
        return 0
    raise GroundworkError(
        f"The shared memory of cluster {configuration.parent.name} cannot be worked out: {outcome.stderr.strip()}",
        where=str(configuration),
        untouched="everything",
        hint="Mend the setting that the message names and run again.",
        code=ErrorCode.BAD_CONFIGURATION,
    )
