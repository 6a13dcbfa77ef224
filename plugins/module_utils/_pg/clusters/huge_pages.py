"""How many huge pages a cluster's shared memory takes."""

from __future__ import annotations

from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._host.account import require_account
from ..postmaster import running
from . import conffile
from .live import ask_server
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
    port = running(Path(data)).port
    # A running server may have other settings than those that its files hold by now; the larger number counts.
    rows = ask_server(port, f"SHOW {_SETTING}") if port else None
    return max(_configured(configuration, data), int(rows[0]) if rows else 0, 0)


def _configured(configuration: Path, data: str) -> int:
    argv = [f"{PROGRAMS}/postgres", "-C", _SETTING, "-D", data, "-c", f"config_file={configuration}"]
    result = require_account(OWNER).run(argv)
    words = result.stdout.split()
    if result.ok and words:
        return int(words[-1])
    if "postmaster.pid" in result.stderr:
        return 0
    raise GroundworkError(
        f"The shared memory of cluster {configuration.parent.name} cannot be worked out: {result.stderr.strip()}",
        where=str(configuration),
        untouched="everything",
        hint="Mend the setting that the message names and run again.",
        code=ErrorCode.BAD_CONFIGURATION,
    )
