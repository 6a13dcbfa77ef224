"""What pg_controldata tells about a data folder, whether its server runs or not; and positions in the WAL as numbers.
"""

from __future__ import annotations

import dataclasses
import typing as t

SHUT_DOWN = "shut down"

# Settings that a hot standby must not have lower than its primary, under the names that pg_controldata prints.
HOT_STANDBY_SETTINGS = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_wal_senders": "max_wal_senders setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}


@dataclasses.dataclass(frozen=True)
class Control:
    """The control file of a data folder.

    :ivar state: in the server's words, such as ``shut down``, ``in production``, ``in archive recovery``.
    :ivar checkpoint: where the record of the last checkpoint begins; a position in bytes.
    :ivar minimum_recovery_end: how far a standby has certainly replayed; 0 on a primary.
    """

    system_identifier: str
    state: str
    timeline: int
    checkpoint: int
    minimum_recovery_end: int
    checksums: bool
    wal_log_hints: bool
    settings: dict[str, int]

    @property
    def shut_down(self) -> bool:
        return self.state == SHUT_DOWN

    @property
    def position(self) -> int:
        return max(self.checkpoint, self.minimum_recovery_end)


def parse_control(text: str) -> Control:
    """Read the output of pg_controldata in the locale C.

    :raises KeyError, ValueError: it is not that.
    """
    pairs = (line.partition(":") for line in text.splitlines())
    values = {name.strip(): value.strip() for name, colon, value in pairs if colon}
    end_timeline = int(values["Min recovery ending loc's timeline"])
    return Control(
        system_identifier=values["Database system identifier"],
        state=values["Database cluster state"],
        timeline=max(int(values["Latest checkpoint's TimeLineID"]), end_timeline),
        checkpoint=parse_lsn(values["Latest checkpoint location"]),
        minimum_recovery_end=parse_lsn(values["Minimum recovery ending location"]),
        checksums=values["Data page checksum version"] != "0",
        wal_log_hints=values["wal_log_hints setting"] == "on",
        settings={name: int(values[label]) for name, label in HOT_STANDBY_SETTINGS.items()},
    )


def parse_lsn(text: str) -> int:
    """``16/B374D848`` as bytes since the beginning of the WAL."""
    high, _slash, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def format_lsn(position: int) -> str:
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def optional_lsn(text: t.Any) -> int | None:
    return parse_lsn(text) if text else None
