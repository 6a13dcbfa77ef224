"""Where a local server keeps its files, and what is remembered about it between runs."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

from .._core.errors import GroundworkError
from .._host import filesystem
from .._host.account import Account
from .account import reachable_directory

ENGINES = ("postgresql", "mongodb")


@dataclasses.dataclass(frozen=True)
class Record:
    """What a run leaves for the next one.

    :param port: the port that was chosen; ``None`` before the first start.
    :param initialised: whether the data folder was ever complete. Unset proves nothing: the run that would have said so
        may have been killed, or the record lost.
    :param binary: the server executable of the last start.
    """

    port: int | None = None
    initialised: bool = False
    binary: str | None = None


@dataclasses.dataclass(frozen=True)
class Layout:
    """Folders and files of one local server."""

    link: Path
    servers: Path
    cache: Path
    engine: str

    @property
    def home(self) -> Path:
        return self.servers / self.engine

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def new_data(self) -> Path:
        """Where the data folder is prepared; it takes its final name when it is complete."""
        return self.home / "data.new"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def record_file(self) -> Path:
        return self.home / "server.json"

    def read_record(self) -> Record:
        """The record of the last run; a missing or torn file counts as no record."""
        try:
            stored = json.loads(self.record_file.read_text())
        except (OSError, ValueError):
            return Record()
        known = {field.name for field in dataclasses.fields(Record)}
        return Record(**{name: value for name, value in stored.items() if name in known})

    def write_record(self, record: Record) -> None:
        content = json.dumps(dataclasses.asdict(record), indent=2) + "\n"
        filesystem.write(self.record_file, content.encode(), mode=0o644)

    def prepare(self, account: Account) -> None:
        """Create the folders; the link is made where the account cannot enter the checkout."""
        filesystem.make_directory(self.link.parent, parents=0o755)
        filesystem.make_directory(self.servers, parents=0o755)
        if self.servers != self.link and not self.link.exists():
            filesystem.link(self.link, str(self.servers))
        filesystem.make_directory(self.home, mode=0o700)
        account.own(self.home)

    def set_aside_data(self) -> Path:
        """Rename the data folder so that nothing is lost; returns its new place."""
        number = 1
        while (aside := self.home / f"data.damaged-{number}").exists():
            number += 1
        filesystem.rename(self.data, aside.name)
        return aside

    def clear_data(self, of_a_server: str) -> None:
        """Make room for a new data folder; one that a server wrote to is kept aside.

        :param of_a_server: a file that only a server, or a completed initialisation, writes.
        """
        if (self.data / of_a_server).is_file():
            self.set_aside_data()
        filesystem.remove_tree(self.data)

    def remove(self) -> None:
        """Remove this server's files; with the last server the unpacked binaries go too."""
        filesystem.remove_tree(self.home)
        if any((self.servers / engine).exists() for engine in ENGINES):
            return
        filesystem.remove_tree(self.servers)
        if self.link.is_symlink():
            filesystem.remove(self.link)

    def tail_of_log(self, account: Account, lines: int = 8) -> str:
        """The last lines of the server's log, for error messages; read as the account, in whose folder it lies."""
        return "\n".join(account.read_log(self.log).splitlines()[-lines:]) or "the server wrote no log"


def layout_for(directory: str, cache: str | None, engine: str, account: Account) -> Layout:
    """Lay out ``directory`` (``.local`` of the checkout) for one engine.

    :raises GroundworkError: the folder cannot be written by the caller.
    """
    base = Path(os.path.abspath(directory))  # noqa: PTH100 (resolve() would follow the servers link)
    parent = next(folder for folder in (base, *base.parents) if folder.exists())
    if not os.access(parent, os.W_OK):
        raise GroundworkError(
            f"The folder {parent} cannot be written.",
            untouched="everything",
            hint="Set local_servers_directory to a folder of yours.",
        )
    link = base / "servers"
    return Layout(
        link=link,
        servers=reachable_directory(link, account),
        cache=Path(cache) if cache else base / "cache",
        engine=engine,
    )
