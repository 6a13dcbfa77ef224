"""What is asked for: the module's options as objects."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from pathlib import Path

from ..._core.error_codes import ErrorCode
from ..._core.problems import Problems, collected
from ..hba.rule import Rule, from_options

PRESET_FILE = "10-preset"
USER_FILE = "99-settings"
_FILE_NAME = re.compile(r"[0-9]{2}-[a-z0-9_-]+")
_CLUSTER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclasses.dataclass(frozen=True)
class Hba:
    """Rules of pg_hba.conf; with ``layered`` those that hold by default stand around the user's."""

    layered: bool
    extra: tuple[Rule, ...]
    own: tuple[Rule, ...]
    client_networks: tuple[str, ...]
    require_tls: bool


@dataclasses.dataclass(frozen=True)
class Cluster:
    """One cluster of the host.

    :param files: settings by the name of the drop-in that says them, in the order in which the server reads them; a
        preset's are not in here yet.
    :param purpose: name of the preset, or ``None``.
    :param disk: ``ssd`` or ``hdd``.
    """

    name: str
    port: int
    config: Path
    data: Path
    wal: Path
    sockets: Path
    files: dict[str, dict[str, t.Any]]
    hba: Hba | None
    ident: tuple[dict[str, t.Any], ...] | None
    purpose: str | None
    memory_percent: int | None
    disk: str

    @property
    def drop_ins(self) -> Path:
        return self.config / "conf.d"

    @property
    def hba_file(self) -> Path:
        return self.config / "pg_hba.conf"

    @property
    def ident_file(self) -> Path:
        return self.config / "pg_ident.conf"


def parse(clusters: list[dict[str, t.Any]]) -> list[Cluster]:
    """The option ``clusters``.

    :raises GroundworkError: names that no file or cluster can have.
    """
    with collected("the clusters", ErrorCode.INVALID_INPUT, "everything") as problems:
        return [_cluster(given, problems) for given in clusters]


def _cluster(given: dict[str, t.Any], problems: Problems) -> Cluster:
    name = given["name"]
    if not _CLUSTER_NAME.fullmatch(name):
        problems.add("clusters", f'"{name}" cannot be the name of a cluster.')
    files = dict(sorted((given.get("files") or {}).items()))
    for file in files:
        _check_file_name(name, file, files[file], problems)
    if given.get("settings"):
        files[USER_FILE] = given["settings"]
    preset = given.get("preset") or {}
    data = Path(given.get("data_directory") or f"/var/lib/postgresql/16/{name}")
    return Cluster(
        name=name,
        port=given["port"],
        config=Path(given.get("config_directory") or f"/etc/postgresql/16/{name}"),
        data=data,
        wal=Path(given.get("wal_directory") or data / "pg_wal"),
        sockets=Path(given["socket_directory"]),
        files=files,
        hba=_hba(given["hba"]) if given.get("hba") is not None else None,
        ident=tuple(given["ident"]) if given.get("ident") is not None else None,
        purpose=preset.get("purpose"),
        memory_percent=preset.get("memory_percent") or None,
        disk=preset.get("disk") or "ssd",
    )


def _check_file_name(cluster: str, file: str, settings: t.Any, problems: Problems) -> None:
    reason = None
    if not _FILE_NAME.fullmatch(file):
        reason = "a drop-in is named by two digits, a hyphen and a word, such as 20-groundwork"
    elif file >= USER_FILE:
        reason = f"the user's settings are in {USER_FILE} and have the last word"
    elif file == PRESET_FILE:
        reason = "the preset writes this one"
    elif not isinstance(settings, dict):
        reason = "it holds settings by name"
    if reason:
        problems.add(f"cluster {cluster}", f'The drop-in "{file}" cannot be written: {reason}.')


def _hba(given: dict[str, t.Any]) -> Hba:
    return Hba(
        layered=given["defaults"],
        extra=_rules(given["extra"], "extra rule"),
        own=_rules(given["rules"], "rule"),
        client_networks=tuple(given["client_networks"]),
        require_tls=given["require_tls"],
    )


def _rules(given: t.Sequence[dict[str, t.Any]], word: str) -> tuple[Rule, ...]:
    return tuple(from_options(rule, f"{word} {number} of hba") for number, rule in enumerate(given, 1))
