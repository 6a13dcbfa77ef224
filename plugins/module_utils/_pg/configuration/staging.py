"""Asks the installed server what it thinks of a configuration that lies beside the one in force.

``postgres -C`` reads the files with every check that the server makes at its start, and then prints one setting instead
of starting; for a computed one it loads the libraries too, which needs a data folder that no server uses.
"""

from __future__ import annotations

import contextlib
import re
import typing as t
from pathlib import Path

from ..._host import filesystem
from ..._host.account import Account
from ..settings import values
from .declared import Cluster
from .desired_files import Desired
from .live import Live

_CLOCK = re.compile(r"^\S+ \S+ \S+ \[\d+\] |^\d{4}-\d\d-\d\d \S+ \S+ (\[\d+\] )?", re.MULTILINE)


def objections(
    cluster: Cluster, live: Live, desired: Desired, owner: Account, bin_directory: Path, may_load: bool
) -> list[str]:
    """What the server would refuse in the files that are planned; none when it is not installed or not created yet.

    :param may_load: whether libraries may be loaded for a test when the server is down.
    """
    postgres = bin_directory / "postgres"
    if not postgres.is_file() or not live.exists:
        return []
    said = desired.effective.get("shared_preload_libraries")
    found = missing_libraries(said.text if said else "", bin_directory)
    if found:
        return found
    copies = _copy(cluster, live, desired, owner)
    with filesystem.temporary_folder(lambda _stage: copies, readers=owner.gid) as stage:
        down = may_load and not live.server and (cluster.data / "PG_VERSION").is_file()
        return ask(postgres, stage, cluster, owner, "shared_memory_size" if down else "block_size")


def ask(postgres: Path, stage: Path, cluster: Cluster, owner: Account, setting: str = "block_size") -> list[str]:
    """The server's objections to the ``postgresql.conf`` in a folder and to all that it includes."""
    config = stage / "postgresql.conf"
    argv = [str(postgres), "-C", setting, "-c", f"config_file={config}", "-c", f"data_directory={cluster.data}"]
    argv += ["-c", f"hba_file={cluster.hba_file}", "-c", f"ident_file={cluster.ident_file}"]
    result = owner.run(argv, timeout=60)
    return [] if result.ok else _words(result.stderr, stage, cluster)


def _words(stderr: str, stage: Path, cluster: Cluster) -> list[str]:
    """The server's messages with the places that the person on call knows."""
    text = _CLOCK.sub("", stderr).replace(str(stage), str(cluster.config))
    lines = [
        line.strip() for line in text.splitlines() if line.strip() and "skipping missing configuration" not in line
    ]
    telling = [line for line in lines if "contains errors" not in line] or lines
    return [re.sub(r"^(LOG|FATAL|ERROR):\s+", "", line) for line in telling[:10]]


def _copy(cluster: Cluster, live: Live, desired: Desired, owner: Account) -> dict[str, bytes]:
    """The cluster's configuration folder as it would be, by name; relative includes keep working."""
    found = {"conf.d/.empty": b""}
    main = [path for path in cluster.config.glob("*.conf") if path not in (cluster.hba_file, cluster.ident_file)]
    # As the account, like the server: what it may not read must not get into a folder that it reads.
    with owner.acting():
        for path in (*main, *live.foreign):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                found[str(path.relative_to(cluster.config))] = path.read_bytes()
    for path, file in desired.files.items():
        if path.parent == cluster.drop_ins:
            found[f"conf.d/{path.name}"] = file.text.encode(errors="surrogateescape")
    return found


def missing_libraries(preloaded: str, bin_directory: Path) -> list[str]:
    """Libraries that are not there: the one mistake that a running server does not notice before it has stopped."""
    folders = [bin_directory.parent / "lib", bin_directory.parent / "lib/postgresql"]
    found = []
    for library in values.names(preloaded):
        name = library.removeprefix("$libdir/").removesuffix(".so")
        places: t.Iterable[Path] = (
            [Path(f"/{name}.so")] if name.startswith("/") else [f / f"{name}.so" for f in folders]
        )
        if not any(place.is_file() for place in places):
            found.append(
                f"shared_preload_libraries: there is no library {library} in {folders[0]}; install its package first"
            )
    return found
