"""Making a copied data folder known to postgresql-common, with its configuration under /etc/postgresql.

pg_createcluster takes over an existing data folder when its three configuration files lie in it. A copy of a Debian
server has none, as they are under /etc there.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from ..._core.errors import GroundworkError
from ..._host import command, filesystem

if t.TYPE_CHECKING:
    from .server import Server

CONFIGURATION_ROOT = Path("/etc/postgresql")
SAMPLES = Path("/usr/share/postgresql")
LOCAL_PEER = "local   all   postgres   peer\n"


@dataclasses.dataclass(frozen=True)
class Registration:
    """A cluster of postgresql-common.

    :ivar settings: what initdb wrote into the primary's postgresql.conf, and what a standby must not have less of.
    """

    version: str
    name: str
    port: int
    start_conf: str
    settings: dict[str, str]

    @property
    def configuration(self) -> Path:
        return CONFIGURATION_ROOT / self.version / self.name

    def is_known(self) -> bool:
        return (self.configuration / "postgresql.conf").is_file()


def register(server: Server, wanted: Registration) -> None:
    """Have pg_createcluster take over the data folder.

    :raises GroundworkError: it refuses.
    """
    sample = SAMPLES / wanted.version / "postgresql.conf.sample"
    _write(server, "postgresql.conf", base_configuration(sample.read_text(), wanted.settings))
    _write(server, "pg_hba.conf", LOCAL_PEER)
    _write(server, "pg_ident.conf", "")
    argv = [
        "pg_createcluster", wanted.version, wanted.name, f"--datadir={server.data}", f"--port={wanted.port}",
        f"--start-conf={wanted.start_conf}", f"--user={server.owner.name}", "--no-status",
    ]  # fmt: skip
    result = command.run(argv)
    if not result.ok or not wanted.is_known():
        raise GroundworkError(
            f"pg_createcluster does not take the copy over: {result.said}",
            where=server.where, untouched="the copied data",
            hint=f"Look at {wanted.configuration}: what is left there of another cluster has to go first.",
        )


def base_configuration(sample: str, settings: dict[str, str]) -> str:
    """The settings first: whatever is included later, as conf.d is, wins over them."""
    quoted = (f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in sorted(settings.items()))
    return "".join(f"{line}\n" for line in quoted) + sample


def _write(server: Server, name: str, content: str) -> None:
    # As the account: what the primary sent is in the folder.
    with server.owner.acting():
        filesystem.write(server.data / name, content.encode(), mode=0o600)
